/**
 * Immutable dense arrays: `Tensor` for real numbers, `Tokens` for integer ids.
 *
 * @module
 */
import { type Floats, type FreshFloats, type Integers, type Precision, precisionOfArray, precisions } from '../kernels/floats.js'
import { freshLike } from '../kernels/fresh.js'
import { PrecisionError, rowsOf, type Shape, ShapeError, sameShape, sizeOf } from './shape.js'

export type { Precision }

/** A dense, row-major array of real numbers. Nobody writes to it after its construction. */
export interface Tensor {
  readonly _tag: 'Tensor'
  readonly shape: Shape
  readonly data: Floats
}

/** A dense, row-major array of integer ids. Ids are discrete, so a value of this type has no gradient. */
export interface Tokens {
  readonly _tag: 'Tokens'
  readonly shape: Shape
  readonly data: Integers
}

/** Numbers in nested arrays, as they are written in code: `[[1, 2], [3, 4]]`. */
export type Nested = number | readonly Nested[]

/**
 * Whether a value is a tensor.
 *
 * @category guards
 */
export const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && '_tag' in value && value._tag === 'Tensor'

/**
 * Whether a value is a tensor of ids.
 *
 * @category guards
 */
export const isTokens = (value: unknown): value is Tokens =>
  typeof value === 'object' && value !== null && '_tag' in value && value._tag === 'Tokens'

/** `float32` or `float64`. */
export const precisionOf = (t: Tensor): Precision => precisionOfArray(t.data)

const isLength = (length: number): boolean => Number.isSafeInteger(length) && length >= 0

const checkShape = (operation: string, shape: Shape, length: number): void => {
  if (!shape.every(isLength)) throw new ShapeError(operation, 'axes that are non-negative integers', [shape])
  if (sizeOf(shape) !== length) throw new ShapeError(operation, `a shape with ${length} entries`, [shape])
}

/**
 * Makes a tensor of an array that the caller has just allocated and gives away.
 * Throws `ShapeError` where the shape does not hold as many entries as the array.
 */
export const own = (shape: Shape, data: FreshFloats): Tensor => {
  checkShape('tensor', shape, data.length)
  return { _tag: 'Tensor', shape, data }
}

/** A new array of zeros that `own` will turn into a tensor with the precision of `like`. */
export const freshFor = (like: Tensor, length: number): FreshFloats => freshLike(like.data, length)

const allocate = (precision: Precision, length: number): FreshFloats =>
  new precisions[precision].array(length)

/**
 * A tensor of the given entries in row-major order, which are copied.
 * Throws `ShapeError` where their number differs from the product of the axes.
 *
 * @category constructors
 */
export const fromArray = (shape: Shape, values: ArrayLike<number>, precision: Precision = 'float32'): Tensor => {
  checkShape('tensor.fromArray', shape, values.length)
  const data = allocate(precision, values.length)
  data.set(values)
  return own(shape.slice(), data)
}

const shapeOfNested = (value: Nested): Shape =>
  typeof value === 'number' ? [] : [value.length, ...(value.length === 0 ? [] : shapeOfNested(value[0]))]

const entriesOf = (value: Nested, shape: Shape): readonly number[] => {
  if (typeof value === 'number') {
    if (shape.length !== 0) throw new ShapeError('tensor.of', 'sub-arrays of one shape', [[], shape])
    return [value]
  }
  if (value.length !== shape[0] || shape.length === 0)
    throw new ShapeError('tensor.of', 'sub-arrays of one shape', [shapeOfNested(value), shape])
  return value.flatMap(item => entriesOf(item, shape.slice(1)))
}

/**
 * A tensor of numbers in nested arrays: `of([[1, 2], [3, 4]])` has the shape `[2, 2]`.
 * Throws `ShapeError` where the sub-arrays differ in shape.
 *
 * @category constructors
 */
export const of = (value: Nested, precision: Precision = 'float32'): Tensor => {
  const shape = shapeOfNested(value)
  return fromArray(shape, entriesOf(value, shape), precision)
}

/**
 * A tensor whose every entry is `value`.
 *
 * @category constructors
 */
export const full = (shape: Shape, value: number, precision: Precision = 'float32'): Tensor => {
  checkShape('tensor.full', shape, sizeOf(shape))
  return own(shape.slice(), allocate(precision, sizeOf(shape)).fill(value))
}

/**
 * A tensor of zeros.
 *
 * @category constructors
 */
export const zeros = (shape: Shape, precision: Precision = 'float32'): Tensor => full(shape, 0, precision)

/**
 * Zeros with the shape and the precision of another tensor.
 *
 * @category constructors
 */
export const zerosLike = (t: Tensor): Tensor => own(t.shape, freshFor(t, t.data.length))

/**
 * Ids in row-major order, which are copied. Throws `ShapeError` where their number differs from the product
 * of the axes, and `RangeError` where an id is not an integer of 32 bits.
 *
 * @category constructors
 */
export const tokensFromArray = (shape: Shape, ids: ArrayLike<number>): Tokens => {
  checkShape('tokens', shape, ids.length)
  const data = Int32Array.from(ids)
  const wrong = data.findIndex((id, i) => id !== ids[i])
  if (wrong >= 0) throw new RangeError(`tokens: expected 32-bit integers, got ${ids[wrong]} at position ${wrong}`)
  return { _tag: 'Tokens', shape: shape.slice(), data }
}

/**
 * The last `count` ids of every row. Shapes: `[..., T]` to `[..., count]`. Throws `ShapeError` if a row has fewer.
 *
 * @category shapes
 */
export const lastTokens = (count: number) => (x: Tokens): Tokens => {
  const { rows, width } = rowsOf('tensor.lastTokens', x.shape)
  if (!(count >= 0 && count <= width)) throw new ShapeError('tensor.lastTokens', `at least ${count} ids in a row`, [x.shape])
  const y = new Int32Array(rows * count)
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < count; i++) y[row * count + i] = x.data[(row + 1) * width - count + i]
  return { _tag: 'Tokens', shape: [...x.shape.slice(0, -1), count], data: y }
}

/**
 * Ids in nested arrays: `tokensOf([[3, 1], [4, 1]])` is a batch of two sequences of length two.
 *
 * @category constructors
 */
export const tokensOf = (value: Nested): Tokens => {
  const shape = shapeOfNested(value)
  return tokensFromArray(shape, entriesOf(value, shape))
}

/** Throws `PrecisionError` unless all tensors have one precision. */
export const checkPrecision = (operation: string, first: Tensor, ...others: readonly Tensor[]): void => {
  for (const other of others)
    if (other.data.BYTES_PER_ELEMENT !== first.data.BYTES_PER_ELEMENT) throw new PrecisionError(operation)
}

/** Throws `ShapeError` or `PrecisionError` unless both tensors have one shape and one precision. */
export const checkAlike = (operation: string, a: Tensor, b: Tensor): void => {
  if (!sameShape(a.shape, b.shape)) throw new ShapeError(operation, 'two tensors of one shape', [a.shape, b.shape])
  checkPrecision(operation, a, b)
}
