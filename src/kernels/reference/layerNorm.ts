/**
 * Layer normalisation over rows. Statistics are kept in double precision.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'
import { freshLike } from '../fresh.js'

/** The mean and the inverse deviation $(\mathrm{var} + \varepsilon)^{-1/2}$ of every row. */
export interface RowStatistics {
  readonly mean: Floats
  readonly inverseDeviation: Floats
}

export const rowStatistics = (x: Floats, rows: number, width: number, epsilon: number): RowStatistics => {
  const mean = new Float64Array(rows), inverseDeviation = new Float64Array(rows)
  for (let row = 0, start = 0; row < rows; row++, start += width) {
    let total = 0
    for (let j = start; j < start + width; j++) total += x[j]
    const mu = total / width
    let squares = 0
    for (let j = start; j < start + width; j++) squares += (x[j] - mu) * (x[j] - mu)
    mean[row] = mu
    inverseDeviation[row] = 1 / Math.sqrt(squares / width + epsilon)
  }
  return { mean, inverseDeviation }
}

/** $y = \gamma \odot (x - \mu) r + \beta$ for every row. */
export const layerNormRows = (
  x: Floats, gamma: Floats, beta: Floats, { mean, inverseDeviation }: RowStatistics
): FreshFloats => {
  const width = gamma.length
  const y = freshLike(x, x.length)
  for (let row = 0, start = 0; row < mean.length; row++, start += width) {
    const mu = mean[row], r = inverseDeviation[row]
    for (let j = 0; j < width; j++) y[start + j] = gamma[j] * ((x[start + j] - mu) * r) + beta[j]
  }
  return y
}

export interface LayerNormGradient {
  readonly dx: FreshFloats
  readonly dGamma: FreshFloats
  readonly dBeta: FreshFloats
}

/** The gradients whose derivation stands in `layers/layerNorm.ts`. */
export const layerNormRowsGradient = (
  x: Floats, gamma: Floats, { mean, inverseDeviation }: RowStatistics, dy: Floats
): LayerNormGradient => {
  const width = gamma.length
  const dx = freshLike(x, x.length), dGamma = new Float64Array(width), dBeta = new Float64Array(width)
  for (let row = 0, start = 0; row < mean.length; row++, start += width) {
    const mu = mean[row], r = inverseDeviation[row]
    let sumG = 0, sumGX = 0
    for (let j = 0; j < width; j++) {
      const xHat = (x[start + j] - mu) * r
      const g = gamma[j] * dy[start + j]
      sumG += g
      sumGX += g * xHat
      dGamma[j] += dy[start + j] * xHat
      dBeta[j] += dy[start + j]
    }
    const meanG = sumG / width, meanGX = sumGX / width
    for (let j = 0; j < width; j++) {
      const xHat = (x[start + j] - mu) * r
      dx[start + j] = r * (gamma[j] * dy[start + j] - meanG - xHat * meanGX)
    }
  }
  const rounded = (total: Float64Array): FreshFloats => {
    const y = freshLike(x, width)
    y.set(total)
    return y
  }
  return { dx, dGamma: rounded(dGamma), dBeta: rounded(dBeta) }
}
