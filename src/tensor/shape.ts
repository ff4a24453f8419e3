/**
 * Shapes, and the one error that a wrong shape throws.
 *
 * @module
 */

/** The lengths of a tensor's axes, outermost first. A scalar has the shape `[]`. */
export type Shape = readonly number[]

const show = (shape: Shape): string => `[${shape.join(', ')}]`

/** A message, behind the place in a model that it is about. */
const at = (place: string, message: string): string => (place === '' ? message : `${place}: ${message}`)

/**
 * A shape that an operation cannot take. It is a programming error, so it is thrown and not returned.
 * The message names the place in the model (the path of the layer's parameters), the operation, what was expected, and
 * every shape that was given.
 */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
  constructor(
    readonly operation: string,
    readonly expected: string,
    readonly shapes: readonly Shape[],
    readonly place: string = ''
  ) {
    super(at(place, `${operation}: expected ${expected}, got ${shapes.map(show).join(' and ')}`))
  }
}

/** A tensor of one precision met a tensor of the other one in a single operation. */
export class PrecisionError extends Error {
  override readonly name = 'PrecisionError'
  constructor(readonly operation: string, readonly place: string = '') {
    super(at(place, `${operation}: expected tensors of one precision, got float32 and float64`))
  }
}

/** The number of entries: the product of the axes, 1 for a scalar. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, length) => product * length, 1)

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
