/**
 * Sums and products entry by entry, and inner products.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'
import { freshLike } from '../fresh.js'

/** $a_i + b_i$ */
export const add = (a: Floats, b: Floats): FreshFloats => {
  const y = freshLike(a, a.length)
  for (let i = 0; i < y.length; i++) y[i] = a[i] + b[i]
  return y
}

/** $a_i b_i$ */
export const multiply = (a: Floats, b: Floats): FreshFloats => {
  const y = freshLike(a, a.length)
  for (let i = 0; i < y.length; i++) y[i] = a[i] * b[i]
  return y
}

/** $s\,a_i$ */
export const scale = (a: Floats, factor: number): FreshFloats => {
  const y = freshLike(a, a.length)
  for (let i = 0; i < y.length; i++) y[i] = factor * a[i]
  return y
}

/** $\theta_i - \eta g_i$ */
export const descend = (theta: Floats, g: Floats, rate: number): FreshFloats => {
  const y = freshLike(theta, theta.length)
  for (let i = 0; i < y.length; i++) y[i] = theta[i] - rate * g[i]
  return y
}

/** $\sum_i a_i b_i$ in double precision */
export const dot = (a: Floats, b: Floats): number => {
  let total = 0
  for (let i = 0; i < a.length; i++) total += a[i] * b[i]
  return total
}
