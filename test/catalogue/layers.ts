import fc from 'fast-check'
import {
  andThen, andThenTied, attention, block, branches, causalMask, dropout, feedForward, frozen, gelu, geluTanh, initBlock, initFeedForward,
  initMultiHeadAttention, initSingleHeadAttention, layerNorm, layerNormWith, leakyRelu, learnedPositions, linear, logSoftmax,
  masked, mergeHeads, MonoidMask, multiHeadAttention, named, noMask, paddingMask, pointwiseFromOutput, random, relu, residual, sigmoid, silu, singleHeadAttention,
  sinusoidalPositions, softmax, softmaxWith, splitHeads, tanh, tokenEmbedding, unembedding, type Draw, type Mask
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { pipe } from 'fp-ts/lib/function.js'
import { linearParams, parameterless, rowsOf, sequences, widthOf } from './points.js'
import type { Subject } from './subject.js'

const anyTensor = parameterless(arbitrary.tensors())
const anyRows = parameterless(arbitrary.tensors({ minAxes: 1 }))
const offKinks = parameterless(arbitrary.tensors({ awayFromZero: 0.125 }))

const linearPoints = fc.record({ i: arbitrary.axis(4), o: arbitrary.axis(4) })
  .chain(({ i, o }) => fc.record({ params: linearParams(i, o), input: rowsOf(i) }))

const embeddingPoints = fc.record({ v: arbitrary.axis(5), d: arbitrary.axis(4), leading: arbitrary.leadingAxes })
  .chain(({ v, d, leading }) => fc.record({ params: arbitrary.treeOf({ weight: [v, d] }), input: arbitrary.tokensOf(leading, v) }))

const unembeddingPoints = fc.record({ v: arbitrary.axis(5), d: arbitrary.axis(4) })
  .chain(({ v, d }) => fc.record({ params: arbitrary.treeOf({ weight: [v, d] }), input: rowsOf(d) }))

const positionPoints = fc.record({ x: sequences(), extra: fc.integer({ min: 0, max: 2 }) })
  .chain(({ x, extra }) => fc.record({ params: arbitrary.treeOf({ weight: [x.shape[1] + extra, x.shape[2]] }), input: fc.constant(x) }))

const normPoints = laws.varyingRows().chain(x =>
  fc.record({ params: arbitrary.treeOf({ weight: [widthOf(x)], bias: [widthOf(x)] }), input: fc.constant(x) }))

const anyNormPoints = arbitrary.tensors({ minAxes: 1 }).chain(x =>
  fc.record({ params: arbitrary.treeOf({ weight: [widthOf(x)], bias: [widthOf(x)] }), input: fc.constant(x) }))

const scores = fc.record({ b: arbitrary.axis(2), t: arbitrary.axis(3), extra: fc.integer({ min: 0, max: 2 }) })
  .chain(({ b, t, extra }) => arbitrary.tensorOf([b, t, t + extra]))

/** Masks for batches of `[2, 3, ·]`. */
const masks: readonly (readonly [string, Mask])[] = [
  ['no mask', noMask], ['causal', causalMask], ['padding', paddingMask([3, 1], 3)],
  ['causal and padding', MonoidMask.concat(causalMask, paddingMask([2, 0], 3))]
]

const modelPoints = <P>(init: (width: number) => Draw<P>, width = 4, leading: readonly number[] = [2, 3]) =>
  fc.record({ params: arbitrary.drawnGeneric(init(width)), input: arbitrary.drawn(random.normal([...leading, width], { precision: 'float64' })) })

const qkv = (shape: readonly number[]) => arbitrary.treeOf({ query: shape, key: shape, value: shape })

export const layers: readonly Subject[] = [
  { subject: 'linear', laws: laws.layer(linear, linearPoints) },
  { subject: 'sigmoid', laws: [...laws.layer(sigmoid, anyTensor), ...laws.activation(sigmoid, x => 1 / (1 + Math.exp(-x)))] },
  { subject: 'tanh', laws: [...laws.layer(tanh, anyTensor), ...laws.activation(tanh, x => Math.sinh(x) / Math.cosh(x))] },
  { subject: 'relu', laws: [...laws.layer(relu, offKinks), ...laws.activation(relu, x => (x < 0 ? 0 : x))] },
  { subject: 'leakyRelu', laws: [...laws.layer(leakyRelu(0.01), offKinks), ...laws.activation(leakyRelu(0.01), x => (x < 0 ? 0.01 * x : x))] },
  { subject: 'silu', laws: [...laws.layer(silu, anyTensor), ...laws.activation(silu, x => x / (1 + Math.exp(-x)))] },
  { subject: 'gelu', laws: laws.layer(gelu, anyTensor) },
  {
    subject: 'geluTanh',
    laws: [...laws.layer(geluTanh, anyTensor),
      ...laws.activation(geluTanh, x => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))))]
  },
  { subject: 'softmax', laws: [...laws.layer(softmax, anyRows), ...laws.softmax(softmax)] },
  { subject: 'softmaxWith(0.5)', laws: [...laws.layer(softmaxWith(0.5), anyRows), ...laws.softmax(softmaxWith(0.5), 0.5)] },
  { subject: 'logSoftmax', laws: [...laws.layer(logSoftmax, anyRows), laws.isLogOfSoftmax(logSoftmax, softmax)] },
  { subject: 'tokenEmbedding', laws: laws.layer(tokenEmbedding, embeddingPoints) },
  { subject: 'unembedding', laws: laws.layer(unembedding, unembeddingPoints) },
  { subject: 'learnedPositions', laws: laws.layer(learnedPositions, positionPoints) },
  { subject: 'sinusoidalPositions', laws: laws.layer(sinusoidalPositions, parameterless(sequences())) },
  { subject: 'layerNorm', laws: [...laws.layer(layerNorm, normPoints), ...laws.normalization(layerNorm, 1e-5)] },
  { subject: 'layerNormWith(0.5)', laws: laws.layer(layerNormWith(0.5), anyNormPoints) },
  { subject: 'dropout', laws: laws.layer(dropout(0.4, random.key(3)), anyTensor) },
  { subject: 'masked(causal)', laws: laws.layer(masked(causalMask), parameterless(scores)) },
  { subject: 'softmax of masked scores', laws: laws.layer(pipe(masked(causalMask), andThen(softmax)), parameterless(scores)) },
  { subject: 'splitHeads(2)', laws: laws.layer(splitHeads(2), parameterless(sequences(6))) },
  { subject: 'mergeHeads', laws: laws.layer(mergeHeads, parameterless(fc.record({ b: arbitrary.axis(2), h: arbitrary.axis(2), t: arbitrary.axis(3), d: arbitrary.axis(3) })
    .chain(({ b, h, t, d }) => arbitrary.tensorOf([b, h, t, d])))) },
  ...masks.map(([name, mask]): Subject => ({
    subject: `attention (${name})`, laws: laws.layer(attention(mask), parameterless(qkv([2, 3, 2])))
  })),
  { subject: 'attention (causal, heads and padding)', laws: laws.layer(
    attention(MonoidMask.concat(causalMask, paddingMask([3, 1], 3))), parameterless(qkv([2, 2, 3, 2]))) },
  { subject: 'attention (fewer queries than keys)', laws: laws.layer(
    attention(causalMask), parameterless(arbitrary.treeOf({ query: [2, 2, 3], key: [2, 4, 3], value: [2, 4, 1] }))) },
  ...masks.map(([name, mask]): Subject => ({
    subject: `singleHeadAttention (${name})`,
    laws: laws.layer(singleHeadAttention(mask), modelPoints(d => initSingleHeadAttention(d, 3, { precision: 'float64' })))
  })),
  ...masks.map(([name, mask]): Subject => ({
    subject: `multiHeadAttention (2 heads, ${name})`,
    laws: laws.layer(multiHeadAttention(2, mask), modelPoints(d => initMultiHeadAttention(d, { precision: 'float64' })))
  })),
  { subject: 'feedForward', laws: laws.layer(feedForward, modelPoints(d => initFeedForward(d, { precision: 'float64' }), 3)) },
  { subject: 'block', laws: laws.layer(block({ heads: 2, mask: causalMask }), modelPoints(d => initBlock({ width: d, layers: 2 }, { precision: 'float64' }))) },
  {
    subject: 'block with dropout',
    laws: laws.layer(block({ heads: 2, mask: causalMask, dropout: { rate: 0.3, key: random.key(5) } }), modelPoints(d => initBlock({ width: d, layers: 2 }, { precision: 'float64' })))
  },
  {
    subject: 'branches',
    laws: laws.layer(branches({ left: linear, right: linear }), fc.record({ i: arbitrary.axis(3), o: arbitrary.axis(3) }).chain(({ i, o }) =>
      fc.record({ params: fc.record({ left: linearParams(i, o), right: linearParams(i, o) }), input: rowsOf(i) })))
  },
  {
    subject: 'andThenTied',
    laws: laws.layer(pipe(linear, named('f'), andThen(sigmoid), andThenTied('f', linear)), arbitrary.axis(3).chain(i =>
      fc.record({ params: fc.record({ f: linearParams(i, i) }), input: rowsOf(i) })))
  },
  { subject: 'residual', laws: laws.layer(residual(linear), arbitrary.axis(3).chain(i => fc.record({ params: linearParams(i, i), input: rowsOf(i) }))) },
  { subject: 'pointwiseFromOutput', laws: laws.layer(pointwiseFromOutput(Math.exp, y => y), anyTensor) },
  {
    subject: 'frozen linear',
    laws: laws.layer(frozen({
      weight: random.normal([3, 2], { precision: 'float64' })(random.key(1)), bias: random.normal([2], { precision: 'float64' })(random.key(2))
    })(linear), parameterless(rowsOf(3)), { singlePrecision: false })
  }
]
