/**
 * Derivations of the compositions that a transformer is made of, one layer in a step. Each uses the pullbacks of its parts, which
 * have pages of their own, and shows how the chain rule puts them together.
 *
 * @module
 */
import fc from 'fast-check'
import {
  attention, block as blockOf, causalMask, feedForward as feedForwardLayer, geluTanh, layerNorm, multiHeadAttention, noMask, singleHeadAttention,
  type Layer, type Tensor
} from 'pullback'
import type { Value } from './arrays.js'
import { real } from './cases.js'
import { derivation } from './derivation.js'
import { axis, type Case, defined, type FunctionLetter, given, gradientAt, mapping, numeric } from './letters.js'
import { affine } from './linear.js'
import { asTensor, type Matrix, matrix, matrixOf, plus, product, sum, transposed, vector, type Vector, vectorOf } from './notation.js'

const small = { entries: real(1) }

const linearParams = (W: Value, b: Value) => ({ weight: asTensor(W), bias: asTensor(b) })

const columnSums = (x: Matrix): Vector => vector(x[0].length, j => sum(x.length, n => x[n][j]))

const ONES = String.raw`\mathbf 1_n = 1`

interface FeedForward {
  readonly X: Matrix
  readonly W1: Matrix
  readonly b1: Vector
  readonly W2: Matrix
  readonly b2: Vector
  readonly one: Vector
  readonly U: Matrix
  readonly H: Matrix
  readonly Y: Matrix
  readonly dY: Matrix
  readonly dH: Matrix
  readonly dU: Matrix
  readonly dX: Matrix
  readonly dW1: Matrix
  readonly db1: Vector
  readonly dW2: Matrix
  readonly db2: Vector
}

const feedForwardParams = ({ W1, b1, W2, b2 }: Pick<FeedForward, 'W1' | 'b1' | 'W2' | 'b2'>) => ({ c_fc: linearParams(W1, b1), c_proj: linearParams(W2, b2) })

const feedForwardGradient = (c: FeedForward) => feedForwardLayer.vjp(feedForwardParams(c), asTensor(c.X))[1](asTensor(c.dY))

export const feedForward = derivation<FeedForward>({
  name: 'feed-forward network', source: 'src/layers/feedForward.ts', about: ['feedForward', 'mlp'], uses: ['linear', 'geluTanh', 'chainRule'],
  introduction: 'Two linear layers with a GELU, in its tanh form, between them; the same at every position. (A multi-layer perceptron is the same with any activation and any number of layers.)',
  axes: { N: axis('n', 'positions'), D: axis('i', 'width'), F: axis('k', 'hidden units', { example: 3 }) },
  functions: {
    gelu: numeric('\\mathrm{geluTanh}', 'z', 'the GELU in its tanh form', String.raw`\tfrac12\,z\,(1 + \tanh(\sqrt{2/\pi}\,(z + 0.044715\,z^3)))`,
      z => vectorOf(geluTanh.forward({}, asTensor([z])))[0])
  },
  letters: {
    X: given('X', 'N D', 'input', small),
    W1: given('W_1', 'D F', 'first weight', small),
    b1: given('b_1', 'F', 'first bias', small),
    W2: given('W_2', 'F D', 'second weight', small),
    b2: given('b_2', 'D', 'second bias', small),
    one: defined('\\mathbf 1', 'N', 'ones', ONES, ({ X }) => X.map(() => 1)),
    U: defined('U', 'N F', 'before the activation', String.raw`U = X W_1 + \mathbf 1 b_1^\top`, ({ X, W1, b1 }) => affine({ X, W: W1, b: b1 })),
    H: defined('H', 'N F', 'after it', String.raw`H = \mathrm{geluTanh}(U)`, ({ U }) => matrixOf(geluTanh.forward({}, asTensor(U)))),
    Y: defined('Y', 'N D', 'output', String.raw`Y = H W_2 + \mathbf 1 b_2^\top`, ({ H, W2, b2 }) => affine({ X: H, W: W2, b: b2 })),
    dY: given('dY', 'N D', 'gradient at the output'),
    dH: gradientAt('dH', 'N F', 'H', 'gradient after the activation'),
    dU: gradientAt('dU', 'N F', 'U', 'gradient before the activation'),
    dX: gradientAt('dX', 'N D', 'X', 'gradient at the input'),
    dW1: gradientAt('dW_1', 'D F', 'W1', 'gradient at the first weight'),
    db1: gradientAt('db_1', 'F', 'b1', 'gradient at the first bias'),
    dW2: gradientAt('dW_2', 'F D', 'W2', 'gradient at the second weight'),
    db2: gradientAt('db_2', 'D', 'b2', 'gradient at the second bias')
  },
  outputs: [{ value: 'Y', gradient: 'dY', library: c => feedForwardLayer.forward(feedForwardParams(c), asTensor(c.X)) }],
  chains: [{
    of: 'dH',
    steps: [{ text: 'From the last layer to the first. The second linear layer, at its input:', formula: String.raw`dH = dY\,W_2^\top`, compute: ({ W2, dY }) => product(dY, transposed(W2)) }]
  }, {
    of: 'dW2', library: c => feedForwardGradient(c).params.c_proj.weight,
    steps: [{ text: 'At its weight; its input $H$ is kept by the forward pass.', formula: String.raw`dW_2 = H^\top dY`, compute: ({ H, dY }) => product(transposed(H), dY) }]
  }, {
    of: 'db2', library: c => feedForwardGradient(c).params.c_proj.bias,
    steps: [{ text: 'At its bias.', formula: String.raw`db_2 = dY^\top \mathbf 1`, compute: ({ dY }) => columnSums(dY) }]
  }, {
    of: 'dU',
    steps: [{
      text: 'The activation, entry by entry: its derivative times the gradient behind it.',
      formula: String.raw`dU = \mathrm{geluTanh}'(U) \odot dH`,
      compute: ({ U, dH }) => matrixOf(geluTanh.vjp({}, asTensor(U))[1](asTensor(dH)).input)
    }]
  }, {
    of: 'dX', library: c => feedForwardGradient(c).input,
    steps: [{ text: 'The first linear layer, at its input.', formula: String.raw`dX = dU\,W_1^\top`, compute: ({ W1, dU }) => product(dU, transposed(W1)) }]
  }, {
    of: 'dW1', library: c => feedForwardGradient(c).params.c_fc.weight,
    steps: [{ text: 'At its weight.', formula: String.raw`dW_1 = X^\top dU`, compute: ({ X, dU }) => product(transposed(X), dU) }]
  }, {
    of: 'db1', library: c => feedForwardGradient(c).params.c_fc.bias,
    steps: [{ text: 'At its bias.', formula: String.raw`db_1 = dU^\top \mathbf 1`, compute: ({ dU }) => columnSums(dU) }]
  }],
  cost: '$2 N D F$ multiplications forward and twice that for the gradient. With the usual $?F = 4 D$ these are two thirds of the products of a block, attention aside.'
})

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

/** One of the three parts of a row, head by head. */
const part = (x: Matrix, p: number, H: number, d: number): readonly Matrix[] =>
  vector(H, h => matrix(x.length, d, (t, j) => x[t][p * H * d + h * d + j]))

const multiHeadParams = ({ W, b, WO, bO }: Pick<MultiHead, 'W' | 'b' | 'WO' | 'bO'>) => ({ c_attn: linearParams(W, b), c_proj: linearParams(WO, bO) })

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

interface Block {
  readonly x: Matrix
  readonly g1: Vector
  readonly s1: Vector
  readonly W: Matrix
  readonly b: Vector
  readonly WO: Matrix
  readonly bO: Vector
  readonly g2: Vector
  readonly s2: Vector
  readonly W1: Matrix
  readonly b1: Vector
  readonly W2: Matrix
  readonly b2: Vector
  readonly n1: Matrix
  readonly a: Matrix
  readonly middle: Matrix
  readonly n2: Matrix
  readonly f: Matrix
  readonly y: Matrix
  readonly dy: Matrix
  readonly dn2: Matrix
  readonly u2: Matrix
  readonly dMiddle: Matrix
  readonly dn1: Matrix
  readonly u1: Matrix
  readonly dx: Matrix
  readonly dg1: Vector
  readonly ds1: Vector
  readonly dW: Matrix
  readonly db: Vector
  readonly dWO: Matrix
  readonly dbO: Vector
  readonly dg2: Vector
  readonly ds2: Vector
  readonly dW1: Matrix
  readonly db1: Vector
  readonly dW2: Matrix
  readonly db2: Vector
  readonly r: Matrix
  readonly q: Matrix
}

/** A layer of the library as a function of its parameters and its input, in this order. */
const fromLayer = <P>(latex: string, takes: readonly string[], meaning: string, layer: (c: Case) => Layer<P, Tensor, Tensor>, params: (values: readonly Value[]) => P, back: (gradient: P) => readonly Value[]): FunctionLetter =>
  mapping(latex, [...takes, 'T D'], 'T D', meaning,
    (values, c) => matrixOf(layer(c).forward(params(values), asTensor(values[values.length - 1]))),
    (point, dy, c) => {
      const gradient = layer(c).vjp(params(point), asTensor(point[point.length - 1]))[1](asTensor(dy))
      return [...back(gradient.params), matrixOf(gradient.input)]
    })

const HEADS = 2

const heads = multiHeadAttention(HEADS, causalMask)

const norm = fromLayer('\\mathrm{ln}', ['D', 'D'], 'layer norm with a scale and a shift', () => layerNorm,
  ([weight, bias]) => ({ weight: asTensor(weight), bias: asTensor(bias) }), ({ weight, bias }) => [vectorOf(weight), vectorOf(bias)])

const attend = fromLayer('\\mathrm{attn}', ['D 3D', '3D', 'D D', 'D'], 'causal attention with two heads', () => heads,
  ([W, b, WO, bO]) => ({ c_attn: linearParams(W, b), c_proj: linearParams(WO, bO) }),
  ({ c_attn, c_proj }) => [matrixOf(c_attn.weight), vectorOf(c_attn.bias), matrixOf(c_proj.weight), vectorOf(c_proj.bias)])

const network = fromLayer('\\mathrm{mlp}', ['D F', 'F', 'F D', 'D'], 'the feed-forward network', () => feedForwardLayer,
  ([W1, b1, W2, b2]) => ({ c_fc: linearParams(W1, b1), c_proj: linearParams(W2, b2) }),
  ({ c_fc, c_proj }) => [matrixOf(c_fc.weight), vectorOf(c_fc.bias), matrixOf(c_proj.weight), vectorOf(c_proj.bias)])

const blockParams = ({ g1, s1, g2, s2, ...c }: Block) => ({
  ln_1: linearParams(g1, s1), attn: multiHeadParams(c), ln_2: linearParams(g2, s2), mlp: feedForwardParams(c)
})

const blockLayer = blockOf({ heads: HEADS, mask: causalMask })

const blockGradient = (c: Block) => blockLayer.vjp(blockParams(c), asTensor(c.x))[1](asTensor(c.dy))

const apply = (f: FunctionLetter, ...values: readonly Value[]): Matrix => f.compute(values, {}) as Matrix // these functions give matrices

const pulled = (f: FunctionLetter, point: readonly Value[], dy: Matrix): readonly Value[] => f.pullback?.(point, dy, {}) ?? []

const NORM_2 = String.raw`(d\gamma_2, d\beta_2, u_2) = \mathrm{ln}^*_{\gamma_2,\beta_2,x'}(dn_2)`

const NORM_1 = String.raw`(d\gamma_1, d\beta_1, u_1) = \mathrm{ln}^*_{\gamma_1,\beta_1,x}(dn_1)`

const ATTENTION = String.raw`(dW, db, dW_O, db_O, dn_1) = \mathrm{attn}^*_{W,b,W_O,b_O,n_1}(dx')`

const NETWORK = String.raw`(dW_1, db_1, dW_2, db_2, dn_2) = \mathrm{mlp}^*_{W_1,b_1,W_2,b_2,n_2}(dy)`

const normPulled2 = ({ g2, s2, middle, dn2 }: Block): readonly Value[] => pulled(norm, [g2, s2, middle], dn2)

const normPulled1 = ({ g1, s1, x, dn1 }: Block): readonly Value[] => pulled(norm, [g1, s1, x], dn1)

const attentionPulled = ({ W, b, WO, bO, n1, dMiddle }: Block): readonly Value[] => pulled(attend, [W, b, WO, bO, n1], dMiddle)

const networkPulled = ({ W1, b1, W2, b2, n2, dy }: Block): readonly Value[] => pulled(network, [W1, b1, W2, b2, n2], dy)

const branchPulled = (c: Block, dy: Matrix): Value => {
  const dn1 = pulled(attend, [c.W, c.b, c.WO, c.bO, c.n1], dy)[4] as Matrix // the gradient at an input that is a matrix
  return pulled(norm, [c.g1, c.s1, c.x], dn1)[2]
}

const uneven = { entries: real(1), example: (place: number) => ((5 * place) % 7 - 3) / 2 }

export const block = derivation<Block>({
  name: 'transformer block', source: 'src/layers/block.ts', about: ['block'], uses: ['residual', 'layerNorm', 'multiHead', 'feedForward', 'chainRule'],
  introduction: 'Attention and a feed-forward network, each behind a layer norm and inside a residual connection. Their parts have pages of their own; here is how the gradients of all twelve parameters and of the input come together.',
  axes: { T: axis('t', 'positions', { max: 2 }), D: axis('i', 'width', { min: 4, max: 4, example: 4 }), F: axis('k', 'hidden units', { max: 2, example: 2 }), '3D': axis('', 'width of the projection') },
  functions: {
    norm, attend, network,
    branch: mapping('p', ['T D'], 'T D', 'the first branch as a function of $x$ alone, $p(x) = \\mathrm{attn}(W, b, W_O, b_O, \\mathrm{ln}(\\gamma_1, \\beta_1, x))$',
      ([x], { g1, s1, W, b, WO, bO }) => apply(attend, W, b, WO, bO, apply(norm, g1, s1, x)))
  },
  letters: {
    x: given('x', 'T D', 'input', { entries: fc.integer({ min: -9, max: 9 }).map(k => k / 3 + k ** 2 / 40), example: place => ((5 * place) % 7 - 3) / 2 }),
    g1: given('\\gamma_1', 'D', 'scale of the first norm'), s1: given('\\beta_1', 'D', 'its shift'),
    W: given('W', 'D 3D', 'projection to queries, keys and values', small), b: given('b', '3D', 'its bias', small),
    WO: given('W_O', 'D D', 'projection of what the heads found', small), bO: given('b_O', 'D', 'its bias', small),
    g2: given('\\gamma_2', 'D', 'scale of the second norm'), s2: given('\\beta_2', 'D', 'its shift'),
    W1: given('W_1', 'D F', 'first weight of the network', small), b1: given('b_1', 'F', 'its bias', small),
    W2: given('W_2', 'F D', 'second weight', small), b2: given('b_2', 'D', 'its bias', small),
    n1: defined('n_1', 'T D', 'first norm', String.raw`n_1 = \mathrm{ln}(\gamma_1, \beta_1, x)`, ({ g1, s1, x }) => apply(norm, g1, s1, x)),
    a: defined('a', 'T D', 'what attention adds', String.raw`a = \mathrm{attn}(W, b, W_O, b_O, n_1)`, ({ W, b, WO, bO, n1 }) => apply(attend, W, b, WO, bO, n1)),
    middle: defined("x'", 'T D', 'between the branches', "x' = x + a", ({ x, a }) => plus(x, a)),
    n2: defined('n_2', 'T D', 'second norm', String.raw`n_2 = \mathrm{ln}(\gamma_2, \beta_2, x')`, ({ g2, s2, middle }) => apply(norm, g2, s2, middle)),
    f: defined('f', 'T D', 'what the network adds', String.raw`f = \mathrm{mlp}(W_1, b_1, W_2, b_2, n_2)`, ({ W1, b1, W2, b2, n2 }) => apply(network, W1, b1, W2, b2, n2)),
    y: defined('y', 'T D', 'output', "y = x' + f", ({ middle, f }) => plus(middle, f)),
    dy: given('dy', 'T D', 'gradient at the output', uneven),
    dn2: gradientAt('dn_2', 'T D', 'n2', 'gradient at the second norm'),
    u2: defined('u_2', 'T D', 'what comes back through the second branch', NORM_2, c => normPulled2(c)[2]),
    dMiddle: gradientAt("dx'", 'T D', 'middle', 'gradient between the branches'),
    dn1: gradientAt('dn_1', 'T D', 'n1', 'gradient at the first norm'),
    u1: defined('u_1', 'T D', 'what comes back through the first branch', NORM_1, c => normPulled1(c)[2]),
    dx: gradientAt('dx', 'T D', 'x', 'gradient at the input'),
    dg1: gradientAt('d\\gamma_1', 'D', 'g1', 'gradient at the scale of the first norm'), ds1: gradientAt('d\\beta_1', 'D', 's1', 'and at its shift'),
    dW: gradientAt('dW', 'D 3D', 'W', 'gradient at the projection'), db: gradientAt('db', '3D', 'b', 'and at its bias'),
    dWO: gradientAt('dW_O', 'D D', 'WO', 'gradient at the output projection'), dbO: gradientAt('db_O', 'D', 'bO', 'and at its bias'),
    dg2: gradientAt('d\\gamma_2', 'D', 'g2', 'gradient at the scale of the second norm'), ds2: gradientAt('d\\beta_2', 'D', 's2', 'and at its shift'),
    dW1: gradientAt('dW_1', 'D F', 'W1', 'gradient at the first weight'), db1: gradientAt('db_1', 'F', 'b1', 'and at its bias'),
    dW2: gradientAt('dW_2', 'F D', 'W2', 'gradient at the second weight'), db2: gradientAt('db_2', 'D', 'b2', 'and at its bias'),
    r: defined('r', 'T D', '$dy$ itself, through the first branch', String.raw`r = p^*_{x}(dy)`, c => branchPulled(c, c.dy)),
    q: defined('q', 'T D', 'the gradient on the way through both branches', String.raw`q = p^*_{x}(u_2)`, c => branchPulled(c, c.u2))
  },
  outputs: [{ value: 'y', gradient: 'dy', library: c => blockLayer.forward(blockParams(c), asTensor(c.x)) }],
  chains: [
    { of: 'dn2', steps: [{ text: 'The second branch first. The sum passes $dy$ to both of its terms; the network takes it to the gradients of its parameters and of its input.', formula: NETWORK, compute: c => networkPulled(c)[4] }] },
    { of: 'dW1', library: c => blockGradient(c).params.mlp.c_fc.weight, steps: [{ text: 'The same pullback, first weight:', formula: NETWORK, compute: c => networkPulled(c)[0] }] },
    { of: 'db1', library: c => blockGradient(c).params.mlp.c_fc.bias, steps: [{ text: 'Its bias:', formula: NETWORK, compute: c => networkPulled(c)[1] }] },
    { of: 'dW2', library: c => blockGradient(c).params.mlp.c_proj.weight, steps: [{ text: 'Second weight:', formula: NETWORK, compute: c => networkPulled(c)[2] }] },
    { of: 'db2', library: c => blockGradient(c).params.mlp.c_proj.bias, steps: [{ text: 'Its bias:', formula: NETWORK, compute: c => networkPulled(c)[3] }] },
    { of: 'dg2', library: c => blockGradient(c).params.ln_2.weight, steps: [{ text: 'Then the norm before it, at the point between the branches. Its scale:', formula: NORM_2, compute: c => normPulled2(c)[0] }] },
    { of: 'ds2', library: c => blockGradient(c).params.ln_2.bias, steps: [{ text: 'Its shift:', formula: NORM_2, compute: c => normPulled2(c)[1] }] },
    {
      of: 'dMiddle',
      steps: [{
        text: 'The residual rule: what the sum passes on unchanged, and what comes back through the branch.',
        formula: String.raw`dx' = dy + u_2, \qquad ${NORM_2}`,
        compute: ({ dy, u2 }) => plus(dy, u2)
      }]
    },
    { of: 'dn1', steps: [{ text: 'The first branch in the same way, now beginning with the gradient between the branches.', formula: ATTENTION, compute: c => attentionPulled(c)[4] }] },
    { of: 'dW', library: c => blockGradient(c).params.attn.c_attn.weight, steps: [{ text: 'The same pullback, projection:', formula: ATTENTION, compute: c => attentionPulled(c)[0] }] },
    { of: 'db', library: c => blockGradient(c).params.attn.c_attn.bias, steps: [{ text: 'Its bias:', formula: ATTENTION, compute: c => attentionPulled(c)[1] }] },
    { of: 'dWO', library: c => blockGradient(c).params.attn.c_proj.weight, steps: [{ text: 'Output projection:', formula: ATTENTION, compute: c => attentionPulled(c)[2] }] },
    { of: 'dbO', library: c => blockGradient(c).params.attn.c_proj.bias, steps: [{ text: 'Its bias:', formula: ATTENTION, compute: c => attentionPulled(c)[3] }] },
    { of: 'dg1', library: c => blockGradient(c).params.ln_1.weight, steps: [{ text: 'The norm at the input. Its scale:', formula: NORM_1, compute: c => normPulled1(c)[0] }] },
    { of: 'ds1', library: c => blockGradient(c).params.ln_1.bias, steps: [{ text: 'Its shift:', formula: NORM_1, compute: c => normPulled1(c)[1] }] },
    {
      of: 'dx', library: c => blockGradient(c).input,
      steps: [{
        text: 'The residual rule again.',
        formula: String.raw`dx = dx' + u_1, \qquad ${NORM_1}`,
        compute: ({ dMiddle, u1 }) => plus(dMiddle, u1)
      }, {
        text: 'A pullback is linear in the gradient that it takes. So the two parts of $dx\'$ go through the first branch one by one: $p^*_{x}(dy + u_2) = p^*_{x}(dy) + p^*_{x}(u_2)$, that is $u_1 = r + q$, and the gradient reaches the input on four paths. One of them, $dy$, passes both branches by.',
        formula: String.raw`dx = dy + u_2 + r + q`,
        compute: ({ dy, u2, r, q }) => [dy, u2, r, q].reduce(plus)
      }]
    }
  ],
  cost: 'The parts together: with $?F = 4 D$ about $12 T D^2 + 2 T^2 D$ multiplications forward, and twice that for the gradient.'
})
