/**
 * New arrays.
 *
 * @module
 */
import { type Floats, type FreshFloats, type Precision, precisionOfArray, precisions } from './floats.js'
import { allocate } from './simd/arena.js'

/** A new array of zeros; inside a region one of single precision lies in the arena. */
export const fresh = (precision: Precision, length: number): FreshFloats =>
  (precision === 'float32' ? allocate(length) : undefined) ?? new precisions[precision].array(length)

/** The same with the precision of `like`. */
export const freshLike = (like: Floats, length: number): FreshFloats => fresh(precisionOfArray(like), length)
