/**
 * GELU in its tanh form. Since $\tfrac12(1 + \tanh u) = \sigma(2u)$, it takes one exponential:
 * $y = x\,\sigma(2u)$ with $u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)$.
 *
 * @module
 */
import { type Floats, type FreshFloats, freshLike } from './floats.js'

const TWICE_ROOT = 2 * Math.sqrt(2 / Math.PI)
const CUBIC = 0.044715

/** $y_i = x_i\,\sigma(2u_i)$ */
export const geluTanh = (x: Floats): FreshFloats => {
  const y = freshLike(x, x.length)
  for (let i = 0; i < y.length; i++) {
    const xi = x[i]
    y[i] = xi / (1 + Math.exp(-TWICE_ROOT * (xi + CUBIC * xi * xi * xi)))
  }
  return y
}

/** $dx_i = dy_i\,\big(\sigma + x_i\,\sigma(1 - \sigma)\,2u'(x_i)\big)$ with $\sigma = \sigma(2u_i)$ */
export const geluTanhGradient = (x: Floats, dy: Floats): FreshFloats => {
  const dx = freshLike(x, x.length)
  for (let i = 0; i < dx.length; i++) {
    const xi = x[i]
    const s = 1 / (1 + Math.exp(-TWICE_ROOT * (xi + CUBIC * xi * xi * xi)))
    dx[i] = dy[i] * (s + xi * s * (1 - s) * TWICE_ROOT * (1 + 3 * CUBIC * xi * xi))
  }
  return dx
}
