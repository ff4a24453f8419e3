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
import { linear, type LinearParams, linearSpec } from '../layers/linear.js'
import { heNormal, INIT, type InitOptions, type SpecOptions } from '../random/initializers.js'
import type { Draw } from '../random/key.js'
import { initial, type Spec } from '../random/spec.js'
import { arrays, check, having, natural } from '../tensor/domain.js'
import type { Tensor } from '../tensor/tensor.js'

export type MlpParams = {
  readonly hidden: readonly LinearParams[]
  readonly output: LinearParams
}

const layers = having('a layer', 'forward', 'vjp')

/**
 * Hidden layers with the activation, then a linear layer. Shapes: x `[..., sizes[0]]`, y `[..., sizes[last]]`.
 *
 * @example
 * mlp(relu).forward(initMlp([2, 16, 16, 1])(random.key(0)), tensor.zeros([5, 2])).shape // [5, 1]
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
 * The parameters for the widths `sizes`, from the input to the output: `[2, 16, 1]` has one hidden layer of 16. Weights begin as He
 * et al. draw them unless an initializer is given.
 * Throws `RangeError` for fewer than two widths, and for one that is not a non-negative integer.
 *
 * @example
 * spec.count(mlpSpec([784, 128, 64, 10])) // 109386
 *
 * @category parameters
 */
export const mlpSpec = (sizes: readonly number[], { initializer = heNormal }: SpecOptions = {}): Spec<MlpParams> => {
  check('mlpSpec', 'sizes', arrays, sizes)
  for (const [i, size] of sizes.entries()) check('mlpSpec', `sizes[${i}]`, natural, size)
  if (sizes.length < 2) throw new RangeError(`mlpSpec: expected at least an input and an output width, got ${sizes.length}`)
  const between = sizes.slice(0, -1).map((inputs, i) => linearSpec(inputs, sizes[i + 1], { initializer }))
  return { hidden: between.slice(0, -1), output: between[between.length - 1] }
}

/**
 * Initial parameters of `mlpSpec`.
 *
 * @example
 * initMlp([2, 16, 1])(random.key(0)).hidden.length // 1
 *
 * @category initial parameters
 */
export const initMlp = (sizes: readonly number[], options: InitOptions = {}): Draw<MlpParams> =>
  initial('initMlp', INIT, options, () => mlpSpec(sizes, options))
