/**
 * The logistic sigmoid.
 *
 * $$y = \sigma(x) = \frac{1}{1 + e^{-x}}$$
 *
 * Shapes: any, entry by entry.
 *
 * **Derivation.** By the quotient rule,
 *
 * $$\sigma'(x) = \frac{e^{-x}}{(1 + e^{-x})^2} = \frac{1}{1 + e^{-x}} \cdot \frac{e^{-x}}{1 + e^{-x}}.$$
 *
 * The second factor is $1 - \sigma(x)$, because $1 - \frac{1}{1 + e^{-x}} = \frac{e^{-x}}{1 + e^{-x}}$. Hence
 *
 * $$\sigma'(x) = y\,(1 - y), \qquad dx = y\,(1 - y)\,dy.$$
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
 * $y = 1/(1 + e^{-x})$, entry by entry.
 *
 * @example
 * tensor.toArray(sigmoid.forward(noParams, tensor.of([-1, 0, 2]))) // [0.2689, 0.5, 0.8808]
 *
 * @category layers
 */
export const sigmoid: Layer<NoParams, Tensor, Tensor> = rowwise(trusted(fromOutput(
  entries('sigmoid', kernel.sigmoid),
  (y, dy) => own(y.shape, kernel.sigmoidGradient(y.data, dy.data)))))
