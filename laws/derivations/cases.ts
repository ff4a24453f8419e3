/**
 * The numbers that derivations are tried on.
 *
 * @module
 */
import fc from 'fast-check'

/** Multiples of 1/256 within ±scale, which shrink to 0 through short numbers. */
export const real = (scale = 2): fc.Arbitrary<number> => fc.integer({ min: -256 * scale, max: 256 * scale }).map(k => k / 256)
