/**
 * The sigmoid-weighted linear unit, also called swish.
 *
 * $$y = x\,\sigma(x)$$
 *
 * Shapes: any, entry by entry. (D. Hendrycks, K. Gimpel, *Gaussian Error Linear Units*, 2016, § 2; P. Ramachandran et al.,
 * *Searching for Activation Functions*, 2017.)
 *
 * **Derivation.** By the product rule and $\sigma' = \sigma(1 - \sigma)$, derived in `sigmoid.ts`,
 *
 * $$dx = \Big(\sigma(x) + x\,\sigma(x)\big(1 - \sigma(x)\big)\Big)\,dy.$$
 *
 * @module
 */
import * as kernel from '../kernels/activations.js'
import type { Layer, NoParams } from '../layer/layer.js'
import { withSlopeKept } from '../layer/pointwise.js'
import { rowwise } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import type { Tensor } from '../tensor/tensor.js'
import { entries, pairs } from './entries.js'

/** $y = x\,\sigma$ and its slope $\sigma + x\,\sigma(1 - \sigma)$ */
const withSlope = pairs('silu', kernel.siluWithSlope)

/**
 * $y = x\,\sigma(x)$, entry by entry.
 *
 * @example
 * tensor.toArray(silu.forward(noParams, tensor.of([-1, 0, 2]))) // [-0.2689, 0, 1.762]
 *
 * @category layers
 */
export const silu: Layer<NoParams, Tensor, Tensor> = rowwise(trusted(withSlopeKept(entries('silu', kernel.silu), withSlope)))
