/**
 * The laws of layer normalisation.
 *
 * @module
 */
import fc from 'fast-check'
import { tensor, type Layer, type LayerNormParams, type Tensor } from 'pullback'
import * as arbitrary from './arbitraries.js'
import { type Finding, type Law, law, worst } from './law.js'
import { largestDifference } from './values.js'

const VARIANCE = 0.05

const means = (x: Tensor): readonly (readonly [mean: number, variance: number])[] => {
  const width = x.shape[x.shape.length - 1]
  return Array.from({ length: x.data.length / width }, (_, row) => {
    const values = Array.from({ length: width }, (__, j) => x.data[row * width + j])
    const mean = values.reduce((a, b) => a + b, 0) / width
    return [mean, values.reduce((a, v) => a + (v - mean) ** 2, 0) / width] as const
  })
}

/** Rows `[N, D]` that vary: their variance is at least 0.05, far above ε. */
export const varyingRows = (width: fc.Arbitrary<number> = arbitrary.axis(5, 2)): fc.Arbitrary<Tensor> =>
  fc.record({ n: arbitrary.axis(3), d: width }).chain(({ n, d }) => arbitrary.tensorOf([n, d]))
    .filter(x => means(x).every(([, variance]) => variance >= VARIANCE))

const unit = (width: number): LayerNormParams =>
  ({ weight: tensor.full([width], 1, 'float64'), bias: tensor.zeros([width], 'float64') })

/** Everything that must hold for layer normalisation with a given ε. */
export const normalization = (f: Layer<LayerNormParams, Tensor, Tensor>, epsilon: number): readonly Law[] => [
  law({
    name: 'mean 0 and variance 1',
    statement: 'with $\\gamma = 1$, $\\beta = 0$ every row has mean 0 and variance $v/(v + \\varepsilon)$',
    tolerance: 1e-12,
    reason: 'double precision: a rounding for each entry of a row',
    cases: varyingRows(),
    check: x => {
      const y = f.forward(unit(x.shape[1]), x)
      const before = means(x)
      return worst(means(y).map(([mean, variance], row): Finding => {
        const expected = before[row][1] / (before[row][1] + epsilon)
        return { error: Math.max(Math.abs(mean), Math.abs(variance - expected)), explain: () => `row ${row}: mean ${mean}, variance ${variance}, expected ${expected}` }
      }))
    }
  }),
  law({
    name: 'invariance under shift',
    statement: '$f(x + c) = f(x)$',
    tolerance: 1e-11,
    reason: 'double precision: a shift by up to 100 costs two digits',
    cases: fc.record({ x: varyingRows(), c: fc.integer({ min: -100, max: 100 }) }),
    check: ({ x, c }) => {
      const a = f.forward(unit(x.shape[1]), tensor.map(v => v + c)(x)), b = f.forward(unit(x.shape[1]), x)
      const error = tensor.norm(tensor.subtract(b)(a))
      return { error, explain: () => `a shift by ${c} changes most of all ${largestDifference(b, a)}` }
    }
  }),
  law({
    name: 'invariance under scale',
    statement: '$f(c\\,x) = f(x)$ for $c > 0$, up to ε',
    tolerance: 10 * epsilon / VARIANCE,
    reason: 'ε against a variance of at least 0.05, for rows of at most five entries and c ≥ 1/2',
    cases: fc.record({ x: varyingRows(), c: fc.integer({ min: 1, max: 16 }).map(k => k / 2) }),
    check: ({ x, c }) => {
      const a = f.forward(unit(x.shape[1]), tensor.scale(c)(x)), b = f.forward(unit(x.shape[1]), x)
      const error = tensor.norm(tensor.subtract(b)(a)) / tensor.norm(b)
      return { error, explain: () => `the scale ${c} changes most of all ${largestDifference(b, a)}` }
    }
  }),
  law({
    name: 'scale and shift',
    statement: '$f_{\\gamma, \\beta}(x) = \\gamma \\odot f_{1, 0}(x) + \\beta$',
    tolerance: 1e-14,
    reason: 'double precision: two roundings',
    cases: varyingRows().chain(x => fc.record({ x: fc.constant(x), params: arbitrary.treeOf({ weight: [x.shape[1]], bias: [x.shape[1]] }) })),
    check: ({ x, params }) => {
      const y = f.forward(params, x), plain = f.forward(unit(x.shape[1]), x)
      const width = x.shape[1]
      return worst(Array.from(y.data, (v, i): Finding => {
        const expected = params.weight.data[i % width] * plain.data[i] + params.bias.data[i % width]
        return { error: Math.abs(v - expected), explain: () => `entry ${i}: ${v}, expected ${expected}` }
      }))
    }
  })
]
