/**
 * Softmax over rows.
 *
 * @module
 */
import type { Floats, FreshFloats } from './floats.js'
import { isSingle } from './floats.js'
import { kernel } from './kernel.js'
import * as reference from './reference/softmax.js'

export { largest, softmaxRow } from './reference/softmax.js'

interface RowSizes { readonly rows: number, readonly width: number }

const area = ({ rows, width }: RowSizes): number => rows * width

/** Softmax of every row; a row whose every entry is −∞ gives zeros, and +∞ the limit. */
export const softmaxRows = kernel('softmax', reference.softmaxRows)({
  reads: sizes => [area(sizes)], writes: sizes => [area(sizes)], numbers: ({ width, temperature }) => [width, 1 / temperature],
  fits: ({ temperature }) => isSingle(1 / temperature), pieces: sizes => ({ count: sizes.rows, work: 25 * area(sizes) }),
  fast: 'softmax'
})

/** $dx_j = y_j\,(dy_j - \sum_l dy_l y_l) / \tau$ for every row, where $y$ is the softmax. */
export const softmaxRowsGradient = kernel('softmax', reference.softmaxRowsGradient)({
  reads: sizes => [area(sizes), area(sizes)], writes: sizes => [area(sizes)], numbers: ({ width, temperature }) => [width, 1 / temperature],
  fits: ({ temperature }) => isSingle(1 / temperature), pieces: sizes => ({ count: sizes.rows, work: 8 * area(sizes) }),
  fast: 'softmaxGradient'
})

/** $x_j - m - \ln \sum_l e^{x_l - m}$ for every row, where $m$ is the largest $x_j$. */
export const logSoftmaxRows = kernel('logSoftmax', (sizes: RowSizes, reads: readonly [Floats], writes: readonly [FreshFloats]) => reference.logSoftmaxRows(sizes, reads, writes))({
  reads: sizes => [area(sizes)], writes: sizes => [area(sizes)], numbers: () => [], fast: undefined
})

/** $dx_j = dy_j - e^{y_j} \sum_l dy_l$ for every row, where $y$ is the logarithm of the softmax. */
export const logSoftmaxRowsGradient = kernel('logSoftmax', (sizes: RowSizes, reads: readonly [Floats, Floats], writes: readonly [FreshFloats]) => reference.logSoftmaxRowsGradient(sizes, reads, writes))({
  reads: sizes => [area(sizes), area(sizes)], writes: sizes => [area(sizes)], numbers: () => [], fast: undefined
})
