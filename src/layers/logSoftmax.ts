/**
 * The logarithm of the softmax.
 *
 * $$y_j = x_j - \ln \sum_l e^{x_l}$$
 *
 * Shapes: $x$ and $y$ `[..., V]`, row by row. It is computed as $x_j - m - \ln \sum_l e^{x_l - m}$ with
 * $m = \max_j x_j$: nothing overflows, and a probability too small for a floating-point number still has a
 * finite logarithm.
 *
 * **Derivation.** The derivative of $\ln \sum_l e^{x_l}$ with respect to $x_i$ is $e^{x_i}/\sum_l e^{x_l} = e^{y_i}$, so
 *
 * $$\frac{\partial y_j}{\partial x_i} = \delta_{ij} - e^{y_i}, \qquad
 *   dx_i = \sum_j dy_j\,(\delta_{ij} - e^{y_i}) = dy_i - e^{y_i} \sum_j dy_j.$$
 *
 * @module
 */
import * as kernel from '../kernels/softmax.js'
import { fromOutput, type Layer, type NoParams } from '../layer/layer.js'
import { rowwise } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import { rowsOf } from '../tensor/shape.js'
import { checkTensor, own, type Tensor } from '../tensor/tensor.js'

const forward = (x: Tensor): Tensor => {
  checkTensor('logSoftmax', 'x', x)
  const { rows, width } = rowsOf('logSoftmax', x.shape)
  return own(x.shape, kernel.logSoftmaxRows({ rows, width }, x.data))
}

/** $dx_i = dy_i - e^{y_i} \sum_j dy_j$ */
const gradient = (y: Tensor, dy: Tensor): Tensor => {
  const { rows, width } = rowsOf('logSoftmax', y.shape)
  return own(y.shape, kernel.logSoftmaxRowsGradient({ rows, width }, y.data, dy.data))
}

/**
 * $y_j = x_j - \ln \sum_l e^{x_l}$ on the last axis. Throws `ShapeError` for a scalar.
 *
 * @example
 * tensor.toArray(logSoftmax.forward(noParams, tensor.of([0, 1]))) // [-1.313, -0.3133]
 *
 * @category layers
 */
export const logSoftmax: Layer<NoParams, Tensor, Tensor> = rowwise(trusted(fromOutput(forward, gradient)))
