/**
 * Arrays that grow at their end.
 *
 * @module
 */
import type { Floats, FreshFloats } from './floats.js'
import { appendRows } from './rows.js'
import { extended } from './simd/arena.js'

/** The numbers of `a` and then those of `b`, in a region mostly without copying `a`. No array that there is changes. */
export const append = (a: Floats, b: Floats): FreshFloats => extended(a, b) ?? appendRows({ batch: 1, first: a.length, second: b.length }, a, b)
