/**
 * Immutable dense arrays: `Tensor` for real numbers, `Tokens` for integer ids.
 *
 * @module
 */
import { type Floats, type FreshFloats, type Integers, type Precision, precisionOfArray, precisions as arrays } from '../kernels/floats.js'
import { freshLike } from '../kernels/fresh.js'
import { anyNumber, check, type Domain, precisions, show } from './domain.js'
import { isShapeOf, ownShape, PrecisionError, rowsOf, type Shape, ShapeError, sameShape, sizeOf } from './shape.js'

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
 * Whether a value is a tensor: its data an array of single or double precision with as many entries as its shape says.
 * What JSON makes of a tensor is not one.
 *
 * @example
 * tensor.isTensor(tensor.of([1, 2])) // true
 * tensor.isTensor(JSON.parse(JSON.stringify(tensor.of([1, 2])))) // false
 *
 * @category guards
 */
export const isTensor = (value: unknown): value is Tensor => {
  if (typeof value !== 'object' || value === null) return false
  const { _tag, shape, data } = value as Partial<Tensor> // every field is looked at
  return _tag === 'Tensor' && (data instanceof Float32Array || data instanceof Float64Array) && isShapeOf(shape, data.length)
}

/**
 * Whether a value is tokens: its data integers of 32 bits, as many as its shape says.
 *
 * @example
 * tensor.isTokens(tensor.tokensOf([1, 2])) // true
 *
 * @category guards
 */
export const isTokens = (value: unknown): value is Tokens => {
  if (typeof value !== 'object' || value === null) return false
  const { _tag, shape, data } = value as Partial<Tokens> // every field is looked at
  return _tag === 'Tokens' && data instanceof Int32Array && isShapeOf(shape, data.length)
}

const always = (): boolean => true

export const tensors: Domain<Tensor> = { expected: 'a tensor', isKind: isTensor, contains: always }
export const tokens: Domain<Tokens> = { expected: 'tokens of tensor.tokensOf', isKind: isTokens, contains: always }

/** Throws `TypeError` unless the argument is a tensor. */
export const checkTensor = (operation: string, argument: string, value: Tensor): void => check(operation, argument, tensors, value)

/** Throws `TypeError` unless the argument is tokens. */
export const checkTokens = (operation: string, argument: string, value: Tokens): void => check(operation, argument, tokens, value)

/** Throws `TypeError` unless the argument is a record with a tensor under each of the names. */
export const checkTensors = <K extends string>(
  operation: string, argument: string, names: readonly K[], record: { readonly [name in K]: Tensor }
): void => {
  if (typeof record !== 'object' || record === null)
    throw new TypeError(`${operation}: expected ${argument} to be a record of ${names.join(', ')}, got ${show(record)}`)
  for (const name of names) if (!isTensor(record[name])) checkTensor(operation, `${argument}.${name}`, record[name])
}

/**
 * `float32` or `float64`. Throws `TypeError` for anything that is not a tensor.
 *
 * @example
 * tensor.precisionOf(tensor.of([1], 'float64')) // 'float64'
 */
export const precisionOf = (t: Tensor): Precision => {
  checkTensor('tensor.precisionOf', 't', t)
  return precisionOfArray(t.data)
}

const checkShape = (operation: string, shape: Shape, length: number): void => {
  if (!isShapeOf(shape, length)) throw new ShapeError(operation, `a shape with ${length} entries`, [shape])
}

/**
 * Makes a tensor of an array that the caller has just allocated and gives away.
 * Throws `ShapeError` if the shape does not hold as many entries as the array.
 */
export const own = (shape: Shape, data: FreshFloats): Tensor => {
  checkShape('tensor', shape, data.length)
  return { _tag: 'Tensor', shape, data }
}

/** A new array of zeros that `own` will turn into a tensor with the precision of `like`. */
export const freshFor = (like: Tensor, length: number): FreshFloats => freshLike(like.data, length)

const allocate = (precision: Precision, length: number): FreshFloats =>
  new arrays[precision].array(length)

/** Throws `TypeError` unless the values are an array of numbers, plain or typed. */
const checkNumbers = (operation: string, argument: string, values: ArrayLike<number>): void => {
  const numeric = ArrayBuffer.isView(values) && !(values instanceof DataView) && typeof (values as ArrayLike<unknown>)[0] !== 'bigint'
  if (!numeric && !Array.isArray(values)) throw new TypeError(`${operation}: expected ${argument} to be an array of numbers, got ${show(values)}`)
  if (numeric) return
  for (let i = 0; i < values.length; i++)
    if (typeof values[i] !== 'number') throw new TypeError(`${operation}: expected ${argument}[${i}] to be a number, got ${show(values[i])}`)
}

/**
 * A tensor of the given entries in row-major order, which are copied.
 * Throws `ShapeError` if their number differs from the product of the axes, and `TypeError` for anything that is not a number.
 *
 * @example
 * tensor.toNested(tensor.fromArray([2, 2], [1, 2, 3, 4])) // [[1, 2], [3, 4]]
 *
 * @category constructors
 */
export const fromArray = (shape: Shape, values: ArrayLike<number>, precision: Precision = 'float32'): Tensor => {
  check('tensor.fromArray', 'precision', precisions, precision)
  checkNumbers('tensor.fromArray', 'values', values)
  const kept = ownShape('tensor.fromArray', shape)
  checkShape('tensor.fromArray', kept, values.length)
  const data = allocate(precision, values.length)
  data.set(values)
  return own(kept, data)
}

/** Throws `TypeError` unless a value is a number or nested arrays of numbers; `flat` names the function for other arrays. */
const checkNested = (operation: string, flat: string, value: unknown, path = ''): void => {
  if (typeof value === 'number') return
  if (!Array.isArray(value)) {
    const hint = ArrayBuffer.isView(value) ? `; ${flat} takes a shape and an array` : ''
    throw new TypeError(`${operation}: expected numbers in nested arrays, got ${show(value)}${path === '' ? '' : ` at ${path}`}${hint}`)
  }
  // By index: a hole in an array is no number either.
  for (let i = 0; i < value.length; i++) checkNested(operation, flat, value[i], `${path}[${i}]`)
}

const shapeOfNested = (value: Nested): Shape =>
  typeof value === 'number' ? [] : [value.length, ...(value.length === 0 ? [] : shapeOfNested(value[0]))]

const entriesOf = (operation: string, value: Nested, shape: Shape): readonly number[] => {
  if (typeof value === 'number') {
    if (shape.length !== 0) throw new ShapeError(operation, 'sub-arrays of one shape', [[], shape])
    return [value]
  }
  if (value.length !== shape[0] || shape.length === 0)
    throw new ShapeError(operation, 'sub-arrays of one shape', [shapeOfNested(value), shape])
  return value.flatMap(item => entriesOf(operation, item, shape.slice(1)))
}

/**
 * A tensor of numbers in nested arrays: `of([[1, 2], [3, 4]])` has the shape `[2, 2]`.
 * Throws `ShapeError` if the sub-arrays differ in shape, and `TypeError` for anything that is not a number.
 *
 * @example
 * tensor.of([[1, 2], [3, 4]]).shape // [2, 2]
 * tensor.of([[1], [2, 3]]) // throws tensor.of: expected sub-arrays of one shape, got [2] and [1]
 *
 * @category constructors
 */
export const of = (value: Nested, precision: Precision = 'float32'): Tensor => {
  check('tensor.of', 'precision', precisions, precision)
  checkNested('tensor.of', 'tensor.fromArray', value)
  const shape = shapeOfNested(value)
  return fromArray(shape, entriesOf('tensor.of', value, shape), precision)
}

const filled = (operation: string, shape: Shape, value: number, precision: Precision): Tensor => {
  check(operation, 'precision', precisions, precision)
  const kept = ownShape(operation, shape)
  return own(kept, allocate(precision, sizeOf(kept)).fill(value))
}

/**
 * A tensor whose every entry is `value`.
 *
 * @example
 * tensor.toNested(tensor.full([2, 2], 7)) // [[7, 7], [7, 7]]
 *
 * @category constructors
 */
export const full = (shape: Shape, value: number, precision: Precision = 'float32'): Tensor => {
  check('tensor.full', 'value', anyNumber, value)
  return filled('tensor.full', shape, value, precision)
}

/**
 * A tensor of zeros.
 *
 * @example
 * tensor.toNested(tensor.zeros([2, 2])) // [[0, 0], [0, 0]]
 *
 * @category constructors
 */
export const zeros = (shape: Shape, precision: Precision = 'float32'): Tensor =>
  filled('tensor.zeros', shape, 0, precision)

/**
 * Zeros with the shape and the precision of another tensor.
 *
 * @example
 * tensor.toNested(tensor.zerosLike(tensor.of([[1, 2]]))) // [[0, 0]]
 *
 * @category constructors
 */
export const zerosLike = (t: Tensor): Tensor => {
  checkTensor('tensor.zerosLike', 't', t)
  return own(t.shape, freshFor(t, t.data.length))
}

/**
 * Ids in row-major order, which are copied. Throws `ShapeError` if their number differs from the product
 * of the axes, `RangeError` if an id is not an integer of 32 bits, and `TypeError` for anything that is not a number.
 *
 * @example
 * tensor.toNested(tensor.tokensFromArray([1, 3], [3, 1, 4])) // [[3, 1, 4]]
 *
 * @category constructors
 */
export const tokensFromArray = (shape: Shape, ids: ArrayLike<number>): Tokens => {
  checkNumbers('tensor.tokensFromArray', 'ids', ids)
  const kept = ownShape('tensor.tokensFromArray', shape)
  checkShape('tensor.tokensFromArray', kept, ids.length)
  const data = new Int32Array(ids.length)
  for (let i = 0; i < data.length; i++) {
    data[i] = ids[i]
    if (data[i] !== ids[i]) throw new RangeError(`tensor.tokensFromArray: expected ids[${i}] to be an integer of 32 bits, got ${show(ids[i])}`)
  }
  return { _tag: 'Tokens', shape: kept, data }
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
 * Throws what `of` and `tokensFromArray` throw.
 *
 * @example
 * tensor.tokensOf([[3, 1], [4, 1]]).shape // [2, 2]
 *
 * @category constructors
 */
export const tokensOf = (value: Nested): Tokens => {
  checkNested('tensor.tokensOf', 'tensor.tokensFromArray', value)
  const shape = shapeOfNested(value)
  return tokensFromArray(shape, entriesOf('tensor.tokensOf', value, shape))
}

/** Throws `PrecisionError` unless all tensors have one precision. */
export const checkPrecision = (operation: string, first: Tensor, ...others: readonly Tensor[]): void => {
  for (const other of others)
    if (other.data.BYTES_PER_ELEMENT !== first.data.BYTES_PER_ELEMENT) throw new PrecisionError(operation)
}

/** Throws `TypeError`, `ShapeError` or `PrecisionError` unless both are tensors of one shape and one precision. */
export const checkAlike = (operation: string, a: Tensor, b: Tensor): void => {
  if (!isTensor(a) || !isTensor(b)) throw new TypeError(`${operation}: expected two tensors, got ${show(a)} and ${show(b)}`)
  if (!sameShape(a.shape, b.shape)) throw new ShapeError(operation, 'two tensors of one shape', [a.shape, b.shape])
  checkPrecision(operation, a, b)
}
