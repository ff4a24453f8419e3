/**
 * The derivation of the gradient of a batch from those of its parts.
 *
 * @module
 */
import fc from 'fast-check'
import { combineShards, type Layer, layer, lossAndGradient, meanSquaredError, shards, type Tensor } from 'pullback'
import { f, fPullback, record, type Weight } from './denseLayers.js'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt } from './letters.js'
import { asTensor, type Matrix, matrixOf, plus, sum, type Vector, vector } from './notation.js'
import { small } from './parts.js'

interface Batch {
  readonly A: Matrix
  readonly x: Matrix
  readonly t: Matrix
  readonly loss: number
  readonly g: readonly Matrix[]
  readonly dA: Matrix
  readonly counts: Vector
  readonly lambda: Vector
  readonly r: Vector
  readonly mean: number
  readonly partCounts: Vector
  readonly partMeans: Vector
}

/** $f$ on every row. */
const sineRows: Layer<Weight, Tensor, Tensor> = layer({
  forward: ({ weight }: Weight, x: Tensor) => asTensor(matrixOf(x).map(row => f(matrixOf(weight), row))),
  gradient: ({ weight }: Weight, x: Tensor, dy: Tensor) => {
    const rows = matrixOf(x), parts = matrixOf(dy).map((d, n) => fPullback(matrixOf(weight), rows[n], d))
    return { params: { weight: asTensor(parts.map(({ dA }) => dA).reduce(plus)) }, input: asTensor(parts.map(({ dx }) => dx)) }
  }
})

const gradientOf = lossAndGradient(sineRows, meanSquaredError())

/** The first row of part p, and the first row behind it. */
const rowsOfPart = (rows: number, parts: number, p: number): readonly [from: number, to: number] =>
  [Math.floor(p * rows / parts), Math.floor((p + 1) * rows / parts)]

const PART = String.raw`\lfloor p N/P \rfloor \le n < \lfloor (p + 1) N/P \rfloor`

export const batch = derivation<Batch>({
  name: 'sharding: the gradient of a batch', source: 'src/training/sharding.ts', about: ['combineShards', 'sharded'], uses: ['squaredError'],
  introduction: 'The loss of a batch is a mean over its rows. The batch is cut into parts, and several cores compute one part each. In the cases the loss is the squared error of the sine of a matrix times each row.',
  axes: {
    N: axis('n', 'rows of the batch', { max: 4, example: 3 }), P: axis('p', 'parts', { max: 3 }), M: axis('j', 'outputs'), D: axis('i l', 'inputs')
  },
  fits: ({ N, P }) => P <= N,
  letters: {
    A: given('A', 'M D', 'parameters', small),
    x: given('x', 'N D', 'input', small),
    t: given('t', 'N M', 'target'),
    loss: defined('\\ell', '', 'loss', String.raw`\ell = \frac1N \sum_n \frac1M \sum_j \Big(\sin \sum_i A_{ji} x_{ni} - t_{nj}\Big)^2`, ({ A, x, t }) =>
      sum(x.length, n => sum(A.length, j => (f(A, x[n])[j] - t[n][j]) ** 2) / A.length) / x.length),
    g: defined('g', 'N M D', 'gradient of the loss of one row alone', String.raw`g_{nji} = \frac2M\Big(\sin \sum_l A_{jl} x_{nl} - t_{nj}\Big) \cos\Big(\sum_l A_{jl} x_{nl}\Big)\,x_{ni}`, ({ A, x, t }) =>
      x.map((row, n) => fPullback(A, row, vector(A.length, j => 2 / A.length * (f(A, row)[j] - t[n][j]))).dA)),
    dA: gradientAt('dA', 'M D', 'A', 'gradient at the parameters'),
    counts: defined('c', 'P', 'rows in each part', String.raw`c_p = \lfloor (p + 1) N/P \rfloor - \lfloor p N/P \rfloor`, ({ x }, { P }) => vector(P, p => {
      const [from, to] = rowsOfPart(x.length, P, p)
      return to - from
    })),
    lambda: given('\\lambda', 'N', 'losses of the rows, where some do not count'),
    r: given('r', 'N', '1 for a row that counts and 0 for one that does not', { entries: fc.constantFrom(0, 1, 1, 1), example: place => Number(place !== 1) }),
    mean: defined('a', '', 'the mean over the rows that count, 0 if none does', String.raw`a = \frac{\sum_n r_n \lambda_n}{\max(1, \sum_n r_n)}`, ({ r, lambda }) =>
      sum(r.length, n => r[n] * lambda[n]) / Math.max(1, sum(r.length, n => r[n]))),
    partCounts: defined('k', 'P', 'rows that count in each part', String.raw`k_p = \sum_{n : ${PART}} r_n`, ({ r }, { P }) => vector(P, p => {
      const [from, to] = rowsOfPart(r.length, P, p)
      return sum(to - from, i => r[from + i])
    })),
    partMeans: defined('b', 'P', 'the mean over those of a part', String.raw`b_p = \frac{\sum_{n : ${PART}} r_n \lambda_n}{\max(1, k_p)}`, ({ r, lambda, partCounts }, { P }) => vector(P, p => {
      const [from, to] = rowsOfPart(r.length, P, p)
      return sum(to - from, i => r[from + i] * lambda[from + i]) / Math.max(1, partCounts[p])
    }))
  },
  outputs: [{ value: 'loss', library: ({ A, x, t }) => gradientOf(record(A), { input: asTensor(x), target: asTensor(t) }).loss }],
  chains: [{
    of: 'dA',
    library: ({ A, x, t }, { P }) => combineShards(shards(P)({ input: asTensor(x), target: asTensor(t) })
      .map(part => ({ rows: part.input.shape[0], part: gradientOf(record(A), part) }))).gradient.weight,
    steps: [{
      text: 'The derivative of a sum is the sum of the derivatives.',
      formula: String.raw`dA = \frac1N \sum_n g_n`,
      compute: ({ g: rows }) => rows.reduce(plus).map(row => row.map(v => v / rows.length))
    }, {
      text: 'Sum part by part, and write the sum of each part as $c_p$ times its mean. A part weighs what its share of the rows is.',
      formula: String.raw`dA = \sum_p \frac{c_p}{N}\Big(\frac{1}{c_p} \sum_{n : ${PART}} g_n\Big)`,
      compute: ({ g: rows, counts }, { P }) => vector(P, (p): Matrix => {
        const [from, to] = rowsOfPart(rows.length, P, p)
        return rows.slice(from, to).reduce(plus).map(row => row.map(v => counts[p] / rows.length * (v / counts[p])))
      }).reduce(plus)
    }]
  }],
  claims: [{
    title: 'What counts',
    text: 'The weight of a part is its share of what the loss is a mean over. Where some rows do not count, such as targets that are ignored, that is the number of rows that count, not of rows: with $k_p$ the means of the parts give the mean of the whole, with $c_p$ they would not.',
    formulas: [String.raw`a = \sum_p \frac{k_p}{\max(1, \sum_n r_n)}\,b_p`]
  }]
})
