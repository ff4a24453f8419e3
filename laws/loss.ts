/**
 * The laws of losses.
 *
 * @module
 */
import fc from 'fast-check'
import { random, tensor, type Loss, type Tensor, type Tokens } from 'pullback'
import * as arbitrary from './arbitraries.js'
import { derivativeAtZero } from './finiteDifferences.js'
import { lossKeeping } from './keeping.js'
import { firstFailing, type Law, law, worst } from './law.js'
import { along, inner, inPrecision, normOf, placeOf, randomLike, sameBits, snapshot } from './values.js'

export interface LossPoint<T> {
  readonly prediction: Tensor
  readonly target: T
}

const lossIn = <T>(l: Loss<Tensor, T>, points: fc.Arbitrary<LossPoint<T>>): readonly Law[] => [
  law({
    name: 'gradient',
    statement: '$D\\ell(p)[v] = \\langle dp, v\\rangle$ along a random direction and along every axis',
    tolerance: 1e-7,
    reason: 'double precision: the extrapolated differences are good to about 1e-10, a mistake shows at 1e-2',
    cases: fc.record({ point: points, key: arbitrary.keys }),
    check: ({ point: { prediction, target }, key }) => {
      const gradient = l.gradient(prediction, target)
      const scale = normOf(gradient) + 1e-5 * Math.abs(l.forward(prediction, target))
      const axes = Array.from({ length: prediction.data.length }, (_, i) =>
        tensor.fromArray(prediction.shape, Array.from(prediction.data, (__, j) => (i === j ? 1 : 0)), 'float64'))
      // The random direction is last, so that a difference is told by the entry where it is.
      return worst([...axes, randomLike(key)(prediction)].map((direction, i) => {
        const analytic = inner(gradient, direction)
        const numeric = derivativeAtZero(h => l.forward(along(prediction, direction, h), target))
        return {
          error: analytic === numeric ? 0 : Math.abs(analytic - numeric) / scale,
          explain: () => `${i < axes.length ? placeOf('prediction', prediction.shape, i) : 'along a random direction'}: analytic ${analytic}, numeric ${numeric}`
        }
      }))
    }
  }),
  law({
    name: 'purity',
    statement: 'arguments keep their bits, and a second call gives the same bits',
    cases: points,
    check: point => {
      const before = snapshot(point)
      const once = { loss: l.forward(point.prediction, point.target), gradient: l.gradient(point.prediction, point.target) }
      const twice = { loss: l.forward(point.prediction, point.target), gradient: l.gradient(point.prediction, point.target) }
      return firstFailing([
        sameBits('the arguments before and after', before, snapshot(point)),
        sameBits('two calls', snapshot(once), snapshot(twice))
      ])
    }
  }),
  law({
    name: 'loss is not negative',
    statement: '$\\ell \\ge 0$',
    tolerance: 1e-12,
    reason: 'a loss near 0 is a difference of larger numbers',
    cases: points,
    check: ({ prediction, target }) => {
      const value = l.forward(prediction, target)
      return { error: Number.isNaN(value) ? NaN : Math.max(0, -value), explain: () => `loss ${value}` }
    }
  }),
  lossKeeping(l, points)
]

/**
 * Everything that must hold for any loss of a tensor. Points may be of any precision; the laws cast them to double.
 *
 * @example
 * const points = fc.record({ prediction: arbitrary.tensorOf([3]), target: arbitrary.tensorOf([3]) })
 * laws.loss(meanSquaredError(), points).some(({ property }) => fc.check(property, { numRuns: 5 }).failed) // false
 */
export const loss = <T>(l: Loss<Tensor, T>, points: fc.Arbitrary<LossPoint<T>>): readonly Law[] => lossIn(l, points.map(inPrecision('float64')))

/** The mean is the sum over the number of terms; so is its gradient. */
export const meanIsSumOverTerms = <T>(
  mean: Loss<Tensor, T>, sum: Loss<Tensor, T>, terms: (point: LossPoint<T>) => number, points: fc.Arbitrary<LossPoint<T>>
): Law => law({
  name: 'mean and sum',
  statement: '$\\ell_{\\mathrm{sum}} = N \\ell_{\\mathrm{mean}}$, and so for the gradients',
  tolerance: 1e-12,
  reason: 'double precision: one rounding for each term',
  cases: points.map(inPrecision('float64')),
  check: point => {
    const { prediction, target } = point
    const n = terms(point)
    const total = sum.forward(prediction, target)
    const expected = along(tensor.zerosLike(prediction), mean.gradient(prediction, target), n)
    const difference = Math.abs(total - n * mean.forward(prediction, target))
      + normOf(along(sum.gradient(prediction, target), expected, -1))
    return { error: difference / (1 + Math.abs(total)), explain: () => `${n} terms: sides differ by ${difference}` }
  }
})

/** Every row of the gradient of a cross-entropy sums to zero, and the row of an ignored target is zero. */
export const crossEntropyRows = (
  l: Loss<Tensor, Tokens>, ignoreIndex: number, points: fc.Arbitrary<LossPoint<Tokens>>
): readonly Law[] => [
  law({
    name: 'gradient rows sum to zero',
    statement: '$\\sum_j dx_{nj} = 0$',
    tolerance: 1e-14,
    reason: 'double precision: a few roundings of numbers of at most 1',
    cases: points.map(inPrecision('float64')),
    check: ({ prediction, target }) => {
      const dx = l.gradient(prediction, target)
      const width = prediction.shape[prediction.shape.length - 1]
      return worst(Array.from(target.data, (_, row) => {
        const sum = Array.from({ length: width }, (__, j) => dx.data[row * width + j]).reduce((a, b) => a + b, 0)
        return { error: Math.abs(sum), explain: () => `row ${row} sums to ${sum}` }
      }))
    }
  }),
  law({
    name: 'ignored targets',
    statement: 'a row whose target is ignored changes neither the loss nor any other row, and its gradient is 0',
    tolerance: 1e-14,
    reason: 'double precision: sums in another order',
    cases: fc.record({ point: points.map(inPrecision('float64')), key: arbitrary.keys }),
    check: ({ point: { prediction, target }, key }) => {
      const width = prediction.shape[prediction.shape.length - 1], rows = target.data.length
      const extended = tensor.fromArray([rows + 1, width],
        [...prediction.data, ...random.normal([width], { precision: 'float64' })(key).data], 'float64')
      const ids = tensor.tokensFromArray([rows + 1], [...target.data, ignoreIndex])
      const dx = l.gradient(extended, ids), expected = [...l.gradient(prediction, target).data, ...Array<number>(width).fill(0)]
      const difference = Math.abs(l.forward(extended, ids) - l.forward(prediction, target))
        + expected.reduce((total, e, i) => total + Math.abs(e - dx.data[i]), 0)
      return { error: difference, explain: () => `with an ignored row the loss or its gradient differs by ${difference}` }
    }
  })
]
