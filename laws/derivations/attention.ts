/**
 * Derivations of attention and of what stands around it: the mask and the heads.
 *
 * @module
 */
import fc from 'fast-check'
import {
  attention as attentionLayer, causalMask, type Mask, masked as maskedLayer, mergeHeads as mergeLayer, noMask, paddingMask, splitHeads as splitLayer
} from 'pullback'
import { derivation } from './derivation.js'
import { axis, chance, defined, given, gradientAt } from './letters.js'
import { asTensor, delta, type Matrix, matrix, product, sum, transposed, vector, type Vector } from './notation.js'
import { part } from './parts.js'

/** Which mask a case has: 0 none, 1 causal, 2 padding. */
const maskChoice = given('m', '', 'which mask: 0 none, 1 causal, 2 padding', { entries: fc.constantFrom(0, 1, 2), example: () => 1 })

const VISIBLE = String.raw`M_{ts} = \begin{cases} [s \le t + S - T] & m = 1 \\ [s < l] & m = 2 \\ 1 & \text{otherwise} \end{cases}`

/** Whether key s is visible from query t. */
const visible = (m: number, l: number, T: number, S: number): Matrix =>
  matrix(T, S, (t, s) => Number(m === 1 ? s <= t + S - T : m === 2 ? s < l : true))

const maskOf = (m: number, l: number, S: number): Mask => (m === 1 ? causalMask : m === 2 ? paddingMask([l], S) : noMask)

const keyLength = given('l', '', 'how many keys are no padding, from 0', { entries: ({ S }) => fc.integer({ min: 0, max: S }), example: () => 1 })

interface Masked {
  readonly x: Matrix
  readonly m: number
  readonly l: number
  readonly M: Matrix
  readonly y: Matrix
  readonly w: Matrix
  readonly dy: Matrix
  readonly dx: Matrix
}

export const mask = derivation<Masked>({
  name: 'masks', source: 'src/layers/mask.ts', about: ['masked'], uses: ['conventions'],
  introduction: 'A score of a key that a query must not see becomes −∞, so that the softmax gives it the weight 0 exactly. The causal mask hides the keys behind the query, where the last query stands at the last key; padding hides the keys from $l$ on.',
  axes: { T: axis('t', 'queries', { example: 2 }), S: axis('s', 'keys', { example: 3 }) },
  letters: {
    x: given('x', 'T S', 'scores'),
    m: maskChoice, l: keyLength,
    M: defined('M', 'T S', '1 where the key is visible, 0 where it is not', VISIBLE, ({ m, l }, { T, S }) => visible(m, l, T, S)),
    y: defined('y', 'T S', 'output', String.raw`y_{ts} = \begin{cases} x_{ts} & M_{ts} = 1 \\ -\infty & \text{otherwise} \end{cases}`, ({ x, M }) =>
      x.map((row, t) => row.map((v, s) => (M[t][s] === 1 ? v : -Infinity)))),
    w: defined('w', 'T S', 'the same with another constant where it is hidden, for differences of infinities are no numbers', String.raw`w_{ts} = M_{ts}\,x_{ts}`, ({ x, M }) =>
      x.map((row, t) => row.map((v, s) => M[t][s] * v))),
    dy: given('dy', 'T S', 'gradient at the output'),
    dx: gradientAt('dx', 'T S', 'x', 'gradient at the scores')
  },
  outputs: [
    { value: 'y', aside: true, library: ({ x, m, l }, { S }) => maskedLayer(maskOf(m, l, S)).forward({}, asTensor(x)) },
    { value: 'w', gradient: 'dy' }
  ],
  chains: [{
    of: 'dx', library: ({ x, m, l, dy }, { S }) => maskedLayer(maskOf(m, l, S)).vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'A visible score passes through, with the derivative 1. A hidden one is a constant, with the derivative 0, whichever constant it is.',
      formula: String.raw`dx_{ts} = \begin{cases} dy_{ts} & M_{ts} = 1 \\ 0 & \text{otherwise} \end{cases}`,
      compute: ({ M, dy }) => dy.map((row, t) => row.map((d, s) => (M[t][s] === 1 ? d : 0)))
    }]
  }]
})

interface Attention {
  readonly Q: Matrix
  readonly K: Matrix
  readonly V: Matrix
  readonly m: number
  readonly l: number
  readonly M: Matrix
  readonly Z: Matrix
  readonly n: Vector
  readonly A: Matrix
  readonly Y: Matrix
  readonly dY: Matrix
  readonly dA: Matrix
  readonly dZ: Matrix
  readonly dQ: Matrix
  readonly dK: Matrix
  readonly dV: Matrix
  readonly a: Vector
  readonly b: Vector
}

const layer = ({ m, l, K }: Attention) => attentionLayer(maskOf(m, l, K.length))

const inputOf = ({ Q, K, V }: Attention) => ({ query: asTensor(Q), key: asTensor(K), value: asTensor(V) })

const attentionGradient = (c: Attention) => layer(c).vjp({}, inputOf(c))[1](asTensor(c.dY)).input

const scaled = (factor: number, a: Matrix): Matrix => a.map(row => row.map(v => factor * v))

export const attention = derivation<Attention>({
  name: 'scaled dot-product attention', source: 'src/layers/attention.ts', about: ['attention', 'causalAttention'], uses: ['linear', 'softmax', 'mask'],
  introduction: 'Every query takes a weighted mean of the values; the weights say how well it fits each key. Batches and heads only repeat this. A query that sees no key has weights 0 and the output 0.',
  axes: { T: axis('t r', 'queries'), S: axis('s u', 'keys', { example: 3 }), d: axis('i j', 'width of a query and a key', { max: 2 }), d_v: axis('c', 'width of a value', { max: 2, example: 1 }) },
  letters: {
    Q: given('Q', 'T d', 'queries'),
    K: given('K', 'S d', 'keys'),
    V: given('V', 'S d_v', 'values'),
    m: maskChoice, l: keyLength,
    M: defined('M', 'T S', '1 where the key is visible, 0 where it is not', VISIBLE, ({ m, l }, { T, S }) => visible(m, l, T, S)),
    Z: defined('Z', 'T S', 'scores', String.raw`Z_{ts} = \frac{1}{\sqrt d} \sum_j Q_{tj} K_{sj}`, ({ Q, K }) =>
      matrix(Q.length, K.length, (t, s) => sum(Q[0].length, j => Q[t][j] * K[s][j]) / Math.sqrt(Q[0].length))),
    n: defined('n', 'T', 'what makes the sum of the weights 1', String.raw`n_t = \sum_u M_{tu}\,e^{Z_{tu}}`, ({ M, Z }) =>
      Z.map((row, t) => sum(row.length, u => M[t][u] * Math.exp(row[u])))),
    A: defined('A', 'T S', 'weights', String.raw`A_{ts} = \begin{cases} M_{ts}\,e^{Z_{ts}}/n_t & n_t > 0 \\ 0 & \text{otherwise} \end{cases}`, ({ M, Z, n }) =>
      Z.map((row, t) => row.map((z, s) => (n[t] > 0 ? M[t][s] * Math.exp(z) / n[t] : 0)))),
    Y: defined('Y', 'T d_v', 'output', String.raw`Y_{tc} = \sum_s A_{ts} V_{sc}`, ({ A, V }) => product(A, V)),
    dY: given('dY', 'T d_v', 'gradient at the output'),
    dV: gradientAt('dV', 'S d_v', 'V', 'gradient at the values'),
    dA: gradientAt('dA', 'T S', 'A', 'gradient at the weights'),
    dZ: gradientAt('dZ', 'T S', 'Z', 'gradient at the scores'),
    dQ: gradientAt('dQ', 'T d', 'Q', 'gradient at the queries'),
    dK: gradientAt('dK', 'S d', 'K', 'gradient at the keys'),
    a: chance('a', 'd', 'a random query: independent entries with mean 0 and variance 1', () => [[-1, 0.5], [1, 0.5]]),
    b: chance('b', 'd', 'a random key of the same kind', () => [[-2, 0.125], [0, 0.75], [2, 0.125]])
  },
  outputs: [{ value: 'Y', gradient: 'dY', library: c => layer(c).forward({}, inputOf(c)) }],
  chains: [{
    of: 'dV', library: c => attentionGradient(c).value,
    steps: [{
      text: '$V_{sc}$ acts on column $c$ of every output row, with the factor $A_{ts}$.',
      formula: String.raw`dV_{sc} = \sum_t dY_{tc}\,A_{ts}`,
      compute: ({ A, V, dY }) => matrix(V.length, V[0].length, (s, c) => sum(A.length, t => dY[t][c] * A[t][s]))
    }, {
      text: 'The sum runs down the columns of both matrices.',
      formula: String.raw`dV = A^\top dY`,
      compute: ({ A, dY }) => product(transposed(A), dY)
    }]
  }, {
    of: 'dA',
    steps: [{
      text: '$A_{ts}$ acts on the whole row $t$ of the output, with the values of key $s$.',
      formula: String.raw`dA_{ts} = \sum_c dY_{tc}\,V_{sc}`,
      compute: ({ A, V, dY }) => matrix(A.length, V.length, (t, s) => sum(V[0].length, c => dY[t][c] * V[s][c]))
    }, {
      text: 'As in the linear layer:',
      formula: String.raw`dA = dY\,V^\top`,
      compute: ({ V, dY }) => product(dY, transposed(V))
    }]
  }, {
    of: { derivative: String.raw`\partial A_{ts}/\partial Z_{tu}` },
    steps: [{
      text: 'The weights of a query are a softmax of its visible scores, and this is the Jacobian derived there. Where a key is hidden its weight is 0, and so is what the formula gives for it, as a constant score asks for.',
      formula: String.raw`\frac{\partial A_{ts}}{\partial Z_{tu}} = A_{ts}\,(\delta_{su} - A_{tu})`,
      compute: ({ A }) => A.map(row => matrix(row.length, row.length, (s, u) => row[s] * (delta(s, u) - row[u])))
    }]
  }, {
    of: 'dZ',
    steps: [{
      text: 'Scores of one query act on the weights of the same query only.',
      formula: String.raw`dZ_{tu} = \sum_s dA_{ts}\,\frac{\partial A_{ts}}{\partial Z_{tu}} = \sum_s dA_{ts}\,A_{ts}\,(\delta_{su} - A_{tu})`,
      compute: ({ A, dA }) => A.map((row, t) => vector(row.length, u => sum(row.length, s => dA[t][s] * row[s] * (delta(s, u) - row[u]))))
    }, {
      text: 'The delta picks $?s = u$; then factor out $A_{tu}$, as with the softmax.',
      formula: String.raw`dZ_{tu} = A_{tu}\,\Big(dA_{tu} - \sum_s dA_{ts}\,A_{ts}\Big)`,
      compute: ({ A, dA }) => A.map((row, t) => {
        const mean = sum(row.length, s => dA[t][s] * row[s])
        return row.map((weight, u) => weight * (dA[t][u] - mean))
      })
    }]
  }, {
    of: 'dQ', library: c => attentionGradient(c).query,
    steps: [{
      text: 'The query $Q_{ri}$ acts on the scores of its own row, $\\partial Z_{tu}/\\partial Q_{ri} = \\delta_{tr}\\,K_{ui}/\\sqrt d$. The sum over all scores:',
      formula: String.raw`dQ_{ri} = \sum_t \sum_u dZ_{tu}\,\delta_{tr}\,\frac{K_{ui}}{\sqrt d}`,
      compute: ({ Q, K, dZ }) => matrix(Q.length, Q[0].length, (r, i) =>
        sum(Q.length, t => sum(K.length, u => dZ[t][u] * delta(t, r) * K[u][i] / Math.sqrt(Q[0].length))))
    }, {
      text: 'The delta leaves row $r$ of $dZ$, and the sum over the keys is a product.',
      formula: String.raw`dQ = \frac{dZ\,K}{\sqrt d}`,
      compute: ({ K, dZ }) => scaled(1 / Math.sqrt(K[0].length), product(dZ, K))
    }]
  }, {
    of: 'dK', library: c => attentionGradient(c).key,
    steps: [{
      text: 'The key $K_{si}$ acts on the scores of every query, $\\partial Z_{tu}/\\partial K_{si} = \\delta_{us}\\,Q_{ti}/\\sqrt d$.',
      formula: String.raw`dK_{si} = \sum_t \sum_u dZ_{tu}\,\delta_{us}\,\frac{Q_{ti}}{\sqrt d}`,
      compute: ({ Q, K, dZ }) => matrix(K.length, K[0].length, (s, i) =>
        sum(Q.length, t => sum(K.length, u => dZ[t][u] * delta(u, s) * Q[t][i] / Math.sqrt(Q[0].length))))
    }, {
      text: 'The delta leaves column $s$ of $dZ$.',
      formula: String.raw`dK = \frac{dZ^\top Q}{\sqrt d}`,
      compute: ({ Q, dZ }) => scaled(1 / Math.sqrt(Q[0].length), product(transposed(dZ), Q))
    }]
  }],
  claims: [{
    title: 'Why the root of d',
    text: 'If all entries of a query and a key are independent, with mean 0 and variance 1, their dot product has the variance $d$, so the deviation $\\sqrt d$. Divided by it the scores keep the variance 1, whatever the width. (The root is the temperature of the softmax.) Without it wide heads would have large scores, one weight near 1 and the others near 0, where $\\partial A_{ts}/\\partial Z_{ts} = A_{ts}\\,(1 - A_{ts})$ vanishes and nothing is learned.',
    formulas: [String.raw`\mathbb E\Big[\sum_j a_j b_j\Big] = 0, \qquad \mathrm{Var}\Big[\sum_j a_j b_j\Big] = d, \qquad \mathrm{Var}\Big[\frac{1}{\sqrt d} \sum_j a_j b_j\Big] = 1`]
  }, {
    title: 'What the gradient says',
    text: 'The gradient at the scores of a query sums to 0, as that of every softmax: attention can only be moved from one key to another.',
    formulas: [String.raw`\sum_u dZ_{tu} = 0`]
  }],
  cost: 'Forward $T S\\,(d + d_v)$ multiplications, and twice that for the gradient; the weights would take $T S$ numbers, which the next page does without.'
})

interface Merge {
  readonly x: readonly Matrix[]
  readonly y: Matrix
  readonly dy: Matrix
  readonly dx: readonly Matrix[]
}

export const merge = derivation<Merge>({
  name: 'merging heads', source: 'src/layers/heads.ts', about: ['mergeHeads'], uses: ['conventions'],
  introduction: 'The results of the heads stand side by side in one row.',
  axes: { H: axis('h', 'heads'), T: axis('t u', 'positions'), d: axis('j', 'width of a head', { max: 2 }), Hd: axis('i', 'width of all heads') },
  letters: {
    x: given('x', 'H T d', 'results of the heads'),
    y: defined('y', 'T Hd', 'output', String.raw`y_{t,hd+j} = x_{htj}`, ({ x }, { H, T, d }) => matrix(T, H * d, (t, i) => x[Math.floor(i / d)][t][i % d])),
    dy: given('dy', 'T Hd', 'gradient at the output'),
    dx: gradientAt('dx', 'H T d', 'x', 'gradient at the heads')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x }) => mergeLayer.forward({}, asTensor(x)) }],
  chains: [{
    of: 'dx', library: ({ x, dy }) => mergeLayer.vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'Each output is one input: $\\partial y_{ui}/\\partial x_{htj} = \\delta_{ut}\\,\\delta_{i,hd+j}$.',
      formula: String.raw`dx_{htj} = \sum_u \sum_i dy_{ui}\,\delta_{ut}\,\delta_{i,hd+j}`,
      compute: ({ x, dy }, { d }) => x.map((head, h) => matrix(head.length, d, (t, j) =>
        sum(dy.length, u => sum(dy[0].length, i => dy[u][i] * delta(u, t) * delta(i, h * d + j)))))
    }, {
      text: 'The deltas pick the place where the entry went: the gradient of a rearrangement is its inverse.',
      formula: String.raw`dx_{htj} = dy_{t,hd+j}`,
      compute: ({ x, dy }, { d }) => x.map((head, h) => matrix(head.length, d, (t, j) => dy[t][h * d + j]))
    }]
  }],
  cost: 'Every number is moved once in both directions; there is nothing to multiply.'
})

interface Split {
  readonly x: Matrix
  readonly Q: readonly Matrix[]
  readonly K: readonly Matrix[]
  readonly V: readonly Matrix[]
  readonly dQ: readonly Matrix[]
  readonly dK: readonly Matrix[]
  readonly dV: readonly Matrix[]
  readonly dx: Matrix
}

export const split = derivation<Split>({
  name: 'splitting into heads', source: 'src/layers/heads.ts', about: ['splitHeads'], uses: ['merge'],
  introduction: 'One wide row holds the queries of all heads, then their keys, then their values.',
  axes: { H: axis('h', 'heads'), T: axis('t u', 'positions'), d: axis('j', 'width of a head', { max: 2 }), '3Hd': axis('i', 'width of a row') },
  letters: {
    x: given('x', 'T 3Hd', 'input'),
    Q: defined('Q', 'H T d', 'queries', String.raw`Q_{htj} = x_{t,hd+j}`, ({ x }, { H, d }) => part(x, 0, H, d)),
    K: defined('K', 'H T d', 'keys', String.raw`K_{htj} = x_{t,Hd+hd+j}`, ({ x }, { H, d }) => part(x, 1, H, d)),
    V: defined('V', 'H T d', 'values', String.raw`V_{htj} = x_{t,2Hd+hd+j}`, ({ x }, { H, d }) => part(x, 2, H, d)),
    dQ: given('dQ', 'H T d', 'gradient at the queries'),
    dK: given('dK', 'H T d', 'gradient at the keys'),
    dV: given('dV', 'H T d', 'gradient at the values'),
    dx: gradientAt('dx', 'T 3Hd', 'x', 'gradient at the input')
  },
  outputs: [
    { value: 'Q', gradient: 'dQ', library: ({ x }, { H }) => splitLayer(H).forward({}, asTensor(x)).query },
    { value: 'K', gradient: 'dK', library: ({ x }, { H }) => splitLayer(H).forward({}, asTensor(x)).key },
    { value: 'V', gradient: 'dV', library: ({ x }, { H }) => splitLayer(H).forward({}, asTensor(x)).value }
  ],
  chains: [{
    of: 'dx',
    library: ({ x, dQ, dK, dV }, { H }) => splitLayer(H).vjp({}, asTensor(x))[1]({ query: asTensor(dQ), key: asTensor(dK), value: asTensor(dV) }).input,
    steps: [{
      text: 'Each output is one input, for example $\\partial K_{huj}/\\partial x_{ti} = \\delta_{ut}\\,\\delta_{i,Hd+hd+j}$. All three parts together:',
      formula: String.raw`dx_{ti} = \sum_h \sum_u \sum_j \delta_{ut}\,\big(dQ_{huj}\,\delta_{i,hd+j} + dK_{huj}\,\delta_{i,Hd+hd+j} + dV_{huj}\,\delta_{i,2Hd+hd+j}\big)`,
      compute: ({ x, dQ, dK, dV }, { H, T, d }) => matrix(T, x[0].length, (t, i) => sum(H, h => sum(T, u => sum(d, j => delta(u, t) * (
        dQ[h][u][j] * delta(i, h * d + j) + dK[h][u][j] * delta(i, H * d + h * d + j) + dV[h][u][j] * delta(i, 2 * H * d + h * d + j))))))
    }, {
      text: 'The deltas pick the place where the entry went: the gradients stand side by side as the parts did.',
      formula: String.raw`dx_{t,hd+j} = dQ_{htj}, \qquad dx_{t,Hd+hd+j} = dK_{htj}, \qquad dx_{t,2Hd+hd+j} = dV_{htj}`,
      compute: ({ x, dQ, dK, dV }, { H, T, d }) => matrix(T, x[0].length, (t, i) =>
        [dQ, dK, dV][Math.floor(i / d / H)][Math.floor(i / d) % H][t][i % d])
    }]
  }],
  cost: 'Every number is moved once in both directions; there is nothing to multiply.'
})
