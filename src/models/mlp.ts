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
import { heNormal, type Initializer } from '../random/initializers.js'
import { type Draw, splitMany } from '../random/key.js'
import type { Precision, Tensor } from '../tensor/tensor.js'

export type MlpParams = {
  readonly hidden: readonly LinearParams[]
  readonly output: LinearParams
}

/**
 * Hidden layers with the activation, then a linear layer. Shapes: x `[..., sizes[0]]`, y `[..., sizes[last]]`.
 *
 * @category models
 */
export const mlp = (activation: Layer<NoParams, Tensor, Tensor>): Layer<MlpParams, Tensor, Tensor> => pipe(
  stack(pipe(linear, andThen(activation))), named('hidden'),
  andThen('output', linear))

/**
 * Parameters for the widths `sizes`, from the input to the output: `[2, 16, 1]` has one hidden layer of 16.
 * Throws `RangeError` for fewer than two widths.
 *
 * @category initial parameters
 */
export const initMlp = (
  sizes: readonly number[], initializer: Initializer = heNormal, precision: Precision = 'float32'
): Draw<MlpParams> => {
  if (sizes.length < 2) throw new RangeError(`initMlp: expected at least an input and an output width, got ${sizes.length}`)
  const between = sizes.slice(0, -1).map((inputs, i) => initLinear(inputs, sizes[i + 1], initializer, precision))
  return struct({
    hidden: key => splitMany(between.length - 1)(key).map((layerKey, i) => between[i](layerKey)),
    output: between[between.length - 1]
  })
}
