/**
 * Softmax with temperature: scores to probabilities.
 *
 * $$y_j = \frac{e^{x_j/\tau}}{\sum_l e^{x_l/\tau}}$$
 *
 * Shapes: $x$ and $y$ `[..., V]`, row by row; the temperature $\tau > 0$ is a number. A low temperature sharpens
 * the distribution towards the largest score, a high one flattens it.
 *
 * Subtracting a constant $m$ from every $x_j$ multiplies numerator and denominator by $e^{-m/\tau}$ and changes
 * nothing. With $m = \max_j x_j$ no exponent is positive, so nothing overflows. A score of −∞ has the probability
 * 0; a row whose every score is −∞ gives zeros; scores of +∞ share the whole in equal parts. In the limit of a small temperature
 * the largest scores do.
 *
 * **Derivation.** Let $s = \sum_l e^{x_l/\tau}$, so $y_j = e^{x_j/\tau}/s$ and $\partial s/\partial x_i = e^{x_i/\tau}/\tau$.
 * By the quotient rule
 *
 * $$\frac{\partial y_j}{\partial x_i}
 *   = \frac{\delta_{ij}\, e^{x_j/\tau}/\tau}{s} - \frac{e^{x_j/\tau}}{s} \cdot \frac{e^{x_i/\tau}/\tau}{s}
 *   = \frac{1}{\tau}\, y_j\,(\delta_{ij} - y_i).$$
 *
 * Multiply by $dy_j$ and sum over $j$:
 *
 * $$dx_i = \frac1\tau \sum_j dy_j\, y_j\,(\delta_{ij} - y_i) = \frac1\tau\Big(dy_i\, y_i - y_i \sum_j dy_j\, y_j\Big).$$
 *
 * Factor out $y_i$:
 *
 * $$dx_i = \frac{y_i}{\tau}\,\Big(dy_i - \sum_j dy_j\, y_j\Big).$$
 *
 * @module
 */
import * as kernel from '../kernels/softmax.js'
import { fromOutput, type Layer, type NoParams } from '../layer/layer.js'
import { rowwise } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import { check, positive } from '../tensor/domain.js'
import { rowsOf } from '../tensor/shape.js'
import { checkTensor, own, type Tensor } from '../tensor/tensor.js'

const forward = (temperature: number) => (x: Tensor): Tensor => {
  checkTensor('softmax', 'x', x)
  const { rows, width } = rowsOf('softmax', x.shape)
  return own(x.shape, kernel.softmaxRows({ rows, width, temperature }, x.data))
}

/** $dx_i = y_i\,(dy_i - \sum_j dy_j y_j)/\tau$ */
const gradient = (temperature: number) => (y: Tensor, dy: Tensor): Tensor => {
  const { rows, width } = rowsOf('softmax', y.shape)
  return own(y.shape, kernel.softmaxRowsGradient({ rows, width, temperature }, y.data, dy.data))
}

/**
 * $y_j = e^{x_j/\tau} / \sum_l e^{x_l/\tau}$ on the last axis. The layer throws `ShapeError` for a scalar.
 * Throws `RangeError` unless the temperature is a positive number.
 *
 * @example
 * tensor.toArray(softmaxWith(2).forward(noParams, tensor.of([0, 2]))) // [0.2689, 0.7311]
 *
 * @category layers
 */
export const softmaxWith = (temperature: number): Layer<NoParams, Tensor, Tensor> => {
  check('softmaxWith', 'temperature', positive, temperature)
  return rowwise(trusted(fromOutput(forward(temperature), gradient(temperature))))
}

/**
 * $y_j = e^{x_j} / \sum_l e^{x_l}$ on the last axis: `softmaxWith(1)`.
 *
 * @example
 * tensor.toNested(softmax.forward(noParams, tensor.of([[0, 1], [1000, 1000]]))) // [[0.2689, 0.7311], [0.5, 0.5]]
 *
 * @category layers
 */
export const softmax: Layer<NoParams, Tensor, Tensor> = softmaxWith(1)
