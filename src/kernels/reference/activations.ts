/**
 * Activations entry by entry: definitions in plain TypeScript.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'
import { normalDensity, normalDistribution } from './erf.js'

/** $\sigma(x)$; for $x < 0$ as $e^x/(1 + e^x)$, where it keeps its relative precision. */
export const sigmoidOf = (x: number): number => {
  const e = Math.exp(-Math.abs(x))
  return x < 0 ? e / (1 + e) : 1 / (1 + e)
}

/** Fills $y_i = f(x_i)$. */
export type Unary = (x: Floats, y: FreshFloats) => void
/** Fills $z_i = f(x_i, y_i)$. */
export type Binary = (x: Floats, y: Floats, z: FreshFloats) => void

const entrywise = (f: (x: number) => number): Unary => (x, y) => {
  for (let i = 0; i < y.length; i++) y[i] = f(x[i])
}

/** Outside of ±1000 a sigmoid is exactly 0 or 1 in double precision, and outside of ±32 so is the gate of geluTanh. */
const SILU_EDGE = 1000
const GELU_EDGE = 32
const within = (edge: number, x: number): number => Math.max(-edge, Math.min(edge, x))

const entrywiseGradient = (derivative: (v: number) => number): Binary => (v, dy, dx) => {
  for (let i = 0; i < dx.length; i++) dx[i] = derivative(v[i]) * dy[i]
}

/** $\sigma(x_i)$ */
export const sigmoid = entrywise(sigmoidOf)
/** $y_i (1 - y_i)\,dy_i$ */
export const sigmoidGradient = entrywiseGradient(y => y * (1 - y))

/** $\tanh x_i$ */
export const tanh = entrywise(Math.tanh)
/** $(1 - y_i^2)\,dy_i$ */
export const tanhGradient = entrywiseGradient(y => 1 - y * y)

/** $\max(0, x_i)$ */
export const relu = entrywise(x => Math.max(0, x))
/** $dy_i$ where $x_i > 0$, 0 where it is not, NaN where it is NaN */
export const reluGradient: Binary = (x, dy, dx) => {
  for (let i = 0; i < dx.length; i++) dx[i] = x[i] > 0 ? dy[i] : x[i] <= 0 ? 0 : NaN
}

/** $x_i$ where $x_i > 0$, $a x_i$ elsewhere */
export const leakyRelu = (slope: number): Unary => entrywise(x => (x > 0 ? x : slope * x))
/** $dy_i$ where $x_i > 0$, $a\,dy_i$ elsewhere */
export const leakyReluGradient = (slope: number): Binary =>
  entrywiseGradient(x => (x > 0 ? 1 : x <= 0 ? slope : NaN))

/** $x_i\,\sigma(x_i)$; 0, its limit, at −∞ */
export const silu = entrywise(x => Math.max(-SILU_EDGE, x) * sigmoidOf(x))
/** $\sigma + x_i\,\sigma(1 - \sigma)$ with $\sigma = \sigma(x_i)$ */
export const siluSlope = entrywise(x => {
  const s = sigmoidOf(x)
  return s + within(SILU_EDGE, x) * s * (1 - s)
})

const TWICE_ROOT = 2 * Math.sqrt(2 / Math.PI)
const CUBIC = 0.044715

const geluGate = (x: number): number => sigmoidOf(TWICE_ROOT * (x + CUBIC * x * x * x))

/** $x_i\,\sigma(2u_i)$ with $u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)$, which is $\tfrac12 x (1 + \tanh u)$; 0, its limit, at −∞ */
export const geluTanh = entrywise(x => Math.max(-GELU_EDGE, x) * geluGate(within(GELU_EDGE, x)))
/** $\sigma + x_i\,\sigma(1 - \sigma)\,2u'(x_i)$ with $\sigma = \sigma(2u_i)$ */
export const geluTanhSlope = entrywise(far => {
  const x = within(GELU_EDGE, far), s = geluGate(x)
  return s + x * s * (1 - s) * TWICE_ROOT * (1 + 3 * CUBIC * x * x)
})

/** Beyond ±64 the normal distribution is exactly 0 or 1 and its density 0, so that infinities have their limits. */
const NORMAL_EDGE = 64
/** $x_i\,\Phi(x_i)$; 0, its limit, at −∞ */
export const gelu = entrywise(x => Math.max(-NORMAL_EDGE, x) * normalDistribution(x))
/** $(\Phi(x_i) + x_i\,\varphi(x_i))\,dy_i$ */
export const geluGradient = entrywiseGradient(x => normalDistribution(x) + within(NORMAL_EDGE, x) * normalDensity(x))
