/**
 * The derivation of layer normalisation.
 *
 * @module
 */
import fc from 'fast-check'
import { layerNormWith } from 'pullback'
import { matrices, size, vectors } from './cases.js'
import { derivation, numericGradient, numericJacobian } from './derivation.js'
import { asTensor, delta, type Matrix, matrix, numbers, sum, vector, type Vector } from './notation.js'

interface Case {
  readonly x: Matrix
  readonly gamma: Vector
  readonly beta: Vector
  readonly dy: Matrix
}

const EPSILON = 0.1

/** $\mu = \frac1D \sum_j x_j$ */
const mean = (x: Vector): number => sum(x.length, j => x[j]) / x.length

/** $v = \frac1D \sum_j (x_j - \mu)^2$ */
const variance = (x: Vector): number => sum(x.length, j => (x[j] - mean(x)) ** 2) / x.length

/** $r = (v + \varepsilon)^{-1/2}$ */
const inverse = (x: Vector): number => (variance(x) + EPSILON) ** -0.5

/** $\hat x_j = (x_j - \mu)\,r$ */
const normalised = (x: Vector): Vector => x.map(v => (v - mean(x)) * inverse(x))

const layerNormOf = ({ x, gamma, beta }: Case): Matrix =>
  x.map(row => vector(row.length, j => gamma[j] * normalised(row)[j] + beta[j]))

const layer = layerNormWith(EPSILON)

const gradient = ({ x, gamma, beta, dy }: Case) =>
  layer.vjp({ weight: asTensor(gamma), bias: asTensor(beta) }, asTensor(x))[1](asTensor(dy))

export const layerNorm = derivation<Case>({
  name: 'layerNorm', source: 'src/layers/layerNorm.ts',
  introduction: 'Every row is brought to mean 0 and variance 1, then scaled and shifted. Shapes: $x$ and $y$ `[N, D]`, $\\gamma$ and $\\beta$ `[D]`. The lemmas below are about the first row, written $x_j$.',
  definition: {
    formula: String.raw`\mu = \frac1D \sum_j x_j, \quad v = \frac1D \sum_j (x_j - \mu)^2, \quad r = (v + \varepsilon)^{-1/2}, \quad \hat x_j = (x_j - \mu)\,r, \quad y_j = \gamma_j \hat x_j + \beta_j`,
    compute: layerNormOf,
    library: ({ x, gamma, beta }) => numbers(layer.forward({ weight: asTensor(gamma), bias: asTensor(beta) }, asTensor(x)))
  },
  cases: fc.tuple(size(2), size(4)).chain(([n, d]) => fc.record({ x: matrices(n, d), gamma: vectors(d), beta: vectors(d), dy: matrices(n, d) })),
  chains: [{
    quantity: String.raw`d\gamma_j`, numeric: numericGradient(layerNormOf, 'gamma'), library: c => numbers(gradient(c).params.weight),
    steps: [{
      text: '$\\gamma_j$ stands in column $j$ of every row, with the factor $\\hat x_{nj}$.',
      formula: String.raw`d\gamma_j = \sum_n dy_{nj}\,\hat x_{nj}`,
      compute: ({ x, gamma, dy }) => vector(gamma.length, j => sum(x.length, n => dy[n][j] * normalised(x[n])[j]))
    }]
  }, {
    quantity: String.raw`d\beta_j`, numeric: numericGradient(layerNormOf, 'beta'), library: c => numbers(gradient(c).params.bias),
    steps: [{
      text: '$\\beta_j$ is added in column $j$ of every row.',
      formula: String.raw`d\beta_j = \sum_n dy_{nj}`,
      compute: ({ x, beta, dy }) => vector(beta.length, j => sum(x.length, n => dy[n][j]))
    }]
  }, {
    quantity: String.raw`\partial v/\partial x_i`, numeric: numericJacobian(({ x }) => variance(x[0]), 'x'),
    steps: [{
      text: 'The chain rule: each term has the factor $2(x_j - \\mu)$, and $x_j - \\mu$ depends on $x_i$ directly, where $i = j$, and through the mean, whose derivative is $\\frac1D$. Other rows do not matter.',
      formula: String.raw`\frac{\partial v}{\partial x_i} = \frac1D \sum_j 2\,(x_j - \mu)\Big(\delta_{ij} - \frac1D\Big)`,
      compute: ({ x }) => matrix(x.length, x[0].length, (n, i) =>
        delta(n, 0) * sum(x[0].length, j => 2 * (x[0][j] - mean(x[0])) * (delta(i, j) - 1 / x[0].length)) / x[0].length)
    }, {
      text: 'Multiply out. The second part holds $\\sum_j (x_j - \\mu)$, which is zero by the definition of $\\mu$.',
      formula: String.raw`\frac{\partial v}{\partial x_i} = \frac2D\,(x_i - \mu)`,
      compute: ({ x }) => matrix(x.length, x[0].length, (n, i) => delta(n, 0) * 2 / x[0].length * (x[0][i] - mean(x[0])))
    }]
  }, {
    quantity: String.raw`\partial r/\partial x_i`, numeric: numericJacobian(({ x }) => inverse(x[0]), 'x'),
    steps: [{
      text: 'The power rule, times the derivative of $v$.',
      formula: String.raw`\frac{\partial r}{\partial x_i} = -\tfrac12\,(v + \varepsilon)^{-3/2} \cdot \frac2D\,(x_i - \mu)`,
      compute: ({ x }) => matrix(x.length, x[0].length, (n, i) =>
        delta(n, 0) * -0.5 * (variance(x[0]) + EPSILON) ** -1.5 * 2 / x[0].length * (x[0][i] - mean(x[0])))
    }, {
      text: '$(v + \\varepsilon)^{-3/2} = r^3$, and one factor $r$ makes $x_i - \\mu$ into $\\hat x_i$.',
      formula: String.raw`\frac{\partial r}{\partial x_i} = -\frac{r^2}{D}\,\hat x_i`,
      compute: ({ x }) => matrix(x.length, x[0].length, (n, i) =>
        -delta(n, 0) * inverse(x[0]) ** 2 / x[0].length * normalised(x[0])[i])
    }]
  }, {
    quantity: String.raw`\partial\hat x_j/\partial x_i`, numeric: numericJacobian(({ x }) => normalised(x[0]), 'x'),
    steps: [{
      text: 'The product rule for $(x_j - \\mu)\\,r$.',
      formula: String.raw`\frac{\partial\hat x_j}{\partial x_i} = \Big(\delta_{ij} - \frac1D\Big)\,r - (x_j - \mu)\,\frac{r^2}{D}\,\hat x_i`,
      compute: ({ x }) => {
        const D = x[0].length, r = inverse(x[0]), hat = normalised(x[0])
        return vector(D, j => matrix(x.length, D, (n, i) =>
          delta(n, 0) * ((delta(i, j) - 1 / D) * r - (x[0][j] - mean(x[0])) * r ** 2 / D * hat[i])))
      }
    }, {
      text: 'Factor out $r$; $(x_j - \\mu)\\,r = \\hat x_j$.',
      formula: String.raw`\frac{\partial\hat x_j}{\partial x_i} = r\,\Big(\delta_{ij} - \frac1D - \frac1D\,\hat x_j \hat x_i\Big)`,
      compute: ({ x }) => {
        const D = x[0].length, r = inverse(x[0]), hat = normalised(x[0])
        return vector(D, j => matrix(x.length, D, (n, i) => delta(n, 0) * r * (delta(i, j) - 1 / D - hat[j] * hat[i] / D)))
      }
    }]
  }, {
    quantity: 'dx_i', numeric: numericGradient(layerNormOf, 'x'), library: c => numbers(gradient(c).input),
    steps: [{
      text: 'With $g_j = \\gamma_j\\,dy_j$, which is the gradient at $\\hat x_j$, the chain rule sums over all $\\hat x_j$ of the row.',
      formula: String.raw`dx_i = \sum_j g_j\,r\,\Big(\delta_{ij} - \frac1D - \frac1D\,\hat x_j \hat x_i\Big)`,
      compute: ({ x, gamma, dy }) => x.map((row, n) => {
        const D = row.length, r = inverse(row), hat = normalised(row), g = vector(D, j => gamma[j] * dy[n][j])
        return vector(D, i => sum(D, j => g[j] * r * (delta(i, j) - 1 / D - hat[j] * hat[i] / D)))
      })
    }, {
      text: 'Take the three parts of the sum one by one: the delta picks $g_i$, the others are means over the row.',
      formula: String.raw`dx_i = r\,\Big(g_i - \frac1D \sum_j g_j - \hat x_i\,\frac1D \sum_j g_j \hat x_j\Big)`,
      compute: ({ x, gamma, dy }) => x.map((row, n) => {
        const D = row.length, r = inverse(row), hat = normalised(row), g = vector(D, j => gamma[j] * dy[n][j])
        const first = sum(D, j => g[j]) / D, second = sum(D, j => g[j] * hat[j]) / D
        return vector(D, i => r * (g[i] - first - hat[i] * second))
      })
    }]
  }]
})
