/**
 * Self-attention: queries, keys and values are linear functions of one sequence. Compositions only; their
 * gradients follow from the chain rule.
 *
 * One head, with a projection for each role:
 *
 * $$Y = \mathrm{attention}(X W_Q + \mathbf 1 b_Q^\top,\; X W_K + \mathbf 1 b_K^\top,\; X W_V + \mathbf 1 b_V^\top)$$
 *
 * Several heads, each on its own slice of width $d = D/H$, and a projection of what they found:
 *
 * $$Y = \mathrm{merge}\big(\mathrm{attention}(\mathrm{split}(X W + \mathbf 1 b^\top))\big)\,W_O + \mathbf 1 b_O^\top$$
 *
 * Shapes: $X$ and $Y$ `[..., T, D]`, $W$ `[D, 3D]`, $W_O$ `[D, D]`. The mask reaches every head.
 * (A. Vaswani et al., *Attention Is All You Need*, 2017, § 3.2.2.)
 *
 * @module
 */
import { pipe } from 'fp-ts/lib/function.js'
import { branches } from '../layer/branches.js'
import { andThen, named } from '../layer/compose.js'
import type { Layer } from '../layer/layer.js'
import { gpt2Normal, type Initializer } from '../random/initializers.js'
import { struct } from '../random/distributions.js'
import type { Draw } from '../random/key.js'
import type { Precision, Tensor } from '../tensor/tensor.js'
import { attention } from './attention.js'
import { mergeHeads, splitHeads } from './heads.js'
import { initLinear, linear, type LinearParams } from './linear.js'
import type { Mask } from './mask.js'

export type SingleHeadParams = {
  readonly query: LinearParams
  readonly key: LinearParams
  readonly value: LinearParams
}

/**
 * Attention with one head. Shapes: x `[..., T, D]`, weights `[D, d]`, `[D, d]` and `[D, e]`, y `[..., T, e]`.
 *
 * @category layers
 */
export const singleHeadAttention = (mask: Mask): Layer<SingleHeadParams, Tensor, Tensor> => pipe(
  branches({ query: linear, key: linear, value: linear }),
  andThen(attention(mask)))

export type MultiHeadParams = {
  /** Queries, keys and values of all heads: weight `[D, 3D]`, bias `[3D]`. */
  readonly c_attn: LinearParams
  /** The output projection: weight `[D, D]`, bias `[D]`. */
  readonly c_proj: LinearParams
}

/**
 * Attention with several heads. Shapes: x and y `[..., T, D]`.
 * Throws `ShapeError` where D is no multiple of the number of heads.
 *
 * @category layers
 */
export const multiHeadAttention = (heads: number, mask: Mask): Layer<MultiHeadParams, Tensor, Tensor> => pipe(
  linear, named('c_attn'),
  andThen(splitHeads(heads)),
  andThen(attention(mask)),
  andThen(mergeHeads),
  andThen('c_proj', linear))

/**
 * Three projections `[inputs, width]`, drawn independently.
 *
 * @category initial parameters
 */
export const initSingleHeadAttention = (
  inputs: number, width: number, initializer?: Initializer, precision?: Precision
): Draw<SingleHeadParams> => {
  const projection = initLinear(inputs, width, initializer, precision)
  return struct({ query: projection, key: projection, value: projection })
}

/**
 * Projections for attention of the given width; `output` draws the output projection's weight, and is the same
 * initializer unless given.
 *
 * @category initial parameters
 */
export const initMultiHeadAttention = (
  width: number, initializer: Initializer = gpt2Normal, output: Initializer = initializer, precision?: Precision
): Draw<MultiHeadParams> => struct({
  c_attn: initLinear(width, 3 * width, initializer, precision),
  c_proj: initLinear(width, width, output, precision)
})
