/**
 * Derivations of the compositions that a transformer is made of. Each uses the pullbacks of its parts, which have
 * derivations of their own, and shows how the chain rule puts them together.
 *
 * @module
 */
import fc from 'fast-check'
import {
  attention, block as blockOf, causalMask, feedForward as feedForwardLayer, geluTanh, initBlock, layerNorm, mergeHeads, multiHeadAttention, random, splitHeads, tensor,
  type BlockParams, type Layer, type NoParams, type Tensor
} from 'pullback'
import { drawnGeneric } from '../arbitraries.js'
import { matrices, size } from './cases.js'
import { derivation, numericGradient } from './derivation.js'
import { asTensor, type Matrix, matrix, numbers, plus, product, sum, transposed, vector, type Vector } from './notation.js'

interface Projection {
  readonly W: Matrix
  readonly b: Vector
}

const projections = (inputs: number, outputs: number): fc.Arbitrary<Projection> =>
  fc.record({ W: matrices(inputs, outputs), b: matrices(1, outputs).map(([row]) => row) })

const linear = ({ W, b }: Projection, X: Matrix): Matrix => product(X, W).map(row => vector(b.length, j => row[j] + b[j]))

const paramsOf = ({ W, b }: Projection) => ({ weight: asTensor(W), bias: asTensor(b) })

const rowsOf = (x: Tensor): Matrix => {
  const [rows, columns] = x.shape
  return matrix(rows, columns, (i, j) => x.data[i * columns + j])
}

/** $f^*$ of a layer without parameters on matrices. */
const pulled = (layer: Layer<NoParams, Tensor, Tensor>, X: Matrix, dy: Matrix): Matrix =>
  rowsOf(layer.vjp({}, asTensor(X))[1](asTensor(dy)).input)

interface FeedForwardCase {
  readonly X: Matrix
  readonly W1: Matrix
  readonly b1: Vector
  readonly W2: Matrix
  readonly b2: Vector
  readonly dy: Matrix
}

/** $U = X W_1 + b_1$ */
const hidden = ({ X, W1, b1 }: FeedForwardCase): Matrix => linear({ W: W1, b: b1 }, X)

/** $H = \mathrm{gelu}(U)$ */
const activated = (c: FeedForwardCase): Matrix => rowsOf(geluTanh.forward({}, asTensor(hidden(c))))

/** $dU = \mathrm{gelu}^*(dH)$ with $dH = dY\,W_2^\top$ */
const dHidden = (c: FeedForwardCase): Matrix => pulled(geluTanh, hidden(c), product(c.dy, transposed(c.W2)))

const feedForwardOf = (c: FeedForwardCase): Matrix => linear({ W: c.W2, b: c.b2 }, activated(c))

const feedForwardParams = ({ W1, b1, W2, b2 }: FeedForwardCase) => ({ c_fc: paramsOf({ W: W1, b: b1 }), c_proj: paramsOf({ W: W2, b: b2 }) })

const feedForwardGradient = (c: FeedForwardCase) => feedForwardLayer.vjp(feedForwardParams(c), asTensor(c.X))[1](asTensor(c.dy))

export const feedForward = derivation<FeedForwardCase>({
  name: 'feed-forward network', source: 'src/layers/feedForward.ts',
  introduction: 'Two linear layers with a GELU between them, the same at every position. Shapes: $X$ and $Y$ `[N, D]`, $W_1$ `[D, F]`, $W_2$ `[F, D]`. The parts, linear and geluTanh, are derived on pages of their own.',
  definition: {
    formula: String.raw`U = X W_1 + \mathbf 1 b_1^\top, \qquad H = \mathrm{geluTanh}(U), \qquad Y = H W_2 + \mathbf 1 b_2^\top`,
    compute: feedForwardOf, library: c => numbers(feedForwardLayer.forward(feedForwardParams(c), asTensor(c.X)))
  },
  cases: fc.tuple(size(2), size(2), size(3)).chain(([n, d, f]) => fc.record({ first: projections(d, f), second: projections(f, d), X: matrices(n, d), dy: matrices(n, d) }))
    .map(({ first, second, X, dy }) => ({ X, W1: first.W, b1: first.b, W2: second.W, b2: second.b, dy })),
  chains: [{
    quantity: 'dX', numeric: numericGradient(feedForwardOf, 'X'), library: c => numbers(feedForwardGradient(c).input),
    steps: [{
      text: 'From the last layer to the first: $dH = dY\\,W_2^\\top$, then the GELU, entry by entry, then $dX = dU\\,W_1^\\top$.',
      formula: String.raw`dU = \mathrm{gelu}'(U) \odot (dY\,W_2^\top), \qquad dX = dU\,W_1^\top`,
      compute: c => product(dHidden(c), transposed(c.W1))
    }]
  }, {
    quantity: 'dW_1', numeric: numericGradient(feedForwardOf, 'W1'), library: c => numbers(feedForwardGradient(c).params.c_fc.weight),
    steps: [{
      text: 'The first linear layer sees its own input and the gradient at its own output.',
      formula: String.raw`dW_1 = X^\top dU`,
      compute: c => product(transposed(c.X), dHidden(c))
    }]
  }, {
    quantity: 'db_1', numeric: numericGradient(feedForwardOf, 'b1'), library: c => numbers(feedForwardGradient(c).params.c_fc.bias),
    steps: [{
      text: 'Its bias collects the rows.',
      formula: String.raw`db_1 = \mathbf 1^\top dU`,
      compute: c => vector(c.b1.length, j => sum(c.X.length, n => dHidden(c)[n][j]))
    }]
  }, {
    quantity: 'dW_2', numeric: numericGradient(feedForwardOf, 'W2'), library: c => numbers(feedForwardGradient(c).params.c_proj.weight),
    steps: [{
      text: 'The second linear layer has the input $H$, which the forward pass keeps.',
      formula: String.raw`dW_2 = H^\top dY`,
      compute: c => product(transposed(activated(c)), c.dy)
    }]
  }]
})

interface AttentionCase {
  readonly heads: number
  readonly X: Matrix
  readonly W: Matrix
  readonly b: Vector
  readonly WO: Matrix
  readonly bO: Vector
  readonly dy: Matrix
}

/** Split, attention, merge: what stands between the two projections; it has no parameters. */
const core = (heads: number): Layer<NoParams, Tensor, Tensor> => {
  const split = splitHeads(heads), attend = attention(causalMask)
  return {
    forward: (_, x) => mergeHeads.forward({}, attend.forward({}, split.forward({}, x))),
    vjp: (_, x) => {
      const [qkv, splitPullback] = split.vjp({}, x)
      const [y, attendPullback] = attend.vjp({}, qkv)
      const [z, mergePullback] = mergeHeads.vjp({}, y)
      return [z, dz => splitPullback(attendPullback(mergePullback(dz).input).input)]
    }
  }
}

const projected = ({ X, W, b }: AttentionCase): Matrix => linear({ W, b }, X)

const attended = (c: AttentionCase): Matrix => rowsOf(core(c.heads).forward({}, asTensor(projected(c))))

/** $dP = \mathrm{core}^*(dY\,W_O^\top)$ */
const dProjected = (c: AttentionCase): Matrix => pulled(core(c.heads), projected(c), product(c.dy, transposed(c.WO)))

const multiHeadOf = (c: AttentionCase): Matrix => linear({ W: c.WO, b: c.bO }, attended(c))

const multiHeadParams = ({ W, b, WO, bO }: AttentionCase) => ({ c_attn: paramsOf({ W, b }), c_proj: paramsOf({ W: WO, b: bO }) })

const multiHeadGradient = (c: AttentionCase) =>
  multiHeadAttention(c.heads, causalMask).vjp(multiHeadParams(c), asTensor(c.X))[1](asTensor(c.dy))

export const multiHead = derivation<AttentionCase>({
  name: 'multi-head attention', source: 'src/layers/selfAttention.ts',
  introduction: 'Queries, keys and values of all heads come from one projection of the sequence, and another projection mixes what the heads found. Shapes: $X$ and $Y$ `[T, D]`, $W$ `[D, 3D]`, $W_O$ `[D, D]`. Splitting, attention and merging, together called $A$, are derived on pages of their own and have no parameters.',
  definition: {
    formula: String.raw`P = X W + \mathbf 1 b^\top, \qquad Z = A(P) = \mathrm{merge}(\mathrm{attention}(\mathrm{split}(P))), \qquad Y = Z W_O + \mathbf 1 b_O^\top`,
    compute: multiHeadOf, library: c => numbers(multiHeadAttention(c.heads, causalMask).forward(multiHeadParams(c), asTensor(c.X)))
  },
  cases: fc.tuple(size(2), size(3), size(2)).chain(([heads, t, d]) => fc.record({
    heads: fc.constant(heads), first: projections(heads * d, 3 * heads * d), second: projections(heads * d, heads * d),
    X: matrices(t, heads * d, 1), dy: matrices(t, heads * d)
  })).map(({ heads, first, second, X, dy }) => ({ heads, X, W: first.W, b: first.b, WO: second.W, bO: second.b, dy })),
  chains: [{
    quantity: 'dX', numeric: numericGradient(multiHeadOf, 'X'), library: c => numbers(multiHeadGradient(c).input),
    steps: [{
      text: 'From the last layer to the first. The gradients of queries, keys and values stand side by side in $dP$, so one product with $W^\\top$ adds what reaches $X$ through each of them.',
      formula: String.raw`dP = A^*(dY\,W_O^\top), \qquad dX = dP\,W^\top`,
      compute: c => product(dProjected(c), transposed(c.W))
    }, {
      text: 'Cut $W$ and $dP$ into their thirds to see the three uses of the input.',
      formula: String.raw`dX = dQ\,W_Q^\top + dK\,W_K^\top + dV\,W_V^\top`,
      compute: c => {
        const D = c.X[0].length, third = (m: Matrix, p: number): Matrix => m.map(row => row.slice(p * D, (p + 1) * D))
        return [0, 1, 2].map(p => product(third(dProjected(c), p), transposed(third(c.W, p)))).reduce(plus)
      }
    }]
  }, {
    quantity: 'dW', numeric: numericGradient(multiHeadOf, 'W'), library: c => numbers(multiHeadGradient(c).params.c_attn.weight),
    steps: [{
      text: 'A linear layer, with the gradient at its output.',
      formula: String.raw`dW = X^\top dP`,
      compute: c => product(transposed(c.X), dProjected(c))
    }]
  }, {
    quantity: 'dW_O', numeric: numericGradient(multiHeadOf, 'WO'), library: c => numbers(multiHeadGradient(c).params.c_proj.weight),
    steps: [{
      text: 'A linear layer, whose input is what the heads found.',
      formula: String.raw`dW_O = Z^\top dY`,
      compute: c => product(transposed(attended(c)), c.dy)
    }]
  }]
})

interface BlockCase {
  readonly params: BlockParams
  readonly X: Matrix
  readonly dy: Matrix
}

const WIDTH = 4, HEADS = 2

const heads = multiHeadAttention(HEADS, causalMask)

/** $f(x) = \mathrm{attn}(\mathrm{ln}_1(x))$ with its pullback to the input. */
const attentionBranch = ({ params }: BlockCase, x: Tensor) => {
  const [normalised, normPullback] = layerNorm.vjp(params.ln_1, x)
  const [y, attentionPullback] = heads.vjp(params.attn, normalised)
  return { y, pullback: (dy: Tensor): Tensor => normPullback(attentionPullback(dy).input).input }
}

/** $g(x) = \mathrm{mlp}(\mathrm{ln}_2(x))$ with its pullback to the input. */
const feedForwardBranch = ({ params }: BlockCase, x: Tensor) => {
  const [normalised, normPullback] = layerNorm.vjp(params.ln_2, x)
  const [y, mlpPullback] = feedForwardLayer.vjp(params.mlp, normalised)
  return { y, pullback: (dy: Tensor): Tensor => normPullback(mlpPullback(dy).input).input }
}

/** $x' = x + f(x)$ */
const middle = (c: BlockCase): Tensor => {
  const x = asTensor(c.X)
  return tensor.add(attentionBranch(c, x).y)(x)
}

const blockValue = (c: BlockCase): Matrix => rowsOf(tensor.add(feedForwardBranch(c, middle(c)).y)(middle(c)))

const layer = blockOf({ heads: HEADS, mask: causalMask })

export const block = derivation<BlockCase>({
  name: 'transformer block', source: 'src/layers/block.ts',
  introduction: 'Attention and a feed-forward network, each behind a layer norm and inside a residual connection. Shapes: $x$ and $y$ `[T, D]`. All parts are derived on pages of their own; $f$ and $g$ are the two branches.',
  definition: {
    formula: String.raw`x' = x + f(x), \quad f = \mathrm{attn} \circ \mathrm{ln}_1, \qquad y = x' + g(x'), \quad g = \mathrm{mlp} \circ \mathrm{ln}_2`,
    compute: blockValue, library: ({ params, X }) => numbers(layer.forward(params, asTensor(X)))
  },
  cases: size(3).chain(t => fc.record({ params: drawnGeneric(initBlock({ width: WIDTH, layers: 1 }, { precision: 'float64' })), X: fc.nat().map(seed =>
    rowsOf(random.normal([t, WIDTH], { precision: 'float64' })(random.key(seed)))), dy: matrices(t, WIDTH) })),
  chains: [{
    quantity: 'dx', numeric: numericGradient(blockValue, 'X'),
    library: ({ params, X, dy }) => numbers(layer.vjp(params, asTensor(X))[1](asTensor(dy)).input),
    steps: [{
      text: 'The residual rule twice, the second branch first. Each sum passes its gradient on unchanged, beside what comes back through the branch.',
      formula: String.raw`dx' = dy + g^*(dy), \qquad dx = dx' + f^*(dx')`,
      compute: c => {
        const dy = asTensor(c.dy)
        const dMiddle = tensor.add(feedForwardBranch(c, middle(c)).pullback(dy))(dy)
        return rowsOf(tensor.add(attentionBranch(c, asTensor(c.X)).pullback(dMiddle))(dMiddle))
      }
    }, {
      text: 'Multiplied out, the gradient reaches $x$ on four paths; one of them goes around both branches.',
      formula: String.raw`dx = dy + g^*(dy) + f^*(dy) + f^*(g^*(dy))`,
      compute: c => {
        const dy = asTensor(c.dy), { pullback } = attentionBranch(c, asTensor(c.X))
        const through = feedForwardBranch(c, middle(c)).pullback(dy)
        return rowsOf([dy, through, pullback(dy), pullback(through)].reduce((a, b) => tensor.add(b)(a)))
      }
    }]
  }]
})
