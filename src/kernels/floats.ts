/**
 * Bare arrays of numbers: what the kernels read and what they fill.
 *
 * @module
 */

/** A read-only view of a `Float32Array` or a `Float64Array`: the type has no setters. */
export interface Floats extends Iterable<number> {
  readonly length: number
  /** Bytes of a number, which tell the precision: see `precisions`. */
  readonly BYTES_PER_ELEMENT: number
  readonly [index: number]: number
}

/** An array that the function holding it has just allocated and may still fill. */
export type FreshFloats = Float32Array | Float64Array

/** A read-only view of an `Int32Array`. */
export interface Integers extends Iterable<number> {
  readonly length: number
  readonly [index: number]: number
}

/** The precisions that there are: the array that holds one, and what files call it. */
export const precisions = {
  float32: { array: Float32Array, file: 'F32' },
  float64: { array: Float64Array, file: 'F64' }
} as const

export type Precision = keyof typeof precisions

/** The precision of an array. */
export const precisionOfArray = ({ BYTES_PER_ELEMENT: bytes }: Floats): Precision =>
  bytes === precisions.float32.array.BYTES_PER_ELEMENT ? 'float32' : 'float64'

/** An ordinary array of zeros with the precision of another. */
export const zerosLike = (like: Floats, length: number): FreshFloats => new precisions[precisionOfArray(like)].array(length)

/**
 * Whether single precision keeps a finite factor: numbers beyond its largest would be ∞ there, and numbers below its smallest normal
 * one lose digits. Kernels of single precision leave other factors to the reference, which multiplies in double precision.
 */
export const isSingle = (factor: number): boolean => {
  const magnitude = Math.abs(factor)
  return magnitude === 0 || (magnitude >= 2 ** -126 && magnitude < 2 ** 128 - 2 ** 103)
}
