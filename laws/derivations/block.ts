/**
 * The derivation of the transformer block: how the gradients of its parts come together.
 *
 * @module
 */
import fc from 'fast-check'
import {
  block as blockOf, causalMask, feedForward as feedForwardLayer, type Layer, layerNorm, multiHeadAttention, type Tensor
} from 'pullback'
import type { Value } from './arrays.js'
import { real } from './cases.js'
import { derivation } from './derivation.js'
import { feedForwardParams } from './feedForward.js'
import { axis, type Case, defined, type FunctionLetter, given, gradientAt, mapping } from './letters.js'
import { asTensor, type Matrix, matrixOf, plus, type Vector, vectorOf } from './notation.js'
import { linearParams, small, varies } from './parts.js'
import { multiHeadParams } from './selfAttention.js'

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
  admits: ({ x, middle }) => varies(x) && varies(middle),
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
