/**
 * Softmax over rows. The largest entry of a row is subtracted first, so no exponential overflows.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'

/** The largest of the first `count` entries after `start`; −∞ where there is none, NaN where one is NaN. */
export const largest = (x: Floats, start: number, count: number): number => {
  let max = -Infinity
  for (let j = 0; j < count; j++) {
    const value = x[start + j]
    if (value > max || value !== value) max = value
  }
  return max
}

/** How many of the first `count` entries after `start` are +∞. */
export const infinities = (x: Floats, start: number, count: number): number => {
  let found = 0
  for (let j = start; j < start + count; j++) if (x[j] === Infinity) found++
  return found
}

/**
 * Fills `count` entries of `y` from `yStart` with $e^{(x_j - m)/\tau} / \sum_l e^{(x_l - m)/\tau}$, where $m$
 * is the largest $x_j$. A row whose every entry is −∞ has nothing to choose from and gives zeros; entries of +∞ share
 * the whole in equal parts, which is the limit where they grow together.
 */
export const softmaxRow = (
  y: FreshFloats, yStart: number, x: Floats, xStart: number, count: number, temperature: number
): void => {
  const max = largest(x, xStart, count)
  if (max === -Infinity) {
    y.fill(0, yStart, yStart + count)
    return
  }
  if (max === Infinity) {
    const part = 1 / infinities(x, xStart, count)
    for (let j = 0; j < count; j++) y[yStart + j] = x[xStart + j] === Infinity ? part : 0
    return
  }
  let total = 0
  for (let j = 0; j < count; j++) {
    const e = Math.exp((x[xStart + j] - max) / temperature)
    y[yStart + j] = e
    total += e
  }
  for (let j = 0; j < count; j++) y[yStart + j] /= total
}

export interface SoftmaxSizes {
  readonly rows: number
  readonly width: number
  readonly temperature: number
}

/** Softmax of every row. */
export const softmaxRows = ({ rows, width, temperature }: SoftmaxSizes, [x]: readonly [x: Floats], [y]: readonly [y: FreshFloats]): void => {
  for (let row = 0; row < rows; row++) softmaxRow(y, row * width, x, row * width, width, temperature)
}

/** $dx_j = y_j\,(dy_j - \sum_l dy_l y_l) / \tau$ for every row, where $y$ is the softmax. May work in place of dy. */
export const softmaxRowsGradient = (
  { rows, width, temperature }: SoftmaxSizes, [y, dy]: readonly [y: Floats, dy: Floats], [dx]: readonly [dx: FreshFloats]
): void => {
  for (let start = 0; start < rows * width; start += width) {
    let dot = 0
    for (let j = start; j < start + width; j++) dot += dy[j] * y[j]
    for (let j = start; j < start + width; j++) dx[j] = y[j] * (dy[j] - dot) / temperature
  }
}

/**
 * $x_j - m - \ln \sum_l e^{x_l - m}$ for every row, where $m$ is the largest $x_j$; the logarithms of what `softmaxRow` says
 * of rows with infinities.
 */
export const logSoftmaxRows = (
  { rows, width }: { readonly rows: number, readonly width: number }, [x]: readonly [x: Floats], [y]: readonly [y: FreshFloats]
): void => {
  for (let start = 0; start < rows * width; start += width) {
    const max = largest(x, start, width)
    if (max === Infinity) {
      const part = -Math.log(infinities(x, start, width))
      for (let j = start; j < start + width; j++) y[j] = x[j] === Infinity ? part : -Infinity
      continue
    }
    let total = 0
    for (let j = start; j < start + width; j++) total += Math.exp(x[j] - max)
    const logTotal = Math.log(total)
    for (let j = start; j < start + width; j++) y[j] = max === -Infinity ? -Infinity : x[j] - max - logTotal
  }
}

/** $dx_j = dy_j - e^{y_j} \sum_l dy_l$ for every row, where $y$ is the logarithm of the softmax. */
export const logSoftmaxRowsGradient = (
  { rows, width }: { readonly rows: number, readonly width: number }, [y, dy]: readonly [y: Floats, dy: Floats], [dx]: readonly [dx: FreshFloats]
): void => {
  for (let start = 0; start < rows * width; start += width) {
    let total = 0
    for (let j = start; j < start + width; j++) total += dy[j]
    for (let j = start; j < start + width; j++) dx[j] = dy[j] - Math.exp(y[j]) * total
  }
}
