/**
 * The hyperbolic tangent.
 *
 * $$y = \tanh x = \frac{\sinh x}{\cosh x}$$
 *
 * Shapes: any, entry by entry.
 *
 * **Derivation.** Since $\sinh' = \cosh$ and $\cosh' = \sinh$, the quotient rule gives
 *
 * $$\tanh' x = \frac{\cosh^2 x - \sinh^2 x}{\cosh^2 x} = 1 - \tanh^2 x,$$
 *
 * hence $dx = (1 - y^2)\,dy$.
 *
 * @module
 */
import * as kernel from '../kernels/activations.js'
import { fromOutput, type Layer, type NoParams } from '../layer/layer.js'
import { rowwise } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import { own, type Tensor } from '../tensor/tensor.js'
import { entries } from './entries.js'

/**
 * $y = \tanh x$, entry by entry.
 *
 * @example
 * tensor.toArray(tanh.forward(noParams, tensor.of([-1, 0, 2]))) // [-0.7616, 0, 0.964]
 *
 * @category layers
 */
export const tanh: Layer<NoParams, Tensor, Tensor> = rowwise(trusted(fromOutput(
  entries('tanh', kernel.tanh),
  (y, dy) => own(y.shape, kernel.tanhGradient(y.data, dy.data)))))
