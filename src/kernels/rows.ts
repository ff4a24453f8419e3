/**
 * Row and column operations around the matrix product, and copies.
 *
 * @module
 */
import { vectors } from './entries.js'
import { type Floats, type FreshFloats, type Integers, type Precision, precisions } from './floats.js'
import { kernel } from './kernel.js'
import { columnPieces } from './layerNorm.js'
import * as reference from './reference/rows.js'

/** Throws unless every id is the index of a row. */
const checkIds = ({ rows }: reference.TableSizes, ids: Integers): void => {
  for (let i = 0; i < ids.length; i++)
    if (!(ids[i] >= 0 && ids[i] < rows)) throw new RangeError(`expected ids from 0 to ${rows - 1}, got ${ids[i]} at position ${i}`)
}

/** $y_i = x_i + r_{b + i \bmod l}$: a part of an array, from `begin` on, added to x again and again. */
export const addRepeated = kernel('addRepeated', reference.addRepeated)({
  reads: ({ n, total }) => [n, total],
  writes: ({ n }) => [n],
  numbers: ({ begin, length }) => [begin, length],
  // Vectors begin anew with every repetition.
  fits: ({ begin, length, total }) => length > 0 && length % 4 === 0 && begin + length <= total,
  pieces: sizes => vectors(sizes, 4),
  fast: 'addRepeated'
})

/** The sum over all rows. */
export const sumRows = kernel('sumRows', reference.sumRows)({
  reads: ({ rows, width }) => [rows * width], writes: ({ width }) => [width], numbers: ({ rows, width }) => [rows, width],
  pieces: ({ rows, width }) => columnPieces(rows, width, 3), fast: 'sumRows'
})

/** Row `ids[i]` of a table as row i of the result. */
export const gatherRows = kernel('gatherRows', reference.gatherRows)({
  reads: ({ rows, width, count }) => [rows * width, count], check: (sizes, [, ids]: readonly [Floats, Integers]) => { checkIds(sizes, ids) },
  writes: ({ width, count }) => [count * width], numbers: ({ width }) => [width],
  pieces: ({ count, width }) => ({ count, work: 4 * count * width }), fast: 'gatherRows'
})

/** Row i of `dy` added to row `ids[i]` of a table of zeros with `rows` rows. */
export const scatterAddRows = kernel('scatterAddRows', reference.scatterAddRows)({
  reads: ({ width, count }) => [count * width, count], check: (sizes, [, ids]: readonly [Floats, Integers]) => { checkIds(sizes, ids) },
  writes: ({ rows, width }) => [rows * width], numbers: ({ rows, count, width }) => [rows, count, width],
  pieces: ({ rows, width, count }) => columnPieces(rows + count, width, 3), fast: 'scatterAddRows'
})

/** For each of `batch` items, the `first` numbers of `a` and then the `second` numbers of `b`. */
export const appendRows = kernel('appendRows', reference.appendRows)({
  reads: ({ batch, first, second }) => [batch * first, batch * second],
  writes: ({ batch, first, second }) => [batch * (first + second)], numbers: ({ first, second }) => [first, second],
  pieces: ({ batch, first, second }) => ({ count: batch, work: 4 * batch * (first + second) }), fast: 'appendRows'
})

/** From each of `batch` items of `stride` numbers, `width` numbers from `begin` on. */
export const copyRows = kernel('copyRows', reference.copyRows)({
  reads: ({ batch, stride }) => [batch * stride],
  writes: ({ batch, width }) => [batch * width], numbers: ({ begin, stride, width }) => [begin, stride, width],
  fits: ({ stride, begin, width }) => begin >= 0 && begin + width <= stride,
  pieces: ({ batch, width }) => ({ count: batch, work: 4 * batch * width }), fast: 'copyRows'
})

/** Every matrix with rows and columns exchanged. */
export const transpose = kernel('transpose', reference.transpose)({
  reads: ({ batch, rows, columns }) => [batch * rows * columns],
  writes: ({ batch, rows, columns }) => [batch * rows * columns], numbers: ({ rows, columns }) => [rows, columns],
  pieces: ({ batch, rows, columns }) => ({ count: batch, work: 8 * batch * rows * columns }), fast: 'transpose'
})


/** The numbers of an array and zeros behind them. */
export const padRows = kernel('padRows', reference.padRows)({
  reads: ({ n }) => [n], writes: ({ total }) => [total], numbers: ({ n, total }) => [n, total], fits: ({ n, total }) => n <= total,
  fast: 'padRows'
})

/** The table of positions as sines and cosines. */
export const sinusoids = ({ time, width, precision }: { readonly time: number, readonly width: number, readonly precision: Precision }): FreshFloats => {
  const table = new precisions[precision].array(time * width)
  reference.sinusoids(time, width, table)
  return table
}
