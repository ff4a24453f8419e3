/**
 * Derivations of the layers that are matrix products.
 *
 * @module
 */
import fc from 'fast-check'
import { linear as linearLayer, unembedding as unembeddingLayer } from 'pullback'
import { matrices, size, vectors } from './cases.js'
import { derivation, numericGradient } from './derivation.js'
import { asTensor, delta, type Matrix, matrix, numbers, product, sum, transposed, vector, type Vector } from './notation.js'

interface Case {
  readonly X: Matrix
  readonly W: Matrix
  readonly b: Vector
  readonly dy: Matrix
}

const linearOf = ({ X, W, b }: Case): Matrix => matrix(X.length, b.length, (n, j) => sum(W.length, i => X[n][i] * W[i][j]) + b[j])

const linearGradient = ({ X, W, b, dy }: Case) =>
  linearLayer.vjp({ weight: asTensor(W), bias: asTensor(b) }, asTensor(X))[1](asTensor(dy))

export const linear = derivation<Case>({
  name: 'linear', source: 'src/layers/linear.ts',
  introduction: 'A row of neurons: weighted sums of the inputs plus a bias. Shapes: $X$ `[N, I]`, $W$ `[I, O]`, $b$ `[O]`, $Y$ `[N, O]`.',
  definition: {
    formula: String.raw`y_{nj} = \sum_i x_{ni} W_{ij} + b_j`,
    compute: linearOf, library: ({ X, W, b }) => numbers(linearLayer.forward({ weight: asTensor(W), bias: asTensor(b) }, asTensor(X)))
  },
  cases: fc.tuple(size(3), size(3), size(3)).chain(([n, i, o]) => fc.record({ X: matrices(n, i), W: matrices(i, o), b: vectors(o), dy: matrices(n, o) })),
  chains: [{
    quantity: 'dX', numeric: numericGradient(linearOf, 'X'), library: c => numbers(linearGradient(c).input),
    steps: [{
      text: 'The output $y_{nj}$ holds $x_{mi}$ only where $n = m$, with the factor $W_{ij}$: $\\partial y_{nj}/\\partial x_{mi} = \\delta_{nm} W_{ij}$. Times $dy_{nj}$, summed over all outputs:',
      formula: String.raw`dX_{mi} = \sum_n \sum_j dy_{nj}\,\delta_{nm}\,W_{ij}`,
      compute: ({ X, W, dy }) => matrix(X.length, W.length, (m, i) =>
        sum(X.length, n => sum(W[0].length, j => dy[n][j] * delta(n, m) * W[i][j])))
    }, {
      text: 'The delta leaves the row $n = m$.',
      formula: String.raw`dX_{mi} = \sum_j dy_{mj}\,W_{ij}`,
      compute: ({ X, W, dy }) => matrix(X.length, W.length, (m, i) => sum(W[0].length, j => dy[m][j] * W[i][j]))
    }, {
      text: 'The sum runs along a row of $dY$ and a row of $W$: a product with the transpose.',
      formula: String.raw`dX = dY\,W^\top`,
      compute: ({ W, dy }) => product(dy, transposed(W))
    }]
  }, {
    quantity: 'dW', numeric: numericGradient(linearOf, 'W'), library: c => numbers(linearGradient(c).params.weight),
    steps: [{
      text: 'The weight $W_{ik}$ is used in column $k$ of every row $n$, with the factor $x_{ni}$: $\\partial y_{nj}/\\partial W_{ik} = \\delta_{jk}\\,x_{ni}$.',
      formula: String.raw`dW_{ik} = \sum_n \sum_j dy_{nj}\,\delta_{jk}\,x_{ni}`,
      compute: ({ X, W, dy }) => matrix(W.length, W[0].length, (i, k) =>
        sum(X.length, n => sum(W[0].length, j => dy[n][j] * delta(j, k) * X[n][i])))
    }, {
      text: 'The delta leaves the column $j = k$; what remains runs over the rows.',
      formula: String.raw`dW_{ik} = \sum_n x_{ni}\,dy_{nk}`,
      compute: ({ X, W, dy }) => matrix(W.length, W[0].length, (i, k) => sum(X.length, n => X[n][i] * dy[n][k]))
    }, {
      text: 'As matrices:',
      formula: String.raw`dW = X^\top dY`,
      compute: ({ X, dy }) => product(transposed(X), dy)
    }]
  }, {
    quantity: 'db', numeric: numericGradient(linearOf, 'b'), library: c => numbers(linearGradient(c).params.bias),
    steps: [{
      text: 'The bias $b_k$ is added in column $k$ of every row: $\\partial y_{nj}/\\partial b_k = \\delta_{jk}$.',
      formula: String.raw`db_k = \sum_n \sum_j dy_{nj}\,\delta_{jk}`,
      compute: ({ X, b, dy }) => vector(b.length, k => sum(X.length, n => sum(b.length, j => dy[n][j] * delta(j, k))))
    }, {
      text: 'The delta leaves the sums of the columns.',
      formula: String.raw`db_k = \sum_n dy_{nk}, \qquad db = \mathbf 1^\top dY`,
      compute: ({ X, b, dy }) => vector(b.length, k => sum(X.length, n => dy[n][k]))
    }]
  }]
})

type TableCase = Pick<Case, 'X' | 'W' | 'dy'>

const unembeddingOf = ({ X, W }: TableCase): Matrix => matrix(X.length, W.length, (n, v) => sum(X[0].length, j => X[n][j] * W[v][j]))

const unembeddingGradient = ({ X, W, dy }: TableCase) => unembeddingLayer.vjp({ weight: asTensor(W) }, asTensor(X))[1](asTensor(dy))

export const unembedding = derivation<TableCase>({
  name: 'unembedding', source: 'src/layers/unembedding.ts',
  introduction: 'A score for every symbol: the dot product with its row of a table. Shapes: $X$ `[N, D]`, $W$ `[V, D]`, $Y$ `[N, V]`.',
  definition: {
    formula: String.raw`y_{nv} = \sum_j x_{nj} W_{vj}`,
    compute: unembeddingOf, library: ({ X, W }) => numbers(unembeddingLayer.forward({ weight: asTensor(W) }, asTensor(X)))
  },
  cases: fc.tuple(size(3), size(3), size(3)).chain(([n, d, v]) => fc.record({ X: matrices(n, d), W: matrices(v, d), dy: matrices(n, v) })),
  chains: [{
    quantity: 'dX', numeric: numericGradient(unembeddingOf, 'X'), library: c => numbers(unembeddingGradient(c).input),
    steps: [{
      text: 'As in the linear layer, with the table the other way round: $\\partial y_{nv}/\\partial x_{mi} = \\delta_{nm} W_{vi}$.',
      formula: String.raw`dX_{mi} = \sum_n \sum_v dy_{nv}\,\delta_{nm}\,W_{vi}`,
      compute: ({ X, W, dy }) => matrix(X.length, X[0].length, (m, i) =>
        sum(X.length, n => sum(W.length, v => dy[n][v] * delta(n, m) * W[v][i])))
    }, {
      text: 'The delta leaves row $m$; the sum over $v$ is a matrix product.',
      formula: String.raw`dX = dY\,W`,
      compute: ({ W, dy }) => product(dy, W)
    }]
  }, {
    quantity: 'dW', numeric: numericGradient(unembeddingOf, 'W'), library: c => numbers(unembeddingGradient(c).params.weight),
    steps: [{
      text: 'Row $u$ of the table acts on column $u$ of the scores: $\\partial y_{nv}/\\partial W_{ui} = \\delta_{uv}\\,x_{ni}$.',
      formula: String.raw`dW_{ui} = \sum_n \sum_v dy_{nv}\,\delta_{uv}\,x_{ni}`,
      compute: ({ X, W, dy }) => matrix(W.length, X[0].length, (u, i) =>
        sum(X.length, n => sum(W.length, v => dy[n][v] * delta(u, v) * X[n][i])))
    }, {
      text: 'The delta leaves column $u$ of $dY$, which stands on its side in the product.',
      formula: String.raw`dW = dY^\top X`,
      compute: ({ X, dy }) => product(transposed(dy), X)
    }]
  }]
})
