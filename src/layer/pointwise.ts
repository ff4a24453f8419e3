/**
 * Functions of one number, applied to every entry of a tensor.
 *
 * @module
 */
import { map, multiply, zipWith } from '../tensor/algebra.js'
import type { Tensor } from '../tensor/tensor.js'
import { fromOutput, type Layer, layerKeeping, type NoParams, noParams, parameterless } from './layer.js'
import { rowwise } from './readings.js'

/** `pointwise`, for functions of the library's. */
export const entrywise = (f: (x: number) => number, derivative: (x: number) => number): Layer<NoParams, Tensor, Tensor> =>
  parameterless(map(f), (x, dy) => zipWith(dy, (xi, dyi) => derivative(xi) * dyi)(x))

/**
 * $y_i = f(x_i)$. Since $y_i$ depends on $x_i$ alone, the Jacobian is diagonal and $dx_i = f'(x_i)\,dy_i$.
 *
 * @example
 * const square = pointwise(x => x * x, x => 2 * x)
 * tensor.toArray(square.vjp(noParams, tensor.of([3]))[1](tensor.of([1])).input) // [6]
 *
 * @category constructors
 */
export const pointwise = (f: (x: number) => number, derivative: (x: number) => number): Layer<NoParams, Tensor, Tensor> =>
  rowwise(entrywise(f, derivative))

/**
 * `pointwise` for a function whose derivative is shorter in terms of its value:
 * `derivative` is $y \mapsto f'(f^{-1}(y))$.
 *
 * @example
 * const exp = pointwiseFromOutput(Math.exp, y => y)
 * tensor.toArray(exp.vjp(noParams, tensor.of([0]))[1](tensor.of([1])).input) // [1]
 *
 * @category constructors
 */
export const pointwiseFromOutput = (
  f: (x: number) => number, derivative: (y: number) => number
): Layer<NoParams, Tensor, Tensor> =>
  rowwise(fromOutput(map(f), (y, dy) => zipWith(dy, (yi, dyi) => derivative(yi) * dyi)(y)))

/** `pointwiseWithSlope`, for functions of the library's. */
export const withSlopeKept = (
  f: (x: Tensor) => Tensor, withSlope: (x: Tensor) => readonly [y: Tensor, slope: Tensor]
): Layer<NoParams, Tensor, Tensor> => ({
  forward: (_, x) => f(x),
  vjp: layerKeeping<NoParams, Tensor, Tensor, Tensor>({
    forward: (_, x) => withSlope(x),
    gradient: (_, __, slope, dy) => ({ params: noParams, input: multiply(dy)(slope) })
  }).vjp
})

/**
 * `pointwise` for a function of tensors that computes its value and its slope $f'(x_i)$ in less time together than one
 * after the other. The slope is kept, and $dx = f'(x) \odot dy$ is a product.
 *
 * @example
 * const square = pointwiseWithSlope(tensor.map(x => x * x), x => [tensor.map(v => v * v)(x), tensor.scale(2)(x)])
 * tensor.toArray(square.vjp(noParams, tensor.of([3]))[1](tensor.of([1])).input) // [6]
 *
 * @category constructors
 */
export const pointwiseWithSlope = (
  f: (x: Tensor) => Tensor, withSlope: (x: Tensor) => readonly [y: Tensor, slope: Tensor]
): Layer<NoParams, Tensor, Tensor> => rowwise(withSlopeKept(f, withSlope))
