/**
 * Derivation of the cross-entropy of logits that are not there as a whole.
 *
 * @module
 */
import fc from 'fast-check'
import { factored as factoredForm, factoredCrossEntropy, tensor, unembedding, type Factors, type Tokens } from 'pullback'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt } from './letters.js'
import { asTensor, delta, type Matrix, matrix, matrixOf, sum, vector, type Vector } from './notation.js'

/** A matrix for each block. */
type Blocks = readonly Matrix[]

interface Factored {
  readonly X: Blocks
  readonly W: Matrix
  readonly t: Matrix
  readonly Y: Blocks
  readonly P: Blocks
  readonly G: Blocks
  readonly A: Blocks
  readonly s: Vector
  readonly loss: number
  readonly dX: Blocks
  readonly dW: Matrix
  readonly total: number
  readonly H: Blocks
  readonly U: Matrix
  readonly ignored: number
  readonly ignoredGradient: Matrix
}

const IGNORED = -100

const factorsOf = ({ X, W }: Pick<Factored, 'X' | 'W'>): Factors => ({ hidden: asTensor(X), weight: asTensor(W) })
const targetsOf = (t: Matrix): Tokens => tensor.tokensFromArray([t.length, t[0].length], t.flat())

/** As many rows at a time as a block has. */
const lossOf = (t: Matrix, reduction: 'mean' | 'sum' = 'mean') => factoredCrossEntropy({ rows: t[0].length, reduction })

const gradientOf = (c: Factored): Factors => lossOf(c.t).gradient(factorsOf(c), targetsOf(c.t))

const blocksOf = <A>(blocks: number, rows: number, columns: number, f: (b: number, r: number, i: number) => A): readonly (readonly (readonly A[])[])[] =>
  vector(blocks, b => matrix(rows, columns, (r, i) => f(b, r, i)))

const reshaped = (x: readonly number[], like: Blocks): Blocks =>
  blocksOf(like.length, like[0].length, like[0][0].length, (b, r, i) => x[(b * like[0].length + r) * like[0][0].length + i])

/** The first row of all with an ignored target before the others, and with a hidden state that is no number. */
const withIgnored = ({ X, W, t }: Factored) => ({
  factors: { hidden: asTensor([X[0][0].map(() => NaN), ...X.flat()]), weight: asTensor(W) }, ids: tensor.tokensOf([IGNORED, ...t.flat()])
})

export const factored = derivation<Factored>({
  name: 'cross-entropy in blocks', source: 'src/losses/factoredCrossEntropy.ts', about: ['factored', 'factoredCrossEntropy'],
  uses: ['unembedding', 'crossEntropy'],
  introduction: 'The cross-entropy of the logits of a large vocabulary, and its gradients at both of their factors, with the logits of one block of rows at a time, $Y_b = X_b W^\\top$. Rows are counted by their block $b$ and their place $r$ in it. Here all blocks have the same number of rows; in the code the last one may be smaller, which changes nothing.',
  axes: {
    B: axis('b', 'blocks'), R: axis('r', 'rows of a block'), D: axis('i', 'width of a hidden state'), V: axis('v u', 'symbols', { max: 4, example: 3 }),
    N: axis('n', 'all rows and an ignored one before them', { min: 1, max: 1, example: 1 })
  },
  letters: {
    X: given('X', 'B R D', 'hidden states'),
    W: given('W', 'V D', 'table'),
    t: given('t', 'B R', 'targets, each an index of a symbol', { entries: ({ V }) => fc.integer({ min: 0, max: V - 1 }), example: (place, { V }) => (2 * place + 1) % V }),
    Y: defined('Y', 'B R V', 'logits', String.raw`Y_{brv} = \sum_i X_{bri}\,W_{vi}`, ({ X, W }) =>
      blocksOf(X.length, X[0].length, W.length, (b, r, v) => sum(W[0].length, i => X[b][r][i] * W[v][i]))),
    P: defined('P', 'B R V', 'probabilities', String.raw`P_{brv} = \frac{e^{Y_{brv}}}{\sum_u e^{Y_{bru}}}`, ({ Y }) =>
      Y.map(block => block.map(row => row.map(y => Math.exp(y) / sum(row.length, u => Math.exp(row[u])))))),
    s: defined('s', 'B', 'what a block adds to the loss', String.raw`s_b = \sum_r \Big(\ln \sum_v e^{Y_{brv}} - Y_{b r t_{br}}\Big)`, ({ Y, t }) =>
      vector(Y.length, b => sum(Y[b].length, r => Math.log(sum(Y[b][r].length, v => Math.exp(Y[b][r][v]))) - Y[b][r][t[b][r]]))),
    loss: defined('\\ell', '', 'loss', String.raw`\ell = \frac{1}{B R} \sum_b s_b`, ({ s, t }) => sum(s.length, b => s[b]) / t.flat().length),
    G: defined('G', 'B R V', 'the gradient at the logits', String.raw`G_{brv} = \frac{1}{B R}\,(P_{brv} - \delta_{v t_{br}})`, ({ P, t }) =>
      blocksOf(P.length, P[0].length, P[0][0].length, (b, r, v) => (P[b][r][v] - delta(v, t[b][r])) / t.flat().length)),
    A: defined('A', 'B V D', 'what a block adds to the gradient at the table', String.raw`A_{bvi} = \sum_r G_{brv}\,X_{bri}`, ({ G, X, W }) =>
      blocksOf(X.length, W.length, W[0].length, (b, v, i) => sum(X[b].length, r => G[b][r][v] * X[b][r][i]))),
    dX: gradientAt('dX', 'B R D', 'X', 'gradient at the hidden states'),
    dW: gradientAt('dW', 'V D', 'W', 'gradient at the table'),
    H: defined('H', 'B R D', 'the hidden states of the factored form of `unembedding`', '', ({ X, W }) =>
      reshaped(Array.from(factoredForm(unembedding).forward({ weight: asTensor(W) }, asTensor(X)).hidden.data), X)),
    U: defined('U', 'V D', 'its table', '', ({ X, W }) => matrixOf(factoredForm(unembedding).forward({ weight: asTensor(W) }, asTensor(X)).weight)),
    total: defined('w', '', 'the loss of the library with the reduction "sum"', '', c => lossOf(c.t, 'sum').forward(factorsOf(c), targetsOf(c.t))),
    ignored: defined('a', '', 'the loss of the library with one more row, whose target is ignored', '', c => {
      const { factors, ids } = withIgnored(c)
      return factoredCrossEntropy({ rows: 2 }).forward(factors, ids)
    }),
    ignoredGradient: defined('g', 'N D', 'the gradient at the hidden state of that row', '', c => {
      const { factors, ids } = withIgnored(c)
      return [Array.from(factoredCrossEntropy({ rows: 2 }).gradient(factors, ids).hidden.data).slice(0, c.W[0].length)]
    })
  },
  outputs: [{ value: 'loss', library: c => lossOf(c.t).forward(factorsOf(c), targetsOf(c.t)) }],
  chains: [{
    of: 'dX', library: c => gradientOf(c).hidden,
    steps: [{
      text: 'A hidden state acts on the logits of its own row alone, $\\partial Y_{brv}/\\partial X_{bri} = W_{vi}$, and the derivative of the loss by those is that of `crossEntropy`.',
      formula: String.raw`dX_{bri} = \sum_v \frac{1}{B R}\Big(\frac{e^{Y_{brv}}}{\sum_u e^{Y_{bru}}} - \delta_{v t_{br}}\Big) W_{vi}`,
      compute: ({ X, Y, W, t }) => blocksOf(X.length, X[0].length, W[0].length, (b, r, i) => sum(W.length, v =>
        (Math.exp(Y[b][r][v]) / sum(W.length, u => Math.exp(Y[b][r][u])) - delta(v, t[b][r])) / t.flat().length * W[v][i]))
    }, {
      text: 'All of it but $\\frac{1}{B R}$, which the targets say beforehand, belongs to the one block: $dX_b = G_b W$, and the logits of the other blocks need not be there.',
      formula: String.raw`dX_{bri} = \sum_v G_{brv}\,W_{vi}`,
      compute: ({ X, G, W }) => blocksOf(X.length, X[0].length, W[0].length, (b, r, i) => sum(W.length, v => G[b][r][v] * W[v][i]))
    }]
  }, {
    of: 'dW', library: c => gradientOf(c).weight,
    steps: [{
      text: 'Row $v$ of the table acts on column $v$ of the logits of every row, $\\partial Y_{brv}/\\partial W_{vi} = X_{bri}$.',
      formula: String.raw`dW_{vi} = \sum_b \sum_r G_{brv}\,X_{bri}`,
      compute: ({ X, G, W }) => matrix(W.length, W[0].length, (v, i) => sum(X.length, b => sum(X[b].length, r => G[b][r][v] * X[b][r][i])))
    }, {
      text: 'The sum over all rows is one over the blocks, each of which gives a product of what is its own, $G_b^\\top X_b$. It is added to what the blocks before it gave, always in their order.',
      formula: String.raw`dW_{vi} = \sum_b A_{bvi}`,
      compute: ({ A, W }) => matrix(W.length, W[0].length, (v, i) => sum(A.length, b => A[b][v][i]))
    }]
  }],
  claims: [{
    title: 'One pass',
    text: 'When the logits of a block are there, its three parts are: $s_b$ of the loss, its rows of $dX$, and $A_b$. The loss is a number and the last thing that is computed, so the gradient that comes to it is 1, and nothing has to wait for it. $G_b$ takes the place of the logits.',
    formulas: [String.raw`\ell = \frac{1}{B R} \sum_b \sum_r \Big(\ln \sum_v e^{Y_{brv}} - Y_{b r t_{br}}\Big)`]
  }, {
    title: 'The factored form',
    text: 'A model that ends in `unembedding` has a form whose output is the two factors in place of their product. That of `unembedding` itself computes nothing, so its pullback is the identity, and what comes before it follows by the chain rule.',
    formulas: [String.raw`H = X, \qquad U = W`]
  }, {
    title: 'What does not count, and the sum',
    text: 'Rows whose target is ignored are left out before the others are cut into blocks, so it does not matter what their hidden states are, and their gradient is 0. With the reduction "sum" the $\\frac{1}{B R}$ is missing.',
    formulas: [String.raw`a = \ell, \qquad g_{ni} = 0, \qquad w = B R\,\ell`]
  }],
  cost: 'Three products of $B R D V$ multiplications, as for the logits as a whole, and memory for $R V$ logits in place of $2 B R V$ (logits and their gradient). Each block reads the table twice and goes over its gradient once.'
})
