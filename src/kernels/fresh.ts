/**
 * New arrays.
 *
 * @module
 */
import type { Floats, FreshFloats } from './floats.js'
import { allocate } from './simd/arena.js'

/** A new array of zeros with the precision of `like`; inside a region it lies in the arena. */
export const freshLike = (like: Floats, length: number): FreshFloats =>
  like.BYTES_PER_ELEMENT === 4 ? allocate(length) ?? new Float32Array(length) : new Float64Array(length)
