/**
 * Bare arrays of floating-point numbers: what the kernels read and what they fill.
 *
 * @module
 */

/** A read-only view of a `Float32Array` or a `Float64Array`: the type has no setters. */
export interface Floats extends Iterable<number> {
  readonly length: number
  /** 4 for single precision, 8 for double precision. */
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

/**
 * Whether single precision keeps a finite factor: numbers beyond its largest would be ∞ there, and numbers below its smallest normal
 * one lose digits. Kernels of single precision leave other factors to the reference, which multiplies in double precision.
 */
export const isSingle = (factor: number): boolean => {
  const magnitude = Math.abs(factor)
  return magnitude === 0 || (magnitude >= 2 ** -126 && magnitude < 2 ** 128 - 2 ** 103)
}
