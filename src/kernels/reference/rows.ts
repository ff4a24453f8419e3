/**
 * Row and column operations around the matrix product.
 *
 * @module
 */
import type { Floats, FreshFloats, Integers } from '../floats.js'
import { freshLike } from '../fresh.js'
import { type Gemm, gemm } from './gemm.js'

/** Adds a row to every row of an array that the caller has just allocated. */
const addToRows = (y: FreshFloats, row: Floats): void => {
  const width = row.length
  for (let start = 0; start < y.length; start += width)
    for (let j = 0; j < width; j++) y[start + j] += row[j]
}

/** $C = A B + \mathbf 1 r^\top$: the product of two matrices with a row added to each of its rows. */
export const affine = (sizes: Gemm, a: Floats, b: Floats, row: Floats): FreshFloats => {
  const c = gemm(sizes, a, b)
  addToRows(c, row)
  return c
}

/** The sum over all rows, accumulated in double precision. */
export const sumRows = (x: Floats, rows: number, width: number): FreshFloats => {
  const total = new Float64Array(width)
  for (let row = 0, start = 0; row < rows; row++, start += width)
    for (let j = 0; j < width; j++) total[j] += x[start + j]
  const y = freshLike(x, width)
  y.set(total)
  return y
}

/** Row `ids[i]` of a table as row i of the result. */
export const gatherRows = (table: Floats, ids: Integers, width: number): FreshFloats => {
  const y = freshLike(table, ids.length * width)
  for (let i = 0; i < ids.length; i++)
    for (let j = 0, from = ids[i] * width, to = i * width; j < width; j++) y[to + j] = table[from + j]
  return y
}

/** Row i of `dy` added to row `ids[i]` of a table of zeros with `rows` rows. */
export const scatterAddRows = (dy: Floats, ids: Integers, rows: number, width: number): FreshFloats => {
  const table = freshLike(dy, rows * width)
  for (let i = 0; i < ids.length; i++)
    for (let j = 0, from = i * width, to = ids[i] * width; j < width; j++) table[to + j] += dy[from + j]
  return table
}

/** For each of `batch` items, the numbers of `a` and then those of `b`. */
export const appendRows = (a: Floats, b: Floats, batch: number): FreshFloats => {
  const first = batch === 0 ? 0 : a.length / batch, second = batch === 0 ? 0 : b.length / batch
  const y = freshLike(a, a.length + b.length)
  for (let item = 0, to = 0; item < batch; item++) {
    for (let i = 0; i < first; i++) y[to++] = a[item * first + i]
    for (let i = 0; i < second; i++) y[to++] = b[item * second + i]
  }
  return y
}
