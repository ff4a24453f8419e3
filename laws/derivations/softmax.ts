/**
 * Derivations of the softmax and its logarithm.
 *
 * @module
 */
import fc from 'fast-check'
import { logSoftmax as logSoftmaxLayer, softmaxWith } from 'pullback'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt } from './letters.js'
import { asTensor, delta, matrix, sum, vector, type Vector } from './notation.js'

interface Softmax {
  readonly x: Vector
  readonly tau: number
  readonly s: number
  readonly y: Vector
  readonly dy: Vector
  readonly dx: Vector
  readonly m: number
  readonly v: Vector
}

export const softmax = derivation<Softmax>({
  name: 'softmax with temperature', source: 'src/layers/softmax.ts', about: ['softmax', 'softmaxWith'], uses: ['conventions'],
  introduction: 'Scores become probabilities. This is one row of many; rows do not meet. Every $y_j$ depends on every $x_i$, through the sum $s$.',
  axes: { V: axis('i j l', 'scores in a row', { max: 5, example: 3 }) },
  letters: {
    x: given('x', 'V', 'scores'),
    tau: given('\\tau', '', 'temperature, $\\tau > 0$', { entries: fc.constantFrom(0.5, 1, 2), example: () => 1 }),
    s: defined('s', '', 'what makes the sum of a row 1', String.raw`s = \sum_l e^{x_l/\tau}`, ({ x, tau }) => sum(x.length, l => Math.exp(x[l] / tau))),
    y: defined('y', 'V', 'probabilities', String.raw`y_j = \frac{e^{x_j/\tau}}{s}`, ({ x, tau, s }) => x.map(v => Math.exp(v / tau) / s)),
    dy: given('dy', 'V', 'gradient at the probabilities'),
    dx: gradientAt('dx', 'V', 'x', 'gradient at the scores'),
    m: defined('m', '', 'log-sum-exp', String.raw`m = \tau \ln s`, ({ tau, s }) => tau * Math.log(s)),
    v: given('v', 'V', 'any direction')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x, tau }) => softmaxWith(tau).forward({}, asTensor(x)) }],
  chains: [{
    of: { derivative: String.raw`\partial y_j/\partial x_i` },
    steps: [{
      text: 'The quotient rule. The numerator depends on $x_i$ only where $?i = j$; the sum always does, with $\\partial s/\\partial x_i = e^{x_i/\\tau}/\\tau$.',
      formula: String.raw`\frac{\partial y_j}{\partial x_i} = \frac{\delta_{ij}\,e^{x_j/\tau}/\tau \cdot s - e^{x_j/\tau} \cdot e^{x_i/\tau}/\tau}{s^2}`,
      compute: ({ x, tau, s }) => matrix(x.length, x.length, (j, i) =>
        (delta(i, j) * Math.exp(x[j] / tau) / tau * s - Math.exp(x[j] / tau) * Math.exp(x[i] / tau) / tau) / s ** 2)
    }, {
      text: 'Divide by $s^2$ term by term: each $e^{x_j/\\tau}/s$ is a $y_j$.',
      formula: String.raw`\frac{\partial y_j}{\partial x_i} = \frac1\tau\,y_j\,(\delta_{ij} - y_i)`,
      compute: ({ y, tau }) => matrix(y.length, y.length, (j, i) => 1 / tau * y[j] * (delta(i, j) - y[i]))
    }]
  }, {
    of: 'dx', library: ({ x, dy, tau }) => softmaxWith(tau).vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'The pullback is the transposed Jacobian times $dy$: the sum over all outputs that $x_i$ acts on.',
      formula: String.raw`dx_i = \sum_j dy_j\,\frac{\partial y_j}{\partial x_i} = \sum_j dy_j\,\frac1\tau\,y_j\,(\delta_{ij} - y_i)`,
      compute: ({ y, dy, tau }) => vector(y.length, i => sum(y.length, j => dy[j] / tau * y[j] * (delta(i, j) - y[i])))
    }, {
      text: 'The delta picks the term $?j = i$ of the first part of the sum.',
      formula: String.raw`dx_i = \frac1\tau\Big(dy_i\,y_i - y_i \sum_j dy_j\,y_j\Big)`,
      compute: ({ y, dy, tau }) => vector(y.length, i => 1 / tau * (dy[i] * y[i] - y[i] * sum(y.length, j => dy[j] * y[j])))
    }, {
      text: 'Factor out $y_i$. The sum is one number for the whole row.',
      formula: String.raw`dx_i = \frac{y_i}{\tau}\Big(dy_i - \sum_j dy_j\,y_j\Big)`,
      compute: ({ y, dy, tau }) => {
        const mean = sum(y.length, j => dy[j] * y[j])
        return vector(y.length, i => y[i] / tau * (dy[i] - mean))
      }
    }]
  }],
  claims: [{
    title: 'What the Jacobian says',
    text: 'Its rows and its columns sum to 0: shifting all scores by one constant changes nothing, so the Jacobian takes the vector of ones to 0, and the probabilities keep their sum. It is singular, and a gradient $dx$ sums to 0 too.',
    formulas: [String.raw`\sum_i \frac{\partial y_j}{\partial x_i} = 0, \qquad \sum_j \frac{\partial y_j}{\partial x_i} = 0, \qquad \sum_i dx_i = 0`]
  }, {
    title: 'Why it is symmetric',
    text: 'The softmax is itself a gradient, that of the log-sum-exp $m$, a smooth maximum. So its Jacobian is a Hessian, and symmetric. The log-sum-exp is convex: along a direction $v$ the Hessian gives a variance, that of $v$ under the probabilities, which is never negative.',
    formulas: [
      String.raw`\frac{\partial m}{\partial x_i} = y_i, \qquad \frac{\partial y_j}{\partial x_i} = \frac{\partial y_i}{\partial x_j}`,
      String.raw`\sum_i \sum_j v_j\,\frac{\partial y_j}{\partial x_i}\,v_i = \frac1\tau\Big(\sum_i y_i v_i^2 - \Big(\sum_i y_i v_i\Big)^2\Big) \ge 0`
    ]
  }],
  cost: 'One pass for the sum and one for the entries: of order $V$ operations, where a product with the Jacobian would take $V^2$.'
})

interface LogSoftmax {
  readonly x: Vector
  readonly y: Vector
  readonly dy: Vector
  readonly dx: Vector
}

export const logSoftmax = derivation<LogSoftmax>({
  name: 'logSoftmax', source: 'src/layers/logSoftmax.ts', about: ['logSoftmax'], uses: ['softmax'],
  introduction: 'The logarithms of the probabilities, of one row of many.',
  axes: { V: axis('i j l', 'scores in a row', { max: 5, example: 3 }) },
  letters: {
    x: given('x', 'V', 'scores'),
    y: defined('y', 'V', 'logarithms of the probabilities', String.raw`y_j = x_j - \ln \sum_l e^{x_l}`, ({ x }) => {
      const logarithm = Math.log(sum(x.length, l => Math.exp(x[l])))
      return x.map(v => v - logarithm)
    }),
    dy: given('dy', 'V', 'gradient at the logarithms'),
    dx: gradientAt('dx', 'V', 'x', 'gradient at the scores')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x }) => logSoftmaxLayer.forward({}, asTensor(x)) }],
  chains: [{
    of: 'dx', library: ({ x, dy }) => logSoftmaxLayer.vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'The derivative of $x_j$ by $x_i$ is $\\delta_{ij}$. The derivative of a logarithm is that of its argument over the argument, and of all terms $e^{x_l}$ only one has $x_i$. Times $dy_j$, summed over all outputs:',
      formula: String.raw`dx_i = \sum_j dy_j\Big(\delta_{ij} - \frac{e^{x_i}}{\sum_l e^{x_l}}\Big)`,
      compute: ({ x, dy }) => {
        const s = sum(x.length, l => Math.exp(x[l]))
        return vector(x.length, i => sum(x.length, j => dy[j] * (delta(i, j) - Math.exp(x[i]) / s)))
      }
    }, {
      text: 'The fraction is $e^{y_i}$, by the definition of $y_i$.',
      formula: String.raw`dx_i = \sum_j dy_j\,(\delta_{ij} - e^{y_i})`,
      compute: ({ y, dy }) => vector(y.length, i => sum(y.length, j => dy[j] * (delta(i, j) - Math.exp(y[i]))))
    }, {
      text: 'The delta picks $?j = i$; the other factor does not depend on $j$.',
      formula: String.raw`dx_i = dy_i - e^{y_i} \sum_j dy_j`,
      compute: ({ y, dy }) => {
        const total = sum(y.length, j => dy[j])
        return vector(y.length, i => dy[i] - Math.exp(y[i]) * total)
      }
    }]
  }],
  claims: [{
    title: 'What the Jacobian says',
    text: 'The probabilities are 1 in sum, so a shift of all scores by one constant moves no logarithm.',
    formulas: [String.raw`\sum_j e^{y_j} = 1, \qquad \sum_i \frac{\partial y_j}{\partial x_i} = 0`]
  }],
  cost: 'Of order $V$ operations in both directions; only the output is kept.'
})
