import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, crossEntropy, factored, factoredCrossEntropy, frozen, gpt, initUntiedGpt, labelled, learnedPositions, lossAndGradient, named, noParams, random,
  recompute, sharded, tensor, unembedding, untiedGpt, type Example, type GptParams, type Layer, type Tensor, type Tokens
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { gptPoints } from './models.js'
import type { Subject } from './subject.js'

/**
 * Also no row at all, one symbol, and sequences in a batch; some targets are ignored. Logits lie within ±6, as far apart as differences of
 * nearby values can bear; larger ones are in `test/training/factored.test.ts`.
 */
export const factorPoints: fc.Arbitrary<laws.FactorsPoint> = fc.record({ b: arbitrary.axis(3), n: fc.nat(4), d: arbitrary.axis(3), v: arbitrary.axis(4) })
  .chain(({ b, n, d, v }) => fc.record({
    factors: fc.record({ hidden: arbitrary.tensorOf([b, n, d]), weight: arbitrary.tensorOf([v, d], { scale: 1 }) }),
    target: fc.array(fc.oneof({ weight: 3, arbitrary: fc.nat(v - 1) }, { weight: 1, arbitrary: fc.constant(-100) }), { minLength: b * n, maxLength: b * n })
      .map(ids => tensor.tokensFromArray([b, n], ids))
  }))

export const factoredLosses: readonly Subject[] = [
  { subject: 'factoredCrossEntropy', laws: laws.factoredCrossEntropy(factoredCrossEntropy, -100, factorPoints) },
  {
    subject: 'factoredCrossEntropy (ignoring −1)',
    laws: laws.factoredCrossEntropy(factoredCrossEntropy, -1, factorPoints.map(({ factors, target }) => ({
      factors, target: tensor.tokensFromArray(target.shape, Array.from(target.data, id => (id === -100 ? -1 : id)))
    })))
  }
]

const sizes = { vocabulary: 5, context: 4, width: 4, layers: 2 }, heads = 2

/** Sequences whose targets are tokens, as in training. */
const examplesOf = <P>(params: fc.Arbitrary<P>): fc.Arbitrary<Example<Tokens, Tokens> & { readonly params: P }> =>
  fc.record({ params, input: gptPoints.input, target: gptPoints.input })

const examples = examplesOf(gptPoints.params)
const untied = { params: arbitrary.drawnGeneric(initUntiedGpt(sizes, { precision: 'float64' })), input: gptPoints.input }

const table = { weight: random.normal([5, 3], { precision: 'float64' })(random.key(3)) }
const rows = arbitrary.tensorOf([2, 3, 3])
const vectors: laws.Points<{ readonly wpe: { readonly weight: Tensor } }, Tensor> = {
  params: fc.record({ wpe: fc.record({ weight: arbitrary.tensorOf([4, 3]) }) }), input: rows
}

/** What leaves the output of a model as it is. */
const wrapped: readonly Layer<GptParams, Tokens, Tensor, void>[] = [
  gpt({ heads }), gpt({ heads, dropout: { rate: 0.2, key: random.key(9) } }), recompute(gpt({ heads })), gpt({ heads, recompute: true })
]

/** Models and losses of which a function was exchanged: what they say counts, not what they were made of. */
const model = gpt({ heads }), loss = crossEntropy({ ignoreIndex: 0 })
const twice = (gradient: Tensor): Tensor => tensor.scale(2)(gradient)
const changed = [
  { model: { ...model, vjp: (params: GptParams, x: Tokens) => {
    const [y, pullback] = model.vjp(params, x)
    return [y, (dy: Tensor) => pullback(twice(dy))] as const
  } }, loss },
  { model, loss: { ...loss, gradient: (p: Tensor, t: Tokens) => twice(loss.gradient(p, t)) } },
  { model, loss: { ...loss, forward: (p: Tensor, t: Tokens) => 2 * loss.forward(p, t) } },
  { model, loss: { ...crossEntropy({ reduction: 'sum' }), forward: loss.forward } }
]

export const factoredModels: readonly Subject[] = [
  {
    subject: 'factored',
    laws: [
      laws.factoredModel(factored, unembedding, { params: fc.record({ weight: arbitrary.tensorOf([4, 3]) }), input: rows }),
      laws.factoredModel(factored, frozen(table)(unembedding), { params: fc.constant(noParams), input: rows }),
      laws.factoredModel(factored, pipe(unembedding, frozen(table), labelled('logits')), { params: fc.constant(noParams), input: rows }),
      laws.factoredModel(factored, pipe(learnedPositions, named('wpe'), andThen(frozen(table)(unembedding))), vectors),
      ...wrapped.map(each => laws.factoredModel(factored, each, gptPoints)),
      laws.factoredModel(factored, untiedGpt({ heads }), untied),
      laws.factoredModel(factored, pipe(untiedGpt({ heads }), recompute, named('lm')), {
        params: untied.params.map(lm => ({ lm })), input: untied.input
      })
    ]
  },
  {
    subject: 'training with factors',
    laws: [
      ...wrapped.map(each => laws.shortestWay(lossAndGradient, each, loss, examples)),
      ...changed.map(each => laws.shortestWay(lossAndGradient, each.model, each.loss, examples)),
      laws.shortestWay(lossAndGradient, untiedGpt({ heads }), crossEntropy({ reduction: 'sum' }), examplesOf(untied.params)),
      laws.shortestWay(lossAndGradient, factored(model), factoredCrossEntropy({ rows: 4 }), examples),
      laws.sharding(sharded, model, loss, examples),
      laws.sharding(sharded, factored(model), factoredCrossEntropy({ ignoreIndex: 0, rows: 2 }), examples)
    ]
  }
]
