/**
 * The feed-forward network of a transformer block: the same two linear layers at every position.
 *
 * $$y = \mathrm{geluTanh}(x W_1 + b_1)\,W_2 + b_2$$
 *
 * Shapes: $x$ and $y$ `[..., D]`, $W_1$ (`c_fc`) `[D, F]`, $W_2$ (`c_proj`) `[F, D]`; usually $F = 4D$. A composition;
 * its gradient follows from the chain rule. (A. Radford et al., *Language Models are Unsupervised Multitask
 * Learners*, 2019.)
 *
 * @module
 */
import { pipe } from 'fp-ts/lib/function.js'
import { andThen, named } from '../layer/compose.js'
import type { Layer } from '../layer/layer.js'
import { checkWidths, gpt2Normal, OUTPUT_INIT, type OutputSpecOptions, type PrecisionOptions } from '../random/initializers.js'
import type { Draw } from '../random/key.js'
import { initial, type Spec } from '../random/spec.js'
import { type Fields, natural, optional } from '../tensor/domain.js'
import type { Tensor } from '../tensor/tensor.js'
import { geluTanh } from './gelu.js'
import { linear, type LinearParams, linearSpec } from './linear.js'

export type FeedForwardParams = {
  readonly c_fc: LinearParams
  readonly c_proj: LinearParams
}

/**
 * Linear, GELU, linear. Shapes: x and y `[..., D]`.
 *
 * @example
 * feedForward.forward(initFeedForward(4)(random.key(0)), tensor.zeros([2, 5, 4])).shape // [2, 5, 4]
 *
 * @category layers
 */
export const feedForward: Layer<FeedForwardParams, Tensor, Tensor> = pipe(
  linear, named('c_fc'),
  andThen(geluTanh),
  andThen('c_proj', linear))

export interface FeedForwardSpecOptions extends OutputSpecOptions {
  /** Number of hidden units; default 4 D. */
  readonly hidden?: number | undefined
}

const FEED_FORWARD: Fields<FeedForwardSpecOptions & PrecisionOptions> = { hidden: optional(natural), ...OUTPUT_INIT }

/**
 * The parameters of a feed-forward network of width D with 4 D hidden units, or as many as given.
 * Throws `RangeError` unless widths are non-negative integers.
 *
 * @example
 * spec.count(feedForwardSpec(768)) // 4722432
 *
 * @category parameters
 */
export const feedForwardSpec = (width: number, options: FeedForwardSpecOptions = {}): Spec<FeedForwardParams> => {
  const { hidden = 4 * width, initializer = gpt2Normal, output = initializer } = options
  checkWidths('feedForwardSpec', { width, hidden })
  return { c_fc: linearSpec(width, hidden, { initializer }), c_proj: linearSpec(hidden, width, { initializer: output }) }
}

/**
 * Initial parameters of `feedForwardSpec`.
 *
 * @example
 * initFeedForward(4, { hidden: 8 })(random.key(0)).c_fc.weight.shape // [4, 8]
 *
 * @category initial parameters
 */
export const initFeedForward = (width: number, options: FeedForwardSpecOptions & PrecisionOptions = {}): Draw<FeedForwardParams> =>
  initial('initFeedForward', FEED_FORWARD, options, () => feedForwardSpec(width, options))
