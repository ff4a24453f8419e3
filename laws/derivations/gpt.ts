/**
 * The derivation of a whole language model: from tokens to scores and back.
 *
 * @module
 */
import fc from 'fast-check'
import { block as blockOf, causalMask, gpt as gptOf, initBlock, layerNorm, random, stack, tensor, type GptParams } from 'pullback'
import type { Value } from './arrays.js'
import { real } from './cases.js'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt, mapping } from './letters.js'
import { asTensor, type Matrix, matrix, matrixOf, product, sum, transposed, type Vector, vectorOf } from './notation.js'
import { varies } from './parts.js'

interface Gpt {
  readonly t: Vector
  readonly W: Matrix
  readonly P: Matrix
  readonly seed: number
  readonly gamma: Vector
  readonly beta: Vector
  readonly x: Matrix
  readonly h: Matrix
  readonly n: Matrix
  readonly Y: Matrix
  readonly dY: Matrix
  readonly dn: Matrix
  readonly dh: Matrix
  readonly dx: Matrix
  readonly dGamma: Vector
  readonly dBeta: Vector
  readonly dP: Matrix
  readonly dW: Matrix
}

const WIDTH = 4, LAYERS = 2, HEADS = 2

const blocks = stack(blockOf({ heads: HEADS, mask: causalMask }))

const blockParams = (seed: Value) => random.replicate(LAYERS, initBlock({ width: WIDTH, layers: LAYERS }, { precision: 'float64' }))(random.key(Number(seed)))

const norm = (gamma: Value, beta: Value) => ({ weight: asTensor(gamma), bias: asTensor(beta) })

const paramsOf = ({ W, P, seed, gamma, beta }: Gpt): GptParams =>
  ({ wte: { weight: asTensor(W) }, wpe: { weight: asTensor(P) }, h: blockParams(seed), ln_f: norm(gamma, beta) })

const tokensOf = ({ t }: Gpt) => tensor.tokensFromArray([1, t.length], t)

const gradient = (c: Gpt): GptParams => {
  const [y, pullback] = gptOf({ heads: HEADS }).vjp(paramsOf(c), tokensOf(c))
  return pullback(tensor.reshape(y.shape)(asTensor(c.dY))).params
}

const throughBlocks = (seed: Value, x: Value): Matrix => matrixOf(blocks.forward(blockParams(seed), asTensor(x)))

const blocksPullback = (seed: Value, x: Value, dh: Value): Matrix => matrixOf(blocks.vjp(blockParams(seed), asTensor(x))[1](asTensor(dh)).input)

const normPullback = ({ gamma, beta, h, dn }: Gpt) => layerNorm.vjp(norm(gamma, beta), asTensor(h))[1](asTensor(dn))

const NORM = String.raw`(d\gamma, d\beta, dh) = \mathrm{ln}^*_{\gamma,\beta,h}(dn)`

export const gpt = derivation<Gpt>({
  name: 'GPT', source: 'src/models/gpt.ts', about: ['gpt', 'untiedGpt'], uses: ['tiedEmbedding', 'positions', 'stack', 'block', 'layerNorm', 'unembedding'],
  introduction: 'A whole language model: tokens and positions become vectors, a stack of blocks works on them, a last norm, and a score for every symbol from the same table. Here is one sequence; the blocks are those of the library, with two heads, and their parameters have a page of their own.',
  axes: {
    T: axis('t r', 'positions of the sequence', { max: 2, within: 'C' }), C: axis('s', 'positions of the table', { max: 3, example: 3, within: 'T' }),
    V: axis('v u', 'symbols', { example: 3 }), D: axis('i', 'width', { min: WIDTH, max: WIDTH, example: WIDTH })
  },
  fits: ({ T, C }) => T <= C,
  admits: ({ x, h }) => varies(x) && varies(h),
  functions: {
    blocks: mapping('\\mathrm{blocks}', ['T D'], 'T D', 'the stack of blocks, with parameters drawn by the seed', ([x], { seed }) => throughBlocks(seed, x),
      ([x], dh, { seed }) => [blocksPullback(seed, x, dh)]),
    norm: mapping('\\mathrm{ln}', ['D', 'D', 'T D'], 'T D', 'layer norm with a scale and a shift', ([gamma, beta, x]) => matrixOf(layerNorm.forward(norm(gamma, beta), asTensor(x))),
      ([gamma, beta, x], dy) => {
        const { params, input } = layerNorm.vjp(norm(gamma, beta), asTensor(x))[1](asTensor(dy))
        return [vectorOf(params.weight), vectorOf(params.bias), matrixOf(input)]
      })
  },
  letters: {
    t: given('k', 'T', 'tokens, each an index of a symbol', { entries: ({ V }) => fc.integer({ min: 0, max: V - 1 }), example: (place, { V }) => (2 * place + 1) % V }),
    W: given('W', 'V D', 'table of the symbols', { entries: real(2) }),
    P: given('P', 'C D', 'table of the positions', { entries: real(1) }),
    seed: given('w', '', 'seed of the parameters of the blocks', { entries: fc.nat(100), example: () => 1 }),
    gamma: given('\\gamma', 'D', 'scale of the last norm', { entries: real(1) }),
    beta: given('\\beta', 'D', 'its shift', { entries: real(1) }),
    x: defined('x', 'T D', 'embedded tokens', String.raw`x_t = W_{k_t} + P_t`, ({ t, W, P }) => t.map((token, place) => W[token].map((v, i) => v + P[place][i]))),
    h: defined('h', 'T D', 'after the blocks', String.raw`h = \mathrm{blocks}(x)`, ({ seed, x }) => throughBlocks(seed, x)),
    n: defined('n', 'T D', 'after the last norm', String.raw`n = \mathrm{ln}(\gamma, \beta, h)`, ({ gamma, beta, h }) => matrixOf(layerNorm.forward(norm(gamma, beta), asTensor(h)))),
    Y: defined('Y', 'T V', 'scores', String.raw`Y = n\,W^\top`, ({ W, n }) => product(n, transposed(W))),
    dY: given('dY', 'T V', 'gradient at the scores'),
    dn: gradientAt('dn', 'T D', 'n', 'gradient after the last norm'),
    dh: gradientAt('dh', 'T D', 'h', 'gradient after the blocks'),
    dx: gradientAt('dx', 'T D', 'x', 'gradient at the embedded tokens'),
    dGamma: gradientAt('d\\gamma', 'D', 'gamma', 'gradient at the scale'),
    dBeta: gradientAt('d\\beta', 'D', 'beta', 'gradient at the shift'),
    dP: gradientAt('dP', 'C D', 'P', 'gradient at the table of the positions'),
    dW: gradientAt('dW', 'V D', 'W', 'gradient at the table of the symbols')
  },
  outputs: [{
    value: 'Y', gradient: 'dY',
    library: c => {
      const y = gptOf({ heads: HEADS }).forward(paramsOf(c), tokensOf(c))
      return tensor.reshape(y.shape.slice(1))(y)
    }
  }],
  chains: [{
    of: 'dn',
    steps: [{ text: 'From the scores back. The unembedding, at its input:', formula: String.raw`dn = dY\,W`, compute: ({ W, dY }) => product(dY, W) }]
  }, {
    of: 'dGamma', library: c => gradient(c).ln_f.weight,
    steps: [{ text: 'The last norm, at its scale:', formula: NORM, compute: c => vectorOf(normPullback(c).params.weight) }]
  }, {
    of: 'dBeta', library: c => gradient(c).ln_f.bias,
    steps: [{ text: 'At its shift:', formula: NORM, compute: c => vectorOf(normPullback(c).params.bias) }]
  }, {
    of: 'dh',
    steps: [{ text: 'And at its input.', formula: NORM, compute: c => matrixOf(normPullback(c).input) }]
  }, {
    of: 'dx',
    steps: [{ text: 'The blocks, from the last to the first; on the way each leaves the gradients of its parameters.', formula: String.raw`dx = \mathrm{blocks}^*_{x}(dh)`, compute: ({ seed, x, dh }) => blocksPullback(seed, x, dh) }]
  }, {
    of: 'dP', library: c => gradient(c).wpe.weight,
    steps: [{
      text: 'Every position of the sequence has a row of its own; the others are not used.',
      formula: String.raw`dP_{si} = \begin{cases} dx_{si} & s < T \\ 0 & s \ge T \end{cases}`,
      compute: ({ P, dx }) => P.map((row, s) => row.map((_, i) => (s < dx.length ? dx[s][i] : 0)))
    }]
  }, {
    of: 'dW', library: c => gradient(c).wte.weight,
    steps: [{
      text: 'The table is used twice: by the tokens that were read, and by the scores of all symbols. With a table of its own for each use, each would take its term.',
      formula: String.raw`dW_{vi} = \sum_{t : k_t = v} dx_{ti} + \sum_t dY_{tv}\,n_{ti}`,
      compute: ({ t, W, n, dY, dx }) => matrix(W.length, WIDTH, (v, i) =>
        sum(t.length, r => (t[r] === v ? dx[r][i] : 0)) + sum(t.length, r => dY[r][v] * n[r][i]))
    }]
  }],
  claims: [{
    title: 'What the past cannot see',
    text: 'Positions meet only in attention, and there the mask is causal. So scores never depend on what comes later.',
    formulas: [String.raw`\frac{\partial Y_{tv}}{\partial x_{ri}}\,[r > t] = 0`]
  }],
  cost: 'The blocks, and $T D V$ multiplications for the scores; twice that for the gradient.'
})
