/**
 * The sinusoidal table, and how alike its rows are.
 */
import { sinusoidalTable, tensor } from 'pullback'

export const TIME = 48, WIDTH = 32

const table = sinusoidalTable(TIME, WIDTH, 'float64')

type Rows = readonly (readonly number[])[]

const rowsOf = (t: ReturnType<typeof sinusoidalTable>, width: number): Rows =>
  Array.from({ length: t.shape[0] }, (_, row) => tensor.toArray(t).slice(width * row, width * (row + 1)))

/** $E$ `[T, D]` */
export const TABLE = rowsOf(table, WIDTH)

/** $E E^\top$: the dot product of each two positions. */
export const LIKENESS = rowsOf(tensor.matmul(table, { right: true })(table), TIME)
