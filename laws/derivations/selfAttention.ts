/**
 * Derivations of attention on one sequence, with one head and with several, one layer in a step.
 *
 * @module
 */
import fc from 'fast-check'
import { attention, causalMask, multiHeadAttention, noMask, singleHeadAttention } from 'pullback'
import type { Value } from './arrays.js'
import { derivation } from './derivation.js'
import { axis, defined, type FunctionLetter, given, gradientAt, mapping } from './letters.js'
import { affine } from './linear.js'
import { asTensor, type Matrix, matrix, matrixOf, plus, product, sum, transposed, type Vector } from './notation.js'
import { columnSums, linearParams, ONES, part, small } from './parts.js'

interface SingleHead {
  readonly X: Matrix
  readonly WQ: Matrix
  readonly bQ: Vector
  readonly WK: Matrix
  readonly bK: Vector
  readonly WV: Matrix
  readonly bV: Vector
  readonly one: Vector
  readonly m: number
  readonly Q: Matrix
  readonly K: Matrix
  readonly V: Matrix
  readonly Y: Matrix
  readonly dY: Matrix
  readonly dQ: Matrix
  readonly dK: Matrix
  readonly dV: Matrix
  readonly dX: Matrix
  readonly dWQ: Matrix
  readonly dWK: Matrix
  readonly dWV: Matrix
  readonly dbQ: Vector
  readonly dbK: Vector
  readonly dbV: Vector
}

const maskChoice = given('m', '', 'which mask: 0 none, 1 causal', { entries: fc.constantFrom(0, 1), example: () => 1 })

const attentionAt = (m: Value) => attention(m === 1 ? causalMask : noMask)

const attendedBy = (m: Value, [query, key, value]: readonly Value[]): Matrix =>
  matrixOf(attentionAt(m).forward({}, { query: asTensor(query), key: asTensor(key), value: asTensor(value) }))

const attentionPullback = (m: Value, [query, key, value]: readonly Value[], dy: Value): readonly Matrix[] => {
  const { input } = attentionAt(m).vjp({}, { query: asTensor(query), key: asTensor(key), value: asTensor(value) })[1](asTensor(dy))
  return [matrixOf(input.query), matrixOf(input.key), matrixOf(input.value)]
}

const attentionFunction: FunctionLetter = mapping('\\mathrm{attention}', ['T d', 'T d', 'T d'], 'T d', 'scaled dot-product attention, with the mask $m$',
  (values, { m }) => attendedBy(m, values), (point, dy, { m }) => attentionPullback(m, point, dy))

const singleParams = ({ WQ, bQ, WK, bK, WV, bV }: SingleHead) => ({ query: linearParams(WQ, bQ), key: linearParams(WK, bK), value: linearParams(WV, bV) })

const singleLayer = ({ m }: SingleHead) => singleHeadAttention(m === 1 ? causalMask : noMask)

const singleGradient = (c: SingleHead) => singleLayer(c).vjp(singleParams(c), asTensor(c.X))[1](asTensor(c.dY))

export const singleHead = derivation<SingleHead>({
  name: 'attention with one head', source: 'src/layers/selfAttention.ts', about: ['singleHeadAttention'], uses: ['branches', 'linear', 'attention'],
  introduction: 'Queries, keys and values are three linear functions of one sequence: three branches, then attention. The width of the values may differ from that of queries and keys; here all are $d$.',
  axes: { T: axis('n', 'positions'), D: axis('i', 'width of the input'), d: axis('j', 'width of the head', { max: 2 }) },
  functions: { attention: attentionFunction },
  letters: {
    X: given('X', 'T D', 'input', small),
    WQ: given('W_Q', 'D d', 'weight of the queries', small), bQ: given('b_Q', 'd', 'their bias', small),
    WK: given('W_K', 'D d', 'weight of the keys', small), bK: given('b_K', 'd', 'their bias', small),
    WV: given('W_V', 'D d', 'weight of the values', small), bV: given('b_V', 'd', 'their bias', small),
    one: defined('\\mathbf 1', 'T', 'ones', ONES, ({ X }) => X.map(() => 1)),
    m: maskChoice,
    Q: defined('Q', 'T d', 'queries', String.raw`Q = X W_Q + \mathbf 1 b_Q^\top`, ({ X, WQ, bQ }) => affine({ X, W: WQ, b: bQ })),
    K: defined('K', 'T d', 'keys', String.raw`K = X W_K + \mathbf 1 b_K^\top`, ({ X, WK, bK }) => affine({ X, W: WK, b: bK })),
    V: defined('V', 'T d', 'values', String.raw`V = X W_V + \mathbf 1 b_V^\top`, ({ X, WV, bV }) => affine({ X, W: WV, b: bV })),
    Y: defined('Y', 'T d', 'output', String.raw`Y = \mathrm{attention}(Q, K, V)`, ({ Q, K, V, m }) => attendedBy(m, [Q, K, V])),
    dY: given('dY', 'T d', 'gradient at the output'),
    dQ: gradientAt('dQ', 'T d', 'Q', 'gradient at the queries'),
    dK: gradientAt('dK', 'T d', 'K', 'gradient at the keys'),
    dV: gradientAt('dV', 'T d', 'V', 'gradient at the values'),
    dX: gradientAt('dX', 'T D', 'X', 'gradient at the input'),
    dWQ: gradientAt('dW_Q', 'D d', 'WQ', 'gradient at the weight of the queries'),
    dWK: gradientAt('dW_K', 'D d', 'WK', 'gradient at the weight of the keys'),
    dWV: gradientAt('dW_V', 'D d', 'WV', 'gradient at the weight of the values'),
    dbQ: gradientAt('db_Q', 'd', 'bQ', 'gradient at their bias'),
    dbK: gradientAt('db_K', 'd', 'bK', 'gradient at their bias'),
    dbV: gradientAt('db_V', 'd', 'bV', 'gradient at their bias')
  },
  outputs: [{ value: 'Y', gradient: 'dY', library: c => singleLayer(c).forward(singleParams(c), asTensor(c.X)) }],
  chains: [{
    of: 'dQ',
    steps: [{ text: 'The pullback of attention gives all three at once.', formula: String.raw`(dQ, dK, dV) = \mathrm{attention}^*_{Q,K,V}(dY)`, compute: ({ Q, K, V, m, dY }) => attentionPullback(m, [Q, K, V], dY)[0] }]
  }, {
    of: 'dK',
    steps: [{ text: 'The keys:', formula: String.raw`(dQ, dK, dV) = \mathrm{attention}^*_{Q,K,V}(dY)`, compute: ({ Q, K, V, m, dY }) => attentionPullback(m, [Q, K, V], dY)[1] }]
  }, {
    of: 'dV',
    steps: [{ text: 'The values:', formula: String.raw`(dQ, dK, dV) = \mathrm{attention}^*_{Q,K,V}(dY)`, compute: ({ Q, K, V, m, dY }) => attentionPullback(m, [Q, K, V], dY)[2] }]
  }, {
    of: 'dX', library: c => singleGradient(c).input,
    steps: [{
      text: 'The input feeds three branches, so its gradient is a sum of three.',
      formula: String.raw`dX = dQ\,W_Q^\top + dK\,W_K^\top + dV\,W_V^\top`,
      compute: ({ WQ, WK, WV, dQ, dK, dV }) => plus(plus(product(dQ, transposed(WQ)), product(dK, transposed(WK))), product(dV, transposed(WV)))
    }]
  }, {
    of: 'dWQ', library: c => singleGradient(c).params.query.weight,
    steps: [{ text: 'Each branch is a linear layer.', formula: String.raw`dW_Q = X^\top dQ`, compute: ({ X, dQ }) => product(transposed(X), dQ) }]
  }, {
    of: 'dbQ', library: c => singleGradient(c).params.query.bias,
    steps: [{ text: 'Its bias:', formula: String.raw`db_Q = dQ^\top \mathbf 1`, compute: ({ dQ }) => columnSums(dQ) }]
  }, {
    of: 'dWK', library: c => singleGradient(c).params.key.weight,
    steps: [{ text: 'The second branch.', formula: String.raw`dW_K = X^\top dK`, compute: ({ X, dK }) => product(transposed(X), dK) }]
  }, {
    of: 'dbK', library: c => singleGradient(c).params.key.bias,
    steps: [{ text: 'Its bias. A constant added to all keys shifts all scores of a query alike, so this gradient is always 0.', formula: String.raw`db_K = dK^\top \mathbf 1`, compute: ({ dK }) => columnSums(dK) }]
  }, {
    of: 'dWV', library: c => singleGradient(c).params.value.weight,
    steps: [{ text: 'The third branch.', formula: String.raw`dW_V = X^\top dV`, compute: ({ X, dV }) => product(transposed(X), dV) }]
  }, {
    of: 'dbV', library: c => singleGradient(c).params.value.bias,
    steps: [{ text: 'Its bias:', formula: String.raw`db_V = dV^\top \mathbf 1`, compute: ({ dV }) => columnSums(dV) }]
  }],
  claims: [{ title: 'The bias of the keys does nothing', text: 'It adds the same number to every score of a query, and the softmax does not see it.', formulas: ['(db_K)_j = 0'] }],
  cost: 'Three products with the input and those of attention; twice that for the gradient.'
})

interface MultiHead {
  readonly X: Matrix
  readonly W: Matrix
  readonly b: Vector
  readonly WO: Matrix
  readonly bO: Vector
  readonly one: Vector
  readonly m: number
  readonly U: Matrix
  readonly Q: readonly Matrix[]
  readonly K: readonly Matrix[]
  readonly V: readonly Matrix[]
  readonly Z: readonly Matrix[]
  readonly C: Matrix
  readonly Y: Matrix
  readonly dY: Matrix
  readonly dC: Matrix
  readonly dZ: readonly Matrix[]
  readonly dQ: readonly Matrix[]
  readonly dK: readonly Matrix[]
  readonly dV: readonly Matrix[]
  readonly dU: Matrix
  readonly dX: Matrix
  readonly dW: Matrix
  readonly db: Vector
  readonly dWO: Matrix
  readonly dbO: Vector
}
export const multiHeadParams = ({ W, b, WO, bO }: Pick<MultiHead, 'W' | 'b' | 'WO' | 'bO'>) => ({ c_attn: linearParams(W, b), c_proj: linearParams(WO, bO) })

const multiHeadLayer = ({ m }: MultiHead, heads: number) => multiHeadAttention(heads, m === 1 ? causalMask : noMask)

const multiHeadGradient = (c: MultiHead, heads: number) => multiHeadLayer(c, heads).vjp(multiHeadParams(c), asTensor(c.X))[1](asTensor(c.dY))

const headPullbacks = ({ Q, K, V, m, dZ }: MultiHead): readonly (readonly Matrix[])[] => dZ.map((d, h) => attentionPullback(m, [Q[h], K[h], V[h]], d))

export const multiHead = derivation<MultiHead>({
  name: 'multi-head attention', source: 'src/layers/selfAttention.ts', about: ['multiHeadAttention'], uses: ['linear', 'split', 'attention', 'merge', 'chainRule'],
  introduction: 'Queries, keys and values of all heads come from one projection of the sequence; each head attends on its own; another projection mixes what they found.',
  axes: {
    T: axis('t n', 'positions'), H: axis('h', 'heads', { max: 2 }), d: axis('j', 'width of a head', { max: 2, example: 1 }),
    Hd: axis('i', 'width'), '3Hd': axis('', 'width of the projection')
  },
  functions: { attention: attentionFunction },
  letters: {
    X: given('X', 'T Hd', 'input', small),
    W: given('W', 'Hd 3Hd', 'weight of the projection', small),
    b: given('b', '3Hd', 'its bias', small),
    WO: given('W_O', 'Hd Hd', 'weight of the output projection', small),
    bO: given('b_O', 'Hd', 'its bias', small),
    one: defined('\\mathbf 1', 'T', 'ones', ONES, ({ X }) => X.map(() => 1)),
    m: maskChoice,
    U: defined('U', 'T 3Hd', 'the projection', String.raw`U = X W + \mathbf 1 b^\top`, ({ X, W, b }) => affine({ X, W, b })),
    Q: defined('Q', 'H T d', 'queries of every head', String.raw`Q_{htj} = U_{t,hd+j}`, ({ U }, { H, d }) => part(U, 0, H, d)),
    K: defined('K', 'H T d', 'keys', String.raw`K_{htj} = U_{t,Hd+hd+j}`, ({ U }, { H, d }) => part(U, 1, H, d)),
    V: defined('V', 'H T d', 'values', String.raw`V_{htj} = U_{t,2Hd+hd+j}`, ({ U }, { H, d }) => part(U, 2, H, d)),
    Z: defined('Z', 'H T d', 'what each head found', String.raw`Z_h = \mathrm{attention}(Q_h, K_h, V_h)`, ({ Q, K, V, m }) => Q.map((query, h) => attendedBy(m, [query, K[h], V[h]]))),
    C: defined('C', 'T Hd', 'the same side by side', String.raw`C_{t,hd+j} = Z_{htj}`, ({ Z }, { H, T, d }) => matrix(T, H * d, (t, i) => Z[Math.floor(i / d)][t][i % d])),
    Y: defined('Y', 'T Hd', 'output', String.raw`Y = C W_O + \mathbf 1 b_O^\top`, ({ C, WO, bO }) => affine({ X: C, W: WO, b: bO })),
    dY: given('dY', 'T Hd', 'gradient at the output'),
    dC: gradientAt('dC', 'T Hd', 'C', 'gradient at what the heads found, side by side'),
    dZ: gradientAt('dZ', 'H T d', 'Z', 'the same, head by head'),
    dQ: gradientAt('dQ', 'H T d', 'Q', 'gradient at the queries'),
    dK: gradientAt('dK', 'H T d', 'K', 'gradient at the keys'),
    dV: gradientAt('dV', 'H T d', 'V', 'gradient at the values'),
    dU: gradientAt('dU', 'T 3Hd', 'U', 'gradient at the projection'),
    dX: gradientAt('dX', 'T Hd', 'X', 'gradient at the input'),
    dW: gradientAt('dW', 'Hd 3Hd', 'W', 'gradient at the weight'),
    db: gradientAt('db', '3Hd', 'b', 'gradient at the bias'),
    dWO: gradientAt('dW_O', 'Hd Hd', 'WO', 'gradient at the weight of the output projection'),
    dbO: gradientAt('db_O', 'Hd', 'bO', 'gradient at its bias')
  },
  outputs: [{ value: 'Y', gradient: 'dY', library: (c, { H }) => multiHeadLayer(c, H).forward(multiHeadParams(c), asTensor(c.X)) }],
  chains: [{
    of: 'dC',
    steps: [{ text: 'From the last layer to the first. The output projection, at its input:', formula: String.raw`dC = dY\,W_O^\top`, compute: ({ WO, dY }) => product(dY, transposed(WO)) }]
  }, {
    of: 'dWO', library: (c, { H }) => multiHeadGradient(c, H).params.c_proj.weight,
    steps: [{ text: 'At its weight.', formula: String.raw`dW_O = C^\top dY`, compute: ({ C, dY }) => product(transposed(C), dY) }]
  }, {
    of: 'dbO', library: (c, { H }) => multiHeadGradient(c, H).params.c_proj.bias,
    steps: [{ text: 'At its bias.', formula: String.raw`db_O = dY^\top \mathbf 1`, compute: ({ dY }) => columnSums(dY) }]
  }, {
    of: 'dZ',
    steps: [{ text: 'Merging only moved the entries.', formula: String.raw`dZ_{htj} = dC_{t,hd+j}`, compute: ({ dC }, { H, d }) => part(dC, 0, H, d) }]
  }, {
    of: 'dQ',
    steps: [{ text: 'Attention, head by head, each at its own point.', formula: String.raw`(dQ_h, dK_h, dV_h) = \mathrm{attention}^*_{Q_h,K_h,V_h}(dZ_h)`, compute: c => headPullbacks(c).map(([query]) => query) }]
  }, {
    of: 'dK',
    steps: [{ text: 'The keys:', formula: String.raw`(dQ_h, dK_h, dV_h) = \mathrm{attention}^*_{Q_h,K_h,V_h}(dZ_h)`, compute: c => headPullbacks(c).map(([, key]) => key) }]
  }, {
    of: 'dV',
    steps: [{ text: 'The values:', formula: String.raw`(dQ_h, dK_h, dV_h) = \mathrm{attention}^*_{Q_h,K_h,V_h}(dZ_h)`, compute: c => headPullbacks(c).map(([, , value]) => value) }]
  }, {
    of: 'dU',
    steps: [{
      text: 'Splitting only moved the entries too: the gradients of queries, keys and values stand side by side.',
      formula: String.raw`dU_{t,hd+j} = dQ_{htj}, \qquad dU_{t,Hd+hd+j} = dK_{htj}, \qquad dU_{t,2Hd+hd+j} = dV_{htj}`,
      compute: ({ dQ, dK, dV }, { H, T, d }) => matrix(T, 3 * H * d, (t, i) => [dQ, dK, dV][Math.floor(i / d / H)][Math.floor(i / d) % H][t][i % d])
    }]
  }, {
    of: 'dX', library: (c, { H }) => multiHeadGradient(c, H).input,
    steps: [{ text: 'The projection, at its input.', formula: String.raw`dX = dU\,W^\top`, compute: ({ W, dU }) => product(dU, transposed(W)) }, {
      text: 'The one product adds what reaches the input through queries, keys and values.',
      formula: String.raw`dX_{ti} = \sum_h \sum_j \big(dQ_{htj}\,W_{i,hd+j} + dK_{htj}\,W_{i,Hd+hd+j} + dV_{htj}\,W_{i,2Hd+hd+j}\big)`,
      compute: ({ X, W, dQ, dK, dV }, { H, d }) => matrix(X.length, H * d, (t, i) => sum(H, h => sum(d, j =>
        dQ[h][t][j] * W[i][h * d + j] + dK[h][t][j] * W[i][H * d + h * d + j] + dV[h][t][j] * W[i][2 * H * d + h * d + j])))
    }]
  }, {
    of: 'dW', library: (c, { H }) => multiHeadGradient(c, H).params.c_attn.weight,
    steps: [{ text: 'At its weight.', formula: String.raw`dW = X^\top dU`, compute: ({ X, dU }) => product(transposed(X), dU) }]
  }, {
    of: 'db', library: (c, { H }) => multiHeadGradient(c, H).params.c_attn.bias,
    steps: [{ text: 'At its bias.', formula: String.raw`db = dU^\top \mathbf 1`, compute: ({ dU }) => columnSums(dU) }]
  }],
  cost: 'The two projections take $4 T (Hd)^2$ multiplications and attention $2 T^2 Hd$: long sequences are paid in attention, wide models in projections.'
})
