/**
 * The laws of attention and of models built on it.
 *
 * @module
 */
import fc from 'fast-check'
import { noParams, random, tensor, type Key, type Layer, type Mask, type NoParams, type QueryKey, type QueryKeyValue, type Tensor, type Tokens } from 'pullback'
import * as arbitrary from './arbitraries.js'
import { hiddenGradients, hiddenValues, paddingDoesNotMatter, queryKeyValue } from './hiding.js'
import { fails, type Finding, firstFailing, holds, type Law, law, worst } from './law.js'
import { type Points, pointsOf } from './points.js'
import { largestDifference, randomLike, sameBits, snapshot } from './values.js'

/** Calls `visit` with the batch item, query, key and entry of every weight `[B, T, S]`. */
const eachWeight = (weights: Tensor, visit: (b: number, t: number, s: number, weight: number) => Finding): Finding => {
  const [batch, queries, keys] = weights.shape
  const findings: Finding[] = []
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < queries; t++)
      for (let s = 0; s < keys; s++) findings.push(visit(b, t, s, weights.data[(b * queries + t) * keys + s]))
  return worst(findings)
}

type WeightsOf = (mask: Mask) => (x: QueryKey) => Tensor

/** Attention weights: exact zeros where the mask hides, rows that sum to one elsewhere. */
export const attentionWeights = (
  weightsOf: WeightsOf, { none, causal, padding }: {
    readonly none: Mask, readonly causal: Mask, readonly padding: (lengths: readonly number[], time: number) => Mask
  }
): readonly Law[] => [
  law({
    name: 'no attention to the future',
    statement: '$W_{ts} = 0$ exactly for $s > t$, and every row sums to one',
    tolerance: 1e-14,
    reason: 'double precision: a rounding for each entry of a row; the zeros are exact',
    cases: queryKeyValue(4),
    check: x => {
      const weights = weightsOf(causal)(x)
      const future = eachWeight(weights, (b, t, s, w) =>
        (s > t && !Object.is(w, 0) ? fails(`item ${b}: query ${t} attends to key ${s} with ${w}`) : holds))
      const keys = weights.shape[2]
      return worst([future, ...Array.from({ length: weights.data.length / keys }, (_, row): Finding => {
        const sum = Array.from({ length: keys }, (__, s) => weights.data[row * keys + s]).reduce((a, b) => a + b, 0)
        return { error: Math.abs(sum - 1), explain: () => `row ${row} sums to ${sum}` }
      })])
    }
  }),
  law({
    name: 'definition',
    statement: '$W_{ts}/W_{tu} = e^{(q_t \\cdot k_s - q_t \\cdot k_u)/\\sqrt d}$',
    tolerance: 1e-12,
    reason: 'double precision: two inner products, two exponentials and a division',
    cases: queryKeyValue(),
    check: ({ query, key }) => {
      const weights = weightsOf(none)({ query, key })
      const [, queries, keys] = weights.shape, width = query.shape[2]
      const score = (b: number, t: number, s: number) => Array.from({ length: width }, (_, j) =>
        query.data[(b * queries + t) * width + j] * key.data[(b * keys + s) * width + j]).reduce((x, y) => x + y, 0)
      return eachWeight(weights, (b, t, s, w) => {
        const found = w / weights.data[(b * queries + t) * keys]
        const expected = Math.exp((score(b, t, s) - score(b, t, 0)) / Math.sqrt(width))
        return { error: Math.abs(found / expected - 1), explain: () => `W[${b}, ${t}, ${s}]/W[${b}, ${t}, 0] = ${found}, expected ${expected}` }
      })
    }
  }),
  law({
    name: 'no attention to padding',
    statement: '$W_{ts} = 0$ exactly where key $s$ is padding; a query with nothing to attend to has the weights 0, never NaN',
    tolerance: 1e-14,
    reason: 'double precision: a rounding for each entry of a row; the zeros are exact',
    cases: queryKeyValue(4).chain(x => fc.record({
      x: fc.constant(x),
      lengths: fc.array(fc.integer({ min: 0, max: x.key.shape[1] }), { minLength: x.key.shape[0], maxLength: x.key.shape[0] })
    })),
    check: ({ x, lengths }) => {
      const weights = weightsOf(padding(lengths, x.key.shape[1]))(x)
      const keys = weights.shape[2], queries = weights.shape[1]
      const hidden = eachWeight(weights, (b, t, s, w) =>
        (s >= lengths[b] && !Object.is(w, 0) ? fails(`item ${b}: query ${t} attends to padding ${s} with ${w}`) : holds))
      return worst([hidden, ...Array.from({ length: weights.data.length / keys }, (_, row): Finding => {
        const sum = Array.from({ length: keys }, (__, s) => weights.data[row * keys + s]).reduce((a, b) => a + b, 0)
        const expected = lengths[Math.floor(row / queries)] === 0 ? 0 : 1
        return { error: Math.abs(sum - expected), explain: () => `row ${row} sums to ${sum}, expected ${expected}` }
      })])
    }
  })
]

/** `[B, T, D]` with the positions of every sequence in another order. */
const permuted = (x: Tensor, order: readonly number[]): Tensor => {
  const [batch, , width] = x.shape
  return tensor.fromArray(x.shape, Array.from({ length: batch }, (_, b) => order.flatMap(from =>
    Array.from({ length: width }, (__, j) => x.data[(b * order.length + from) * width + j]))).flat(), tensor.precisionOf(x))
}

/** Without mask and positions, attention does not know the order of a sequence: $f(\pi x) = \pi f(x)$. */
export const permutationEquivariance = <P>(f: Layer<P, Tensor, Tensor>, points: Points<P, Tensor>): Law => law({
  name: 'permutation equivariance',
  statement: '$f(\\pi x) = \\pi f(x)$ for every permutation π of the positions',
  tolerance: 1e-12,
  reason: 'double precision: sums in another order',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point: { params, input }, key }) => {
    const order = random.permutation(input.shape[1])(key)
    const a = f.forward(params, permuted(input, order)), b = permuted(f.forward(params, input), order)
    const error = tensor.norm(tensor.subtract(b)(a)) / (1e-9 + tensor.norm(b))
    return { error, explain: () => `order ${order.join(', ')}: the sides differ most at ${largestDifference(a, b)}` }
  }
})

/**
 * What happens after position `t` never changes what a causal layer says at `t` or before, to the bit. `change` must give
 * other values from a position on. There is always a position before it, and something that changed.
 */
export const causality = <P, X extends Tensor | Tokens, DX>(
  f: Layer<P, X, Tensor, DX>, points: Points<P, X>, change: (x: X, from: number, key: Key) => X
): Law => law({
  name: 'the future never changes the past',
  statement: '$x_s = x\'_s$ for all $s \\le t$ implies $y_s = y\'_s$ for all $s \\le t$, to the bit',
  cases: fc.record({ point: pointsOf(points).filter(({ input }) => input.shape[1] > 1), key: arbitrary.keys, place: fc.nat() })
    .map(({ point: { params, input }, key, place }) => {
      const from = 1 + place % (input.shape[1] - 1)
      return { params, input, from, other: change(input, from, key) }
    })
    .filter(({ input, other }) => sameBits('inputs', snapshot(input), snapshot(other)).error !== 0),
  check: ({ params, input, from, other }) => {
    const y = f.forward(params, input), z = f.forward(params, other)
    const [batch, time, width] = y.shape
    for (let b = 0; b < batch; b++)
      for (let i = b * time * width; i < (b * time + from) * width; i++)
        if (!Object.is(y.data[i], z.data[i]))
          return fails(`positions from ${from} on changed; output of item ${b}, position ${Math.floor(i / width) % time}: ${y.data[i]} became ${z.data[i]}`)
    return holds
  }
})

/** The block of the Jacobian from the future to the past is exactly zero: $dy$ at $t$ gives no gradient after $t$. */
export const causalJacobian = <P>(f: Layer<P, Tensor, Tensor>, points: Points<P, Tensor>): Law => law({
  name: 'Jacobian from future to past',
  statement: '$\\partial y_t/\\partial x_s = 0$ exactly for $s > t$',
  cases: fc.record({ point: pointsOf(points).filter(({ input }) => input.shape[1] > 1), key: arbitrary.keys }),
  check: ({ point: { params, input }, key }) => {
    const [y, pullback] = f.vjp(params, input)
    const time = y.shape[1], width = y.shape[2], inputWidth = input.shape[2]
    const dense = randomLike(key)(y)
    return firstFailing(Array.from({ length: time }, (_, t) => {
      const only = tensor.fromArray(y.shape, Array.from(dense.data, (dy, i) => (Math.floor(i / width) % time === t ? dy : 0)), 'float64')
      const dx = pullback(only).input
      const wrong = Array.from(dx.data).findIndex((d, i) => Math.floor(i / inputWidth) % time > t && d !== 0)
      return wrong < 0 ? holds : fails(`dy at position ${t} gives dx = ${dx.data[wrong]} at position ${Math.floor(wrong / inputWidth) % time}`)
    }))
  }
})

type LayerFor = (mask: Mask) => Layer<NoParams, QueryKeyValue, Tensor>

/** All laws of an attention function. */
export const attention = (
  layerFor: LayerFor, weightsOf: WeightsOf, masks: Parameters<typeof attentionWeights>[1]
): readonly Law[] => [
  ...attentionWeights(weightsOf, masks),
  hiddenValues(layerFor, masks),
  hiddenGradients(layerFor, masks),
  paddingDoesNotMatter(layerFor, masks),
  law({
    name: 'a mean of values',
    statement: 'every output lies between the smallest and the largest value',
    tolerance: 1e-13,
    reason: 'double precision: weights that sum to one up to rounding',
    cases: queryKeyValue(4),
    check: x => {
      const y = layerFor(masks.none).forward(noParams, x)
      const low = Math.min(...x.value.data), high = Math.max(...x.value.data)
      return worst(Array.from(y.data, (v): Finding => ({ error: Math.max(0, low - v, v - high), explain: () => `${v} is outside [${low}, ${high}]` })))
    }
  })
]
