/**
 * Activations entry by entry and their gradients: SIMD for single precision, the reference elsewhere.
 *
 * @module
 */
import { type Floats, type FreshFloats, isSingle } from './floats.js'
import * as reference from './reference/activations.js'
import { call } from './simd/arena.js'
import type { Kernels } from './simd/instance.js'

export { sigmoidOf } from './reference/activations.js'

type Unary = (x: Floats) => FreshFloats
type Binary = (a: Floats, b: Floats) => FreshFloats
type WithSlope = (x: Floats) => readonly [y: FreshFloats, slope: FreshFloats]

const unary = (definition: Unary, run: (kernels: Kernels, y: number, x: number, n: number) => void): Unary => x => {
  const done = call({ reads: [x], writes: [x.length] }, (kernels, [px], [y]) => run(kernels, y, px, x.length))
  return done === undefined ? definition(x) : done[0][0]
}

const binary = (definition: Binary, run: (kernels: Kernels, y: number, a: number, b: number, n: number) => void): Binary => (a, b) => {
  const done = call({ reads: [a, b], writes: [a.length] }, (kernels, [pa, pb], [y]) => run(kernels, y, pa, pb, a.length))
  return done === undefined ? definition(a, b) : done[0][0]
}

/** A function and its derivative, which share most of their work. */
const withSlope = (
  value: Unary, slope: Unary, run: (kernels: Kernels, y: number, slope: number, x: number, n: number) => void
): WithSlope => x => {
  const done = call({ reads: [x], writes: [x.length, x.length] }, (kernels, [px], [y, s]) => run(kernels, y, s, px, x.length))
  return done === undefined ? [value(x), slope(x)] : [done[0][0], done[0][1]]
}

/** $\sigma(x_i)$ */
export const sigmoid = unary(reference.sigmoid, ({ sigmoid: run }, ...at) => run(...at))
/** $y_i (1 - y_i)\,dy_i$ */
export const sigmoidGradient = binary(reference.sigmoidGradient, ({ sigmoidGradient: run }, ...at) => run(...at))
/** $\tanh x_i$ */
export const tanh = unary(reference.tanh, ({ tanh: run }, ...at) => run(...at))
/** $(1 - y_i^2)\,dy_i$ */
export const tanhGradient = binary(reference.tanhGradient, ({ tanhGradient: run }, ...at) => run(...at))
/** $\max(0, x_i)$ */
export const relu = unary(reference.relu, ({ relu: run }, ...at) => run(...at))
/** $dy_i$ where $x_i > 0$, 0 where it is not, NaN where it is NaN */
export const reluGradient = binary(reference.reluGradient, ({ reluGradient: run }, ...at) => run(...at))
/** $x_i$ where $x_i > 0$, $a x_i$ elsewhere */
export const leakyRelu = (slope: number): Unary =>
  !isSingle(slope) ? reference.leakyRelu(slope) : unary(reference.leakyRelu(slope), ({ leakyRelu: run }, y, x, n) => run(y, x, slope, n))
/** $dy_i$ where $x_i > 0$, $a\,dy_i$ elsewhere */
export const leakyReluGradient = (slope: number): Binary =>
  !isSingle(slope) ? reference.leakyReluGradient(slope) : binary(reference.leakyReluGradient(slope), ({ leakyReluGradient: run }, dx, x, dy, n) => run(dx, x, dy, slope, n))
/** $x_i\,\sigma(x_i)$ */
export const silu = unary(reference.silu, ({ silu: run }, ...at) => run(...at))
/** $x_i\,\sigma$ and $\sigma + x_i\,\sigma(1 - \sigma)$ with $\sigma = \sigma(x_i)$ */
export const siluWithSlope = withSlope(reference.silu, reference.siluSlope, ({ siluWithSlope: run }, ...at) => run(...at))
/** $x_i\,\sigma(2u_i)$ with $u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)$ */
export const geluTanh = unary(reference.geluTanh, ({ gelu: run }, ...at) => run(...at))
/** $x_i\,\sigma$ and $\sigma + x_i\,\sigma(1 - \sigma)\,2u'(x_i)$ with $\sigma = \sigma(2u_i)$ */
export const geluTanhWithSlope = withSlope(reference.geluTanh, reference.geluTanhSlope, ({ geluWithSlope: run }, ...at) => run(...at))
