/**
 * Derivations of the softmax and its logarithm.
 *
 * @module
 */
import fc from 'fast-check'
import { logSoftmax as logSoftmaxLayer, softmaxWith } from 'pullback'
import { size, vectors } from './cases.js'
import { derivation, numericGradient, numericJacobian } from './derivation.js'
import { asTensor, delta, matrix, numbers, sum, vector, type Vector } from './notation.js'

interface Case {
  readonly x: Vector
  readonly dy: Vector
  readonly tau: number
}

const softmaxOf = ({ x, tau }: Case): Vector => {
  const s = sum(x.length, l => Math.exp(x[l] / tau))
  return x.map(v => Math.exp(v / tau) / s)
}

export const softmax = derivation<Case>({
  name: 'softmax with temperature', source: 'src/layers/softmax.ts',
  introduction: 'Scores become probabilities. Shapes: $x$ and $y$ `[V]`, one row of many; the temperature $\\tau > 0$ is a number. Every $y_j$ depends on every $x_i$ through the sum $s$, so the Jacobian is full.',
  definition: {
    formula: String.raw`y_j = \frac{e^{x_j/\tau}}{s}, \qquad s = \sum_l e^{x_l/\tau}`,
    compute: softmaxOf, library: ({ x, tau }) => numbers(softmaxWith(tau).forward({}, asTensor(x)))
  },
  cases: size(5).chain(n => fc.record({ x: vectors(n), dy: vectors(n), tau: fc.constantFrom(0.5, 1, 2) })),
  chains: [{
    quantity: String.raw`\partial y_j/\partial x_i`, numeric: numericJacobian(softmaxOf, 'x'),
    steps: [{
      text: 'The quotient rule. The numerator depends on $x_i$ only where $i = j$; the sum $s$ always does, with $\\partial s/\\partial x_i = e^{x_i/\\tau}/\\tau$.',
      formula: String.raw`\frac{\partial y_j}{\partial x_i} = \frac{\delta_{ij}\,e^{x_j/\tau}/\tau \cdot s - e^{x_j/\tau} \cdot e^{x_i/\tau}/\tau}{s^2}`,
      compute: ({ x, tau }) => {
        const e = x.map(v => Math.exp(v / tau)), s = sum(x.length, l => e[l])
        return matrix(x.length, x.length, (j, i) => (delta(i, j) * e[j] / tau * s - e[j] * e[i] / tau) / s ** 2)
      }
    }, {
      text: 'Divide by $s^2$ term by term and put $y$ for every $e^{x/\\tau}/s$.',
      formula: String.raw`\frac{\partial y_j}{\partial x_i} = \frac1\tau\,y_j\,(\delta_{ij} - y_i)`,
      compute: c => {
        const y = softmaxOf(c)
        return matrix(y.length, y.length, (j, i) => y[j] * (delta(i, j) - y[i]) / c.tau)
      }
    }]
  }, {
    quantity: 'dx_i', numeric: numericGradient(softmaxOf, 'x'),
    library: ({ x, dy, tau }) => numbers(softmaxWith(tau).vjp({}, asTensor(x))[1](asTensor(dy)).input),
    steps: [{
      text: 'The pullback is the transposed Jacobian times $dy$: the sum over all outputs that $x_i$ acts on.',
      formula: String.raw`dx_i = \sum_j dy_j\,\frac{\partial y_j}{\partial x_i} = \sum_j dy_j\,\frac1\tau\,y_j\,(\delta_{ij} - y_i)`,
      compute: c => {
        const y = softmaxOf(c)
        return vector(y.length, i => sum(y.length, j => c.dy[j] * y[j] * (delta(i, j) - y[i]) / c.tau))
      }
    }, {
      text: 'The delta picks the term $j = i$ of the first part of the sum.',
      formula: String.raw`dx_i = \frac1\tau\Big(dy_i\,y_i - y_i \sum_j dy_j\,y_j\Big)`,
      compute: c => {
        const y = softmaxOf(c)
        return vector(y.length, i => (c.dy[i] * y[i] - y[i] * sum(y.length, j => c.dy[j] * y[j])) / c.tau)
      }
    }, {
      text: 'Factor out $y_i$. The sum is one number for the whole row: $V$ products in place of $V^2$.',
      formula: String.raw`dx_i = \frac{y_i}{\tau}\Big(dy_i - \sum_j dy_j\,y_j\Big)`,
      compute: c => {
        const y = softmaxOf(c), d = sum(y.length, j => c.dy[j] * y[j])
        return vector(y.length, i => y[i] / c.tau * (c.dy[i] - d))
      }
    }]
  }]
})

const logSoftmaxOf = ({ x }: Omit<Case, 'tau'>): Vector => x.map(v => v - Math.log(sum(x.length, l => Math.exp(x[l]))))

export const logSoftmax = derivation<Omit<Case, 'tau'>>({
  name: 'logSoftmax', source: 'src/layers/logSoftmax.ts',
  introduction: 'The logarithms of the probabilities. Shapes: $x$ and $y$ `[V]`, one row of many.',
  definition: {
    formula: String.raw`y_j = x_j - \ln \sum_l e^{x_l}`,
    compute: logSoftmaxOf, library: ({ x }) => numbers(logSoftmaxLayer.forward({}, asTensor(x)))
  },
  cases: size(5).chain(n => fc.record({ x: vectors(n), dy: vectors(n) })),
  chains: [{
    quantity: 'dx_i', numeric: numericGradient(logSoftmaxOf, 'x'),
    library: ({ x, dy }) => numbers(logSoftmaxLayer.vjp({}, asTensor(x))[1](asTensor(dy)).input),
    steps: [{
      text: 'The derivative of $x_j$ is $\\delta_{ij}$, that of $\\ln u$ is $u\'/u$ with $u = \\sum_l e^{x_l}$. Times $dy_j$, summed over $j$:',
      formula: String.raw`dx_i = \sum_j dy_j\Big(\delta_{ij} - \frac{e^{x_i}}{\sum_l e^{x_l}}\Big)`,
      compute: ({ x, dy }) => {
        const s = sum(x.length, l => Math.exp(x[l]))
        return vector(x.length, i => sum(x.length, j => dy[j] * (delta(i, j) - Math.exp(x[i]) / s)))
      }
    }, {
      text: 'The fraction is $e^{y_i}$, by the definition of $y_i$.',
      formula: String.raw`dx_i = \sum_j dy_j\,(\delta_{ij} - e^{y_i})`,
      compute: c => {
        const y = logSoftmaxOf(c)
        return vector(y.length, i => sum(y.length, j => c.dy[j] * (delta(i, j) - Math.exp(y[i]))))
      }
    }, {
      text: 'The delta picks $j = i$; the other factor does not depend on $j$.',
      formula: String.raw`dx_i = dy_i - e^{y_i} \sum_j dy_j`,
      compute: c => {
        const y = logSoftmaxOf(c), total = sum(y.length, j => c.dy[j])
        return vector(y.length, i => c.dy[i] - Math.exp(y[i]) * total)
      }
    }]
  }]
})
