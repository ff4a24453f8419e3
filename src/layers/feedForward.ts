/**
 * The feed-forward network of a transformer block: the same two linear layers at every position.
 *
 * $$Y = \mathrm{geluTanh}(X W_1 + \mathbf 1 b_1^\top)\,W_2 + \mathbf 1 b_2^\top$$
 *
 * Shapes: $X$ and $Y$ `[..., D]`, $W_1$ (`c_fc`) `[D, F]`, $W_2$ (`c_proj`) `[F, D]`; usually $F = 4D$. A composition;
 * its gradient follows from the chain rule. (A. Radford et al., *Language Models are Unsupervised Multitask
 * Learners*, 2019.)
 *
 * @module
 */
import { pipe } from 'fp-ts/lib/function.js'
import { andThen, named } from '../layer/compose.js'
import type { Layer } from '../layer/layer.js'
import { struct } from '../random/distributions.js'
import { gpt2Normal, type Initializer } from '../random/initializers.js'
import type { Draw } from '../random/key.js'
import type { Precision, Tensor } from '../tensor/tensor.js'
import { geluTanh } from './gelu.js'
import { initLinear, linear, type LinearParams } from './linear.js'

export type FeedForwardParams = {
  readonly c_fc: LinearParams
  readonly c_proj: LinearParams
}

/**
 * Linear, GELU, linear. Shapes: x and y `[..., D]`.
 *
 * @category layers
 */
export const feedForward: Layer<FeedForwardParams, Tensor, Tensor> = pipe(
  linear, named('c_fc'),
  andThen(geluTanh),
  andThen('c_proj', linear))

/**
 * Weights for width D and 4 D hidden units; `output` draws the second weight, and is the same initializer unless
 * given.
 *
 * @category initial parameters
 */
export const initFeedForward = (
  width: number, initializer: Initializer = gpt2Normal, output: Initializer = initializer, precision?: Precision
): Draw<FeedForwardParams> => struct({
  c_fc: initLinear(width, 4 * width, initializer, precision),
  c_proj: initLinear(4 * width, width, output, precision)
})
