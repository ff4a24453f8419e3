/**
 * Splitting one wide row into the queries, keys and values of several heads, and merging the heads' results.
 *
 * $$Q_{bhtj} = x_{b,t,\,hd + j}, \qquad K_{bhtj} = x_{b,t,\,D + hd + j}, \qquad V_{bhtj} = x_{b,t,\,2D + hd + j}$$
 *
 * with $d = D/H$ and $0 \le j < d$: the first third of a row holds the queries of all heads, the second their
 * keys, the last their values, as in GPT-2's `c_attn`. Merging is $y_{b,t,\,hd + j} = x_{bhtj}$.
 *
 * Shapes: split `[..., T, 3D]` to three of `[..., H, T, d]`; merge `[..., H, T, d]` to `[..., T, D]`.
 *
 * **Derivation.** Both only rearrange their entries, one to one. The gradient of an entry is the gradient at the
 * place where the entry went, so the gradient of a rearrangement is its inverse.
 *
 * @module
 */
import * as kernel from '../kernels/heads.js'
import { type Layer, type NoParams, parameterless } from '../layer/layer.js'
import { rowwise } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import { check, positiveInteger } from '../tensor/domain.js'
import { matricesOf, sameShape, ShapeError, sizeOf } from '../tensor/shape.js'
import { checkPrecision, checkTensor, checkTensors, own, type Tensor } from '../tensor/tensor.js'
import type { QueryKeyValue } from './attention.js'

const split = (heads: number) => (x: Tensor): QueryKeyValue => {
  checkTensor('splitHeads', 'x', x)
  const { batch, rows: time, columns } = matricesOf('splitHeads', x.shape)
  if (columns % (3 * heads) !== 0)
    throw new ShapeError('splitHeads', `a width of 3 · ${heads} heads · d`, [x.shape])
  const width = columns / 3 / heads
  const [query, key, value] = kernel.splitHeads({ batch, heads, time, width, parts: 3 }, x.data)
  const shape = [...x.shape.slice(0, -2), heads, time, width]
  return { query: own(shape, query), key: own(shape, key), value: own(shape, value) }
}

/** The inverse of `split`, for an `x` that was split. */
const unsplit = (heads: number, x: Tensor, dy: QueryKeyValue): Tensor => {
  checkTensors('splitHeads', 'dy', ['query', 'key', 'value'], dy)
  const { query, key, value } = dy
  const { batch, rows: time, columns } = matricesOf('splitHeads', x.shape)
  const width = columns / 3 / heads, shape = [...x.shape.slice(0, -2), heads, time, width]
  if (!sameShape(query.shape, shape) || !sameShape(key.shape, shape) || !sameShape(value.shape, shape))
    throw new ShapeError('splitHeads', `dy with query, key and value of [${shape.join(', ')}]`, [query.shape, key.shape, value.shape])
  checkPrecision('splitHeads', x, query, key, value)
  return own(x.shape, kernel.mergeHeads({ batch, heads, time, width, parts: 3 }, query.data, key.data, value.data))
}

/** `[..., H, T, d]` as its leading axes and the layout of its heads. */
const layoutOf = (operation: string, { shape }: Tensor) => {
  if (shape.length < 3) throw new ShapeError(operation, '[..., H, T, d]', [shape])
  const [heads, time, width] = shape.slice(-3), leading = shape.slice(0, -3)
  return { shape: leading, layout: { batch: sizeOf(leading), heads, time, width, parts: 1 as const } }
}

const merge = (x: Tensor): Tensor => {
  checkTensor('mergeHeads', 'x', x)
  const { shape, layout } = layoutOf('mergeHeads', x), merged = [...shape, layout.time, layout.heads * layout.width]
  // Of one position the heads lie side by side already.
  return layout.time === 1 ? { ...x, shape: merged } : own(merged, kernel.mergeHeads(layout, x.data))
}

/** The inverse of `merge`, for the layout that `x` had. */
const unmerge = (x: Tensor, dy: Tensor): Tensor =>
  own(x.shape, kernel.splitHeads(layoutOf('mergeHeads', x).layout, dy.data)[0])

/**
 * `[..., T, 3D]` to query, key and value of `[..., H, T, D/H]`.
 * Throws `RangeError` unless H is a positive integer; the layer throws `ShapeError` if the last axis is not a multiple of 3 H.
 *
 * @example
 * splitHeads(2).forward(noParams, tensor.zeros([5, 12])).query.shape // [2, 5, 2]
 *
 * @category layers
 */
export const splitHeads = (heads: number): Layer<NoParams, Tensor, QueryKeyValue> => {
  check('splitHeads', 'heads', positiveInteger, heads)
  return rowwise(trusted(parameterless(split(heads), (x, dy) => unsplit(heads, x, dy))))
}

/**
 * `[..., H, T, d]` to `[..., T, H · d]`. Throws `ShapeError` for fewer than three axes.
 *
 * @example
 * mergeHeads.forward(noParams, tensor.zeros([2, 5, 3])).shape // [5, 6]
 *
 * @category layers
 */
export const mergeHeads: Layer<NoParams, Tensor, Tensor> = rowwise(trusted(parameterless(merge, unmerge)))
