/**
 * The laws of attention that is computed block by block: it is the plain one, over sequences longer than any block.
 *
 * @module
 */
import fc from 'fast-check'
import { noParams, random, tensor, type Layer, type Mask, type NoParams, type QueryKey, type QueryKeyValue, type Tensor } from 'pullback'
import * as arbitrary from './arbitraries.js'
import type { HidingMasks } from './hiding.js'
import { type Finding, type Law, law, worst } from './law.js'

/** The same numbers in double precision. */
const double = (x: Tensor): Tensor => tensor.fromArray(x.shape, x.data, 'float64')

/** A rounding of each precision. */
const ROUNDING = { float32: 2 ** -24, float64: 2 ** -53 }

/** Queries and keys of different numbers, which are seldom multiples of anything, with one of three masks. */
const cases = (masks: HidingMasks & { readonly none: Mask }) => fc.record({
  queries: fc.integer({ min: 1, max: 210 }), keys: fc.integer({ min: 1, max: 210 }), d: arbitrary.axis(9), e: arbitrary.axis(9),
  precision: fc.constantFrom('float32' as const, 'float64' as const), choice: fc.constantFrom('none', 'causal', 'padding'), shown: fc.nat(), key: arbitrary.keys
}).map(({ queries, keys, d, e, precision, choice, shown, key }) => {
  const drawn = (index: number, rows: number, width: number): Tensor => random.uniform([1, rows, width], { min: -2, max: 2, precision })(random.foldIn(index)(key))
  return {
    x: { query: drawn(0, queries, d), key: drawn(1, keys, d), value: drawn(2, keys, e) }, dy: drawn(3, queries, e), unit: ROUNDING[precision],
    mask: choice === 'none' ? masks.none : choice === 'causal' ? masks.causal : masks.padding([shown % (keys + 1)], keys)
  }
})

/** The largest difference in roundings of numbers of the expected size, which is 1 at least. */
const roundings = (what: string, found: Tensor, expected: Tensor, unit: number): Finding => {
  const sizes = Array.from(expected.data, Math.abs), size = sizes.reduce((a, b) => Math.max(a, b), 1)
  return worst(Array.from(found.data, (value, i): Finding => ({
    error: Math.abs(value - expected.data[i]) / (unit * size), explain: () => `${what}, entry ${i}: ${value}, expected ${expected.data[i]}`
  })))
}

/**
 * An attention function is the one that its weights define, and so is its gradient.
 *
 * @example
 * laws.attentionByWeights(attention, attentionWeights, { none: noMask, causal: causalMask, padding: paddingMask })
 *   .some(({ property }) => fc.check(property, { numRuns: 5 }).failed) // false
 */
export const attentionByWeights = (
  layerFor: (mask: Mask) => Layer<NoParams, QueryKeyValue, Tensor>, weightsOf: (mask: Mask) => (x: QueryKey) => Tensor,
  masks: HidingMasks & { readonly none: Mask }
): readonly Law[] => [
  law({
    name: 'weights times values',
    statement: '$Y = \\mathrm{softmax}(\\mathrm{mask}(QK^\\top/\\sqrt d))\\,V$ for any numbers of queries and keys, in both precisions',
    tolerance: 500,
    reason: 'in roundings: of scores up to 12 in exponents, of up to 9 products each, and of sums over blocks',
    cases: cases(masks),
    check: ({ x, mask, unit }) =>
      roundings('Y', layerFor(mask).forward(noParams, x), tensor.matmul(double(x.value))(double(weightsOf(mask)(x))), unit)
  }),
  law({
    name: 'gradient by weights',
    statement: '$dV = A^\\top dY$, $dQ = dZ\\,K/\\sqrt d$, $dK = dZ^\\top Q/\\sqrt d$ with $dZ_{ts} = A_{ts}\\,(dA_{ts} - \\sum_u dA_{tu} A_{tu})$, $dA = dY\\,V^\\top$',
    tolerance: 4000,
    reason: 'in roundings: as for the output, of differences of numbers up to 36',
    cases: cases(masks),
    check: ({ x, dy, mask, unit }) => {
      const found = layerFor(mask).vjp(noParams, x)[1](dy).input, slope = double(dy)
      const [query, key, value, weights] = [x.query, x.key, x.value, weightsOf(mask)(x)].map(double)
      const dWeights = tensor.matmul(value, { right: true })(slope), [, queries, keys] = weights.shape
      const means = Array.from({ length: queries }, (_, t) => {
        let mean = 0
        for (let s = t * keys; s < (t + 1) * keys; s++) mean += dWeights.data[s] * weights.data[s]
        return mean
      })
      const dScores = tensor.fromArray(weights.shape, Array.from(weights.data, (a, i) =>
        a * (dWeights.data[i] - means[Math.floor(i / keys)]) / Math.sqrt(query.shape[2])), 'float64')
      return worst([
        roundings('dQ', found.query, tensor.matmul(key)(dScores), unit),
        roundings('dK', found.key, tensor.matmul(query, { left: true })(dScores), unit),
        roundings('dV', found.value, tensor.matmul(slope, { left: true })(weights), unit)
      ])
    }
  })
]
