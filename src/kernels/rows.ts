/**
 * Row and column operations around the matrix product: SIMD for single precision, the reference elsewhere.
 *
 * @module
 */
import type { Floats, FreshFloats, Integers } from './floats.js'
import * as reference from './reference/rows.js'
import { call, clear } from './simd/arena.js'

/** The sum over all rows. */
export const sumRows = (x: Floats, rows: number, width: number): FreshFloats => {
  const done = call({ reads: [x], writes: [width] }, (kernels, [px], [y]) => {
    clear(y, width)
    kernels.sumRows(y, px, rows, width)
  })
  return done === undefined ? reference.sumRows(x, rows, width) : done[0][0]
}

/** Row `ids[i]` of a table as row i of the result. */
export const gatherRows = (table: Floats, ids: Integers, width: number): FreshFloats => {
  const done = call({ reads: [table, ids], writes: [ids.length * width] }, (kernels, [pt, pi], [y]) =>
    kernels.gatherRows(y, pt, pi, ids.length, width))
  return done === undefined ? reference.gatherRows(table, ids, width) : done[0][0]
}

/** Row i of `dy` added to row `ids[i]` of a table of zeros with `rows` rows. */
export const scatterAddRows = (dy: Floats, ids: Integers, rows: number, width: number): FreshFloats => {
  const done = call({ reads: [dy, ids], writes: [rows * width] }, (kernels, [pd, pi], [table]) => {
    clear(table, rows * width)
    kernels.scatterAddRows(table, pd, pi, ids.length, width)
  })
  return done === undefined ? reference.scatterAddRows(dy, ids, rows, width) : done[0][0]
}

/** For each of `batch` items, the numbers of `a` and then those of `b`. */
export const appendRows = (a: Floats, b: Floats, batch: number): FreshFloats => {
  const done = batch === 0 ? undefined : call({ reads: [a, b], writes: [a.length + b.length] }, (kernels, [pa, pb], [y]) =>
    kernels.appendRows(y, pa, pb, batch, a.length / batch, b.length / batch))
  return done === undefined ? reference.appendRows(a, b, batch) : done[0][0]
}
