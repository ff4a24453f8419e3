/**
 * Layer normalisation over rows. Statistics are kept in double precision.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'

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

export interface RowSizes {
  readonly rows: number
  readonly width: number
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

export const rowStatistics = (
  { rows, width, epsilon }: { readonly rows: number, readonly width: number, readonly epsilon: number }, [x]: readonly [x: Floats],
  [scale, mean, rest, inverseDeviation]: readonly [scale: FreshFloats, mean: FreshFloats, rest: FreshFloats, inverseDeviation: FreshFloats]
): void => {
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
    rest[row] = mu - mean[row]
    // The root of ε c² where the square itself would vanish.
    inverseDeviation[row] = 1 / (c === 1 ? Math.sqrt(squares / width + epsilon) : Math.hypot(Math.sqrt(squares / width), c * Math.sqrt(epsilon)))
  }
}

/** $y = \gamma \odot \hat x + \beta$ for every row. */
export const layerNorm = (
  { width }: RowSizes,
  [x, gamma, beta, scale, mean, rest, inverseDeviation]: readonly [x: Floats, gamma: Floats, beta: Floats, scale: Floats, mean: Floats, rest: Floats, inverseDeviation: Floats],
  [y]: readonly [y: FreshFloats]
): void => {
  for (let row = 0, start = 0; row < mean.length; row++, start += width) {
    const c = scale[row], mu = mean[row], l = rest[row], r = inverseDeviation[row]
    for (let j = 0; j < width; j++) y[start + j] = gamma[j] * ((c * x[start + j] - mu - l) * r) + beta[j]
  }
}

/** The same from x alone. */
export const normalizedRows = (
  sizes: RowSizes & { readonly epsilon: number }, [x, gamma, beta]: readonly [x: Floats, gamma: Floats, beta: Floats], [y]: readonly [y: FreshFloats]
): void => {
  const scale = new Float64Array(sizes.rows), mean = scale.slice(), rest = scale.slice(), inverseDeviation = scale.slice()
  rowStatistics(sizes, [x], [scale, mean, rest, inverseDeviation])
  layerNorm(sizes, [x, gamma, beta, scale, mean, rest, inverseDeviation], [y])
}

/** $dx = r\,(g - \overline g - \hat x\,\overline{g\hat x})$ with $g = \gamma \odot dy$ */
export const layerNormGradient = (
  { width }: RowSizes,
  [x, gamma, scale, mean, rest, inverseDeviation, dy]: readonly [x: Floats, gamma: Floats, scale: Floats, mean: Floats, rest: Floats, inverseDeviation: Floats, dy: Floats],
  [dx]: readonly [dx: FreshFloats]
): void => {
  for (let row = 0, start = 0; row < mean.length; row++, start += width) {
    const c = scale[row], mu = mean[row], l = rest[row], r = inverseDeviation[row]
    let sumG = 0, sumGX = 0
    for (let j = 0; j < width; j++) {
      const g = gamma[j] * dy[start + j]
      sumG += g
      sumGX += g * ((c * x[start + j] - mu - l) * r)
    }
    const meanG = sumG / width, meanGX = sumGX / width
    for (let j = 0; j < width; j++) {
      const xHat = (c * x[start + j] - mu - l) * r
      dx[start + j] = c * (r * (gamma[j] * dy[start + j] - meanG - xHat * meanGX))
    }
  }
}

/** $d\gamma = \sum_n dy \odot \hat x$ and $d\beta = \sum_n dy$ over all rows, in double precision */
export const layerNormParamsGradient = (
  { width }: RowSizes,
  [x, scale, mean, rest, inverseDeviation, dy]: readonly [x: Floats, scale: Floats, mean: Floats, rest: Floats, inverseDeviation: Floats, dy: Floats],
  [dGamma, dBeta]: readonly [dGamma: FreshFloats, dBeta: FreshFloats]
): void => {
  const gammas = new Float64Array(width), betas = new Float64Array(width)
  for (let row = 0, start = 0; row < mean.length; row++, start += width) {
    const c = scale[row], mu = mean[row], l = rest[row], r = inverseDeviation[row]
    for (let j = 0; j < width; j++) {
      gammas[j] += dy[start + j] * ((c * x[start + j] - mu - l) * r)
      betas[j] += dy[start + j]
    }
  }
  dGamma.set(gammas)
  dBeta.set(betas)
}
