/**
 * Derivations of the losses.
 *
 * @module
 */
import fc from 'fast-check'
import {
  binaryCrossEntropy, binaryCrossEntropyWithLogits, crossEntropy as crossEntropyLoss, meanSquaredError, tensor, type Loss, type Tensor
} from 'pullback'
import { REACH } from '../finiteDifferences.js'
import { real } from './cases.js'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt, numeric } from './letters.js'
import { asTensor, delta, type Matrix, matrix, sum, vector, vectorOf, type Vector } from './notation.js'

interface Entries {
  readonly p: Vector
  readonly t: Vector
  readonly loss: number
  readonly dp: Vector
  readonly total: number
  readonly sumGradient: Vector
}

const axes = { N: axis('i j', 'entries', { max: 5, example: 3 }) }

const ofLoss = (loss: Loss<Tensor, Tensor>, p: Vector, t: Vector): number => loss.forward(asTensor(p), asTensor(t))

const gradientOf = (loss: Loss<Tensor, Tensor>, p: Vector, t: Vector): Tensor => loss.gradient(asTensor(p), asTensor(t))

export const squaredError = derivation<Entries>({
  name: 'mean squared error', source: 'src/losses/meanSquaredError.ts', about: ['meanSquaredError'], uses: ['conventions'],
  introduction: 'The mean of the squared distances between a prediction and its target.',
  axes,
  letters: {
    p: given('p', 'N', 'prediction'),
    t: given('t', 'N', 'target'),
    loss: defined('\\ell', '', 'loss', String.raw`\ell = \frac1N \sum_i (p_i - t_i)^2`, ({ p, t }) => sum(p.length, i => (p[i] - t[i]) ** 2) / p.length),
    dp: gradientAt('dp', 'N', 'p', 'gradient at the prediction'),
    total: defined('s', '', 'the loss of the library with the reduction "sum"', '', ({ p, t }) => ofLoss(meanSquaredError({ reduction: 'sum' }), p, t)),
    sumGradient: defined('g', 'N', 'its gradient', '', ({ p, t }) => vectorOf(gradientOf(meanSquaredError({ reduction: 'sum' }), p, t)))
  },
  outputs: [{ value: 'loss', library: ({ p, t }) => ofLoss(meanSquaredError(), p, t) }],
  chains: [{
    of: 'dp', library: ({ p, t }) => gradientOf(meanSquaredError(), p, t),
    steps: [{
      text: 'The chain rule: the derivative of a square is twice what is squared, and that of $p_i - t_i$ by $p_j$ is $\\delta_{ij}$.',
      formula: String.raw`dp_j = \frac1N \sum_i 2\,(p_i - t_i)\,\delta_{ij}`,
      compute: ({ p, t }) => vector(p.length, j => sum(p.length, i => 2 * (p[i] - t[i]) * delta(i, j)) / p.length)
    }, {
      text: 'No other term has $p_j$ in it.',
      formula: String.raw`dp_j = \frac2N\,(p_j - t_j)`,
      compute: ({ p, t }) => vector(p.length, j => 2 / p.length * (p[j] - t[j]))
    }]
  }],
  claims: [{ title: 'The sum', text: 'With the reduction "sum" neither the loss nor its gradient has the $\\frac1N$.', formulas: [String.raw`s = N\,\ell, \qquad g_i = 2\,(p_i - t_i)`] }],
  cost: 'Of order $N$.'
})

interface Rows {
  readonly x: Matrix
  readonly t: Vector
  readonly y: Matrix
  readonly loss: number
  readonly dx: Matrix
  readonly entropy: Vector
  readonly divergence: Vector
  readonly expected: Vector
  readonly q: Matrix
  readonly ignored: number
  readonly ignoredGradient: Matrix
  readonly total: number
}

const targets = (t: Vector) => tensor.tokensFromArray([t.length], t)

const IGNORED = -100

/** The first row with an ignored target before the others. */
const withIgnored = ({ x, t }: Rows) => ({ logits: asTensor([x[0], ...x]), ids: targets([IGNORED, ...t]) })

/** Positive weights, made to have the sum 1. */
const distributionOf = (weights: Matrix): Matrix => weights.map(row => row.map(v => v / sum(row.length, j => row[j])))

interface CrossEntropy extends Rows {
  readonly a: Matrix
}

export const crossEntropy = derivation<CrossEntropy>({
  name: 'cross-entropy from logits', source: 'src/losses/crossEntropy.ts', about: ['crossEntropy'], uses: ['softmax'],
  introduction: 'How surprised the softmax of a row of logits is by the right index: $-\\ln y_{n,t_n}$, in the mean over the rows.',
  axes: { N: axis('n m', 'rows that count'), V: axis('j l k', 'symbols', { max: 4, example: 3 }), 'N+1': axis('', 'those rows and an ignored one') },
  letters: {
    x: given('x', 'N V', 'logits'),
    t: given('t', 'N', 'targets, each an index of a symbol', { entries: ({ V }) => fc.integer({ min: 0, max: V - 1 }), example: (place, { V }) => (2 * place + 1) % V }),
    y: defined('y', 'N V', 'probabilities', String.raw`y_{nj} = \frac{e^{x_{nj}}}{\sum_l e^{x_{nl}}}`, ({ x }) =>
      x.map(row => row.map(v => Math.exp(v) / sum(row.length, l => Math.exp(row[l]))))),
    loss: defined('\\ell', '', 'loss', String.raw`\ell = \frac1N \sum_n \Big(\ln \sum_l e^{x_{nl}} - x_{n t_n}\Big)`, ({ x, t }) =>
      sum(t.length, n => Math.log(sum(x[n].length, l => Math.exp(x[n][l]))) - x[n][t[n]]) / t.length),
    dx: gradientAt('dx', 'N V', 'x', 'gradient at the logits'),
    a: given('a', 'N V', 'any positive weights', { entries: fc.integer({ min: 1, max: 8 }), example: place => 1 + place % 3 }),
    q: defined('q', 'N V', 'any distribution of the target', String.raw`q_{nj} = \frac{a_{nj}}{\sum_l a_{nl}}`, ({ a }) => distributionOf(a)),
    expected: defined('c', 'N', 'the mean surprise under it', String.raw`c_n = -\sum_j q_{nj} \ln y_{nj}`, ({ q, y }) =>
      q.map((row, n) => -sum(row.length, j => row[j] * Math.log(y[n][j])))),
    entropy: defined('h', 'N', 'its entropy', String.raw`h_n = -\sum_j q_{nj} \ln q_{nj}`, ({ q }) => q.map(row => -sum(row.length, j => row[j] * Math.log(row[j])))),
    divergence: defined('b', 'N', 'its divergence from the prediction', String.raw`b_n = \sum_j q_{nj} \ln \frac{q_{nj}}{y_{nj}}`, ({ q, y }) =>
      q.map((row, n) => sum(row.length, j => row[j] * Math.log(row[j] / y[n][j])))),
    ignored: defined('s', '', 'the loss of the library with one more row, whose target is ignored', '', c => crossEntropyLoss().forward(withIgnored(c).logits, withIgnored(c).ids)),
    ignoredGradient: defined('g', 'N+1 V', 'its gradient; the ignored row is the first', '', c => {
      const { logits, ids } = withIgnored(c), { data } = crossEntropyLoss().gradient(logits, ids), [rows, width] = logits.shape
      return matrix(rows, width, (n, j) => data[n * width + j])
    }),
    total: defined('w', '', 'the loss of the library with the reduction "sum"', '', ({ x, t }) => crossEntropyLoss({ reduction: 'sum' }).forward(asTensor(x), targets(t)))
  },
  outputs: [{ value: 'loss', library: ({ x, t }) => crossEntropyLoss().forward(asTensor(x), targets(t)) }],
  chains: [{
    of: 'dx', library: ({ x, t }) => crossEntropyLoss().gradient(asTensor(x), targets(t)),
    steps: [{
      text: 'Only row $n$ has $x_{nj}$ in it. The derivative of the logarithm is that of its argument, $e^{x_{nj}}$, over the argument; the derivative of $x_{n t_n}$ is $\\delta_{j t_n}$.',
      formula: String.raw`dx_{nj} = \frac1N\Big(\frac{e^{x_{nj}}}{\sum_l e^{x_{nl}}} - \delta_{j t_n}\Big)`,
      compute: ({ x, t }) => matrix(t.length, x[0].length, (n, j) =>
        (Math.exp(x[n][j]) / sum(x[n].length, l => Math.exp(x[n][l])) - delta(j, t[n])) / t.length)
    }, {
      text: 'The fraction is the softmax: what the model believes minus what is true.',
      formula: String.raw`dx_{nj} = \frac1N\,(y_{nj} - \delta_{j t_n})`,
      compute: ({ y, t }) => matrix(t.length, y[0].length, (n, j) => 1 / t.length * (y[n][j] - delta(j, t[n])))
    }]
  }],
  claims: [{
    title: 'Without overflow',
    text: 'Numerator and denominator of the softmax are divided by one number, $e^{\\max_l x_{nl}}$. Then no exponent is positive and the largest term of the sum is 1.',
    formulas: [String.raw`y_{nj} = \frac{e^{x_{nj} - \max_k x_{nk}}}{\sum_l e^{x_{nl} - \max_k x_{nk}}}, \qquad \ln \sum_l e^{x_{nl}} = \max_k x_{nk} + \ln \sum_l e^{x_{nl} - \max_k x_{nk}}`]
  }, {
    title: 'What the gradient says',
    text: 'Each row sums to zero: what the right symbol gains the others lose, in proportion to their probabilities.',
    formulas: [String.raw`\sum_j dx_{nj} = 0`]
  }, {
    title: 'Entropy plus divergence',
    text: 'Against a whole distribution $q$ the mean surprise is the entropy of $q$, which no model can change, plus a divergence, which is never negative and is 0 only for $?y = q$. So the loss is least where the model is right. A target index is the distribution that is certain of it.',
    formulas: [String.raw`c_n = h_n + b_n, \qquad b_n \ge 0`]
  }, {
    title: 'What does not count, and the sum',
    text: 'A row whose target is ignored (−100 unless another is chosen) adds nothing to the loss nor to $N$, and its gradient is 0. With the reduction "sum" the $\\frac1N$ is missing.',
    formulas: [String.raw`s = \ell, \qquad g_{0,j} = 0, \qquad g_{n+1,j} = dx_{nj}, \qquad w = N\,\ell`]
  }],
  cost: 'Two passes over the $N V$ logits forward, and the same for the gradient.'
})

const probability = fc.integer({ min: 0, max: 256 }).map(k => k / 256)

interface Probabilities extends Entries {
  readonly edge: Vector
  readonly cutLoss: number
  readonly cutGradient: Vector
}

const edgeLoss = binaryCrossEntropy({ reduction: 'sum' })

export const binaryFromProbabilities = derivation<Probabilities>({
  name: 'binary cross-entropy from probabilities', source: 'src/losses/binaryCrossEntropy.ts', about: ['binaryCrossEntropy'], uses: ['crossEntropy'],
  introduction: 'The mean surprise at yes or no, where $p_i$ is the probability of yes that was predicted.',
  axes,
  letters: {
    p: given('p', 'N', 'prediction, $0 < p_i$ and $p_i < 1$', { entries: probability.map(q => 2 * REACH + (1 - 4 * REACH) * q), example: place => (place % 3 + 1) / 4 }),
    t: given('t', 'N', 'target, $0 \\le t_i$ and $t_i \\le 1$', { entries: probability, example: place => place % 2 }),
    loss: defined('\\ell', '', 'loss', String.raw`\ell = \frac1N \sum_i \big(-t_i \ln p_i - (1 - t_i) \ln(1 - p_i)\big)`, ({ p, t }) =>
      sum(p.length, i => -t[i] * Math.log(p[i]) - (1 - t[i]) * Math.log(1 - p[i])) / p.length),
    dp: gradientAt('dp', 'N', 'p', 'gradient at the prediction'),
    total: defined('s', '', 'the loss of the library with the reduction "sum"', '', ({ p, t }) => ofLoss(edgeLoss, p, t)),
    sumGradient: defined('g', 'N', 'its gradient', '', ({ p, t }) => vectorOf(gradientOf(edgeLoss, p, t))),
    edge: given('q', 'N', 'a prediction at the edge, 0 or 1', { entries: fc.constantFrom(0, 1), example: place => place % 2 }),
    cutLoss: defined('c', '', 'the loss of the library there, summed', '', ({ edge, t }) => ofLoss(edgeLoss, edge, t)),
    cutGradient: defined('h', 'N', 'its gradient', '', ({ edge, t }) => vectorOf(gradientOf(edgeLoss, edge, t)))
  },
  outputs: [{ value: 'loss', library: ({ p, t }) => ofLoss(binaryCrossEntropy(), p, t) }],
  chains: [{
    of: 'dp', library: ({ p, t }) => gradientOf(binaryCrossEntropy(), p, t),
    steps: [{
      text: 'The derivative of $\\ln p_i$ is $1/p_i$, that of $\\ln(1 - p_i)$ is $-1/(1 - p_i)$; no other term has $p_i$ in it.',
      formula: String.raw`dp_i = \frac1N\Big(-\frac{t_i}{p_i} + \frac{1 - t_i}{1 - p_i}\Big)`,
      compute: ({ p, t }) => vector(p.length, i => (-t[i] / p[i] + (1 - t[i]) / (1 - p[i])) / p.length)
    }, {
      text: 'Over the common denominator; in the numerator $-t_i\\,(1 - p_i) + (1 - t_i)\\,p_i = p_i - t_i$.',
      formula: String.raw`dp_i = \frac1N\,\frac{p_i - t_i}{p_i\,(1 - p_i)}`,
      compute: ({ p, t }) => vector(p.length, i => (p[i] - t[i]) / (p[i] * (1 - p[i])) / p.length)
    }]
  }],
  claims: [{
    title: 'At the edges',
    text: 'At 0 and 1 a logarithm is infinite. As in PyTorch, logarithms are cut off at −100 and the denominator of the gradient at $10^{-12}$, so both stay finite. These are two cuts, not one: between them (probabilities nearer to 0 or 1 than $10^{-12}$, but not as near as $e^{-100}$) the gradient is smaller than the derivative of the loss.',
    formulas: [String.raw`c = 100 \sum_i |t_i - q_i|, \qquad h_i = \frac{q_i - t_i}{10^{-12}}`]
  }, {
    title: 'The sum', text: 'With the reduction "sum" neither has the $\\frac1N$.', formulas: [String.raw`s = N\,\ell, \qquad g_i = N\,dp_i`]
  }],
  cost: 'Two logarithms for each entry forward, a division backward.'
})

const sigma = (z: number): number => 1 / (1 + Math.exp(-z))

interface Logits {
  readonly x: Vector
  readonly t: Vector
  readonly p: Vector
  readonly loss: number
  readonly dx: Vector
  readonly total: number
  readonly sumGradient: Vector
}

export const binaryFromLogits = derivation<Logits>({
  name: 'binary cross-entropy from logits', source: 'src/losses/binaryCrossEntropy.ts', about: ['binaryCrossEntropyWithLogits'], uses: ['binaryFromProbabilities', 'sigmoid'],
  introduction: 'The same loss of the sigmoid of a logit.',
  axes, functions: { sigma: numeric('\\sigma', 'z', 'the logistic sigmoid', String.raw`\frac{1}{1 + e^{-z}}`, sigma) },
  letters: {
    x: given('x', 'N', 'logits', { entries: real(4) }),
    t: given('t', 'N', 'target, $0 \\le t_i$ and $t_i \\le 1$', { entries: probability, example: place => place % 2 }),
    p: defined('p', 'N', 'probabilities', String.raw`p_i = \sigma(x_i)`, ({ x }) => x.map(sigma)),
    loss: defined('\\ell', '', 'loss', String.raw`\ell = \frac1N \sum_i \big(-t_i \ln p_i - (1 - t_i) \ln(1 - p_i)\big)`, ({ p, t }) =>
      sum(p.length, i => -t[i] * Math.log(p[i]) - (1 - t[i]) * Math.log(1 - p[i])) / p.length),
    dx: gradientAt('dx', 'N', 'x', 'gradient at the logits'),
    total: defined('s', '', 'the loss of the library with the reduction "sum"', '', ({ x, t }) => ofLoss(binaryCrossEntropyWithLogits({ reduction: 'sum' }), x, t)),
    sumGradient: defined('g', 'N', 'its gradient', '', ({ x, t }) => vectorOf(gradientOf(binaryCrossEntropyWithLogits({ reduction: 'sum' }), x, t)))
  },
  outputs: [{ value: 'loss', library: ({ x, t }) => ofLoss(binaryCrossEntropyWithLogits(), x, t) }],
  chains: [{
    of: 'dx', library: ({ x, t }) => gradientOf(binaryCrossEntropyWithLogits(), x, t),
    steps: [{
      text: 'The chain rule through $p$: the derivative from the probabilities, times $\\sigma\'(x_i) = p_i\\,(1 - p_i)$.',
      formula: String.raw`dx_i = \frac1N\,\frac{p_i - t_i}{p_i\,(1 - p_i)} \cdot p_i\,(1 - p_i)`,
      compute: ({ p, t }) => vector(p.length, i => (p[i] - t[i]) / (p[i] * (1 - p[i])) * (p[i] * (1 - p[i])) / p.length)
    }, {
      text: 'Denominator and derivative of the sigmoid cancel, which is why one takes the loss from logits.',
      formula: String.raw`dx_i = \frac1N\,(\sigma(x_i) - t_i)`,
      compute: ({ x, t }) => vector(x.length, i => 1 / x.length * (sigma(x[i]) - t[i]))
    }]
  }],
  claims: [{
    title: 'Without overflow',
    text: 'By $1 - \\sigma(x_i) = \\sigma(-x_i)$ and $-\\ln \\sigma(x_i) = \\ln(1 + e^{-x_i})$ both logarithms become one, in which no exponent is positive.',
    formulas: [String.raw`\ell = \frac1N \sum_i \big(\max(x_i, 0) - t_i\,x_i + \ln(1 + e^{-|x_i|})\big)`]
  }, {
    title: 'A softmax of two',
    text: 'The sigmoid is the softmax of the logits $x_i$ and 0, so this loss is the cross-entropy of two symbols.',
    formulas: [String.raw`p_i = \frac{e^{x_i}}{e^{x_i} + e^0}, \qquad \ell = \frac1N \sum_i \big(\ln(e^{x_i} + e^0) - t_i\,x_i\big)`]
  }, {
    title: 'The sum', text: 'With the reduction "sum" neither has the $\\frac1N$.', formulas: [String.raw`s = N\,\ell, \qquad g_i = N\,dx_i`]
  }],
  cost: 'One exponential and one logarithm for each entry forward, one exponential backward.'
})
