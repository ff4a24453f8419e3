/**
 * The linear layer in small: who meets whom in Y = XW + b, and dW as a sum of outer products.
 */
import { linear, tensor } from 'pullback'

type Rows = readonly (readonly number[])[]

const rowsOf = (t: tensor.Nested): Rows => t as Rows // what `toNested` gives for a tensor with two axes

export const X: Rows = [[1, 2, -1], [0, 1, 2], [2, -1, 0.5], [-1, 0.5, 1]]
export const W: Rows = [[0.5, -1], [1, 0.5], [-0.5, 2]]
export const b: readonly number[] = [1, -0.5]
export const dY: Rows = [[1, -1], [0.5, 2], [-1, 1], [2, 0.5]]

const params = { weight: tensor.of(W, 'float64'), bias: tensor.of(b, 'float64') }
const x = tensor.of(X, 'float64')

/** Y, and what the library pulls dY back to. */
export const ofLibrary = () => {
  const [y, pullback] = linear.vjp(params, x)
  const { params: { weight, bias }, input } = pullback(tensor.of(dY, 'float64'))
  return { Y: rowsOf(tensor.toNested(y)), dW: rowsOf(tensor.toNested(weight)), db: tensor.toArray(bias), dX: rowsOf(tensor.toNested(input)) }
}

/** $x_n\,dy_n^\top$, which is what row n says about the weight. */
export const outer = (n: number): Rows => X[n].map(left => dY[n].map(right => left * right))

/** The sum of the outer products of the first rows; none of them gives zeros. */
export const summed = (rows: number): Rows => W.map((row, i) => row.map((_, k) =>
  X.slice(0, rows).reduce((sum, _row, n) => sum + outer(n)[i][k], 0)))

/** What the reader points at. */
export type Pointed = { readonly matrix: 'X' | 'W' | 'b' | 'Y', readonly row: number, readonly column: number } | undefined

/**
 * Whether an entry of a matrix is what is pointed at, takes part in it, or neither. An entry of Y is made of a row of X, a
 * column of W and one of b; the others act on a row or on a column of Y.
 */
export const markOf = (pointed: Pointed, matrix: 'X' | 'W' | 'b' | 'Y', row: number, column: number): 'here' | 'touched' | undefined => {
  if (pointed === undefined) return undefined
  if (pointed.matrix === matrix && pointed.row === row && pointed.column === column) return 'here'
  const touched = {
    Y: { X: row === pointed.row, W: column === pointed.column, b: column === pointed.column, Y: false },
    W: { X: column === pointed.row, W: false, b: false, Y: column === pointed.column },
    X: { X: false, W: row === pointed.column, b: false, Y: row === pointed.row },
    b: { X: false, W: false, b: false, Y: column === pointed.column }
  }[pointed.matrix][matrix]
  return touched ? 'touched' : undefined
}
