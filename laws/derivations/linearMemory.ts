/**
 * The derivation of attention in linear memory: the softmax over blocks of keys, and the gradient from weights that are computed again.
 *
 * @module
 */
import fc from 'fast-check'
import { attention, noMask } from 'pullback'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt } from './letters.js'
import { asTensor, type Matrix, matrix, product, sum, transposed, type Vector } from './notation.js'

interface LinearMemory {
  readonly Q: Matrix
  readonly K: Matrix
  readonly V: Matrix
  readonly b: number
  readonly Z: Matrix
  readonly mu: Matrix
  readonly ell: Matrix
  readonly O: readonly Matrix[]
  readonly A: Matrix
  readonly Y: Matrix
  readonly L: Vector
  readonly dY: Matrix
  readonly D: Vector
  readonly dV: Matrix
  readonly dZ: Matrix
  readonly dQ: Matrix
  readonly dK: Matrix
}

const layer = attention(noMask)

const inputOf = ({ Q, K, V }: LinearMemory) => ({ query: asTensor(Q), key: asTensor(K), value: asTensor(V) })

const gradientOf = (c: LinearMemory) => layer.vjp({}, inputOf(c))[1](asTensor(c.dY)).input

/** What is sought of a block of keys: those up to b, or the others. */
const block = (S: number, b: number, second: boolean, f: (s: number) => number): number => sum(S, s => (s > b === second ? f(s) : 0))

export const linearMemory = derivation<LinearMemory>({
  name: 'attention in linear memory', source: 'src/layers/attention.ts', uses: ['softmax', 'attention'],
  introduction: 'The matrix of weights has as many numbers as there are pairs of queries and keys, and nobody asks for it: $Y$ can be summed block by block of keys, and the gradient can compute each block of weights again. What is kept of a query is its output and one number. (T. Dao et al., FlashAttention, 2022; T. Dao, FlashAttention-2, 2023; the running maximum is of M. Milakov and N. Gimelshein, 2018.) Every sum below goes over the keys that a query sees, so a block that is wholly hidden is skipped; the page shows the case without a mask.',
  axes: { T: axis('t', 'queries', { max: 2 }), S: axis('s u', 'keys', { min: 2, max: 4, example: 3 }), d: axis('j', 'width of a query and a key', { max: 2 }), d_v: axis('c', 'width of a value', { max: 2, example: 1 }) },
  letters: {
    Q: given('Q', 'T d', 'queries'),
    K: given('K', 'S d', 'keys'),
    V: given('V', 'S d_v', 'values'),
    b: given('b', '', 'the last key of the first of two blocks', { entries: ({ S }) => fc.integer({ min: 0, max: S - 2 }), example: () => 1 }),
    Z: defined('Z', 'T S', 'scores', String.raw`Z_{ts} = \frac{1}{\sqrt d} \sum_j Q_{tj} K_{sj}`, ({ Q, K }) =>
      matrix(Q.length, K.length, (t, s) => sum(Q[0].length, j => Q[t][j] * K[s][j]) / Math.sqrt(Q[0].length))),
    mu: defined('\\mu', 'T S', 'the largest score among the keys up to $s$', String.raw`\mu_{ts} = \max_{u : u \le s} Z_{tu}`, ({ Z }) =>
      Z.map(row => row.map((_, s) => Math.max(...row.slice(0, s + 1))))),
    ell: defined('\\ell', 'T S', 'the sum of their exponentials beside it', String.raw`\ell_{ts} = \sum_{u : u \le s} e^{Z_{tu} - \mu_{ts}}`, ({ Z, mu }) =>
      Z.map((row, t) => row.map((_, s) => sum(s + 1, u => Math.exp(row[u] - mu[t][s]))))),
    O: defined('O', 'T S d_v', 'the sum of their values with these factors', String.raw`O_{tsc} = \sum_{u : u \le s} e^{Z_{tu} - \mu_{ts}}\,V_{uc}`, ({ Z, V, mu }) =>
      Z.map((row, t) => matrix(row.length, V[0].length, (s, c) => sum(s + 1, u => Math.exp(row[u] - mu[t][s]) * V[u][c])))),
    A: defined('A', 'T S', 'weights', String.raw`A_{ts} = \frac{e^{Z_{ts}}}{\sum_u e^{Z_{tu}}}`, ({ Z }) =>
      Z.map(row => row.map(z => Math.exp(z) / sum(row.length, u => Math.exp(row[u]))))),
    Y: defined('Y', 'T d_v', 'output', String.raw`Y_{tc} = \sum_s A_{ts} V_{sc}`, ({ A, V }) => product(A, V)),
    L: defined('L', 'T', 'log-sum-exp of the scores', String.raw`L_t = \ln \sum_s e^{Z_{ts}}`, ({ Z }) => Z.map(row => Math.log(sum(row.length, s => Math.exp(row[s]))))),
    dY: given('dY', 'T d_v', 'gradient at the output'),
    D: defined('D', 'T', 'what the gradient needs of the whole row of weights', String.raw`D_t = \sum_c dY_{tc}\,Y_{tc}`, ({ dY, Y }) =>
      dY.map((row, t) => sum(row.length, c => row[c] * Y[t][c]))),
    dV: gradientAt('dV', 'S d_v', 'V', 'gradient at the values'),
    dZ: gradientAt('dZ', 'T S', 'Z', 'gradient at the scores'),
    dQ: gradientAt('dQ', 'T d', 'Q', 'gradient at the queries'),
    dK: gradientAt('dK', 'S d', 'K', 'gradient at the keys')
  },
  outputs: [{ value: 'Y', gradient: 'dY', library: c => layer.forward({}, inputOf(c)) }],
  chains: [{
    of: 'dV', library: c => gradientOf(c).value,
    steps: [{
      text: 'Plain attention:',
      formula: String.raw`dV_{sc} = \sum_t A_{ts}\,dY_{tc}`,
      compute: ({ A, dY }) => product(transposed(A), dY)
    }, {
      text: 'A weight comes back from its score and the log-sum-exp of its query.',
      formula: String.raw`dV_{sc} = \sum_t e^{Z_{ts} - L_t}\,dY_{tc}`,
      compute: ({ V, Z, L, dY }) => matrix(V.length, V[0].length, (s, c) => sum(Z.length, t => Math.exp(Z[t][s] - L[t]) * dY[t][c]))
    }]
  }, {
    of: 'dZ',
    steps: [{
      text: 'Plain attention, with $\\sum_c dY_{tc} V_{sc}$ for the gradient at the weights. The sum over $s$ needs a whole row of weights at once:',
      formula: String.raw`dZ_{tu} = A_{tu}\,\Big(\sum_c dY_{tc} V_{uc} - \sum_s A_{ts} \sum_c dY_{tc} V_{sc}\Big)`,
      compute: ({ A, V, dY }) => A.map((row, t) => row.map((weight, u) => weight * (sum(V[0].length, c => dY[t][c] * V[u][c])
        - sum(row.length, s => row[s] * sum(V[0].length, c => dY[t][c] * V[s][c])))))
    }, {
      text: 'Sum over the keys first: what is left of them is the output.',
      formula: String.raw`dZ_{tu} = A_{tu}\,\Big(\sum_c dY_{tc} V_{uc} - \sum_c dY_{tc} \sum_s A_{ts} V_{sc}\Big)`,
      compute: ({ A, V, dY }) => A.map((row, t) => row.map((weight, u) => weight * (sum(V[0].length, c => dY[t][c] * V[u][c])
        - sum(V[0].length, c => dY[t][c] * sum(row.length, s => row[s] * V[s][c])))))
    }, {
      text: 'So one number of each query, known before any block, takes the place of the row.',
      formula: String.raw`dZ_{tu} = e^{Z_{tu} - L_t}\,\Big(\sum_c dY_{tc} V_{uc} - D_t\Big)`,
      compute: ({ Z, L, V, D, dY }) => Z.map((row, t) => row.map((z, u) => Math.exp(z - L[t]) * (sum(V[0].length, c => dY[t][c] * V[u][c]) - D[t])))
    }]
  }, {
    of: 'dQ', library: c => gradientOf(c).query,
    steps: [{
      text: 'Plain attention:',
      formula: String.raw`dQ_{tj} = \frac{1}{\sqrt d} \sum_s dZ_{ts}\,K_{sj}`,
      compute: ({ Q, K, dZ }) => matrix(Q.length, Q[0].length, (t, j) => sum(K.length, s => dZ[t][s] * K[s][j]) / Math.sqrt(Q[0].length))
    }, {
      text: 'The sum goes over one block after the other, each of which is computed, used and forgotten.',
      formula: String.raw`dQ_{tj} = \frac{1}{\sqrt d} \sum_{s : s \le b} dZ_{ts}\,K_{sj} + \frac{1}{\sqrt d} \sum_{s : s > b} dZ_{ts}\,K_{sj}`,
      compute: ({ Q, K, b, dZ }) => matrix(Q.length, Q[0].length, (t, j) => [false, true].reduce((total, second) =>
        total + block(K.length, b, second, s => dZ[t][s] * K[s][j]) / Math.sqrt(Q[0].length), 0))
    }]
  }, {
    of: 'dK', library: c => gradientOf(c).key,
    steps: [{
      text: 'The keys of a block need no other block, but all queries that see them.',
      formula: String.raw`dK_{sj} = \frac{1}{\sqrt d} \sum_t dZ_{ts}\,Q_{tj}`,
      compute: ({ Q, K, dZ }) => matrix(K.length, K[0].length, (s, j) => sum(Q.length, t => dZ[t][s] * Q[t][j]) / Math.sqrt(Q[0].length))
    }]
  }],
  claims: [{
    title: 'The largest score',
    text: 'Numerator and denominator of a weight may be divided by the exponential of the largest score of all keys, $\\mu_{t,S-1}$, so that no exponent is positive. Then the weights need not be divided one by one: their sum divides the output.',
    formulas: [String.raw`A_{ts} = \frac{e^{Z_{ts} - \mu_{t,S-1}}}{\ell_{t,S-1}}, \qquad Y_{tc} = \frac{O_{t,S-1,c}}{\ell_{t,S-1}}, \qquad L_t = \mu_{t,S-1} + \ln \ell_{t,S-1}`]
  }, {
    title: 'Two blocks',
    text: 'The first block has the keys up to $b$, and a maximum of its own. When the second one brings a larger score, everything that was summed is too large by one factor, $e^{\\mu_{tb} - \\mu_{t,S-1}}$, the sum of the exponentials and the sum of the values alike.',
    formulas: [
      String.raw`\mu_{t,S-1} = \max\Big(\mu_{tb}, \max_{s : s > b} Z_{ts}\Big)`,
      String.raw`\ell_{t,S-1} = e^{\mu_{tb} - \mu_{t,S-1}}\,\ell_{tb} + \sum_{s : s > b} e^{Z_{ts} - \mu_{t,S-1}}`,
      String.raw`O_{t,S-1,c} = e^{\mu_{tb} - \mu_{t,S-1}}\,O_{tbc} + \sum_{s : s > b} e^{Z_{ts} - \mu_{t,S-1}}\,V_{sc}`
    ]
  }, {
    title: 'Many blocks',
    text: 'What holds for the last block holds for every block with those before it. Here each is a single key: a maximum, a sum and an output run along the keys, and nothing else is kept.',
    formulas: [
      String.raw`\mu_{ts} = \begin{cases} \max(\mu_{t,s-1}, Z_{ts}) & s > 0 \\ Z_{ts} & \text{otherwise} \end{cases}`,
      String.raw`\ell_{ts} = \begin{cases} e^{\mu_{t,s-1} - \mu_{ts}}\,\ell_{t,s-1} + e^{Z_{ts} - \mu_{ts}} & s > 0 \\ 1 & \text{otherwise} \end{cases}`,
      String.raw`O_{tsc} = \begin{cases} e^{\mu_{t,s-1} - \mu_{ts}}\,O_{t,s-1,c} + e^{Z_{ts} - \mu_{ts}}\,V_{sc} & s > 0 \\ V_{sc} & \text{otherwise} \end{cases}`
    ]
  }, {
    title: 'Weights that come back, and D',
    text: 'A weight is the exponential of its score less the log-sum-exp, which makes up for the matrix that was not kept. And the mean of the gradient at the weights under the weights is an inner product with the output, for $Y$ is that mean of the values.',
    formulas: [
      String.raw`A_{ts} = e^{Z_{ts} - L_t}, \qquad \sum_s A_{ts} = 1`,
      String.raw`\sum_s A_{ts} \sum_c dY_{tc} V_{sc} = \sum_c dY_{tc} \sum_s A_{ts} V_{sc} = \sum_c dY_{tc} Y_{tc} = D_t`
    ]
  }],
  cost: 'Scores and their exponentials are computed twice, which makes five products of $T S$ pairs in the gradient of four. What is kept is $T\\,(d_v + 2)$ numbers in place of $T S$: the code keeps the log-sum-exp as $\\mu$ and $\\ell$, since at scores of ten thousand their sum has no digits left for the logarithm.'
})
