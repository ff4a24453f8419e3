/**
 * Tensors as matrices and rows: products, and other arrangements of the same entries. Data last.
 *
 * @module
 */
import { gemm } from '../kernels/gemm.js'
import * as kernel from '../kernels/rows.js'
import { check, checkOptions, type Fields, flag, natural, optional } from './domain.js'
import { matricesOf, ownShape, type Shape, ShapeError, sameShape, sizeOf } from './shape.js'
import { checkPrecision, checkTensor, own, type Tensor } from './tensor.js'

/**
 * Which side of a matrix product is stored transposed, by its last two axes.
 */
export interface Transposed {
  readonly left?: boolean | undefined
  readonly right?: boolean | undefined
}

const TRANSPOSED: Fields<Transposed> = { left: optional(flag), right: optional(flag) }

/**
 * The matrix product $A B$ over the last two axes; `A` is the last argument. Leading axes are a batch and
 * must agree.
 *
 * Shapes: $A$ `[..., M, K]`, $B$ `[..., K, N]`, result `[..., M, N]`; a side named in `transposed` has its
 * last two axes exchanged. Throws `ShapeError` if these do not fit.
 *
 * @example
 * tensor.toNested(pipe(tensor.of([[1, 2]]), tensor.matmul(tensor.of([[1, 2], [3, 4]])))) // [[7, 10]]
 *
 * @category matrices
 */
export const matmul = (b: Tensor, transposed: Transposed = {}): ((a: Tensor) => Tensor) => {
  checkOptions('tensor.matmul', TRANSPOSED, transposed)
  checkTensor('tensor.matmul', 'b', b)
  const { left: transposeA = false, right: transposeB = false } = transposed
  return a => {
    checkTensor('tensor.matmul', 'a', a)
    const left = matricesOf('tensor.matmul', a.shape), right = matricesOf('tensor.matmul', b.shape)
    const [m, k] = transposeA ? [left.columns, left.rows] : [left.rows, left.columns]
    const [inner, n] = transposeB ? [right.columns, right.rows] : [right.rows, right.columns]
    const leading = a.shape.slice(0, -2)
    if (k !== inner || !sameShape(leading, b.shape.slice(0, -2)))
      throw new ShapeError('tensor.matmul', 'equal leading axes and equal inner axes', [a.shape, b.shape])
    checkPrecision('tensor.matmul', a, b)
    return own([...leading, m, n], gemm({ batch: left.batch, m, n, k, transposeA, transposeB }, a.data, b.data))
  }
}

/**
 * The same entries with the last two axes exchanged.
 * Shapes: `[..., M, N]` to `[..., N, M]`. Throws `ShapeError` for fewer than two axes.
 *
 * @example
 * tensor.toNested(tensor.transpose(tensor.of([[1, 2], [3, 4]]))) // [[1, 3], [2, 4]]
 *
 * @category matrices
 */
export const transpose = (x: Tensor): Tensor => {
  checkTensor('tensor.transpose', 'x', x)
  const { batch, rows, columns } = matricesOf('tensor.transpose', x.shape)
  return own([...x.shape.slice(0, -2), columns, rows], kernel.transpose({ batch, rows, columns }, x.data))
}

/**
 * The same entries in row-major order under another shape.
 * Throws `ShapeError` if the number of entries would change.
 *
 * @example
 * tensor.toNested(tensor.reshape([2, 2])(tensor.of([1, 2, 3, 4]))) // [[1, 2], [3, 4]]
 *
 * @category shapes
 */
export const reshape = (shape: Shape): ((x: Tensor) => Tensor) => {
  const kept = ownShape('tensor.reshape', shape)
  return x => {
    checkTensor('tensor.reshape', 'x', x)
    if (sizeOf(kept) !== x.data.length)
      throw new ShapeError('tensor.reshape', `a shape with ${x.data.length} entries`, [x.shape, kept])
    return { ...x, shape: kept }
  }
}

/**
 * The entries `start … end − 1` of the first axis. Shapes: `[N, ...]` to `[end − start, ...]`.
 * Throws `ShapeError` for a scalar and `RangeError` if the range leaves the axis.
 *
 * @example
 * tensor.toNested(tensor.slice(1, 3)(tensor.of([[1, 2], [3, 4], [5, 6]]))) // [[3, 4], [5, 6]]
 *
 * @category shapes
 */
export const slice = (start: number, end: number) => (x: Tensor): Tensor => {
  checkTensor('tensor.slice', 'x', x)
  if (x.shape.length === 0) throw new ShapeError('tensor.slice', 'at least one axis', [x.shape])
  const [length, ...rest] = x.shape
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= length))
    throw new RangeError(`tensor.slice: expected 0 ≤ start ≤ end ≤ ${length}, got start ${start} and end ${end}`)
  const width = sizeOf(rest)
  const sizes = { batch: 1, stride: length * width, begin: start * width, width: (end - start) * width }
  return own([end - start, ...rest], kernel.copyRows(sizes, x.data))
}

/**
 * The last `count` rows of every matrix. Shapes: `[..., T, D]` to `[..., count, D]`.
 * Throws `ShapeError` if a matrix has fewer rows.
 *
 * @example
 * tensor.toNested(tensor.lastRows(2)(tensor.of([[1, 2], [3, 4], [5, 6]]))) // [[3, 4], [5, 6]]
 *
 * @category shapes
 */
export const lastRows = (count: number): ((x: Tensor) => Tensor) => {
  check('tensor.lastRows', 'count', natural, count)
  return x => {
    checkTensor('tensor.lastRows', 'x', x)
    const { batch, rows, columns } = matricesOf('tensor.lastRows', x.shape)
    if (count > rows) throw new ShapeError('tensor.lastRows', `at least ${count} rows`, [x.shape])
    if (count === rows) return x
    const sizes = { batch, stride: rows * columns, begin: (rows - count) * columns, width: count * columns }
    return own([...x.shape.slice(0, -2), count, columns], kernel.copyRows(sizes, x.data))
  }
}

/**
 * The last row of a tensor with at least two axes, as one axis: the last position of the last sequence.
 * Shapes: `[..., T, D]` to `[D]`. Throws `ShapeError` if there is no row.
 *
 * @example
 * tensor.toNested(tensor.lastRow(tensor.of([[[1, 2], [3, 4]]]))) // [3, 4]
 *
 * @category shapes
 */
export const lastRow = (x: Tensor): Tensor => {
  checkTensor('tensor.lastRow', 'x', x)
  const { batch, rows, columns } = matricesOf('tensor.lastRow', x.shape)
  if (batch * rows === 0) throw new ShapeError('tensor.lastRow', 'at least one row', [x.shape])
  const stride = batch * rows * columns
  return own([columns], kernel.copyRows({ batch: 1, stride, begin: stride - columns, width: columns }, x.data))
}

/**
 * The rows of `more` behind those of each matrix of `x`, the last argument.
 * Shapes: `[..., T, D]` and `[..., S, D]` to `[..., T + S, D]`. Throws `ShapeError` if the other axes differ.
 *
 * @example
 * tensor.toNested(tensor.appendRows(tensor.of([[5, 6]]))(tensor.of([[1, 2], [3, 4]]))) // [[1, 2], [3, 4], [5, 6]]
 *
 * @category shapes
 */
export const appendRows = (more: Tensor) => (x: Tensor): Tensor => {
  checkTensor('tensor.appendRows', 'x', x)
  checkTensor('tensor.appendRows', 'more', more)
  const first = matricesOf('tensor.appendRows', x.shape), second = matricesOf('tensor.appendRows', more.shape)
  const leading = x.shape.slice(0, -2)
  if (first.columns !== second.columns || !sameShape(leading, more.shape.slice(0, -2)))
    throw new ShapeError('tensor.appendRows', 'two tensors that differ in the number of rows only', [x.shape, more.shape])
  checkPrecision('tensor.appendRows', x, more)
  const y = kernel.appendRows({ batch: first.batch, first: first.rows * first.columns, second: second.rows * second.columns }, x.data, more.data)
  return own([...leading, first.rows + second.rows, first.columns], y)
}
