/**
 * Self-attention: queries, keys and values are linear functions of one sequence. Compositions only; their
 * gradients follow from the chain rule.
 *
 * One head, with a projection for each role:
 *
 * $$Y = \mathrm{attention}(X W_Q + b_Q,\; X W_K + b_K,\; X W_V + b_V)$$
 *
 * Several heads, each on its own slice of width $d = D/H$, and a projection of what they found:
 *
 * $$Y = \mathrm{merge}\big(\mathrm{attention}(\mathrm{split}(X W + b))\big)\,W_O + b_O$$
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
import {
  gpt2Normal, INIT, type InitOptions, OUTPUT_INIT, type OutputInitOptions, type OutputSpecOptions, type SpecOptions
} from '../random/initializers.js'
import type { Draw } from '../random/key.js'
import { initial, type Spec } from '../random/spec.js'
import { check, positiveInteger } from '../tensor/domain.js'
import type { Tensor } from '../tensor/tensor.js'
import { attention } from './attention.js'
import { mergeHeads, splitHeads } from './heads.js'
import { linear, type LinearParams, linearSpec } from './linear.js'
import { checkMask, type Mask } from './mask.js'

export type SingleHeadParams = {
  readonly query: LinearParams
  readonly key: LinearParams
  readonly value: LinearParams
}

/**
 * Attention with one head. Shapes: x `[..., T, D]`, weights `[D, d]`, `[D, d]` and `[D, e]`, y `[..., T, e]`.
 *
 * @example
 * singleHeadAttention(causalMask).forward(initSingleHeadAttention(4, 3)(random.key(0)), tensor.zeros([2, 5, 4])).shape // [2, 5, 3]
 *
 * @category layers
 */
export const singleHeadAttention = (mask: Mask): Layer<SingleHeadParams, Tensor, Tensor> => {
  checkMask('singleHeadAttention', mask)
  return pipe(
    branches({ query: linear, key: linear, value: linear }),
    andThen(attention(mask)))
}

export type MultiHeadParams = {
  /** Queries, keys and values of all heads: weight `[D, 3D]`, bias `[3D]`. */
  readonly c_attn: LinearParams
  /** The output projection: weight `[D, D]`, bias `[D]`. */
  readonly c_proj: LinearParams
}

/**
 * Attention with several heads. Shapes: x and y `[..., T, D]`.
 * Throws `RangeError` unless the number of heads is a positive integer; the layer throws `ShapeError` if D is not a multiple of it.
 *
 * @example
 * multiHeadAttention(2, causalMask).forward(initMultiHeadAttention(4)(random.key(0)), tensor.zeros([2, 5, 4])).shape // [2, 5, 4]
 *
 * @category layers
 */
export const multiHeadAttention = (heads: number, mask: Mask): Layer<MultiHeadParams, Tensor, Tensor> => {
  check('multiHeadAttention', 'heads', positiveInteger, heads)
  checkMask('multiHeadAttention', mask)
  return pipe(
    linear, named('c_attn'),
    andThen(splitHeads(heads)),
    andThen(attention(mask)),
    andThen(mergeHeads),
    andThen('c_proj', linear))
}

/**
 * The parameters of attention with one head: three projections `[inputs, width]`.
 * Throws `RangeError` unless both are non-negative integers.
 *
 * @example
 * spec.count(singleHeadSpec(4, 3)) // 45
 *
 * @category parameters
 */
export const singleHeadSpec = (inputs: number, width: number, options: SpecOptions = {}): Spec<SingleHeadParams> => {
  const projection = linearSpec(inputs, width, options)
  return { query: projection, key: projection, value: projection }
}

/**
 * Initial parameters of `singleHeadSpec`.
 *
 * @example
 * initSingleHeadAttention(4, 3)(random.key(0)).query.weight.shape // [4, 3]
 *
 * @category initial parameters
 */
export const initSingleHeadAttention = (inputs: number, width: number, options: InitOptions = {}): Draw<SingleHeadParams> =>
  initial('initSingleHeadAttention', INIT, options, () => singleHeadSpec(inputs, width, options))

/**
 * The parameters of attention with several heads, for width D. Throws `RangeError` unless that is a non-negative integer.
 *
 * @example
 * spec.count(multiHeadSpec(768)) // 2362368
 *
 * @category parameters
 */
export const multiHeadSpec = (width: number, { initializer = gpt2Normal, output = initializer }: OutputSpecOptions = {}): Spec<MultiHeadParams> => ({
  c_attn: linearSpec(width, 3 * width, { initializer }),
  c_proj: linearSpec(width, width, { initializer: output })
})

/**
 * Initial parameters of `multiHeadSpec`.
 *
 * @example
 * initMultiHeadAttention(4)(random.key(0)).c_attn.weight.shape // [4, 12]
 *
 * @category initial parameters
 */
export const initMultiHeadAttention = (width: number, options: OutputInitOptions = {}): Draw<MultiHeadParams> =>
  initial('initMultiHeadAttention', OUTPUT_INIT, options, () => multiHeadSpec(width, options))
