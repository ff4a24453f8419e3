/**
 * What the derivations of the parts of a transformer share.
 *
 * @module
 */
import type { Value } from './arrays.js'
import { real } from './cases.js'
import { asTensor, type Matrix, matrix, sum, type Vector, vector } from './notation.js'

export const small = { entries: real(1) }

export const linearParams = (W: Value, b: Value) => ({ weight: asTensor(W), bias: asTensor(b) })

export const columnSums = (x: Matrix): Vector => vector(x[0].length, j => sum(x.length, n => x[n][j]))

export const ONES = String.raw`\mathbf 1_n = 1`

/** One of the three parts of a row, head by head. */
export const part = (x: Matrix, p: number, H: number, d: number): readonly Matrix[] =>
  vector(H, h => matrix(x.length, d, (t, j) => x[t][p * H * d + h * d + j]))

/** Whether every row varies so much that finite differences can follow a layer norm with its small $\varepsilon$. */
export const varies = (x: Matrix): boolean => x.every(row => {
  const mean = sum(row.length, i => row[i]) / row.length
  return sum(row.length, i => (row[i] - mean) ** 2) / row.length > 0.05
})
