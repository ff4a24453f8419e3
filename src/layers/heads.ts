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
import { type Layer, type NoParams, parameterless } from '../layer/layer.js'
import { matricesOf, ShapeError } from '../tensor/shape.js'
import { freshFor, own, type Tensor } from '../tensor/tensor.js'
import type { QueryKeyValue } from './attention.js'

interface Layout {
  readonly batch: number
  readonly heads: number
  readonly time: number
  /** $d$, the width of one head. */
  readonly width: number
}

/** Calls `visit` with each entry's place in `[batch, H, T, d]` and in part `part` of `[batch, T, parts · H · d]`. */
const forEachPlace = (
  { batch, heads, time, width }: Layout, parts: number, part: number, visit: (split: number, merged: number) => void
): void => {
  for (let b = 0, split = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < time; t++)
        for (let j = 0, merged = (((b * time + t) * parts + part) * heads + h) * width; j < width; j++)
          visit(split++, merged++)
}

const split = (heads: number) => (x: Tensor): QueryKeyValue => {
  const { batch, rows: time, columns } = matricesOf('splitHeads', x.shape)
  if (columns % (3 * heads) !== 0)
    throw new ShapeError('splitHeads', `a width of 3 · ${heads} heads · d`, [x.shape])
  const layout = { batch, heads, time, width: columns / 3 / heads }
  const part = (index: number): Tensor => {
    const y = freshFor(x, x.data.length / 3)
    forEachPlace(layout, 3, index, (to, from) => { y[to] = x.data[from] })
    return own([...x.shape.slice(0, -2), heads, time, layout.width], y)
  }
  return { query: part(0), key: part(1), value: part(2) }
}

/** The inverse of `split`. */
const unsplit = ({ query, key, value }: QueryKeyValue): Tensor => {
  const [heads, time, width] = query.shape.slice(-3)
  const { batch } = matricesOf('splitHeads', query.shape)
  const layout = { batch: batch / heads, heads, time, width }
  const x = freshFor(query, query.data.length * 3)
  for (const [index, part] of [query, key, value].entries())
    forEachPlace(layout, 3, index, (from, to) => { x[to] = part.data[from] })
  return own([...query.shape.slice(0, -3), time, 3 * heads * width], x)
}

const layoutOf = (x: Tensor): Layout => {
  if (x.shape.length < 3) throw new ShapeError('mergeHeads', '[..., H, T, d]', [x.shape])
  const [heads, time, width] = x.shape.slice(-3)
  return { batch: x.shape.slice(0, -3).reduce((product, length) => product * length, 1), heads, time, width }
}

const merge = (x: Tensor): Tensor => {
  const layout = layoutOf(x)
  const y = freshFor(x, x.data.length)
  forEachPlace(layout, 1, 0, (from, to) => { y[to] = x.data[from] })
  return own([...x.shape.slice(0, -3), layout.time, layout.heads * layout.width], y)
}

/** The inverse of `merge`, for the layout that `x` had. */
const unmerge = (x: Tensor, dy: Tensor): Tensor => {
  const dx = freshFor(dy, dy.data.length)
  forEachPlace(layoutOf(x), 1, 0, (to, from) => { dx[to] = dy.data[from] })
  return own(x.shape, dx)
}

/**
 * `[..., T, 3D]` to query, key and value of `[..., H, T, D/H]`.
 * Throws `ShapeError` where the last axis is no multiple of 3 H.
 *
 * @category layers
 */
export const splitHeads = (heads: number): Layer<NoParams, Tensor, QueryKeyValue> =>
  parameterless(split(heads), (_, dy) => unsplit(dy))

/**
 * `[..., H, T, d]` to `[..., T, H · d]`. Throws `ShapeError` for fewer than three axes.
 *
 * @category layers
 */
export const mergeHeads: Layer<NoParams, Tensor, Tensor> = parameterless(merge, unmerge)
