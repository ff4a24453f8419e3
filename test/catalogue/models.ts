import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, block, causalMask, gelu, geluTanh, gpt, identityLayer, initBlock, initGpt, initMlp, initMultiHeadAttention, initUntiedGpt,
  learnedPositions, linear, mlp, multiHeadAttention, named, noMask, paddingMask, random, relu, sigmoid, stack, tanh, tensor, unembedding,
  untiedGpt, type Key, type Tensor, type Tokens
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { linearParams, parameterless, rowsOf } from './points.js'
import type { Subject } from './subject.js'

const sizes = { vocabulary: 5, context: 4, width: 4, layers: 2 }
const heads = 2

const tokens = arbitrary.tokensOf([2, 3], sizes.vocabulary)
export const gptPoints = { params: arbitrary.drawnGeneric(initGpt(sizes, { precision: 'float64' })), input: tokens }
const untiedPoints = { params: arbitrary.drawnGeneric(initUntiedGpt(sizes, { precision: 'float64' })), input: tokens }

export const mlpPoints = {
  params: fc.nat(2).chain(depth => arbitrary.drawnGeneric(initMlp([3, ...Array<number>(depth).fill(4), 2], { precision: 'float64' }))), input: arbitrary.tensorOf([2, 3])
}
export const blockPoints = {
  params: arbitrary.drawnGeneric(initBlock({ width: 4, layers: 2 }, { precision: 'float64' })), input: arbitrary.drawn(random.normal([2, 3, 4], { precision: 'float64' }))
}

const square = fc.record({ d: arbitrary.axis(3) }).chain(({ d }) => fc.record({
  params: fc.record({ f: linearParams(d, d), g: linearParams(d, d), h: linearParams(d, d) }), input: rowsOf(d)
}))
const squareOne = fc.record({ d: arbitrary.axis(3) }).chain(({ d }) => fc.record({ params: linearParams(d, d), input: rowsOf(d) }))

export const changedTokens = (x: Tokens, from: number, key: Key): Tokens => {
  const other = random.integers(x.shape, 0, sizes.vocabulary)(key)
  return tensor.tokensFromArray(x.shape, Array.from(x.data, (id, i) => (i % x.shape[1] < from ? id : other.data[i])))
}

const changedTensor = (x: Tensor, from: number, key: Key): Tensor => {
  const other = random.normal(x.shape, { precision: 'float64' })(key)
  const [, time, width] = x.shape
  return tensor.fromArray(x.shape, Array.from(x.data, (v, i) => (Math.floor(i / width) % time < from ? v : other.data[i])), 'float64')
}

/** A GPT from its embedded input on, since tokens have no Jacobian. */
const embeddedGpt = pipe(
  learnedPositions, named('wpe'),
  andThen('h', stack(block({ heads, mask: causalMask }))),
  andThen('wte', unembedding))

const embeddedPoints = {
  params: arbitrary.drawnGeneric(random.struct({
    wpe: (key: Key) => ({ weight: random.normal([4, 4], { precision: 'float64' })(key) }),
    h: random.replicate(2, initBlock({ width: 4, layers: 2 }, { precision: 'float64' })),
    wte: (key: Key) => ({ weight: random.normal([5, 4], { precision: 'float64' })(key) })
  })),
  input: arbitrary.drawn(random.normal([2, 3, 4], { precision: 'float64' }))
}

const attentionPoints = {
  params: arbitrary.drawnGeneric(initMultiHeadAttention(4, { precision: 'float64' })),
  input: arbitrary.drawn(random.normal([2, 4, 4], { precision: 'float64' }))
}

export const models: readonly Subject[] = [
  {
    subject: 'composition',
    laws: [
      laws.associativity(linear, linear, linear, square),
      laws.chainRule(pipe(linear, andThen(tanh)), linear, square.map(({ params: { f, g }, input }) => ({ params: { f, g }, input }))),
      ...laws.identityIsNeutral(linear, squareOne.map(({ params, input }) => ({ params: { f: params }, input }))),
      laws.residualAdds(pipe(linear, andThen(tanh)), squareOne),
      laws.stackComposes(pipe(linear, andThen(sigmoid)), square.map(({ params: { f, g }, input }) => ({ params: [f, g] as const, input }))),
      laws.tiedGradientsAdd(pipe(linear, andThen(tanh)), squareOne)
    ]
  },
  { subject: 'identity', laws: laws.layer(identityLayer<Tensor>(), parameterless(arbitrary.tensors())) },
  ...([['tanh', tanh], ['gelu', gelu], ['geluTanh', geluTanh]] as const).map(([name, activation]): Subject => ({
    subject: `mlp (${name})`,
    laws: laws.layer(mlp(activation), { params: arbitrary.drawnGeneric(initMlp([3, 4, 4, 2], { precision: 'float64' })), input: arbitrary.tensorOf([2, 3]) })
  })),
  {
    subject: 'mlp (relu, away from kinks)',
    laws: laws.layer(mlp(relu), fc.record({
      params: arbitrary.drawnGeneric(initMlp([2, 3, 2], { precision: 'float64' })), input: arbitrary.tensorOf([2, 2])
    }).filter(({ params, input }) => Array.from(linear.forward(params.hidden[0], input).data).every(x => Math.abs(x) > 0.4)))
  },
  {
    subject: 'gpt',
    laws: [...laws.layer(gpt({ heads }), gptPoints), laws.causality(gpt({ heads }), gptPoints, changedTokens),
      laws.paddingHides((lengths, time) => gpt({ heads, padding: paddingMask(lengths, time) }), gptPoints, changedTokens)]
  },
  {
    subject: 'gpt with dropout and padding',
    laws: laws.layer(gpt({ heads, dropout: { rate: 0.2, key: random.key(9) }, padding: paddingMask([3, 1], 3) }), gptPoints)
  },
  {
    subject: 'untiedGpt',
    laws: [...laws.layer(untiedGpt({ heads }), untiedPoints), laws.causality(untiedGpt({ heads }), untiedPoints, changedTokens),
      laws.paddingHides((lengths, time) => untiedGpt({ heads, padding: paddingMask(lengths, time) }), untiedPoints, changedTokens)]
  },
  {
    subject: 'gpt from its embedded input',
    laws: [laws.causalJacobian(embeddedGpt, embeddedPoints), laws.causality(embeddedGpt, embeddedPoints, changedTensor)]
  },
  {
    subject: 'what models are made of',
    laws: [
      laws.perceptron(mlp(tanh), tanh, mlpPoints),
      laws.preNormBlock(block({ heads, mask: causalMask }), heads, blockPoints),
      laws.transformer(gpt({ heads }), heads, ({ wte }) => wte.weight, gptPoints),
      laws.transformer(untiedGpt({ heads }), heads, ({ lm_head }) => lm_head.weight, untiedPoints)
    ]
  },
  {
    subject: 'multiHeadAttention',
    laws: [
      laws.permutationEquivariance(multiHeadAttention(2, noMask), attentionPoints),
      laws.causality(multiHeadAttention(2, causalMask), attentionPoints, changedTensor),
      laws.paddingHides((lengths, time) => multiHeadAttention(2, paddingMask(lengths, time)), attentionPoints, changedTensor),
      laws.causalJacobian(multiHeadAttention(2, causalMask), attentionPoints)
    ]
  }
]
