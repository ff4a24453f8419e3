/**
 * The Gaussian error linear unit, in its exact form and in the tanh form that GPT-2 uses.
 *
 * $$\mathrm{gelu}(x) = x\,\Phi(x), \qquad
 *   \mathrm{geluTanh}(x) = \tfrac12 x\,(1 + \tanh u), \quad u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)$$
 *
 * where $\Phi(x) = \tfrac12\big(1 + \mathrm{erf}(x/\sqrt2)\big)$ is the standard normal distribution. Shapes: any,
 * entry by entry. (D. Hendrycks, K. Gimpel, *Gaussian Error Linear Units*, 2016, § 2.)
 *
 * **Derivation, exact form.** $\Phi' = \varphi$ with $\varphi(x) = e^{-x^2/2}/\sqrt{2\pi}$, so by the product rule
 *
 * $$dx = \big(\Phi(x) + x\,\varphi(x)\big)\,dy.$$
 *
 * **Derivation, tanh form.** Put $\tanh u = \frac{e^{u} - e^{-u}}{e^{u} + e^{-u}}$ into $\tfrac12(1 + \tanh u)$:
 *
 * $$\tfrac12(1 + \tanh u) = \frac{e^{u}}{e^{u} + e^{-u}} = \frac{1}{1 + e^{-2u}} = \sigma(2u),$$
 *
 * so $\mathrm{geluTanh}(x) = x\,\sigma(2u)$. With $\sigma' = \sigma(1 - \sigma)$ and the product and chain rules,
 *
 * $$\frac{dy}{dx} = \sigma(2u) + x\,\sigma(2u)\big(1 - \sigma(2u)\big)\,2u', \qquad
 *   u' = \sqrt{2/\pi}\,(1 + 3 \cdot 0.044715\,x^2),$$
 *
 * $$dx = \Big(\sigma + x\,\sigma(1 - \sigma)\,2u'\Big)\,dy, \qquad \sigma = \sigma(2u).$$
 *
 * @module
 */
import * as kernel from '../kernels/activations.js'
import { type Layer, type NoParams, parameterless } from '../layer/layer.js'
import { withSlopeKept } from '../layer/pointwise.js'
import { rowwise } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import { own, type Tensor } from '../tensor/tensor.js'
import { entries, pairs } from './entries.js'

/**
 * $y = x\,\Phi(x)$, entry by entry.
 *
 * @example
 * tensor.toArray(gelu.forward(noParams, tensor.of([-1, 0, 2]))) // [-0.1587, 0, 1.954]
 *
 * @category layers
 */
export const gelu: Layer<NoParams, Tensor, Tensor> = rowwise(trusted(parameterless(
  entries('gelu', kernel.gelu),
  (x, dy) => own(x.shape, kernel.geluGradient(x.data, dy.data)))))

/** $y = x\,\sigma$ and its slope $\sigma + x\,\sigma(1 - \sigma)\,2u'$ */
const withSlope = pairs('geluTanh', kernel.geluTanhWithSlope)

/**
 * $y = \tfrac12 x\,(1 + \tanh(\sqrt{2/\pi}\,(x + 0.044715\,x^3)))$, entry by entry.
 *
 * @example
 * tensor.toArray(geluTanh.forward(noParams, tensor.of([-1, 0, 2]))) // [-0.1588, 0, 1.955]
 *
 * @category layers
 */
export const geluTanh: Layer<NoParams, Tensor, Tensor> = rowwise(trusted(withSlopeKept(entries('geluTanh', kernel.geluTanh), withSlope)))
