/**
 * Masks: which keys a query may attend to.
 *
 * A mask turns the scores that it forbids into −∞, so that the softmax gives them the weight 0 exactly:
 *
 * $$y_{ts} = \begin{cases} x_{ts} & s \text{ visible from } t \\ -\infty & \text{otherwise.} \end{cases}$$
 *
 * - causal: $s \le t + S - T$. The last query stands at the last key; with as many queries as keys that is
 *   $s \le t$, no attention to the future.
 * - padding: $s$ is a real token of its sequence, not filling.
 *
 * Shapes: scores `[B, ..., T, S]`, padding `[B, S]`.
 *
 * **Derivation.** A visible score passes through, a masked one is a constant:
 * $dx_{ts} = dy_{ts}$ where $s$ is visible from $t$, and 0 elsewhere.
 *
 * @module
 */
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import * as kernel from '../kernels/masks.js'
import { type Layer, type NoParams, parameterless } from '../layer/layer.js'
import { trusted } from '../memory/trust.js'
import { arrays, check, checkOptions, type Fields, flag, integerBetween, natural, optional } from '../tensor/domain.js'
import { matricesOf, sameShape, ShapeError } from '../tensor/shape.js'
import { checkTensor, own, type Tensor, type Tokens, tokens, tokensFromArray } from '../tensor/tensor.js'

export interface Mask {
  /** Whether a key after the query's position is hidden. */
  readonly causal: boolean
  /** `[B, S]`, nonzero where the key of a batch item is visible; without it every key is. */
  readonly keep?: Tokens | undefined
}

const MASK: Fields<Mask> = { causal: flag, keep: optional(tokens) }

/** Throws `TypeError` for anything that is not a mask. */
export const checkMask = (operation: string, mask: Mask): void => checkOptions(`${operation}, mask`, MASK, mask)

/** A copy of a mask that its maker may still change. Throws `TypeError` for anything that is not a mask. */
export const ownMask = (operation: string, mask: Mask): Mask => {
  checkMask(operation, mask)
  return { ...mask }
}

/**
 * Every key is visible.
 *
 * @example
 * const query = tensor.of([[0], [0]]), key = query
 * tensor.toNested(attentionWeights(noMask)({ query, key })) // [[0.5, 0.5], [0.5, 0.5]]
 *
 * @category masks
 */
export const noMask: Mask = { causal: false }

/**
 * No query sees a key after its own position.
 *
 * @example
 * const query = tensor.of([[0], [0]]), key = query
 * tensor.toNested(attentionWeights(causalMask)({ query, key })) // [[1, 0], [0.5, 0.5]]
 *
 * @category masks
 */
export const causalMask: Mask = { causal: true }

/**
 * Sequences of a batch that are shorter than its time axis: the first `lengths[b]` keys of item b are visible.
 * Throws `RangeError` unless every length is an integer from 0 to `time`.
 *
 * @example
 * const query = tensor.zeros([2, 1, 1]), key = tensor.zeros([2, 3, 1])
 * tensor.toNested(attentionWeights(paddingMask([2, 3], 3))({ query, key })) // [[[0.5, 0.5, 0]], [[0.3333, 0.3333, 0.3333]]]
 *
 * @category masks
 */
export const paddingMask = (lengths: readonly number[], time: number): Mask => {
  check('paddingMask', 'lengths', arrays, lengths)
  check('paddingMask', 'time', natural, time)
  const domain = integerBetween(0, time)
  for (const [b, length] of lengths.entries()) check('paddingMask', `lengths[${b}]`, domain, length)
  return {
    causal: false,
    keep: tokensFromArray(
      [lengths.length, time], lengths.flatMap(length => Array.from({ length: time }, (_, s) => (s < length ? 1 : 0))))
  }
}

const bothKeep = (a: Tokens, b: Tokens): Tokens => {
  if (!sameShape(a.shape, b.shape)) throw new ShapeError('mask', 'paddings of one shape', [a.shape, b.shape])
  return tokensFromArray(a.shape, Array.from(a.data, (id, i) => (id !== 0 && b.data[i] !== 0 ? 1 : 0)))
}

/**
 * Masks under conjunction: a key is visible where both masks show it.
 *
 * @example
 * const { causal, keep } = MonoidMask.concat(causalMask, paddingMask([1, 2], 2))
 * causal // true
 * keep && tensor.toNested(keep) // [[1, 0], [1, 1]]
 *
 * @category instances
 */
export const MonoidMask: Monoid<Mask> = {
  empty: noMask,
  concat: (a, b) => {
    checkMask('MonoidMask', a)
    checkMask('MonoidMask', b)
    const causal = a.causal || b.causal
    const keep = a.keep !== undefined && b.keep !== undefined ? bothKeep(a.keep, b.keep) : a.keep ?? b.keep
    return keep === undefined ? { causal } : { causal, keep }
  }
}

/**
 * The number of matrices that belong to one batch item, for scores of the given shape.
 * Throws `ShapeError` if the padding is not `[B, S]`.
 */
export const matricesPerItem = ({ keep }: Mask, shape: readonly number[]): number => {
  const { batch, columns: keys } = matricesOf('mask', shape)
  const items = shape.length > 2 ? shape[0] : 1
  if (keep !== undefined && !sameShape(keep.shape, [items, keys]))
    throw new ShapeError('mask', `a padding [B, S] = [${items}, ${keys}]`, [keep.shape])
  return items === 0 ? 1 : batch / items
}

/** $y_{ts} = x_{ts}$ where visible, `hidden` elsewhere. */
const select = (mask: Mask, hidden: number) => (x: Tensor): Tensor => {
  checkTensor('masked', 'x', x)
  const { batch: matrices, rows: queries, columns: keys } = matricesOf('mask', x.shape)
  const heads = matricesPerItem(mask, x.shape)
  return own(x.shape, kernel.select({ matrices, heads, queries, keys, causal: mask.causal, hidden }, x.data, mask.keep?.data))
}

/**
 * Scores with −∞ where the mask hides a key. Shapes: `[B, ..., T, S]` to the same, or `[T, S]` for one item.
 * Throws `ShapeError` if the padding of the mask is not `[B, S]`.
 *
 * @example
 * tensor.toNested(masked(causalMask).forward(noParams, tensor.of([[1, 2], [3, 4]]))) // [[1, -Infinity], [3, 4]]
 *
 * @category layers
 */
export const masked = (mask: Mask): Layer<NoParams, Tensor, Tensor> => {
  const kept = ownMask('masked', mask)
  return trusted(parameterless(select(kept, -Infinity), (_, dy) => select(kept, 0)(dy)))
}
