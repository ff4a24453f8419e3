/**
 * The multi-layer perceptron: hidden layers with an activation, then a linear layer.
 *
 * $$x_{i+1} = a(x_i W_i + b_i), \qquad y = x_L W + b$$
 *
 * The depth is the number of records in `hidden`, so one layer value serves every depth.
 *
 * @module
 */
import { pipe } from 'fp-ts/lib/function.js'
import { andThen, named, stack } from '../layer/compose.js'
import type { Layer, NoParams } from '../layer/layer.js'
import { initLinear, linear, type LinearParams } from '../layers/linear.js'
import { struct } from '../random/distributions.js'
import { checkInit, heNormal, type Initializer } from '../random/initializers.js'
import { type Draw, splitMany } from '../random/key.js'
import { arrays, check, having, natural } from '../tensor/domain.js'
import type { Precision, Tensor } from '../tensor/tensor.js'

export type MlpParams = {
  readonly hidden: readonly LinearParams[]
  readonly output: LinearParams
}

const layers = having('a layer', 'forward', 'vjp')

/**
 * Hidden layers with the activation, then a linear layer. Shapes: x `[..., sizes[0]]`, y `[..., sizes[last]]`.
 *
 * @category models
 */
export const mlp = (activation: Layer<NoParams, Tensor, Tensor>): Layer<MlpParams, Tensor, Tensor> => {
  check('mlp', 'activation', layers, activation)
  return pipe(
    stack(pipe(linear, andThen(activation))), named('hidden'),
    andThen('output', linear))
}

/**
 * Parameters for the widths `sizes`, from the input to the output: `[2, 16, 1]` has one hidden layer of 16.
 * Throws `RangeError` for fewer than two widths, and for one that is no non-negative integer.
 *
 * @category initial parameters
 */
export const initMlp = (
  sizes: readonly number[], initializer: Initializer = heNormal, precision: Precision = 'float32'
): Draw<MlpParams> => {
  check('initMlp', 'sizes', arrays, sizes)
  for (const [i, size] of sizes.entries()) check('initMlp', `sizes[${i}]`, natural, size)
  checkInit('initMlp', {}, { initializer }, precision)
  if (sizes.length < 2) throw new RangeError(`initMlp: expected at least an input and an output width, got ${sizes.length}`)
  const between = sizes.slice(0, -1).map((inputs, i) => initLinear(inputs, sizes[i + 1], initializer, precision))
  return struct({
    hidden: key => splitMany(between.length - 1)(key).map((layerKey, i) => between[i](layerKey)),
    output: between[between.length - 1]
  })
}
