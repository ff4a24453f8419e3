/**
 * Activations with their slopes, as the library has them.
 */
import { gelu, noParams, relu, sigmoid, tanh, tensor } from 'pullback'

export const ACTIVATIONS = { relu, tanh, sigmoid, gelu }

export type ActivationName = keyof typeof ACTIVATIONS

export const valuesOf = (name: ActivationName, xs: readonly number[]): readonly number[] => tensor.toArray(ACTIVATIONS[name].forward(noParams, tensor.of(xs, 'float64')))

/** f(x) and f′(x): the pullback of 1. */
export const valueAndSlope = (name: ActivationName, x: number): readonly [value: number, slope: number] => {
  const [y, pullback] = ACTIVATIONS[name].vjp(noParams, tensor.of([x], 'float64'))
  return [tensor.at(0)(y), tensor.at(0)(pullback(tensor.of([1], 'float64')).input)]
}
