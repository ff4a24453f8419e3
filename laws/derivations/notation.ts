/**
 * What the code of the derivations is written in: sums, vectors and matrices as they stand in a formula.
 *
 * @module
 */
import { tensor, type Tensor } from 'pullback'

export type Vector = readonly number[]
export type Matrix = readonly Vector[]

/** $(f(0), \dots, f(n - 1))$ */
export const vector = <A>(n: number, f: (i: number) => A): readonly A[] => Array.from({ length: n }, (_, i) => f(i))

/** The matrix with the entries $f(i, j)$. */
export const matrix = <A>(rows: number, columns: number, f: (i: number, j: number) => A): readonly (readonly A[])[] =>
  vector(rows, i => vector(columns, j => f(i, j)))

/** $\sum_{i=0}^{n-1} f(i)$ */
export const sum = (n: number, f: (i: number) => number): number => vector(n, f).reduce((a, b) => a + b, 0)

/** Kronecker's $\delta_{ij}$: 1 where the indices agree, 0 elsewhere. */
export const delta = (i: number, j: number): 0 | 1 => (i === j ? 1 : 0)

/** $AB$ */
export const product = (a: Matrix, b: Matrix): Matrix =>
  matrix(a.length, b[0].length, (i, j) => sum(b.length, k => a[i][k] * b[k][j]))

/** $Ax$ */
export const times = (a: Matrix, x: Vector): Vector => a.map(row => sum(x.length, j => row[j] * x[j]))

/** $A^\top$ */
export const transposed = (a: Matrix): Matrix => matrix(a[0].length, a.length, (i, j) => a[j][i])

/** $A + B$ */
export const plus = (a: Matrix, b: Matrix): Matrix => matrix(a.length, a[0].length, (i, j) => a[i][j] + b[i][j])

/** $A + \mathbf 1 b^\top$ */
export const addRow = (a: Matrix, b: Vector): Matrix => matrix(a.length, b.length, (i, j) => a[i][j] + b[j])

/** The same numbers as a tensor of the library. */
export const asTensor = (value: tensor.Nested): Tensor => tensor.of(value, 'float64')

/** The numbers of a tensor as a vector. */
export const vectorOf = (x: Tensor): Vector => Array.from(x.data)

/** The numbers of a tensor with two axes as a matrix. */
export const matrixOf = (x: Tensor): Matrix => {
  const [rows, columns] = x.shape
  return matrix(rows, columns, (i, j) => x.data[i * columns + j])
}
