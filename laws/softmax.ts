/**
 * The laws of softmax-like layers: rows to probabilities.
 *
 * @module
 */
import fc from 'fast-check'
import { noParams, tensor, type Layer, type NoParams, type Tensor } from 'pullback'
import * as arbitrary from './arbitraries.js'
import { fails, type Finding, firstFailing, holds, type Law, law, worst } from './law.js'
import { largestDifference } from './values.js'

type Pointwise = Layer<NoParams, Tensor, Tensor>

const rows = arbitrary.tensors({ minAxes: 1, maxAxes: 3, scale: 8 })

/** The rows of a tensor as plain arrays. */
const rowsOf = (x: Tensor): readonly (readonly number[])[] => {
  const width = x.shape[x.shape.length - 1]
  return Array.from({ length: x.data.length / width }, (_, row) => Array.from({ length: width }, (__, j) => x.data[row * width + j]))
}

const difference = (a: Tensor, b: Tensor): number =>
  Array.from(a.data, (ai, i) => Math.abs(ai - b.data[i])).reduce((x, y) => Math.max(x, Number.isNaN(y) ? Infinity : y), 0)

/** Everything that must hold for a softmax at the given temperature. */
export const softmax = (f: Pointwise, temperature = 1): readonly Law[] => [
  law({
    name: 'rows sum to one',
    statement: '$\\sum_j y_j = 1$ and $0 \\le y_j \\le 1$',
    tolerance: 1e-14,
    reason: 'double precision: a rounding for each entry of a row',
    cases: rows,
    check: x => worst(rowsOf(f.forward(noParams, x)).map((row): Finding => {
      const outside = row.find(y => !(y >= 0 && y <= 1))
      if (outside !== undefined) return fails(`a probability is ${outside}`)
      const sum = row.reduce((a, b) => a + b, 0)
      return { error: Math.abs(sum - 1), explain: () => `a row sums to ${sum}` }
    }))
  }),
  law({
    name: 'definition',
    statement: '$y_j / y_l = e^{(x_j - x_l)/\\tau}$',
    tolerance: 1e-13,
    reason: 'double precision: two exponentials and a division',
    cases: rows,
    check: x => {
      const scores = rowsOf(x), weights = rowsOf(f.forward(noParams, x))
      return worst(scores.flatMap((row, n) => row.map((score, j): Finding => {
        const found = weights[n][j] / weights[n][0], expected = Math.exp((score - row[0]) / temperature)
        return { error: Math.abs(found / expected - 1), explain: () => `row ${n}: y_${j}/y_0 = ${found}, expected ${expected}` }
      })))
    }
  }),
  law({
    name: 'shift invariance',
    statement: '$f(x + c) = f(x)$',
    tolerance: 1e-13,
    reason: 'double precision; the shifts are exact',
    cases: fc.record({ x: rows, c: fc.integer({ min: -1000, max: 1000 }) }),
    check: ({ x, c }) => {
      const shifted = f.forward(noParams, tensor.map(v => v + c)(x)), y = f.forward(noParams, x)
      return { error: difference(shifted, y), explain: () => `a shift by ${c} changes most of all ${largestDifference(y, shifted)}` }
    }
  }),
  law({
    name: 'finite at extreme scores',
    statement: 'scores of ±1e4 give finite rows that sum to one; a row of −∞ gives zeros',
    tolerance: 1e-14,
    reason: 'double precision: a rounding for each entry of a row',
    cases: fc.array(fc.constantFrom(-1e4, 0, 1e4, -Infinity), { minLength: 1, maxLength: 6 }),
    check: scores => {
      const y = Array.from(f.forward(noParams, tensor.fromArray([scores.length], scores, 'float64')).data)
      const wrong = y.findIndex((v, j) => !Number.isFinite(v) || (scores[j] === -Infinity && v !== 0))
      if (wrong >= 0) return fails(`y_${wrong} = ${y[wrong]}`)
      const sum = y.reduce((a, b) => a + b, 0), expected = scores.every(score => score === -Infinity) ? 0 : 1
      return { error: Math.abs(sum - expected), explain: () => `the row sums to ${sum}, expected ${expected}` }
    }
  })
]

/** The logarithm of a softmax is what it says. */
export const isLogOfSoftmax = (logarithm: Pointwise, f: Pointwise): Law => law({
  name: 'logarithm of the softmax',
  statement: '$e^{f(x)} = \\mathrm{softmax}(x)$, finite at ±1e4',
  tolerance: 1e-13,
  reason: 'double precision: a logarithm and an exponential',
  cases: fc.oneof(rows, fc.array(fc.constantFrom(-1e4, 0, 1e4), { minLength: 1, maxLength: 6 }).map(x => tensor.fromArray([x.length], x, 'float64'))),
  check: x => {
    const y = logarithm.forward(noParams, x)
    if (!Array.from(y.data).every(Number.isFinite)) return fails(`a logarithm is not finite: ${Array.from(y.data).join(', ')}`)
    const exponentials = tensor.map(Math.exp)(y), expected = f.forward(noParams, x)
    return { error: difference(exponentials, expected), explain: () => `the exponentials against the softmax: ${largestDifference(exponentials, expected)}` }
  }
})

/**
 * An activation acts on every entry alone and keeps the shape.
 *
 * @example
 * laws.activation(tanh, Math.tanh).some(({ property }) => fc.check(property, { numRuns: 5 }).failed) // false
 */
export const activation = (f: Pointwise, definition: (x: number) => number): readonly Law[] => [
  law({
    name: 'definition',
    statement: '$y_i = f(x_i)$ in the plain form of the formula',
    tolerance: 1e-13,
    reason: 'double precision: a few roundings and a transcendental function',
    cases: arbitrary.tensors({ scale: 8 }),
    check: x => {
      const y = f.forward(noParams, x)
      if (y.shape.join() !== x.shape.join()) return fails(`the shape changes from [${x.shape.join(', ')}] to [${y.shape.join(', ')}]`)
      return worst(Array.from(x.data, (xi, i): Finding => {
        const expected = definition(xi)
        return { error: Math.abs(y.data[i] - expected) / (1 + Math.abs(expected)), explain: () => `f(${xi}) = ${y.data[i]}, expected ${expected}` }
      }))
    }
  }),
  law({
    name: 'finite at extremes',
    statement: '$f(\\pm 10^4)$ and its derivative are finite',
    cases: fc.constantFrom(-1e4, -700, -50, 50, 700, 1e4),
    check: x => {
      const [y, pullback] = f.vjp(noParams, tensor.of([x], 'float64'))
      const dx = pullback(tensor.of([1], 'float64')).input
      return firstFailing([y, dx].map(t => (Number.isFinite(t.data[0]) ? holds : fails(`at ${x}: ${t.data[0]}`))))
    }
  })
]
