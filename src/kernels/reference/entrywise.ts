/**
 * Sums and products entry by entry, and folds.
 *
 * @module
 */
import type { Floats } from '../floats.js'
import type { Binary, Unary } from './activations.js'

const zipped = (f: (a: number, b: number) => number): Binary => (a, b, y) => {
  for (let i = 0; i < y.length; i++) y[i] = f(a[i], b[i])
}

/** $a_i + b_i$ */
export const add = zipped((a, b) => a + b)
/** $a_i - b_i$ */
export const subtract = zipped((a, b) => a - b)
/** $a_i b_i$ */
export const multiply = zipped((a, b) => a * b)
/** $a_i / b_i$ */
export const divide = zipped((a, b) => a / b)

/** $s\,a_i$ */
export const scale = (factor: number): Unary => (a, y) => {
  for (let i = 0; i < y.length; i++) y[i] = factor * a[i]
}

/** $\theta_i - \eta g_i$ */
export const descend = (rate: number): Binary => zipped((theta, g) => theta - rate * g)

/** $\sum_i a_i b_i$ in double precision */
export const dot = (a: Floats, b: Floats): number => {
  let total = 0
  for (let i = 0; i < a.length; i++) total += a[i] * b[i]
  return total
}

/** $\sum_i a_i$ in double precision */
export const sum = (a: Floats): number => {
  let total = 0
  for (let i = 0; i < a.length; i++) total += a[i]
  return total
}
