/**
 * Shapes, and the one error that a wrong shape throws.
 *
 * @module
 */
import { show } from './domain.js'

/** The lengths of a tensor's axes, outermost first. A scalar has the shape `[]`. */
export type Shape = readonly number[]

const showShape = (shape: Shape): string => `[${shape.join(', ')}]`

/** A message, behind the place in a model that it is about. */
const at = (place: string, message: string): string => (place === '' ? message : `${place}: ${message}`)

/**
 * A shape that an operation cannot take. It is a programming error, so it is thrown and not returned.
 * The message names the place in the model (the path of the layer's parameters), the operation, what was expected, and
 * every shape that was given.
 *
 * @example
 * pipe(tensor.of([1, 2]), tensor.add(tensor.of([1, 2, 3]))) // throws expected two tensors of one shape, got [2] and [3]
 */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
  constructor(
    readonly operation: string,
    readonly expected: string,
    readonly shapes: readonly Shape[],
    readonly place: string = ''
  ) {
    super(at(place, `${operation}: expected ${expected}, got ${shapes.map(showShape).join(' and ')}`))
  }
}

/**
 * A tensor of one precision met a tensor of the other one in a single operation.
 *
 * @example
 * pipe(tensor.of([1]), tensor.add(tensor.of([1], 'float64'))) // throws expected tensors of one precision, got float32 and float64
 */
export class PrecisionError extends Error {
  override readonly name = 'PrecisionError'
  constructor(readonly operation: string, readonly place: string = '') {
    super(at(place, `${operation}: expected tensors of one precision, got float32 and float64`))
  }
}

/** The number of entries: the product of the axes, 1 for a scalar. */
export const sizeOf = (shape: Shape): number => {
  let size = 1
  for (let axis = 0; axis < shape.length; axis++) size *= shape[axis]
  return size
}

const isLength = (length: number): boolean => Number.isSafeInteger(length) && length >= 0

/** Whether a value is an array of non-negative integers whose product is `length`. */
export const isShapeOf = (shape: unknown, length: number): shape is Shape => {
  if (!Array.isArray(shape)) return false
  const axes: readonly number[] = shape // or whatever its entries are: only numbers are equal to themselves as integers
  let size = 1
  for (let axis = 0; axis < axes.length; axis++) {
    const n = axes[axis]
    // First the quick test, for integers of 32 bits: this is asked for every argument of every operation.
    if (n >>> 0 !== n && !isLength(n)) return false
    size *= n
  }
  return size === length
}

/**
 * A copy of a shape that its maker may still change.
 * Throws `TypeError` for anything that is not an array of numbers, and `ShapeError` if an axis is not a non-negative integer.
 */
export const ownShape = (operation: string, shape: Shape): Shape => {
  if (!Array.isArray(shape) || !shape.every(length => typeof length === 'number'))
    throw new TypeError(`${operation}: expected shape to be an array of numbers, got ${show(shape)}`)
  if (!shape.every(isLength)) throw new ShapeError(operation, 'axes that are non-negative integers', [shape])
  return shape.slice()
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((length, axis) => length === b[axis])

/** A shape seen as `rows` rows along its last axis. Throws `ShapeError` for a scalar. */
export interface Rows {
  readonly rows: number
  readonly width: number
}

export const rowsOf = (operation: string, shape: Shape): Rows => {
  if (shape.length === 0) throw new ShapeError(operation, 'at least one axis', [shape])
  return { rows: sizeOf(shape.slice(0, -1)), width: shape[shape.length - 1] }
}

/** A shape seen as `batch` matrices over its last two axes. Throws `ShapeError` for fewer axes. */
export interface Matrices {
  readonly batch: number
  readonly rows: number
  readonly columns: number
}

export const matricesOf = (operation: string, shape: Shape): Matrices => {
  if (shape.length < 2) throw new ShapeError(operation, 'at least two axes', [shape])
  const [rows, columns] = shape.slice(-2)
  return { batch: sizeOf(shape.slice(0, -2)), rows, columns }
}
