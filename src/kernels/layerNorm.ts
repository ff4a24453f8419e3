/**
 * Layer normalisation over rows.
 *
 * @module
 */
import type { Floats } from './floats.js'
import { kernel } from './kernel.js'
import * as reference from './reference/layerNorm.js'

type RowSizes = reference.RowSizes
export type RowStatistics = reference.RowStatistics

/** Pieces of sixteen columns, a cache line. */
export const columnPieces = (rows: number, width: number, cost: number) => ({ count: Math.ceil(width / 16), work: rows * width * cost })

const statistics = kernel('layerNorm', reference.rowStatistics)({
  reads: ({ rows, width }: RowSizes & { readonly epsilon: number }) => [rows * width],
  writes: ({ rows }) => [rows, rows, rows, rows],
  numbers: ({ width, epsilon }) => [width, epsilon],
  pieces: ({ rows, width }) => ({ count: rows, work: rows * width * 11 }),
  fast: 'rowStatistics',
  precision: () => 'float64'
})

/** The mean and the inverse deviation of every row, as `reference/layerNorm.ts` explains them. */
export const rowStatistics = (sizes: RowSizes & { readonly epsilon: number }, x: Floats): RowStatistics => named(statistics(sizes, x))
/** The same by the definition. */
export const referenceStatistics = (sizes: RowSizes & { readonly epsilon: number }, x: Floats): RowStatistics => named(statistics.reference(sizes, x))

const named = ([scale, mean, rest, inverseDeviation]: readonly Floats[]): RowStatistics => ({ scale, mean, rest, inverseDeviation })

/** $y = \gamma \odot \hat x + \beta$ for every row. */
export const layerNormRows = kernel('layerNorm', reference.layerNorm)({
  reads: ({ rows, width }: RowSizes) => [rows * width, width, width, rows, rows, rows, rows],
  writes: ({ rows, width }) => [rows * width],
  numbers: ({ width }) => [width],
  pieces: ({ rows, width }) => ({ count: rows, work: rows * width * 6 }),
  fast: 'layerNorm'
})

/** The same from x alone, where nobody asks for the gradient. */
export const normalizedRows = kernel('layerNorm', reference.normalizedRows)({
  reads: ({ rows, width }: RowSizes & { readonly epsilon: number }) => [rows * width, width, width],
  writes: ({ rows, width }) => [rows * width],
  numbers: ({ width, epsilon }) => [width, epsilon],
  scratch: () => 16,
  pieces: ({ rows, width }) => ({ count: rows, work: rows * width * 17 }),
  fast: 'normalizedRows'
})

/** The gradient with respect to x, whose derivation stands in `layers/layerNorm.ts`. */
export const layerNormGradient = kernel('layerNorm', reference.layerNormGradient)({
  reads: ({ rows, width }: RowSizes) => [rows * width, width, rows, rows, rows, rows, rows * width],
  writes: ({ rows, width }) => [rows * width],
  numbers: ({ width }) => [width],
  pieces: ({ rows, width }) => ({ count: rows, work: rows * width * 11 }),
  fast: 'layerNormGradient'
})

/** The gradients with respect to γ and β. */
export const layerNormParamsGradient = kernel('layerNorm', reference.layerNormParamsGradient)({
  reads: ({ rows, width }: RowSizes) => [rows * width, rows, rows, rows, rows, rows * width],
  writes: ({ width }) => [width, width],
  numbers: ({ rows, width }) => [rows, width],
  pieces: ({ rows, width }) => columnPieces(rows, width, 8),
  fast: 'layerNormParamsGradient'
})

