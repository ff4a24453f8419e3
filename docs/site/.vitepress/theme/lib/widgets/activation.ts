/**
 * Functions of one number, and their slopes.
 */
import { gelu, geluTanh, type Layer, leakyRelu, type NoParams, noParams, relu, sigmoid, silu, tanh, tensor, type Tensor } from 'pullback'

export const ACTIVATIONS: readonly { readonly name: string, readonly layer: Layer<NoParams, Tensor, Tensor>, readonly says: string }[] = [
  { name: 'relu', layer: relu, says: 'Below 0 the slope is 0 and no gradient passes; above 0 it passes as it is.' },
  { name: 'leakyRelu', layer: leakyRelu(0.1), says: 'Below 0 a tenth of the gradient passes, so no unit is ever dead.' },
  { name: 'gelu', layer: gelu, says: 'x times the probability that a normal number is below x. The slope passes 1 and dips below 0.' },
  { name: 'geluTanh', layer: geluTanh, says: 'The approximation that GPT-2 was trained with. No eye tells it from gelu.' },
  { name: 'silu', layer: silu, says: 'x times its sigmoid: smooth, and a little below 0 before it rises.' },
  { name: 'sigmoid', layer: sigmoid, says: 'The slope is y (1 − y), at most a quarter: far from 0 hardly a gradient passes.' },
  { name: 'tanh', layer: tanh, says: 'The slope is 1 − y², at most 1: far from 0 hardly a gradient passes.' }
]

/** Values, and slopes: what the library pulls a gradient of 1 back to. */
export const activationAt = (layer: Layer<NoParams, Tensor, Tensor>, xs: readonly number[]) => {
  const [y, pullback] = layer.vjp(noParams, tensor.of(xs, 'float64'))
  return { values: tensor.toArray(y), slopes: tensor.toArray(pullback(tensor.full([xs.length], 1, 'float64')).input) }
}
