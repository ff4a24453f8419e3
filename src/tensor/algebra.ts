/**
 * The algebra of tensors: functions of tensors that return new tensors, data last.
 *
 * @module
 */
import type * as E from 'fp-ts/lib/Eq.js'
import * as kernel from '../kernels/entrywise.js'
import { gemm } from '../kernels/gemm.js'
import { appendRows as appendArrays } from '../kernels/rows.js'
import { matricesOf, type Shape, ShapeError, sameShape, sizeOf } from './shape.js'
import {
  checkAlike, checkPrecision, freshFor, fromArray, type Nested, own, type Precision, precisionOf, type Tensor
} from './tensor.js'

/**
 * $y_i = f(x_i)$.
 *
 * @category entry by entry
 */
export const map = (f: (x: number) => number) => (x: Tensor): Tensor => {
  const y = freshFor(x, x.data.length)
  for (let i = 0; i < y.length; i++) y[i] = f(x.data[i])
  return own(x.shape, y)
}

/**
 * $z_i = f(x_i, y_i)$ for two tensors of one shape; `x` is the last argument.
 * Throws `ShapeError` where the shapes differ.
 *
 * @category entry by entry
 */
export const zipWith = (y: Tensor, f: (x: number, y: number) => number) => (x: Tensor): Tensor => {
  checkAlike('tensor.zipWith', x, y)
  const z = freshFor(x, x.data.length)
  for (let i = 0; i < z.length; i++) z[i] = f(x.data[i], y.data[i])
  return own(x.shape, z)
}

/**
 * $x + y$. Throws `ShapeError` where the shapes differ.
 *
 * @category entry by entry
 */
export const add = (y: Tensor) => (x: Tensor): Tensor => {
  checkAlike('tensor.add', x, y)
  return own(x.shape, kernel.add(x.data, y.data))
}

/**
 * $x - y$, where `x` is the last argument. Throws `ShapeError` where the shapes differ.
 *
 * @category entry by entry
 */
export const subtract = (y: Tensor) => (x: Tensor): Tensor => {
  checkAlike('tensor.subtract', x, y)
  return zipWith(y, (a, b) => a - b)(x)
}

/**
 * $x \odot y$, the product entry by entry. Throws `ShapeError` where the shapes differ.
 *
 * @category entry by entry
 */
export const multiply = (y: Tensor) => (x: Tensor): Tensor => {
  checkAlike('tensor.multiply', x, y)
  return own(x.shape, kernel.multiply(x.data, y.data))
}

/**
 * $s x$ for a number $s$.
 *
 * @category entry by entry
 */
export const scale = (s: number) => (x: Tensor): Tensor => own(x.shape, kernel.scale(x.data, s))

/**
 * The sum of all entries, accumulated in double precision.
 *
 * @category folds
 */
export const sum = (x: Tensor): number => {
  let total = 0
  for (let i = 0; i < x.data.length; i++) total += x.data[i]
  return total
}

/**
 * $\langle x, y\rangle = \sum_i x_i y_i$. Throws `ShapeError` where the shapes differ.
 *
 * @category folds
 */
export const dot = (y: Tensor) => (x: Tensor): number => {
  checkAlike('tensor.dot', x, y)
  return kernel.dot(x.data, y.data)
}

/**
 * $\lVert x \rVert = \sqrt{\langle x, x\rangle}$.
 *
 * @category folds
 */
export const norm = (x: Tensor): number => Math.sqrt(dot(x)(x))

/**
 * Which side of a matrix product is stored transposed, by its last two axes.
 */
export interface Transposed {
  readonly left?: boolean
  readonly right?: boolean
}

/**
 * The matrix product $A B$ over the last two axes; `A` is the last argument. Leading axes are a batch and
 * must agree.
 *
 * Shapes: $A$ `[..., M, K]`, $B$ `[..., K, N]`, result `[..., M, N]`; a side named in `transposed` has its
 * last two axes exchanged. Throws `ShapeError` where these do not fit.
 *
 * @category matrices
 */
export const matmul = (b: Tensor, transposed: Transposed = {}) => (a: Tensor): Tensor => {
  const transposeA = transposed.left ?? false, transposeB = transposed.right ?? false
  const left = matricesOf('tensor.matmul', a.shape), right = matricesOf('tensor.matmul', b.shape)
  const [m, k] = transposeA ? [left.columns, left.rows] : [left.rows, left.columns]
  const [inner, n] = transposeB ? [right.columns, right.rows] : [right.rows, right.columns]
  const leading = a.shape.slice(0, -2)
  if (k !== inner || !sameShape(leading, b.shape.slice(0, -2)))
    throw new ShapeError('tensor.matmul', 'equal leading axes and equal inner axes', [a.shape, b.shape])
  checkPrecision('tensor.matmul', a, b)
  return own([...leading, m, n], gemm({ batch: left.batch, m, n, k, transposeA, transposeB }, a.data, b.data))
}

/**
 * The same entries with the last two axes exchanged.
 * Shapes: `[..., M, N]` to `[..., N, M]`. Throws `ShapeError` for fewer than two axes.
 *
 * @category matrices
 */
export const transpose = (x: Tensor): Tensor => {
  const { batch, rows, columns } = matricesOf('tensor.transpose', x.shape)
  const y = freshFor(x, x.data.length)
  for (let b = 0, start = 0; b < batch; b++, start += rows * columns)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) y[start + j * rows + i] = x.data[start + i * columns + j]
  return own([...x.shape.slice(0, -2), columns, rows], y)
}

/**
 * The same entries in row-major order under another shape.
 * Throws `ShapeError` where the number of entries would change.
 *
 * @category shapes
 */
export const reshape = (shape: Shape) => (x: Tensor): Tensor => {
  if (sizeOf(shape) !== x.data.length)
    throw new ShapeError('tensor.reshape', `a shape with ${x.data.length} entries`, [x.shape, shape])
  return { ...x, shape: shape.slice() }
}

/**
 * The entries `start … end − 1` of the first axis. Shapes: `[N, ...]` to `[end − start, ...]`.
 * Throws `ShapeError` for a scalar and `RangeError` where the range leaves the axis.
 *
 * @category shapes
 */
export const slice = (start: number, end: number) => (x: Tensor): Tensor => {
  if (x.shape.length === 0) throw new ShapeError('tensor.slice', 'at least one axis', [x.shape])
  const [length, ...rest] = x.shape
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= length))
    throw new RangeError(`tensor.slice: expected 0 ≤ start ≤ end ≤ ${length}, got start ${start} and end ${end}`)
  const width = sizeOf(rest)
  const y = freshFor(x, (end - start) * width)
  for (let i = 0; i < y.length; i++) y[i] = x.data[start * width + i]
  return own([end - start, ...rest], y)
}

/**
 * The last row of a tensor with at least two axes, as one axis: the last position of the last sequence.
 * Shapes: `[..., T, D]` to `[D]`. Throws `ShapeError` where there is no row.
 *
 * @category shapes
 */
export const lastRow = (x: Tensor): Tensor => {
  const { batch, rows, columns } = matricesOf('tensor.lastRow', x.shape)
  if (batch * rows === 0) throw new ShapeError('tensor.lastRow', 'at least one row', [x.shape])
  const start = (batch * rows - 1) * columns
  const y = freshFor(x, columns)
  for (let j = 0; j < columns; j++) y[j] = x.data[start + j]
  return own([columns], y)
}

/**
 * The rows of `more` behind those of each matrix of `x`, the last argument.
 * Shapes: `[..., T, D]` and `[..., S, D]` to `[..., T + S, D]`. Throws `ShapeError` where the other axes differ.
 *
 * @category shapes
 */
export const appendRows = (more: Tensor) => (x: Tensor): Tensor => {
  const first = matricesOf('tensor.appendRows', x.shape), second = matricesOf('tensor.appendRows', more.shape)
  const leading = x.shape.slice(0, -2)
  if (first.columns !== second.columns || !sameShape(leading, more.shape.slice(0, -2)))
    throw new ShapeError('tensor.appendRows', 'two tensors that differ in the number of rows only', [x.shape, more.shape])
  checkPrecision('tensor.appendRows', x, more)
  const y = appendArrays(x.data, more.data, first.batch)
  return own([...leading, first.rows + second.rows, first.columns], y)
}

/**
 * The entry at the given position, one index for each axis.
 * Throws `RangeError` where the indices do not name an entry.
 *
 * @category elements
 */
export const at = (...indices: readonly number[]) => (x: Tensor): number => {
  const inside = indices.length === x.shape.length
    && indices.every((index, axis) => Number.isInteger(index) && index >= 0 && index < x.shape[axis])
  if (!inside) throw new RangeError(`tensor.at: expected an index within [${x.shape.join(', ')}], got [${indices.join(', ')}]`)
  return x.data[indices.reduce((offset, index, axis) => offset * x.shape[axis] + index, 0)]
}

/**
 * The entries in row-major order as an ordinary array.
 *
 * @category conversions
 */
export const toArray = (x: { readonly data: Iterable<number> }): readonly number[] => Array.from(x.data)

/**
 * The entries in nested arrays, one level for each axis; the inverse of `of`.
 *
 * @category conversions
 */
export const toNested = (x: { readonly shape: Shape; readonly data: ArrayLike<number> }): Nested => {
  const nest = (axis: number, offset: number): Nested => {
    if (axis === x.shape.length) return x.data[offset]
    const width = sizeOf(x.shape.slice(axis + 1))
    return Array.from({ length: x.shape[axis] }, (_, i) => nest(axis + 1, offset + i * width))
  }
  return nest(0, 0)
}

/**
 * The same numbers in another precision, rounded to nearest where it is the lower one.
 *
 * @category conversions
 */
export const cast = (precision: Precision) => (x: Tensor): Tensor =>
  precisionOf(x) === precision ? x : fromArray(x.shape, x.data, precision)

/**
 * Equal shape, equal precision and equal entries. As the laws of an equivalence demand, a NaN equals a NaN;
 * +0 equals −0.
 *
 * @category instances
 */
export const Eq: E.Eq<Tensor> = {
  equals: (x, y) => {
    if (!sameShape(x.shape, y.shape) || precisionOf(x) !== precisionOf(y)) return false
    for (let i = 0; i < x.data.length; i++) {
      const a = x.data[i], b = y.data[i]
      if (a !== b && !(Number.isNaN(a) && Number.isNaN(b))) return false
    }
    return true
  }
}
