/**
 * Derivations of attention and of what stands around it: the mask and the heads.
 *
 * @module
 */
import fc from 'fast-check'
import {
  attention as attentionLayer, causalMask, masked as maskedLayer, mergeHeads as mergeLayer, noMask, splitHeads as splitLayer
} from 'pullback'
import { matrices, size } from './cases.js'
import { derivation, numericGradient, numericJacobian } from './derivation.js'
import { asTensor, delta, type Matrix, matrix, numbers, product, sum, transposed } from './notation.js'

interface Case {
  readonly Q: Matrix
  readonly K: Matrix
  readonly V: Matrix
  readonly dy: Matrix
  readonly causal: boolean
}

/** Whether key s is visible from query t. */
const visible = ({ Q, K, causal }: Case, t: number, s: number): boolean => !causal || s <= t + K.length - Q.length

/** $S = QK^\top/\sqrt d$ */
const scores = ({ Q, K }: Case): Matrix =>
  matrix(Q.length, K.length, (t, s) => sum(Q[0].length, j => Q[t][j] * K[s][j]) / Math.sqrt(Q[0].length))

/** $W = \mathrm{softmax}(\mathrm{mask}(S))$; a row with nothing visible is 0. */
const weights = (c: Case): Matrix => {
  const S = scores(c)
  const e = matrix(S.length, c.K.length, (t, s) => (visible(c, t, s) ? Math.exp(S[t][s]) : 0))
  return e.map(row => {
    const total = sum(row.length, s => row[s])
    return row.map(v => (total === 0 ? 0 : v / total))
  })
}

/** $dW = dY\,V^\top$ */
const dWeights = ({ V, dy }: Case): Matrix => product(dy, transposed(V))

/** $dS_{ts} = W_{ts}\,(dW_{ts} - \sum_u dW_{tu} W_{tu})$ */
const dScores = (c: Case): Matrix => {
  const W = weights(c), dW = dWeights(c)
  return matrix(c.Q.length, c.K.length, (t, s) => W[t][s] * (dW[t][s] - sum(c.K.length, u => dW[t][u] * W[t][u])))
}

const attentionOf = (c: Case): Matrix => {
  const W = weights(c)
  return matrix(c.Q.length, c.V[0].length, (t, e) => sum(c.K.length, s => W[t][s] * c.V[s][e]))
}

const layer = ({ causal }: Case) => attentionLayer(causal ? causalMask : noMask)

const inputOf = ({ Q, K, V }: Case) => ({ query: asTensor(Q), key: asTensor(K), value: asTensor(V) })

const gradient = (c: Case) => layer(c).vjp({}, inputOf(c))[1](asTensor(c.dy)).input

export const attention = derivation<Case>({
  name: 'scaled dot-product attention', source: 'src/layers/attention.ts',
  introduction: 'Every query takes a weighted mean of the values. Shapes: $Q$ `[T, d]`, $K$ `[S, d]`, $V$ `[S, e]`, scores $S$ and weights $W$ `[T, S]`, $Y$ `[T, e]`; batch and heads only repeat this. A hidden score is −∞, so its weight is exactly 0.',
  definition: {
    formula: String.raw`S_{ts} = \frac{1}{\sqrt d} \sum_j Q_{tj} K_{sj}, \qquad W_{ts} = \frac{e^{S_{ts}}\,[s \text{ visible from } t]}{\sum_u e^{S_{tu}}\,[u \text{ visible from } t]}, \qquad Y_{te} = \sum_s W_{ts} V_{se}`,
    compute: attentionOf, library: c => numbers(layer(c).forward({}, inputOf(c)))
  },
  cases: fc.tuple(size(3), size(3), size(2), size(2)).chain(([t, s, d, e]) => fc.record({
    Q: matrices(t, d), K: matrices(s, d), V: matrices(s, e), dy: matrices(t, e), causal: fc.boolean()
  })),
  chains: [{
    quantity: 'dV', numeric: numericGradient(attentionOf, 'V'), library: c => numbers(gradient(c).value),
    steps: [{
      text: '$V_{se}$ acts on column $e$ of every output row, with the factor $W_{ts}$.',
      formula: String.raw`dV_{se} = \sum_t dY_{te}\,W_{ts}`,
      compute: c => matrix(c.K.length, c.V[0].length, (s, e) => sum(c.Q.length, t => c.dy[t][e] * weights(c)[t][s]))
    }, {
      text: 'The sum runs down the columns of both matrices.',
      formula: String.raw`dV = W^\top dY`,
      compute: c => product(transposed(weights(c)), c.dy)
    }]
  }, {
    quantity: String.raw`\partial W_{ts}/\partial Q_{ri}`, numeric: numericJacobian(weights, 'Q'),
    steps: [{
      text: 'The Jacobian of the softmax, $\\partial W_{ts}/\\partial S_{tu} = W_{ts}(\\delta_{su} - W_{tu})$, is derived with the softmax. A hidden weight is 0 and the formula gives 0 for it, as the constant $-\\infty$ asks for. The scores of row $t$ depend on row $t$ of $Q$ only: $\\partial S_{tu}/\\partial Q_{ri} = \\delta_{tr} K_{ui}/\\sqrt d$.',
      formula: String.raw`\frac{\partial W_{ts}}{\partial Q_{ri}} = \sum_u W_{ts}\,(\delta_{su} - W_{tu})\,\delta_{tr}\,\frac{K_{ui}}{\sqrt d}`,
      compute: c => {
        const W = weights(c), d = c.Q[0].length
        return matrix(c.Q.length, c.K.length, (t, s) => matrix(c.Q.length, d, (r, i) =>
          sum(c.K.length, u => W[t][s] * (delta(s, u) - W[t][u]) * delta(t, r) * c.K[u][i] / Math.sqrt(d))))
      }
    }]
  }, {
    quantity: 'dQ', numeric: numericGradient(attentionOf, 'Q'), library: c => numbers(gradient(c).query),
    steps: [{
      text: '$Y = WV$ gives the gradient at the weights, $dW_{ts} = \\sum_e dY_{te} V_{se}$, as in the linear layer. Through the Jacobian above:',
      formula: String.raw`dQ_{ti} = \sum_s dW_{ts} \sum_u W_{ts}\,(\delta_{su} - W_{tu})\,\frac{K_{ui}}{\sqrt d}, \qquad dW = dY\,V^\top`,
      compute: c => {
        const W = weights(c), dW = dWeights(c), d = c.Q[0].length
        return matrix(c.Q.length, d, (t, i) => sum(c.K.length, s => dW[t][s] * sum(c.K.length, u =>
          W[t][s] * (delta(s, u) - W[t][u]) * c.K[u][i] / Math.sqrt(d))))
      }
    }, {
      text: 'Exchange the sums. What stands before $K_{ui}$ is the pullback of the softmax, called $dS_{tu}$; its last form is derived with the softmax.',
      formula: String.raw`dQ_{ti} = \frac{1}{\sqrt d} \sum_u dS_{tu}\,K_{ui}, \qquad dS_{tu} = W_{tu}\,\Big(dW_{tu} - \sum_s dW_{ts} W_{ts}\Big)`,
      compute: c => {
        const dS = dScores(c), d = c.Q[0].length
        return matrix(c.Q.length, d, (t, i) => sum(c.K.length, u => dS[t][u] * c.K[u][i]) / Math.sqrt(d))
      }
    }, {
      text: 'As matrices:',
      formula: String.raw`dQ = \frac{dS\,K}{\sqrt d}`,
      compute: c => product(dScores(c), c.K).map(row => row.map(v => v / Math.sqrt(c.Q[0].length)))
    }]
  }, {
    quantity: 'dK', numeric: numericGradient(attentionOf, 'K'), library: c => numbers(gradient(c).key),
    steps: [{
      text: 'The key $K_{si}$ acts on the scores of every query, $\\partial S_{tu}/\\partial K_{si} = \\delta_{us}\\,Q_{ti}/\\sqrt d$; the gradient at the scores is the same $dS$.',
      formula: String.raw`dK_{si} = \sum_t \sum_u dS_{tu}\,\delta_{us}\,\frac{Q_{ti}}{\sqrt d}`,
      compute: c => {
        const dS = dScores(c), d = c.Q[0].length
        return matrix(c.K.length, d, (s, i) => sum(c.Q.length, t => sum(c.K.length, u =>
          dS[t][u] * delta(u, s) * c.Q[t][i] / Math.sqrt(d))))
      }
    }, {
      text: 'The delta leaves column $s$ of $dS$.',
      formula: String.raw`dK = \frac{dS^\top Q}{\sqrt d}`,
      compute: c => product(transposed(dScores(c)), c.Q).map(row => row.map(v => v / Math.sqrt(c.Q[0].length)))
    }]
  }]
})

interface MaskCase {
  readonly x: Matrix
  readonly dy: Matrix
}

const shows = ({ x }: MaskCase, t: number, s: number): boolean => s <= t + x[0].length - x.length

export const mask = derivation<MaskCase>({
  name: 'causal mask', source: 'src/layers/mask.ts',
  introduction: 'A score of a key after the query becomes −∞. Shapes: $x$ and $y$ `[T, S]`; the last query stands at the last key. A padding mask does the same with another condition.',
  definition: {
    formula: String.raw`y_{ts} = \begin{cases} x_{ts} & s \le t + S - T \\ -\infty & \text{otherwise} \end{cases}`,
    compute: c => matrix(c.x.length, c.x[0].length, (t, s) => (shows(c, t, s) ? c.x[t][s] : -Infinity)),
    library: ({ x }) => numbers(maskedLayer(causalMask).forward({}, asTensor(x)))
  },
  cases: fc.tuple(size(3), size(3)).chain(([t, s]) => fc.record({ x: matrices(t, s), dy: matrices(t, s) })),
  chains: [{
    quantity: 'dx_{ts}',
    // A hidden score does not move; any constant in its place has the same derivative.
    numeric: numericGradient(c => matrix(c.x.length, c.x[0].length, (t, s) => (shows(c, t, s) ? c.x[t][s] : 0)), 'x'),
    library: ({ x, dy }) => numbers(maskedLayer(causalMask).vjp({}, asTensor(x))[1](asTensor(dy)).input),
    steps: [{
      text: 'A visible score passes through, with the derivative 1. A hidden one is a constant, with the derivative 0.',
      formula: String.raw`dx_{ts} = \begin{cases} dy_{ts} & s \le t + S - T \\ 0 & \text{otherwise} \end{cases}`,
      compute: c => matrix(c.x.length, c.x[0].length, (t, s) => (shows(c, t, s) ? c.dy[t][s] : 0))
    }]
  }]
})

interface HeadsCase {
  readonly x: readonly Matrix[]
  readonly dy: Matrix
}

const mergeOf = ({ x }: HeadsCase): Matrix => {
  const d = x[0][0].length
  return matrix(x[0].length, x.length * d, (t, i) => x[Math.floor(i / d)][t][i % d])
}

export const merge = derivation<HeadsCase>({
  name: 'merging heads', source: 'src/layers/heads.ts',
  introduction: 'The results of the heads stand side by side in one row. Shapes: $x$ `[H, T, d]`, $y$ `[T, H d]`.',
  definition: {
    formula: String.raw`y_{t,\,hd + j} = x_{htj}`,
    compute: mergeOf, library: ({ x }) => numbers(mergeLayer.forward({}, asTensor(x)))
  },
  cases: fc.tuple(size(3), size(3), size(2)).chain(([h, t, d]) => fc.record({
    x: fc.array(matrices(t, d), { minLength: h, maxLength: h }), dy: matrices(t, h * d)
  })),
  chains: [{
    quantity: 'dx_{htj}', numeric: numericGradient(mergeOf, 'x'),
    library: ({ x, dy }) => numbers(mergeLayer.vjp({}, asTensor(x))[1](asTensor(dy)).input),
    steps: [{
      text: 'Each output is one input: $\\partial y_{ui}/\\partial x_{htj} = \\delta_{ut}\\,\\delta_{i,\\,hd + j}$.',
      formula: String.raw`dx_{htj} = \sum_u \sum_i dy_{ui}\,\delta_{ut}\,\delta_{i,\,hd + j}`,
      compute: ({ x, dy }) => x.map((head, h) => matrix(head.length, head[0].length, (t, j) =>
        sum(dy.length, u => sum(dy[0].length, i => dy[u][i] * delta(u, t) * delta(i, h * head[0].length + j)))))
    }, {
      text: 'The deltas pick the place where the entry went: the gradient of a rearrangement is its inverse.',
      formula: String.raw`dx_{htj} = dy_{t,\,hd + j}`,
      compute: ({ x, dy }) => x.map((head, h) => matrix(head.length, head[0].length, (t, j) => dy[t][h * head[0].length + j]))
    }]
  }]
})

interface SplitCase {
  readonly x: Matrix
  /** For the queries, keys and values of every head. */
  readonly dy: readonly (readonly Matrix[])[]
}

const splitOf = ({ x, dy }: SplitCase) => {
  const heads = dy[0].length, d = dy[0][0][0].length
  return dy.map((part, p) => part.map((_, h) => matrix(x.length, d, (t, j) => x[t][p * heads * d + h * d + j])))
}

const parts = ({ query, key, value }: { readonly [k in 'query' | 'key' | 'value']: ReturnType<typeof asTensor> }) =>
  [query, key, value].map(numbers)

export const split = derivation<SplitCase>({
  name: 'splitting into heads', source: 'src/layers/heads.ts',
  introduction: 'One wide row holds the queries of all heads, then their keys, then their values. Shapes: $x$ `[T, 3D]`, each of $Q$, $K$, $V$ `[H, T, d]` with $D = Hd$. With $p = 0, 1, 2$ for $Q$, $K$, $V$:',
  definition: {
    formula: String.raw`y^{(p)}_{htj} = x_{t,\,pD + hd + j}`,
    compute: splitOf, library: c => parts(splitLayer(c.dy[0].length).forward({}, asTensor(c.x)))
  },
  cases: fc.tuple(size(3), size(3), size(2)).chain(([h, t, d]) => fc.record({
    x: matrices(t, 3 * h * d),
    dy: fc.array(fc.array(matrices(t, d), { minLength: h, maxLength: h }), { minLength: 3, maxLength: 3 })
  })),
  chains: [{
    quantity: 'dx_{ti}', numeric: numericGradient(splitOf, 'x'),
    library: ({ x, dy }) => {
      const [query, key, value] = dy.map(asTensor)
      return numbers(splitLayer(dy[0].length).vjp({}, asTensor(x))[1]({ query, key, value }).input)
    },
    steps: [{
      text: 'Each output is one input: $\\partial y^{(p)}_{huj}/\\partial x_{ti} = \\delta_{ut}\\,\\delta_{i,\\,pD + hd + j}$.',
      formula: String.raw`dx_{ti} = \sum_p \sum_h \sum_u \sum_j dy^{(p)}_{huj}\,\delta_{ut}\,\delta_{i,\,pD + hd + j}`,
      compute: ({ x, dy }) => {
        const heads = dy[0].length, d = dy[0][0][0].length
        return matrix(x.length, x[0].length, (t, i) => sum(3, p => sum(heads, h => sum(x.length, u => sum(d, j =>
          dy[p][h][u][j] * delta(u, t) * delta(i, p * heads * d + h * d + j))))))
      }
    }, {
      text: 'The deltas pick the place where the entry went: part, head and column are the digits of $i$ in the mixed base $(3, H, d)$.',
      formula: String.raw`dx_{t,\,pD + hd + j} = dy^{(p)}_{htj}`,
      compute: ({ x, dy }) => {
        const heads = dy[0].length, d = dy[0][0][0].length
        return matrix(x.length, x[0].length, (t, i) => dy[Math.floor(i / d / heads)][Math.floor(i / d) % heads][t][i % d])
      }
    }]
  }]
})
