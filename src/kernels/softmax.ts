/**
 * Softmax over rows: SIMD for single precision, the reference elsewhere.
 *
 * @module
 */
import { type Floats, type FreshFloats, isSingle } from './floats.js'
import * as reference from './reference/softmax.js'
import { call } from './simd/arena.js'

export { largest, logSoftmaxRows, logSoftmaxRowsGradient, softmaxRow } from './reference/softmax.js'

/** Softmax of every row; a row whose every entry is −∞ gives zeros, and +∞ the limit. */
export const softmaxRows = (x: Floats, rows: number, width: number, temperature: number): FreshFloats => {
  const factor = 1 / temperature
  const done = !isSingle(factor) ? undefined : call({ reads: [x], writes: [rows * width] }, (kernels, [px], [y]) =>
    kernels.softmax(y, px, rows, width, factor))
  return done === undefined ? reference.softmaxRows(x, rows, width, temperature) : done[0][0]
}

/** $dx_j = y_j\,(dy_j - \sum_l dy_l y_l) / \tau$ for every row, where $y$ is the softmax. */
export const softmaxRowsGradient = (y: Floats, dy: Floats, rows: number, width: number, temperature: number): FreshFloats => {
  const factor = 1 / temperature
  const done = !isSingle(factor) ? undefined : call({ reads: [y, dy], writes: [rows * width] }, (kernels, [py, pd], [dx]) =>
    kernels.softmaxGradient(dx, py, pd, rows, width, factor))
  return done === undefined ? reference.softmaxRowsGradient(y, dy, rows, width, temperature) : done[0][0]
}
