/**
 * The sinusoids of positions, and their dot products.
 */
import { pipe } from 'fp-ts/lib/function.js'
import { sinusoidalTable, tensor } from 'pullback'

export const TIME = 48
export const WIDTH = 16

const table = sinusoidalTable(TIME, WIDTH)
export const ROWS: readonly (readonly number[])[] = Array.from({ length: TIME }, (_, t) => tensor.toArray(tensor.slice(t, t + 1)(table)))

const products = tensor.toArray(pipe(table, tensor.matmul(table, { right: true })))

/** ⟨P_t, P_s⟩ for every s. */
export const productsWith = (t: number): readonly number[] => products.slice(t * TIME, (t + 1) * TIME)
