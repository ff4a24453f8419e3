/**
 * Derivations of layer normalisation and of dropout.
 *
 * @module
 */
import fc from 'fast-check'
import { dropout as dropoutLayer, layerNormWith, random } from 'pullback'
import { derivation } from './derivation.js'
import { axis, chance, constant, defined, given, gradientAt } from './letters.js'
import { asTensor, delta, type Matrix, matrix, sum, vector, type Vector, vectorOf } from './notation.js'

interface LayerNorm {
  readonly x: Matrix
  readonly gamma: Vector
  readonly beta: Vector
  readonly epsilon: number
  readonly mu: Vector
  readonly v: Vector
  readonly r: Vector
  readonly hat: Matrix
  readonly y: Matrix
  readonly dy: Matrix
  readonly g: Matrix
  readonly dx: Matrix
  readonly dGamma: Vector
  readonly dBeta: Vector
}

const paramsOf = ({ gamma, beta }: LayerNorm) => ({ weight: asTensor(gamma), bias: asTensor(beta) })

const normGradient = (c: LayerNorm) => layerNormWith(c.epsilon).vjp(paramsOf(c), asTensor(c.x))[1](asTensor(c.dy))

export const layerNorm = derivation<LayerNorm>({
  name: 'layerNorm', source: 'src/layers/layerNorm.ts', about: ['layerNorm', 'layerNormWith'], uses: ['conventions'],
  introduction: 'Every row is brought to mean 0 and a variance of nearly 1, then scaled and shifted column by column. Rows do not meet, except in the gradients of the scale and the shift.',
  axes: { N: axis('n', 'rows'), D: axis('i j k', 'entries of a row', { max: 4, example: 3 }) },
  letters: {
    x: given('x', 'N D', 'input'),
    gamma: given('\\gamma', 'D', 'scale'),
    beta: given('\\beta', 'D', 'shift'),
    epsilon: constant('\\varepsilon', 'a small number, which keeps a constant row from a division by 0. It is $10^{-5}$ in GPT-2; here it is larger, since finite differences cannot follow a function as steep as that', 0.1),
    mu: defined('\\mu', 'N', 'mean of a row', String.raw`\mu_n = \frac1D \sum_j x_{nj}`, ({ x }) => x.map(row => sum(row.length, j => row[j]) / row.length)),
    v: defined('v', 'N', 'variance of a row', String.raw`v_n = \frac1D \sum_j (x_{nj} - \mu_n)^2`, ({ x, mu }) =>
      x.map((row, n) => sum(row.length, j => (row[j] - mu[n]) ** 2) / row.length)),
    r: defined('r', 'N', 'factor of a row', String.raw`r_n = (v_n + \varepsilon)^{-1/2}`, ({ v, epsilon }) => v.map(vn => (vn + epsilon) ** -0.5)),
    hat: defined('\\hat x', 'N D', 'normalised input', String.raw`\hat x_{nj} = (x_{nj} - \mu_n)\,r_n`, ({ x, mu, r }) => x.map((row, n) => row.map(xj => (xj - mu[n]) * r[n]))),
    y: defined('y', 'N D', 'output', String.raw`y_{nj} = \gamma_j\,\hat x_{nj} + \beta_j`, ({ gamma, beta, hat }) =>
      hat.map(row => vector(row.length, j => gamma[j] * row[j] + beta[j]))),
    dy: given('dy', 'N D', 'gradient at the output'),
    g: gradientAt('g', 'N D', 'hat', 'gradient at the normalised input'),
    dx: gradientAt('dx', 'N D', 'x', 'gradient at the input'),
    dGamma: gradientAt('d\\gamma', 'D', 'gamma', 'gradient at the scale'),
    dBeta: gradientAt('d\\beta', 'D', 'beta', 'gradient at the shift')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: c => layerNormWith(c.epsilon).forward(paramsOf(c), asTensor(c.x)) }],
  chains: [{
    of: 'dGamma', library: c => normGradient(c).params.weight,
    steps: [{
      text: '$\\gamma_j$ stands in column $j$ of every row, with the factor $\\hat x_{nj}$.',
      formula: String.raw`d\gamma_j = \sum_n dy_{nj}\,\hat x_{nj}`,
      compute: ({ gamma, hat, dy }) => vector(gamma.length, j => sum(hat.length, n => dy[n][j] * hat[n][j]))
    }]
  }, {
    of: 'dBeta', library: c => normGradient(c).params.bias,
    steps: [{
      text: '$\\beta_j$ is added in column $j$ of every row.',
      formula: String.raw`d\beta_j = \sum_n dy_{nj}`,
      compute: ({ beta, dy }) => vector(beta.length, j => sum(dy.length, n => dy[n][j]))
    }]
  }, {
    of: 'g',
    steps: [{
      text: 'The normalised input enters the output linearly, entry by entry.',
      formula: String.raw`g_{nj} = \gamma_j\,dy_{nj}`,
      compute: ({ gamma, dy }) => dy.map(row => vector(row.length, j => gamma[j] * row[j]))
    }]
  }, {
    of: { derivative: String.raw`\partial v_n/\partial x_{ni}` },
    steps: [{
      text: 'The chain rule: each term has the factor $2\\,(x_{nj} - \\mu_n)$, and $x_{nj} - \\mu_n$ depends on $x_{ni}$ directly, where $?i = j$, and through the mean, with $\\partial \\mu_n/\\partial x_{ni} = \\frac1D$.',
      formula: String.raw`\frac{\partial v_n}{\partial x_{ni}} = \frac1D \sum_j 2\,(x_{nj} - \mu_n)\Big(\delta_{ij} - \frac1D\Big)`,
      compute: ({ x, mu }) => x.map((row, n) => vector(row.length, i =>
        sum(row.length, j => 2 * (row[j] - mu[n]) * (delta(i, j) - 1 / row.length)) / row.length))
    }, {
      text: 'Multiply out. The second part holds $\\sum_j (x_{nj} - \\mu_n) = 0$, by the definition of $\\mu_n$.',
      formula: String.raw`\frac{\partial v_n}{\partial x_{ni}} = \frac2D\,(x_{ni} - \mu_n)`,
      compute: ({ x, mu }) => x.map((row, n) => row.map(xi => 2 / row.length * (xi - mu[n])))
    }]
  }, {
    of: { derivative: String.raw`\partial r_n/\partial x_{ni}` },
    steps: [{
      text: 'The power rule, times the derivative of $v_n$.',
      formula: String.raw`\frac{\partial r_n}{\partial x_{ni}} = -\tfrac12\,(v_n + \varepsilon)^{-3/2}\,\frac{\partial v_n}{\partial x_{ni}} = -\tfrac12\,(v_n + \varepsilon)^{-3/2} \cdot \frac2D\,(x_{ni} - \mu_n)`,
      compute: ({ x, mu, v, epsilon }) => x.map((row, n) => row.map(xi => -0.5 * (v[n] + epsilon) ** -1.5 * 2 / row.length * (xi - mu[n])))
    }, {
      text: 'Here $(v_n + \\varepsilon)^{-3/2} = r_n^3$, and one factor $r_n$ makes $x_{ni} - \\mu_n$ into $\\hat x_{ni}$.',
      formula: String.raw`\frac{\partial r_n}{\partial x_{ni}} = -\frac{r_n^2}{D}\,\hat x_{ni}`,
      compute: ({ r, hat }) => hat.map((row, n) => row.map(hi => -(r[n] ** 2) / row.length * hi))
    }]
  }, {
    of: { derivative: String.raw`\partial\hat x_{nj}/\partial x_{ni}` },
    steps: [{
      text: 'The product rule for $(x_{nj} - \\mu_n)\\,r_n$, then the derivative of $r_n$.',
      formula: String.raw`\frac{\partial\hat x_{nj}}{\partial x_{ni}} = \Big(\delta_{ij} - \frac1D\Big)\,r_n + (x_{nj} - \mu_n)\,\frac{\partial r_n}{\partial x_{ni}} = \Big(\delta_{ij} - \frac1D\Big)\,r_n - (x_{nj} - \mu_n)\,\frac{r_n^2}{D}\,\hat x_{ni}`,
      compute: ({ x, mu, r, hat }) => x.map((row, n) => matrix(row.length, row.length, (j, i) =>
        (delta(i, j) - 1 / row.length) * r[n] - (row[j] - mu[n]) * r[n] ** 2 / row.length * hat[n][i]))
    }, {
      text: 'Factor out $r_n$; again $(x_{nj} - \\mu_n)\\,r_n = \\hat x_{nj}$.',
      formula: String.raw`\frac{\partial\hat x_{nj}}{\partial x_{ni}} = r_n\,\Big(\delta_{ij} - \frac1D - \frac1D\,\hat x_{nj}\,\hat x_{ni}\Big)`,
      compute: ({ r, hat }) => hat.map((row, n) => matrix(row.length, row.length, (j, i) =>
        r[n] * (delta(i, j) - 1 / row.length - row[j] * row[i] / row.length)))
    }]
  }, {
    of: 'dx', library: c => normGradient(c).input,
    steps: [{
      text: 'The chain rule sums over all normalised entries of the row, each with its gradient $g_{nj}$.',
      formula: String.raw`dx_{ni} = \sum_j g_{nj}\,\frac{\partial\hat x_{nj}}{\partial x_{ni}} = \sum_j g_{nj}\,r_n\,\Big(\delta_{ij} - \frac1D - \frac1D\,\hat x_{nj}\,\hat x_{ni}\Big)`,
      compute: ({ r, hat, g }) => hat.map((row, n) => vector(row.length, i =>
        sum(row.length, j => g[n][j] * r[n] * (delta(i, j) - 1 / row.length - row[j] * row[i] / row.length))))
    }, {
      text: 'Take the three parts of the sum one by one: the delta picks $g_{ni}$, the others are means over the row.',
      formula: String.raw`dx_{ni} = r_n\,\Big(g_{ni} - \frac1D \sum_j g_{nj} - \hat x_{ni}\,\frac1D \sum_j g_{nj}\,\hat x_{nj}\Big)`,
      compute: ({ r, hat, g }) => hat.map((row, n) => {
        const D = row.length, mean = sum(D, j => g[n][j]) / D, projection = sum(D, j => g[n][j] * row[j]) / D
        return vector(D, i => r[n] * (g[n][i] - mean - row[i] * projection))
      })
    }]
  }],
  claims: [{
    title: 'How near to 1 the variance is',
    text: 'The normalised row has the mean 0. Its variance is $v_n/(v_n + \\varepsilon)$: nearly 1 where the row varies much more than $\\varepsilon$, and 0 for a constant row.',
    formulas: [String.raw`\sum_j \hat x_{nj} = 0, \qquad \frac1D \sum_j \hat x_{nj}^2 = \frac{v_n}{v_n + \varepsilon}`]
  }, {
    title: 'What the gradient projects away',
    text: 'Shifting a row changes nothing, so the gradient has no part along the ones. Stretching a row changes almost nothing: of the part along $\\hat x_n$ only the share $\\varepsilon/(v_n + \\varepsilon)$ survives, and without $\\varepsilon$ none would.',
    formulas: [String.raw`\sum_i dx_{ni} = 0, \qquad \sum_i dx_{ni}\,\hat x_{ni} = r_n\,\frac{\varepsilon}{v_n + \varepsilon} \sum_j g_{nj}\,\hat x_{nj}`]
  }],
  cost: 'Of order $N D$ in both directions. The two sums of the gradient are one number each for a row, so no Jacobian is needed.'
})

interface Dropout {
  readonly x: Vector
  readonly p: number
  readonly seed: number
  readonly m: Vector
  readonly y: Vector
  readonly dy: Vector
  readonly dx: Vector
  readonly k: Vector
  readonly z: Vector
}

export const dropout = derivation<Dropout>({
  name: 'dropout', source: 'src/layers/dropout.ts', about: ['dropout'], uses: ['pointwise'],
  introduction: 'Each entry is kept, with $?m_i = 1$, or dropped, with $?m_i = 0$, as the key says; what is kept is scaled. For a given key the mask is a constant.',
  axes: { N: axis('i j', 'entries', { example: 3 }) },
  letters: {
    x: given('x', 'N', 'input'),
    p: given('p', '', 'rate, $0 \\le p$ and $p < 1$', { entries: fc.constantFrom(0, 0.25, 0.5), example: () => 0.5 }),
    seed: given('s', '', 'seed of the key', { entries: fc.nat(1000), example: () => 1 }),
    m: defined('m', 'N', 'mask that the key gives, from the library', '', ({ x, p, seed }) =>
      vectorOf(dropoutLayer(p, random.key(seed)).forward({}, asTensor(x.map(() => 1)))).map(kept => (kept === 0 ? 0 : 1))),
    y: defined('y', 'N', 'output', String.raw`y_i = \frac{m_i}{1 - p}\,x_i`, ({ x, m, p }) => vector(x.length, i => m[i] / (1 - p) * x[i])),
    dy: given('dy', 'N', 'gradient at the output'),
    dx: gradientAt('dx', 'N', 'x', 'gradient at the input'),
    k: chance('k', 'N', 'a mask by chance: 1 with the probability $1 - p$', ({ p }) => [[0, p], [1, 1 - p]]),
    z: defined('z', 'N', 'the output under it', String.raw`z_i = \frac{k_i}{1 - p}\,x_i`, ({ x, k, p }) => vector(x.length, i => k[i] / (1 - p) * x[i]))
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x, p, seed }) => dropoutLayer(p, random.key(seed)).forward({}, asTensor(x)) }],
  chains: [{
    of: { derivative: String.raw`\partial y_j/\partial x_i` },
    steps: [{
      text: 'Every entry is multiplied with a constant of its own.',
      formula: String.raw`\frac{\partial y_j}{\partial x_i} = \delta_{ij}\,\frac{m_i}{1 - p}`,
      compute: ({ x, m, p }) => matrix(x.length, x.length, (j, i) => delta(i, j) * m[i] / (1 - p))
    }]
  }, {
    of: 'dx', library: ({ x, p, seed, dy }) => dropoutLayer(p, random.key(seed)).vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'The sum over the outputs has one term. So the gradient is the same function, applied to $dy$.',
      formula: String.raw`dx_i = \sum_j dy_j\,\frac{\partial y_j}{\partial x_i} = \frac{m_i}{1 - p}\,dy_i`,
      compute: ({ m, p, dy }) => vector(m.length, i => m[i] / (1 - p) * dy[i])
    }]
  }],
  claims: [{
    title: 'Mean and variance',
    text: 'Over all masks, each with its probability, the mean of the output is the input: the model for inference simply has no dropout. The noise is in proportion to the entry, and grows without bound as $p$ comes near 1.',
    formulas: [String.raw`\mathbb E[z_i] = x_i, \qquad \mathrm{Var}[z_i] = \frac{p}{1 - p}\,x_i^2`]
  }],
  cost: 'A random number and a product for each entry; the mask is kept.'
})
