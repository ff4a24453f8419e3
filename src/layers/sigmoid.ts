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
import type { Layer, NoParams } from '../layer/layer.js'
import { pointwiseFromOutput } from '../layer/pointwise.js'
import type { Tensor } from '../tensor/tensor.js'

/** $\sigma(x)$; for $x < 0$ as $e^x/(1 + e^x)$, where it keeps its relative precision. */
export const sigmoidOf = (x: number): number => {
  const e = Math.exp(-Math.abs(x))
  return x < 0 ? e / (1 + e) : 1 / (1 + e)
}

/**
 * $y = 1/(1 + e^{-x})$, entry by entry.
 *
 * @category layers
 */
export const sigmoid: Layer<NoParams, Tensor, Tensor> = pointwiseFromOutput(sigmoidOf, y => y * (1 - y))
