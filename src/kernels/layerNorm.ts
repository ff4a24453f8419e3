/**
 * Layer normalisation over rows: SIMD for single precision, the reference elsewhere.
 *
 * @module
 */
import type { Floats, FreshFloats } from './floats.js'
import * as reference from './reference/layerNorm.js'
import { call, clear } from './simd/arena.js'

export type RowStatistics = reference.RowStatistics

/** The mean and the inverse deviation of every row, as `reference/layerNorm.ts` explains them. */
export const rowStatistics = (x: Floats, rows: number, width: number, epsilon: number): RowStatistics => {
  const done = call({ reads: [x], writes: [rows, rows, rows, rows] }, (kernels, [px], [scale, mean, rest, inverse]) =>
    kernels.rowStatistics(scale, mean, rest, inverse, px, rows, width, epsilon))
  if (done === undefined) return reference.rowStatistics(x, rows, width, epsilon)
  const [[scale, mean, rest, inverseDeviation]] = done
  return { scale, mean, rest, inverseDeviation }
}

/** $y = \gamma \odot \hat x + \beta$ for every row. */
export const layerNormRows = (x: Floats, gamma: Floats, beta: Floats, statistics: RowStatistics): FreshFloats => {
  const { scale, mean, rest, inverseDeviation } = statistics
  const done = call({ reads: [x, gamma, beta, scale, mean, rest, inverseDeviation], writes: [x.length] },
    (kernels, [px, pg, pb, pc, pm, pl, pr], [y]) => kernels.layerNorm(y, px, pg, pb, pc, pm, pl, pr, mean.length, gamma.length))
  return done === undefined ? reference.layerNormRows(x, gamma, beta, statistics) : done[0][0]
}

/** The gradients whose derivation stands in `layers/layerNorm.ts`. */
export const layerNormRowsGradient = (
  x: Floats, gamma: Floats, statistics: RowStatistics, dy: Floats
): reference.LayerNormGradient => {
  const { scale, mean, rest, inverseDeviation } = statistics
  const width = gamma.length
  const done = call({ reads: [x, gamma, scale, mean, rest, inverseDeviation, dy], writes: [x.length, width, width] },
    (kernels, [px, pg, pc, pm, pl, pr, pd], [dx, dGamma, dBeta]) => {
      clear(dGamma, width)
      clear(dBeta, width)
      kernels.layerNormGradient(dx, dGamma, dBeta, px, pg, pc, pm, pl, pr, pd, mean.length, width)
    })
  if (done === undefined) return reference.layerNormRowsGradient(x, gamma, statistics, dy)
  const [[dx, dGamma, dBeta]] = done
  return { dx, dGamma, dBeta }
}
