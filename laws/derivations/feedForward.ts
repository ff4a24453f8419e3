/**
 * The derivation of the feed-forward network of a transformer, one layer in a step.
 *
 * @module
 */
import { feedForward as feedForwardLayer, geluTanh } from 'pullback'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt, numeric } from './letters.js'
import { affine } from './linear.js'
import { asTensor, type Matrix, matrixOf, product, transposed, type Vector, vectorOf } from './notation.js'
import { columnSums, linearParams, ONES, small } from './parts.js'

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

export const feedForwardParams = ({ W1, b1, W2, b2 }: Pick<FeedForward, 'W1' | 'b1' | 'W2' | 'b2'>) => ({ c_fc: linearParams(W1, b1), c_proj: linearParams(W2, b2) })

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
