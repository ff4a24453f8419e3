import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, attention, attentionWeights, causalMask, initMultiHeadAttention, linear, masked, mergeHeads, multiHeadAttention, named,
  noMask, noParams, paddingMask, random, softmax, splitHeads, tensor, type Key, type Layer, type Mask, type NoParams, type QueryKey,
  type QueryKeyValue, type Tensor
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { parameterless } from '../catalogue/points.js'
import { type Bug, wrongGradient } from './bug.js'

const masks = { none: noMask, causal: causalMask, padding: paddingMask }
const qkv = parameterless(arbitrary.treeOf({ query: [2, 3, 2], key: [2, 3, 2], value: [2, 3, 2] }))

const scoresOf = ({ query, key }: QueryKey): Tensor =>
  tensor.scale(1 / Math.sqrt(query.shape[query.shape.length - 1]))(tensor.matmul(key, { right: true })(query))

/** Weights computed step by step, so that a step can go wrong. */
const weights = (mask: Mask, scores: (x: QueryKey) => Tensor = scoresOf) => (x: QueryKey): Tensor =>
  softmax.forward(noParams, masked(mask).forward(noParams, scores(x)))

const maskAfterSoftmax = (mask: Mask) => (x: QueryKey): Tensor =>
  tensor.map(w => (w === -Infinity ? 0 : w))(masked(mask).forward(noParams, softmax.forward(noParams, scoresOf(x))))

const softMask = (mask: Mask) => (x: QueryKey): Tensor =>
  softmax.forward(noParams, tensor.map(s => (s === -Infinity ? -20 : s))(masked(mask).forward(noParams, scoresOf(x))))

const right = attention(causalMask)

const attentionPoints = {
  params: arbitrary.drawnGeneric(initMultiHeadAttention(4, { precision: 'float64' })),
  input: arbitrary.drawn(random.normal([2, 4, 4], { precision: 'float64' }))
}

const changed = (x: Tensor, from: number, key: Key): Tensor => {
  const other = random.normal(x.shape, { precision: 'float64' })(key)
  const [, time, width] = x.shape
  return tensor.fromArray(x.shape, Array.from(x.data, (v, i) => (Math.floor(i / width) % time < from ? v : other.data[i])), 'float64')
}

const wrongWeights = (bug: string, caughtBy: string, of: (mask: Mask) => (x: QueryKey) => Tensor): Bug =>
  ({ bug, caughtBy, laws: laws.attentionWeights(of, masks) })

const wrong = (bug: string, gradient: Parameters<typeof wrongGradient<NoParams, QueryKeyValue, Tensor, QueryKeyValue>>[1]): Bug =>
  ({ bug, caughtBy: 'gradient', laws: laws.layer(wrongGradient(right, gradient), qkv) })

/** Attention whose mask stops before the heads, as in the well-known teaching code. */
const forgetfulHeads: Layer<Parameters<ReturnType<typeof multiHeadAttention>['forward']>[0], Tensor, Tensor> = pipe(
  linear, named('c_attn'), andThen(splitHeads(2)), andThen(attention(noMask)), andThen(mergeHeads), andThen('c_proj', linear))

export const attentionBugs: readonly Bug[] = [
  wrongWeights('attention: the mask is applied after the softmax', 'no attention to the future', maskAfterSoftmax),
  wrongWeights('attention: a finite number instead of −∞', 'no attention to the future', softMask),
  wrongWeights('attention: √d is dropped', 'definition', mask => weights(mask, ({ query, key }) => tensor.matmul(key, { right: true })(query))),
  wrongWeights('attention: divided by d instead of √d', 'definition', mask => weights(mask, ({ query, key }) =>
    tensor.scale(1 / query.shape[query.shape.length - 1])(tensor.matmul(key, { right: true })(query)))),
  wrongWeights('attention: queries and keys exchanged', 'definition', mask => ({ query, key }) => attentionWeights(mask)({ query: key, key: query })),
  wrongWeights('attention: the causal mask is off by one', 'no attention to the future', mask => x => {
    const keys = x.key.shape[1]
    if (!mask.causal || keys === 1) return attentionWeights(mask)(x)
    const scores = scoresOf(x)
    return softmax.forward(noParams, tensor.fromArray(scores.shape, Array.from(scores.data, (s, i) =>
      (i % keys > Math.floor(i / keys) % keys + 1 ? -Infinity : s)), 'float64'))
  }),
  wrongWeights('attention: the padding mask is ignored', 'no attention to padding', mask => attentionWeights({ causal: mask.causal })),
  wrongWeights('attention: softmax over the queries', 'definition', mask => x =>
    tensor.transpose(softmax.forward(noParams, tensor.transpose(masked(mask).forward(noParams, scoresOf(x)))))),
  wrong('attention: dQ without 1/√d', (_, { query }, __, { params, input }) =>
    ({ params, input: { ...input, query: tensor.scale(Math.sqrt(query.shape[2]))(input.query) } })),
  wrong('attention: dK takes dS for its transpose', (_, x, __, { params, input }) => {
    const w = attentionWeights(causalMask)(x)
    return { params, input: { ...input, key: tensor.matmul(x.query)(w) } }
  }),
  wrong('attention: dV with W instead of its transpose', (_, x, dy, { params, input }) =>
    ({ params, input: { ...input, value: tensor.matmul(dy)(attentionWeights(causalMask)(x)) } })),
  wrong('attention: the gradient of the softmax is forgotten', (_, x, dy, { params, input }) => {
    const dWeights = tensor.matmul(x.value, { right: true })(dy)
    return { params, input: { ...input, query: tensor.scale(Math.SQRT1_2)(tensor.matmul(x.key)(dWeights)) } }
  }),
  {
    bug: 'multi-head attention: the mask never reaches the heads', caughtBy: 'the future never changes the past',
    laws: [laws.causality(forgetfulHeads, attentionPoints, changed), laws.causalJacobian(forgetfulHeads, attentionPoints)]
  },
  {
    bug: 'multi-head attention: the mask is lost in the backward pass', caughtBy: 'gradient',
    laws: laws.layer(
      wrongGradient(multiHeadAttention(2, causalMask), (params, x, dy) => multiHeadAttention(2, noMask).vjp(params, x)[1](dy)), attentionPoints)
  },
  {
    bug: 'self-attention: positions are mixed in', caughtBy: 'permutation equivariance',
    laws: [laws.permutationEquivariance(multiHeadAttention(2, causalMask), attentionPoints)]
  },
  {
    bug: 'heads: merged in another order than they were split', caughtBy: 'gradient',
    laws: laws.layer(
      wrongGradient(mergeHeads, (params, x, dy) => ({ params, input: tensor.reshape(x.shape)(dy) })),
      { params: fc.constant(noParams), input: arbitrary.tensorOf([1, 2, 3, 2]) })
  }
]
