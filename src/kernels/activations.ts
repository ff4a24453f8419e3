/**
 * Activations entry by entry and their gradients.
 *
 * @module
 */
import { binary, unary, vectors, withSlope } from './entries.js'
import { type Floats, type FreshFloats, isSingle } from './floats.js'
import { kernel } from './kernel.js'
import * as reference from './reference/activations.js'

interface LeakySizes {
  readonly n: number
  /** $a$ */
  readonly slope: number
}

/** $\sigma(x_i)$ */
export const sigmoid = unary('sigmoid', reference.sigmoid, 24)
/** $y_i (1 - y_i)\,dy_i$ */
export const sigmoidGradient = binary('sigmoidGradient', reference.sigmoidGradient, 3)
/** $\tanh x_i$ */
export const tanh = unary('tanh', reference.tanh, 36)
/** $(1 - y_i^2)\,dy_i$ */
export const tanhGradient = binary('tanhGradient', reference.tanhGradient, 3)
/** $\max(0, x_i)$ */
export const relu = unary('relu', reference.relu, 3)
/** $dy_i$ where $x_i > 0$, 0 where it is not, NaN where it is NaN */
export const reluGradient = binary('reluGradient', reference.reluGradient, 3)

/** $x_i$ where $x_i > 0$, $a x_i$ elsewhere */
export const leakyRelu = kernel('leakyRelu', ({ slope }: LeakySizes, [x]: readonly [Floats], [y]: readonly [FreshFloats]) => reference.leakyRelu(slope)(x, y))({
  reads: ({ n }) => [n], writes: ({ n }) => [n], numbers: ({ slope }) => [slope], fits: ({ slope }) => isSingle(slope),
  fast: 'leakyRelu', pieces: sizes => vectors(sizes, 3)
})
/** $dy_i$ where $x_i > 0$, $a\,dy_i$ elsewhere */
export const leakyReluGradient = kernel('leakyReluGradient', ({ slope }: LeakySizes, [x, dy]: readonly [Floats, Floats], [dx]: readonly [FreshFloats]) => reference.leakyReluGradient(slope)(x, dy, dx))({
  reads: ({ n }) => [n, n], writes: ({ n }) => [n], numbers: ({ slope }) => [slope], fits: ({ slope }) => isSingle(slope),
  fast: 'leakyReluGradient', pieces: sizes => vectors(sizes, 3)
})

/** $x_i\,\sigma(x_i)$ */
export const silu = unary('silu', reference.silu, 24)
/** $x_i\,\sigma$ and $\sigma + x_i\,\sigma(1 - \sigma)$ with $\sigma = \sigma(x_i)$ */
export const siluWithSlope = withSlope('siluWithSlope', reference.silu, reference.siluSlope, 30)
/** $x_i\,\sigma(2u_i)$ with $u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)$ */
export const geluTanh = unary('gelu', reference.geluTanh, 27)
/** $x_i\,\sigma$ and $\sigma + x_i\,\sigma(1 - \sigma)\,2u'(x_i)$ with $\sigma = \sigma(2u_i)$ */
export const geluTanhWithSlope = withSlope('geluWithSlope', reference.geluTanh, reference.geluTanhSlope, 36)

/** $x_i\,\Phi(x_i)$ */
export const gelu = unary(undefined, reference.gelu, 0)
/** $(\Phi(x_i) + x_i\,\varphi(x_i))\,dy_i$ */
export const geluGradient = binary(undefined, reference.geluGradient, 0)
