import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, attention, binaryCrossEntropy, binaryCrossEntropyWithLogits, block, branches, causalMask, crossEntropy, feedForward, gelu, geluTanh, gpt, initBlock,
  initFeedForward, initGpt, initMlp, initMultiHeadAttention, initSingleHeadAttention, initUntiedGpt, layerNorm, learnedPositions, leakyRelu, linear, logSoftmax,
  meanSquaredError, mergeHeads, mlp, multiHeadAttention, noMask, relu, residual, sharded, sigmoid, silu, singleHeadAttention, sinusoidalPositions, softmax,
  splitHeads, tanh, tensor, tokenEmbedding, unembedding, untiedGpt, type Example, type Loss, type LossAndGradient, type Tensor, type Tokens
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { linearParams, parameterless } from './points.js'
import type { Subject } from './subject.js'

/** One item, several, and none. */
const batch = fc.integer({ min: 0, max: 3 })
const items = arbitrary.axis(3)

const batchOf = (...shape: readonly number[]) => batch.chain(b => arbitrary.tensorOf([b, ...shape]))
const tokensIn = (time: number, vocabulary: number) => batch.chain(b => arbitrary.tokensOf([b, time], vocabulary))

const anyBatch = parameterless(batch.chain(b => fc.tuple(arbitrary.axis(3), arbitrary.axis(3)).chain(shape => arbitrary.tensorOf([b, ...shape]))))
const sizes = { vocabulary: 5, context: 4, width: 4, layers: 2 }
const qkv = parameterless(batch.chain(b => arbitrary.treeOf({ query: [b, 3, 2], key: [b, 3, 2], value: [b, 3, 2] })))

const norm = fc.record({ params: arbitrary.treeOf({ weight: [4], bias: [4] }), input: batchOf(2, 4) })
const table = (rows: number, width: number) => arbitrary.treeOf({ weight: [rows, width] })

const activations = { sigmoid, tanh, relu, leakyRelu: leakyRelu(0.01), silu, gelu, geluTanh, softmax, logSoftmax }

const layers: readonly Subject[] = [
  ...Object.entries(activations).map(([subject, f]) => ({ subject, laws: laws.batches(f, anyBatch) })),
  { subject: 'linear', laws: laws.batches(linear, { params: linearParams(3, 2), input: batchOf(3) }) },
  { subject: 'layerNorm', laws: laws.batches(layerNorm, norm) },
  { subject: 'tokenEmbedding', laws: laws.batches(tokenEmbedding, { params: table(5, 3), input: tokensIn(4, 5) }) },
  { subject: 'unembedding', laws: laws.batches(unembedding, { params: table(5, 3), input: batchOf(2, 3) }) },
  { subject: 'learnedPositions', laws: laws.batches(learnedPositions, { params: table(4, 3), input: batchOf(3, 3) }) },
  { subject: 'sinusoidalPositions', laws: laws.batches(sinusoidalPositions, parameterless(batchOf(3, 4))) },
  { subject: 'splitHeads(2)', laws: laws.batches(splitHeads(2), parameterless(batchOf(3, 12))) },
  { subject: 'mergeHeads', laws: laws.batches(mergeHeads, parameterless(batchOf(2, 3, 2))) },
  { subject: 'attention (causal)', laws: laws.batches(attention(causalMask), qkv) },
  { subject: 'attention (no mask)', laws: laws.batches(attention(noMask), qkv) },
  {
    subject: 'singleHeadAttention',
    laws: laws.batches(singleHeadAttention(causalMask), { params: arbitrary.drawnGeneric(initSingleHeadAttention(4, 3, { precision: 'float64' })), input: batchOf(3, 4) })
  },
  {
    subject: 'multiHeadAttention',
    laws: laws.batches(multiHeadAttention(2, causalMask), { params: arbitrary.drawnGeneric(initMultiHeadAttention(4, { precision: 'float64' })), input: batchOf(3, 4) })
  },
  { subject: 'feedForward', laws: laws.batches(feedForward, { params: arbitrary.drawnGeneric(initFeedForward(3, { precision: 'float64' })), input: batchOf(2, 3) }) },
  { subject: 'block', laws: laws.batches(block({ heads: 2, mask: causalMask }), { params: arbitrary.drawnGeneric(initBlock({ width: 4, layers: 2 }, { precision: 'float64' })), input: batchOf(3, 4) }) },
  { subject: 'residual', laws: laws.batches(residual(linear), { params: linearParams(3, 3), input: batchOf(2, 3) }) },
  {
    subject: 'branches',
    laws: laws.batches(branches({ left: linear, right: pipe(linear, andThen(tanh)) }), {
      params: fc.record({ left: linearParams(3, 2), right: linearParams(3, 2) }), input: batchOf(3)
    })
  },
  { subject: 'mlp', laws: laws.batches(mlp(tanh), { params: arbitrary.drawnGeneric(initMlp([3, 4, 2], { precision: 'float64' })), input: batchOf(3) }) },
  { subject: 'gpt', laws: laws.batches(gpt({ heads: 2 }), { params: arbitrary.drawnGeneric(initGpt(sizes, { precision: 'float64' })), input: tokensIn(3, 5) }) },
  { subject: 'untiedGpt', laws: laws.batches(untiedGpt({ heads: 2 }), { params: arbitrary.drawnGeneric(initUntiedGpt(sizes, { precision: 'float64' })), input: tokensIn(3, 5) }) }
]

const alike = (prediction: arbitrary.EntryOptions, target: arbitrary.EntryOptions) => fc.tuple(batch, arbitrary.axis(3))
  .chain(shape => fc.record({ prediction: arbitrary.tensorOf(shape, prediction), target: arbitrary.tensorOf(shape, target) }))

/** Targets of which any may be ignored, also all of an item and all there are. */
export const ignoring = (shape: readonly number[], vocabulary: number): fc.Arbitrary<Tokens> => {
  const size = shape.reduce((product, length) => product * length, 1)
  return fc.array(fc.oneof(fc.constant(-100), fc.nat(vocabulary - 1)), { minLength: size, maxLength: size })
    .map(ids => tensor.tokensFromArray(shape, ids))
}

const classes = batch.chain(b => fc.record({ prediction: arbitrary.tensorOf([b, 2, 3], { scale: 4 }), target: ignoring([b, 2], 3) }))

/** A loss as a user writes one: it says nothing of weights, and is a mean over rows. */
export const absoluteError: Loss<Tensor, Tensor> = {
  forward: (p, t) => Array.from(p.data).reduce((total, x, i) => total + Math.abs(x - t.data[i]), 0) / (p.shape[0] || 1),
  gradient: (p, t) => tensor.zipWith(t, (x, y) => Math.sign(x - y) / p.shape[0])(p)
}

/** A user's mean over the targets that are numbers: 0/0 where there are none. */
export const ofKnown: Loss<Tensor, Tensor> = {
  forward: (p, t) => Array.from(p.data).reduce((total, x, i) => total + (Number.isNaN(t.data[i]) ? 0 : (x - t.data[i]) ** 2), 0) / known(t),
  gradient: (p, t) => tensor.zipWith(t, (x, y) => (Number.isNaN(y) ? 0 : 2 * (x - y)) / known(t))(p),
  weight: t => known(t)
}
const known = ({ data }: Tensor): number => Array.from(data).filter(x => !Number.isNaN(x)).length

const losses: readonly Subject[] = (['mean', 'sum'] as const).flatMap(reduction => [
  { subject: `meanSquaredError (${reduction})`, laws: laws.lossBatches(meanSquaredError({ reduction }), alike({}, {})) },
  {
    subject: `binaryCrossEntropy (${reduction})`,
    laws: laws.lossBatches(binaryCrossEntropy({ reduction }), alike({ min: 0.125, scale: 0.875 }, { min: 0, scale: 1 }))
  },
  {
    subject: `binaryCrossEntropyWithLogits (${reduction})`,
    laws: laws.lossBatches(binaryCrossEntropyWithLogits({ reduction }), alike({ scale: 4 }, { min: 0, scale: 1 }))
  },
  { subject: `crossEntropy (${reduction})`, laws: laws.lossBatches(crossEntropy({ reduction }), classes) },
  { subject: `crossEntropy (another index ignored, ${reduction})`, laws: laws.lossBatches(crossEntropy({ reduction, ignoreIndex: 1 }), classes.map(({ prediction, target }) =>
    ({ prediction, target: tensor.tokensFromArray(target.shape, Array.from(target.data, id => (id === -100 ? 1 : id))) }))) }
])

const vectors = items.chain(b => fc.record({ params: linearParams(3, 2), input: arbitrary.tensorOf([b, 3]), target: arbitrary.tensorOf([b, 2]) }))
export const labelled = fc.integer({ min: 1, max: 5 })
  .chain(b => fc.record({ params: linearParams(3, 4), input: arbitrary.tensorOf([b, 3]), target: ignoring([b], 4) }))
export const unknowns = fc.integer({ min: 1, max: 5 }).chain(b => fc.record({
  params: linearParams(3, 1), input: arbitrary.tensorOf([b, 3]),
  target: fc.array(fc.oneof(fc.constant(NaN), fc.integer({ min: -4, max: 4 })), { minLength: b, maxLength: b }).map(entries => tensor.fromArray([b, 1], entries, 'float64'))
})).filter(({ target }) => known(target) > 0)
const sequences = items.chain(b => fc.record({
  params: arbitrary.drawnGeneric(initGpt(sizes, { precision: 'float64' })), input: arbitrary.tokensOf([b, 3], 5), target: ignoring([b, 3], 5)
}))

const parts = <P, X extends Tensor | Tokens, T extends Tensor | Tokens>(count: number, part: (params: P, example: Example<X, T>) => LossAndGradient<P>) => sharded(count, part)

const inParts: readonly Subject[] = [
  ...(['mean', 'sum'] as const).flatMap(reduction => [
    { subject: `sharded (crossEntropy, ${reduction})`, laws: [laws.sharding(parts, linear, crossEntropy({ reduction }), labelled)] },
    { subject: `sharded (meanSquaredError, ${reduction})`, laws: [laws.sharding(parts, linear, meanSquaredError({ reduction }), vectors)] }
  ]),
  { subject: 'sharded (gpt)', laws: [laws.sharding(parts, gpt({ heads: 2 }), crossEntropy(), sequences)] },
  { subject: 'sharded (a loss that says nothing of weights)', laws: [laws.sharding(parts, linear, absoluteError, vectors)] },
  { subject: 'sharded (a loss that is NaN where nothing counts)', laws: [laws.sharding(parts, linear, ofKnown, unknowns)] }
]

export const batches: readonly Subject[] = [...layers, ...losses, ...inParts]
