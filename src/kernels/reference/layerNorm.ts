/**
 * Layer normalisation over rows. Statistics are kept in double precision.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'
import { freshLike } from '../fresh.js'

/**
 * What normalises a row: $\hat x_j = \big((c\,x_j - \mu) - \mu'\big)\,r$. The mean of the row times $c$ is $\mu + \mu'$, in two parts
 * where one number of the precision at hand cannot hold it, and $r = (\mathrm{var} + \varepsilon)^{-1/2}/c$. The scale $c$ is a
 * power of two, and 1 unless squares of the row would overflow or underflow.
 */
export interface RowStatistics {
  readonly scale: Floats
  readonly mean: Floats
  readonly rest: Floats
  readonly inverseDeviation: Floats
}

/** Outside of these the squares of numbers of double precision may overflow, or vanish. */
const HUGE = 2 ** 400
const TINY = 2 ** -400

/** The power of two by which a row is scaled. */
const scaleOf = (x: Floats, start: number, width: number): number => {
  let largest = 0
  for (let j = start; j < start + width; j++) largest = Math.max(largest, Math.abs(x[j]))
  return largest > HUGE ? 2 ** -600 : largest > 0 && largest < TINY ? 2 ** 600 : 1
}

export const rowStatistics = (x: Floats, rows: number, width: number, epsilon: number): RowStatistics => {
  const made = (): Float64Array => new Float64Array(rows)
  const scale = made(), mean = made(), rest = made(), inverseDeviation = made()
  for (let row = 0, start = 0; row < rows; row++, start += width) {
    const c = scaleOf(x, start, width)
    let total = 0
    for (let j = start; j < start + width; j++) total += c * x[j]
    const rough = total / width
    // What rounding made wrong in a sum of large numbers: the mean of a constant row is its constant, exactly.
    let missing = 0
    for (let j = start; j < start + width; j++) missing += c * x[j] - rough
    const mu = rough + missing / width
    let squares = 0
    for (let j = start; j < start + width; j++) squares += (c * x[j] - mu) * (c * x[j] - mu)
    scale[row] = c
    mean[row] = mu
    // The root of ε c² where the square itself would vanish.
    inverseDeviation[row] = 1 / (c === 1 ? Math.sqrt(squares / width + epsilon) : Math.hypot(Math.sqrt(squares / width), c * Math.sqrt(epsilon)))
  }
  return { scale, mean, rest, inverseDeviation }
}

/** $y = \gamma \odot \hat x + \beta$ for every row. */
export const layerNormRows = (
  x: Floats, gamma: Floats, beta: Floats, { scale, mean, rest, inverseDeviation }: RowStatistics
): FreshFloats => {
  const width = gamma.length
  const y = freshLike(x, x.length)
  for (let row = 0, start = 0; row < mean.length; row++, start += width) {
    const c = scale[row], mu = mean[row], l = rest[row], r = inverseDeviation[row]
    for (let j = 0; j < width; j++) y[start + j] = gamma[j] * ((c * x[start + j] - mu - l) * r) + beta[j]
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
  x: Floats, gamma: Floats, { scale, mean, rest, inverseDeviation }: RowStatistics, dy: Floats
): LayerNormGradient => {
  const width = gamma.length
  const dx = freshLike(x, x.length), dGamma = new Float64Array(width), dBeta = new Float64Array(width)
  for (let row = 0, start = 0; row < mean.length; row++, start += width) {
    const c = scale[row], mu = mean[row], l = rest[row], r = inverseDeviation[row]
    let sumG = 0, sumGX = 0
    for (let j = 0; j < width; j++) {
      const xHat = (c * x[start + j] - mu - l) * r
      const g = gamma[j] * dy[start + j]
      sumG += g
      sumGX += g * xHat
      dGamma[j] += dy[start + j] * xHat
      dBeta[j] += dy[start + j]
    }
    const meanG = sumG / width, meanGX = sumGX / width
    for (let j = 0; j < width; j++) {
      const xHat = (c * x[start + j] - mu - l) * r
      dx[start + j] = c * (r * (gamma[j] * dy[start + j] - meanG - xHat * meanGX))
    }
  }
  const rounded = (total: Float64Array): FreshFloats => {
    const y = freshLike(x, width)
    y.set(total)
    return y
  }
  return { dx, dGamma: rounded(dGamma), dBeta: rounded(dBeta) }
}
