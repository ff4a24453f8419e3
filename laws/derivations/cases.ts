/**
 * The numbers that derivations are tried on.
 *
 * @module
 */
import fc from 'fast-check'
import type { Matrix, Vector } from './notation.js'

/** Multiples of 1/256, which shrink to 0 through short numbers. */
export const real = (scale = 2): fc.Arbitrary<number> => fc.integer({ min: -256 * scale, max: 256 * scale }).map(k => k / 256)

export const vectors = (n: number, scale = 2): fc.Arbitrary<Vector> => fc.array(real(scale), { minLength: n, maxLength: n })

export const matrices = (rows: number, columns: number, scale = 2): fc.Arbitrary<Matrix> =>
  fc.array(vectors(columns, scale), { minLength: rows, maxLength: rows })

/** The length of an axis. */
export const size = (max = 4, min = 1): fc.Arbitrary<number> => fc.integer({ min, max })
