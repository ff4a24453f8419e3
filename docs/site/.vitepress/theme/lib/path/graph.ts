/**
 * A graph of five operations: forward the numbers, backward the gradients, from the library's own layers.
 */
import { linear, meanSquaredError, noParams, tanh, tensor } from 'pullback'

export const TARGET = 1

export interface Inputs {
  readonly x: number
  readonly w: number
  readonly b: number
}

export interface Passes {
  readonly values: { readonly p: number, readonly z: number, readonly y: number, readonly loss: number }
  readonly gradients: { readonly x: number, readonly w: number, readonly b: number, readonly p: number, readonly z: number, readonly y: number }
  /** What each edge multiplies a gradient with on its way back. */
  readonly local: { readonly lossByY: number, readonly yByZ: number, readonly pByW: number, readonly pByX: number }
}

const one = (x: number) => tensor.of([[x]], 'float64')
const first = tensor.at(0, 0)

export const passes = ({ x, w, b }: Inputs): Passes => {
  const [z, pullLinear] = linear.vjp({ weight: one(w), bias: tensor.of([b], 'float64') }, one(x))
  const [y, pullTanh] = tanh.vjp(noParams, z)
  const loss = meanSquaredError(), dy = loss.gradient(y, one(TARGET))
  const dz = pullTanh(dy).input, { params, input } = pullLinear(dz)
  return {
    values: { p: w * x, z: first(z), y: first(y), loss: loss.forward(y, one(TARGET)) },
    gradients: { x: first(input), w: first(params.weight), b: tensor.at(0)(params.bias), p: first(dz), z: first(dz), y: first(dy) },
    local: { lossByY: first(dy), yByZ: first(pullTanh(one(1)).input), pByW: x, pByX: w }
  }
}
