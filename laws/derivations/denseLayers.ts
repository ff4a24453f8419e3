/**
 * Two small layers for the derivations of combinators, whose Jacobians are dense and not square, so that an order or a
 * transpose that is wrong shows.
 *
 * @module
 */
import { type Layer, layer, type Tensor } from 'pullback'
import { matrixFrom, vectorFrom } from './arrays.js'
import { type FunctionLetter, mapping } from './letters.js'
import { asTensor, type Matrix, matrix, matrixOf, times, transposed, type Vector, vector, vectorOf } from './notation.js'

export type Weight = { readonly weight: Tensor }

/** $f(A, x) = \sin(A x)$ */
export const f = (A: Matrix, x: Vector): Vector => times(A, x).map(Math.sin)

/** $f^*_{A,x}(dy)$ */
export const fPullback = (A: Matrix, x: Vector, dy: Vector): { readonly dA: Matrix, readonly dx: Vector } => {
  const u = times(A, x), d = vector(u.length, j => Math.cos(u[j]) * dy[j])
  return { dA: matrix(A.length, x.length, (j, i) => d[j] * x[i]), dx: times(transposed(A), d) }
}

/** $g(B, y) = \tanh(B y)$ */
export const g = (B: Matrix, y: Vector): Vector => times(B, y).map(Math.tanh)

/** $g^*_{B,y}(dz)$ */
export const gPullback = (B: Matrix, y: Vector, dz: Vector): { readonly dB: Matrix, readonly dy: Vector } => {
  const z = g(B, y), d = vector(z.length, k => (1 - z[k] ** 2) * dz[k])
  return { dB: matrix(B.length, y.length, (k, j) => d[k] * y[j]), dy: times(transposed(B), d) }
}

export const sine: Layer<Weight, Tensor, Tensor> = layer({
  forward: ({ weight }: Weight, x: Tensor) => asTensor(f(matrixOf(weight), vectorOf(x))),
  gradient: ({ weight }: Weight, x: Tensor, dy: Tensor) => {
    const { dA, dx } = fPullback(matrixOf(weight), vectorOf(x), vectorOf(dy))
    return { params: { weight: asTensor(dA) }, input: asTensor(dx) }
  }
})

export const tangent: Layer<Weight, Tensor, Tensor> = layer({
  forward: ({ weight }: Weight, y: Tensor) => asTensor(g(matrixOf(weight), vectorOf(y))),
  gradient: ({ weight }: Weight, y: Tensor, dz: Tensor) => {
    const { dB, dy } = gPullback(matrixOf(weight), vectorOf(y), vectorOf(dz))
    return { params: { weight: asTensor(dB) }, input: asTensor(dy) }
  }
})

export const record = (weight: Matrix): Weight => ({ weight: asTensor(weight) })

export const sineFunction = (weight: string, input: string, output: string): FunctionLetter =>
  mapping('f', [weight, input], output, 'a layer, any; in the cases the sine of a matrix times a vector', ([A, x]) => f(matrixFrom(A), vectorFrom(x)))

export const tangentFunction = (weight: string, input: string, output: string): FunctionLetter =>
  mapping('g', [weight, input], output, 'another layer, any; in the cases the tanh of a matrix times a vector', ([B, y]) => g(matrixFrom(B), vectorFrom(y)))

/** $\partial y_j/\partial x_i$ of $f$ */
export const jacobianF = (A: Matrix, x: Vector): Matrix => {
  const u = times(A, x)
  return matrix(A.length, x.length, (j, i) => Math.cos(u[j]) * A[j][i])
}

/** $\partial z_k/\partial y_j$ of $g$ */
export const jacobianG = (B: Matrix, y: Vector): Matrix => {
  const z = g(B, y)
  return matrix(B.length, y.length, (k, j) => (1 - z[k] ** 2) * B[k][j])
}
