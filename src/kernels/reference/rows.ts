/**
 * Row and column operations around the matrix product, and copies.
 *
 * @module
 */
import type { Floats, FreshFloats, Integers } from '../floats.js'

export interface RowSizes {
  readonly rows: number
  readonly width: number
}

export interface TableSizes extends RowSizes {
  /** How many ids there are. */
  readonly count: number
}

export interface RepeatedSizes {
  /** The length of x. */
  readonly n: number
  /** Where the part begins, and its length. */
  readonly begin: number
  readonly length: number
  /** The length of the array that the part is of. */
  readonly total: number
}

/** $y_i = x_i + r_{b + i \bmod n}$: a part of an array added to x again and again. */
export const addRepeated = (
  { begin, length }: RepeatedSizes, [x, row]: readonly [x: Floats, row: Floats], [y]: readonly [y: FreshFloats]
): void => {
  for (let i = 0, j = 0; i < y.length; i++, j = j + 1 === length ? 0 : j + 1) y[i] = x[i] + row[begin + j]
}

/** The sum over all rows, accumulated in double precision. */
export const sumRows = (
  { rows, width }: RowSizes, [x]: readonly [x: Floats], [y]: readonly [y: FreshFloats]
): void => {
  const total = new Float64Array(width)
  for (let row = 0, start = 0; row < rows; row++, start += width)
    for (let j = 0; j < width; j++) total[j] += x[start + j]
  y.set(total)
}

/** Row `ids[i]` of a table as row i of the result. */
export const gatherRows = (
  { width }: TableSizes, [table, ids]: readonly [table: Floats, ids: Integers], [y]: readonly [y: FreshFloats]
): void => {
  for (let i = 0; i < ids.length; i++)
    for (let j = 0, from = ids[i] * width, to = i * width; j < width; j++) y[to + j] = table[from + j]
}

/** Row i of `dy` added to row `ids[i]` of a table of zeros. */
export const scatterAddRows = (
  { width }: TableSizes, [dy, ids]: readonly [dy: Floats, ids: Integers], [table]: readonly [table: FreshFloats]
): void => {
  table.fill(0)
  for (let i = 0; i < ids.length; i++)
    for (let j = 0, from = i * width, to = ids[i] * width; j < width; j++) table[to + j] += dy[from + j]
}

/** For each of `batch` items, the `first` numbers of `a` and then the `second` numbers of `b`. */
export const appendRows = (
  { batch, first, second }: { readonly batch: number, readonly first: number, readonly second: number },
  [a, b]: readonly [a: Floats, b: Floats], [y]: readonly [y: FreshFloats]
): void => {
  for (let item = 0, to = 0; item < batch; item++) {
    for (let i = 0; i < first; i++) y[to++] = a[item * first + i]
    for (let i = 0; i < second; i++) y[to++] = b[item * second + i]
  }
}

/** From each of `batch` items of `stride` numbers, `width` numbers from `begin` on. */
export const copyRows = (
  { batch, stride, begin, width }: { readonly batch: number, readonly stride: number, readonly begin: number, readonly width: number },
  [x]: readonly [x: Floats], [y]: readonly [y: FreshFloats]
): void => {
  for (let item = 0, to = 0; item < batch; item++)
    for (let j = 0, from = item * stride + begin; j < width; j++) y[to++] = x[from + j]
}

/** Every matrix with rows and columns exchanged. */
export const transpose = (
  { batch, rows, columns }: { readonly batch: number, readonly rows: number, readonly columns: number },
  [x]: readonly [x: Floats], [y]: readonly [y: FreshFloats]
): void => {
  for (let b = 0, start = 0; b < batch; b++, start += rows * columns)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) y[start + j * rows + i] = x[start + i * columns + j]
}

/** The numbers of an array and zeros behind them. */
export const padRows = (
  { n, total }: { readonly n: number, readonly total: number }, [x]: readonly [x: Floats], [y]: readonly [y: FreshFloats]
): void => {
  for (let i = 0; i < total; i++) y[i] = i < n ? x[i] : 0
}

/** Fills $P_{t,2i} = \sin(t/10000^{2i/D})$ and $P_{t,2i+1} = \cos(t/10000^{2i/D})$. */
export const sinusoids = (time: number, width: number, table: FreshFloats): void => {
  for (let t = 0, entry = 0; t < time; t++)
    for (let j = 0; j < width; j++, entry++) {
      const angle = t / 10000 ** ((j - j % 2) / width)
      table[entry] = j % 2 === 0 ? Math.sin(angle) : Math.cos(angle)
    }
}
