/**
 * New arrays.
 *
 * @module
 */
import { type Floats, type FreshFloats, precisionOfArray, zerosLike } from './floats.js'
import { allocate } from './simd/arena.js'

/** A new array of zeros with the precision of `like`; inside a region it lies in the arena. */
export const freshLike = (like: Floats, length: number): FreshFloats =>
  (precisionOfArray(like) === 'float32' ? allocate(length) : undefined) ?? zerosLike(like, length)
