/**
 * Sums and products entry by entry, and inner products: SIMD for single precision, the reference elsewhere.
 *
 * @module
 */
import { type Floats, type FreshFloats, isSingle } from './floats.js'
import * as reference from './reference/entrywise.js'
import { call } from './simd/arena.js'

/** $a_i + b_i$ */
export const add = (a: Floats, b: Floats): FreshFloats => {
  const done = call({ reads: [a, b], writes: [a.length] }, (kernels, [pa, pb], [y]) => kernels.add(y, pa, pb, a.length))
  return done === undefined ? reference.add(a, b) : done[0][0]
}

/** $a_i b_i$ */
export const multiply = (a: Floats, b: Floats): FreshFloats => {
  const done = call({ reads: [a, b], writes: [a.length] }, (kernels, [pa, pb], [y]) => kernels.multiply(y, pa, pb, a.length))
  return done === undefined ? reference.multiply(a, b) : done[0][0]
}

/** $s\,a_i$ */
export const scale = (a: Floats, factor: number): FreshFloats => {
  const done = !isSingle(factor) ? undefined : call({ reads: [a], writes: [a.length] }, (kernels, [pa], [y]) => kernels.scale(y, pa, factor, a.length))
  return done === undefined ? reference.scale(a, factor) : done[0][0]
}

/** $\theta_i - \eta g_i$ */
export const descend = (theta: Floats, g: Floats, rate: number): FreshFloats => {
  const done = !isSingle(rate) ? undefined : call({ reads: [theta, g], writes: [theta.length] }, (kernels, [pt, pg], [y]) =>
    kernels.descend(y, pt, pg, rate, theta.length))
  return done === undefined ? reference.descend(theta, g, rate) : done[0][0]
}

/** $\sum_i a_i b_i$ in double precision */
export const dot = (a: Floats, b: Floats): number => {
  const done = call({ reads: [a, b], writes: [] }, (kernels, [pa, pb]) => kernels.dot(pa, pb, a.length))
  return done === undefined ? reference.dot(a, b) : done[1]
}
