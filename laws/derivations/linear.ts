/**
 * Derivations of the layers that are matrix products.
 *
 * @module
 */
import { linear as linearLayer, unembedding as unembeddingLayer } from 'pullback'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt } from './letters.js'
import { addRow, asTensor, delta, type Matrix, matrix, product, sum, transposed, vector, type Vector } from './notation.js'

interface Linear {
  readonly X: Matrix
  readonly W: Matrix
  readonly b: Vector
  readonly one: Vector
  readonly Y: Matrix
  readonly dY: Matrix
  readonly dX: Matrix
  readonly dW: Matrix
  readonly db: Vector
}

const linearGradient = ({ X, W, b, dY }: Linear) => linearLayer.vjp({ weight: asTensor(W), bias: asTensor(b) }, asTensor(X))[1](asTensor(dY))

export const linear = derivation<Linear>({
  name: 'linear', source: 'src/layers/linear.ts', about: ['linear'], uses: ['conventions'],
  introduction: 'A row of neurons: weighted sums of the inputs plus a bias, the same for every row of $X$. Each row is an input and an output of its own; vectors such as $b$ are columns, so a bias that is added to every row is $\\mathbf 1 b^\\top$.',
  axes: {
    N: axis('n m', 'rows'), I: axis('i', 'inputs', { example: 3 }), O: axis('j k', 'outputs')
  },
  letters: {
    X: given('X', 'N I', 'input'),
    W: given('W', 'I O', 'weight'),
    b: given('b', 'O', 'bias'),
    one: defined('\\mathbf 1', 'N', 'ones', String.raw`\mathbf 1_n = 1`, ({ X }) => X.map(() => 1)),
    Y: defined('Y', 'N O', 'output', String.raw`Y_{nj} = \sum_i X_{ni} W_{ij} + b_j`, ({ X, W, b }) =>
      matrix(X.length, b.length, (n, j) => sum(W.length, i => X[n][i] * W[i][j]) + b[j])),
    dY: given('dY', 'N O', 'gradient at the output'),
    dX: gradientAt('dX', 'N I', 'X', 'gradient at the input'),
    dW: gradientAt('dW', 'I O', 'W', 'gradient at the weight'),
    db: gradientAt('db', 'O', 'b', 'gradient at the bias')
  },
  outputs: [{ value: 'Y', gradient: 'dY', library: ({ X, W, b }) => linearLayer.forward({ weight: asTensor(W), bias: asTensor(b) }, asTensor(X)) }],
  chains: [{
    of: 'dX', library: c => linearGradient(c).input,
    steps: [{
      text: 'The output $Y_{nj}$ holds $X_{mi}$ only where $?n = m$, with the factor $W_{ij}$: $\\partial Y_{nj}/\\partial X_{mi} = \\delta_{nm} W_{ij}$. Times $dY_{nj}$, summed over all outputs:',
      formula: String.raw`dX_{mi} = \sum_n \sum_j dY_{nj}\,\delta_{nm}\,W_{ij}`,
      compute: ({ X, W, dY }) => matrix(X.length, W.length, (m, i) =>
        sum(X.length, n => sum(W[0].length, j => dY[n][j] * delta(n, m) * W[i][j])))
    }, {
      text: 'The delta leaves the row $?n = m$.',
      formula: String.raw`dX_{mi} = \sum_j dY_{mj}\,W_{ij}`,
      compute: ({ X, W, dY }) => matrix(X.length, W.length, (m, i) => sum(W[0].length, j => dY[m][j] * W[i][j]))
    }, {
      text: 'The sum runs along a row of $dY$ and a row of $W$: a product with the transpose.',
      formula: String.raw`dX = dY\,W^\top`,
      compute: ({ W, dY }) => product(dY, transposed(W))
    }]
  }, {
    of: 'dW', library: c => linearGradient(c).params.weight,
    steps: [{
      text: 'The weight $W_{ik}$ is used in column $k$ of every row $n$, with the factor $X_{ni}$: $\\partial Y_{nj}/\\partial W_{ik} = \\delta_{jk}\\,X_{ni}$.',
      formula: String.raw`dW_{ik} = \sum_n \sum_j dY_{nj}\,\delta_{jk}\,X_{ni}`,
      compute: ({ X, W, dY }) => matrix(W.length, W[0].length, (i, k) =>
        sum(X.length, n => sum(W[0].length, j => dY[n][j] * delta(j, k) * X[n][i])))
    }, {
      text: 'The delta leaves the column $?j = k$; what remains runs over the rows.',
      formula: String.raw`dW_{ik} = \sum_n X_{ni}\,dY_{nk}`,
      compute: ({ X, W, dY }) => matrix(W.length, W[0].length, (i, k) => sum(X.length, n => X[n][i] * dY[n][k]))
    }, {
      text: 'The sum runs down a column of $X$ and a column of $dY$.',
      formula: String.raw`dW = X^\top dY`,
      compute: ({ X, dY }) => product(transposed(X), dY)
    }]
  }, {
    of: 'db', library: c => linearGradient(c).params.bias,
    steps: [{
      text: 'The bias $b_k$ is added in column $k$ of every row: $\\partial Y_{nj}/\\partial b_k = \\delta_{jk}$.',
      formula: String.raw`db_k = \sum_n \sum_j dY_{nj}\,\delta_{jk}`,
      compute: ({ X, b, dY }) => vector(b.length, k => sum(X.length, n => sum(b.length, j => dY[n][j] * delta(j, k))))
    }, {
      text: 'The delta leaves the sums of the columns. As $b$ is a column, so is its gradient.',
      formula: String.raw`db_k = \sum_n dY_{nk}, \qquad db = dY^\top \mathbf 1`,
      compute: ({ X, b, dY }) => vector(b.length, k => sum(X.length, n => dY[n][k]))
    }]
  }],
  claims: [{
    title: 'As matrices',
    text: 'The definition is a product and a bias in every row. Each gradient has the shape of what it belongs to, and there is only one way to multiply $dY$ with the other factor that gives this shape: a good way to remember them.',
    formulas: [String.raw`Y = X W + \mathbf 1 b^\top`]
  }],
  cost: 'The forward pass takes $N I O$ multiplications, and so does each of the two products of the gradient: a training step costs three times its forward pass.'
})

type Unembedding = Pick<Linear, 'X' | 'W' | 'Y' | 'dY' | 'dX' | 'dW'>

const unembeddingGradient = ({ X, W, dY }: Unembedding) => unembeddingLayer.vjp({ weight: asTensor(W) }, asTensor(X))[1](asTensor(dY))

export const unembedding = derivation<Unembedding>({
  name: 'unembedding', source: 'src/layers/unembedding.ts', about: ['unembedding'], uses: ['linear'],
  introduction: 'A score for every symbol: the dot product with its row of a table.',
  axes: { N: axis('n m', 'rows'), D: axis('i j', 'width', { example: 3 }), V: axis('u v', 'symbols') },
  letters: {
    X: given('X', 'N D', 'input'),
    W: given('W', 'V D', 'table, one row for each symbol'),
    Y: defined('Y', 'N V', 'scores', String.raw`Y_{nv} = \sum_j X_{nj} W_{vj}`, ({ X, W }) =>
      matrix(X.length, W.length, (n, v) => sum(X[0].length, j => X[n][j] * W[v][j]))),
    dY: given('dY', 'N V', 'gradient at the scores'),
    dX: gradientAt('dX', 'N D', 'X', 'gradient at the input'),
    dW: gradientAt('dW', 'V D', 'W', 'gradient at the table')
  },
  outputs: [{ value: 'Y', gradient: 'dY', library: ({ X, W }) => unembeddingLayer.forward({ weight: asTensor(W) }, asTensor(X)) }],
  chains: [{
    of: 'dX', library: c => unembeddingGradient(c).input,
    steps: [{
      text: 'As in the linear layer, with the table the other way round: $\\partial Y_{nv}/\\partial X_{mi} = \\delta_{nm} W_{vi}$.',
      formula: String.raw`dX_{mi} = \sum_n \sum_v dY_{nv}\,\delta_{nm}\,W_{vi}`,
      compute: ({ X, W, dY }) => matrix(X.length, X[0].length, (m, i) =>
        sum(X.length, n => sum(W.length, v => dY[n][v] * delta(n, m) * W[v][i])))
    }, {
      text: 'The delta leaves row $m$.',
      formula: String.raw`dX_{mi} = \sum_v dY_{mv}\,W_{vi}`,
      compute: ({ X, W, dY }) => matrix(X.length, X[0].length, (m, i) => sum(W.length, v => dY[m][v] * W[v][i]))
    }, {
      text: 'The sum over $v$ is a matrix product.',
      formula: String.raw`dX = dY\,W`,
      compute: ({ W, dY }) => product(dY, W)
    }]
  }, {
    of: 'dW', library: c => unembeddingGradient(c).params.weight,
    steps: [{
      text: 'Row $u$ of the table acts on column $u$ of the scores: $\\partial Y_{nv}/\\partial W_{ui} = \\delta_{uv}\\,X_{ni}$.',
      formula: String.raw`dW_{ui} = \sum_n \sum_v dY_{nv}\,\delta_{uv}\,X_{ni}`,
      compute: ({ X, W, dY }) => matrix(W.length, X[0].length, (u, i) =>
        sum(X.length, n => sum(W.length, v => dY[n][v] * delta(u, v) * X[n][i])))
    }, {
      text: 'The delta leaves column $u$ of $dY$.',
      formula: String.raw`dW_{ui} = \sum_n dY_{nu}\,X_{ni}`,
      compute: ({ X, W, dY }) => matrix(W.length, X[0].length, (u, i) => sum(X.length, n => dY[n][u] * X[n][i]))
    }, {
      text: 'That column stands on its side in the product.',
      formula: String.raw`dW = dY^\top X`,
      compute: ({ X, dY }) => product(transposed(dY), X)
    }]
  }],
  claims: [{ title: 'As matrices', text: 'The definition is a product with the transposed table.', formulas: [String.raw`Y = X W^\top`] }],
  cost: 'As the linear layer: $N D V$ multiplications forward, and twice that for the gradient. With a large vocabulary it is the largest product of a small model.'
})

interface Affine {
  readonly X: Matrix
  readonly W: Matrix
  readonly b: Vector
}

/** $X W + \mathbf 1 b^\top$ */
export const affine = ({ X, W, b }: Affine): Matrix => addRow(product(X, W), b)
