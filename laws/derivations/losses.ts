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
import { matrices, real, size, vectors } from './cases.js'
import { derivation, numericJacobian } from './derivation.js'
import { asTensor, delta, type Matrix, matrix, numbers, sum, vector, type Vector } from './notation.js'

interface Case {
  readonly p: Vector
  readonly t: Vector
}

const value = (loss: Loss<Tensor, Tensor>) => ({ p, t }: Case): number => loss.forward(asTensor(p), asTensor(t))

const gradient = (loss: Loss<Tensor, Tensor>) => ({ p, t }: Case): Vector => numbers(loss.gradient(asTensor(p), asTensor(t)))

const squaredOf = ({ p, t }: Case): number => sum(p.length, i => (p[i] - t[i]) ** 2) / p.length

export const squaredError = derivation<Case>({
  name: 'mean squared error', source: 'src/losses/meanSquaredError.ts',
  introduction: 'The mean of the squared distances. Shapes: prediction $p$ and target $t$ any, the same, with $N$ entries. The sum has no $\\frac1N$.',
  definition: { formula: String.raw`\ell = \frac1N \sum_i (p_i - t_i)^2`, compute: squaredOf, library: value(meanSquaredError()) },
  cases: size(5).chain(n => fc.record({ p: vectors(n), t: vectors(n) })),
  chains: [{
    quantity: String.raw`\partial\ell/\partial p_j`, numeric: numericJacobian(squaredOf, 'p'), library: gradient(meanSquaredError()),
    steps: [{
      text: 'The chain rule: the outer derivative of a square is twice its root, the inner derivative of $p_i - t_i$ by $p_j$ is $\\delta_{ij}$.',
      formula: String.raw`\frac{\partial\ell}{\partial p_j} = \frac1N \sum_i 2\,(p_i - t_i)\,\delta_{ij}`,
      compute: ({ p, t }) => vector(p.length, j => sum(p.length, i => 2 * (p[i] - t[i]) * delta(i, j)) / p.length)
    }, {
      text: 'No other term has $p_j$ in it.',
      formula: String.raw`\frac{\partial\ell}{\partial p_j} = \frac2N\,(p_j - t_j)`,
      compute: ({ p, t }) => vector(p.length, j => 2 / p.length * (p[j] - t[j]))
    }]
  }]
})

interface RowsCase {
  readonly x: Matrix
  readonly t: Vector
}

const crossEntropyOf = ({ x, t }: RowsCase): number =>
  sum(t.length, n => Math.log(sum(x[n].length, l => Math.exp(x[n][l]))) - x[n][t[n]]) / t.length

const targets = ({ t }: RowsCase) => tensor.tokensFromArray([t.length], t)

export const crossEntropy = derivation<RowsCase>({
  name: 'cross-entropy from logits', source: 'src/losses/crossEntropy.ts',
  introduction: 'The mean surprise of a softmax at the right index, $-\\ln \\mathrm{softmax}(x_n)_{t_n}$. Shapes: logits $x$ `[N, V]`, targets $t$ `[N]`. Rows whose target is ignored do not count towards $N$ and have the gradient 0.',
  definition: {
    formula: String.raw`\ell = \frac1N \sum_n \Big(\ln \sum_l e^{x_{nl}} - x_{n t_n}\Big)`,
    compute: crossEntropyOf, library: c => crossEntropyLoss().forward(asTensor(c.x), targets(c))
  },
  cases: fc.tuple(size(3), size(4)).chain(([n, v]) => fc.record({
    x: matrices(n, v), t: fc.array(fc.integer({ min: 0, max: v - 1 }), { minLength: n, maxLength: n })
  })),
  chains: [{
    quantity: String.raw`\partial\ell/\partial x_{nj}`, numeric: numericJacobian(crossEntropyOf, 'x'),
    library: c => numbers(crossEntropyLoss().gradient(asTensor(c.x), targets(c))),
    steps: [{
      text: 'Only row $n$ has $x_{nj}$ in it. The derivative of $\\ln u$ is $u\'/u$; the derivative of $x_{n t_n}$ is $\\delta_{j t_n}$.',
      formula: String.raw`\frac{\partial\ell}{\partial x_{nj}} = \frac1N\Big(\frac{e^{x_{nj}}}{\sum_l e^{x_{nl}}} - \delta_{j t_n}\Big)`,
      compute: ({ x, t }) => matrix(t.length, x[0].length, (n, j) =>
        (Math.exp(x[n][j]) / sum(x[n].length, l => Math.exp(x[n][l])) - delta(j, t[n])) / t.length)
    }, {
      text: 'The fraction is the softmax: what the model believes minus what is true. To keep exponentials small, both sides of the fraction are divided by $e^{m_n}$ with $m_n = \\max_l x_{nl}$.',
      formula: String.raw`\frac{\partial\ell}{\partial x_{nj}} = \frac1N\big(\mathrm{softmax}(x_n)_j - \delta_{j t_n}\big), \qquad \mathrm{softmax}(x_n)_j = \frac{e^{x_{nj} - m_n}}{\sum_l e^{x_{nl} - m_n}}`,
      compute: ({ x, t }) => matrix(t.length, x[0].length, (n, j) => {
        const m = Math.max(...x[n])
        return (Math.exp(x[n][j] - m) / sum(x[n].length, l => Math.exp(x[n][l] - m)) - delta(j, t[n])) / t.length
      })
    }]
  }]
})

const binaryOf = ({ p, t }: Case): number =>
  sum(p.length, i => -t[i] * Math.log(p[i]) - (1 - t[i]) * Math.log(1 - p[i])) / p.length

const probability = fc.integer({ min: 0, max: 256 }).map(k => k / 256)

export const binaryFromProbabilities = derivation<Case>({
  name: 'binary cross-entropy from probabilities', source: 'src/losses/binaryCrossEntropy.ts',
  introduction: 'The mean surprise at yes or no. Shapes: prediction $p$ and target $t$ any, the same, with $N$ entries; $0 < p_i < 1$ and $0 \\le t_i \\le 1$. At $p = 0$ and $p = 1$ the library cuts the logarithms off, as PyTorch does; the cases here stay inside.',
  definition: {
    formula: String.raw`\ell = \frac1N \sum_i \big(-t_i \ln p_i - (1 - t_i) \ln(1 - p_i)\big)`,
    compute: binaryOf, library: value(binaryCrossEntropy())
  },
  cases: size(4).chain(n => fc.record({
    p: fc.array(probability.map(q => 2 * REACH + (1 - 4 * REACH) * q), { minLength: n, maxLength: n }),
    t: fc.array(probability, { minLength: n, maxLength: n })
  })),
  chains: [{
    quantity: String.raw`\partial\ell/\partial p_i`, numeric: numericJacobian(binaryOf, 'p'), library: gradient(binaryCrossEntropy()),
    steps: [{
      text: 'With $(\\ln p)\' = 1/p$ and $(\\ln(1 - p))\' = -1/(1 - p)$; no other term has $p_i$ in it.',
      formula: String.raw`\frac{\partial\ell}{\partial p_i} = \frac1N\Big(-\frac{t_i}{p_i} + \frac{1 - t_i}{1 - p_i}\Big)`,
      compute: ({ p, t }) => vector(p.length, i => (-t[i] / p[i] + (1 - t[i]) / (1 - p[i])) / p.length)
    }, {
      text: 'Over the common denominator; in the numerator $-t_i + t_i p_i + p_i - t_i p_i = p_i - t_i$.',
      formula: String.raw`\frac{\partial\ell}{\partial p_i} = \frac1N\,\frac{p_i - t_i}{p_i\,(1 - p_i)}`,
      compute: ({ p, t }) => vector(p.length, i => (p[i] - t[i]) / (p[i] * (1 - p[i])) / p.length)
    }]
  }]
})

const sigma = (x: number): number => 1 / (1 + Math.exp(-x))

const binaryFromLogitsOf = ({ p, t }: Case): number =>
  sum(p.length, i => -t[i] * Math.log(sigma(p[i])) - (1 - t[i]) * Math.log(1 - sigma(p[i]))) / p.length

export const binaryFromLogits = derivation<Case>({
  name: 'binary cross-entropy from logits', source: 'src/losses/binaryCrossEntropy.ts',
  introduction: 'The same loss of $\\sigma(x_i)$. Here $x$, the logits, is the prediction. Shapes: $x$ and $t$ any, the same, with $N$ entries. The library computes it as $\\max(x, 0) - t x + \\ln(1 + e^{-|x|})$, which does not overflow.',
  definition: {
    formula: String.raw`\ell = \frac1N \sum_i \big(-t_i \ln \sigma(x_i) - (1 - t_i) \ln(1 - \sigma(x_i))\big)`,
    compute: binaryFromLogitsOf, library: value(binaryCrossEntropyWithLogits())
  },
  cases: size(4).chain(n => fc.record({
    p: fc.array(real(4), { minLength: n, maxLength: n }), t: fc.array(probability, { minLength: n, maxLength: n })
  })),
  chains: [{
    quantity: String.raw`\partial\ell/\partial x_i`, numeric: numericJacobian(binaryFromLogitsOf, 'p'),
    library: gradient(binaryCrossEntropyWithLogits()),
    steps: [{
      text: 'The chain rule through $p = \\sigma(x)$: the derivative from the probabilities, times $\\sigma\' = \\sigma(1 - \\sigma)$. In the code `p` is $x$.',
      formula: String.raw`\frac{\partial\ell}{\partial x_i} = \frac1N\,\frac{\sigma(x_i) - t_i}{\sigma(x_i)(1 - \sigma(x_i))} \cdot \sigma(x_i)(1 - \sigma(x_i))`,
      compute: ({ p: x, t }) => vector(x.length, i => {
        const s = sigma(x[i])
        return (s - t[i]) / (s * (1 - s)) * (s * (1 - s)) / x.length
      })
    }, {
      text: 'Denominator and derivative of the sigmoid cancel, which is why one takes the loss from logits.',
      formula: String.raw`\frac{\partial\ell}{\partial x_i} = \frac1N\,(\sigma(x_i) - t_i)`,
      compute: ({ p: x, t }) => vector(x.length, i => (sigma(x[i]) - t[i]) / x.length)
    }]
  }]
})
