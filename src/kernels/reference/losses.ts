/**
 * Losses of one term for each entry: sums of terms in double precision, and derivatives.
 *
 * @module
 */
import type { Floats } from '../floats.js'
import { type Binary, sigmoidOf } from './activations.js'

/** A term of a loss for a prediction and its target, and its derivative with respect to the prediction. */
export interface Terms {
  readonly term: (p: number, t: number) => number
  readonly derivative: (p: number, t: number) => number
}

/** $(p - t)^2$ */
export const squaredError: Terms = { term: (p, t) => (p - t) * (p - t), derivative: (p, t) => 2 * (p - t) }

/** A logarithm below this counts as this, so that a wrong certain prediction costs a finite amount; so does PyTorch. */
const SMALLEST_LOGARITHM = -100
const SMALLEST_DENOMINATOR = 1e-12

/** $-t \ln p - (1 - t) \ln(1 - p)$ */
export const binaryCrossEntropy: Terms = {
  term: (p, t) => -t * Math.max(Math.log(p), SMALLEST_LOGARITHM) - (1 - t) * Math.max(Math.log1p(-p), SMALLEST_LOGARITHM),
  derivative: (p, t) => (p - t) / Math.max(p * (1 - p), SMALLEST_DENOMINATOR)
}

/** $\max(x, 0) - t x + \ln(1 + e^{-|x|})$ */
export const binaryCrossEntropyWithLogits: Terms = {
  term: (x, t) => Math.max(x, 0) - t * x + Math.log1p(Math.exp(-Math.abs(x))),
  derivative: (x, t) => sigmoidOf(x) - t
}

/** The sum of all terms. */
export const total = ({ term }: Terms) => (p: Floats, t: Floats): number => {
  let sum = 0
  for (let i = 0; i < p.length; i++) sum += term(p[i], t[i])
  return sum
}

/** Every derivative, multiplied with a number. */
export const slopes = ({ derivative }: Terms, scale: number): Binary => (p, t, dp) => {
  for (let i = 0; i < dp.length; i++) dp[i] = scale * derivative(p[i], t[i])
}
