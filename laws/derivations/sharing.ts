/**
 * Derivations of parameters that are used twice, and of parameters that are not trained.
 *
 * @module
 */
import { pipe } from 'fp-ts/lib/function.js'
import { andThenTied, frozen as frozenWith, type Layer, layer, named, type Tensor, tree } from 'pullback'
import { matrixFrom, vectorFrom } from './arrays.js'
import { f, fPullback, g, gPullback, jacobianF, jacobianG, record, sine, sineFunction, type Weight } from './denseLayers.js'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt, mapping } from './letters.js'
import { asTensor, type Matrix, matrix, matrixOf, plus, sum, times, transposed, type Vector, vectorOf } from './notation.js'
import { small } from './parts.js'

interface Tied {
  readonly A: Matrix
  readonly B: Matrix
  readonly x: Vector
  readonly y: Vector
  readonly z: Vector
  readonly dz: Vector
  readonly dy: Vector
  readonly dx: Vector
  readonly dA: Matrix
  readonly u: Matrix
  readonly w: Matrix
}

/** $g(B, y) = \tanh(B^\top y)$, so that one matrix fits both layers. */
const back = (B: Matrix, y: Vector): Vector => g(transposed(B), y)

const backPullback = (B: Matrix, y: Vector, dz: Vector): { readonly dB: Matrix, readonly dy: Vector } => {
  const { dB, dy } = gPullback(transposed(B), y, dz)
  return { dB: transposed(dB), dy }
}

const backLayer: Layer<Weight, Tensor, Tensor> = layer({
  forward: ({ weight }: Weight, y: Tensor) => asTensor(back(matrixOf(weight), vectorOf(y))),
  gradient: ({ weight }: Weight, y: Tensor, dz: Tensor) => {
    const { dB, dy } = backPullback(matrixOf(weight), vectorOf(y), vectorOf(dz))
    return { params: { weight: asTensor(dB) }, input: asTensor(dy) }
  }
})

const tiedLayer = pipe(sine, named('f'), andThenTied('f', backLayer))

const tiedGradient = ({ A, x, dz }: Tied) => tiedLayer.vjp({ f: record(A) }, asTensor(x))[1](asTensor(dz))

export const tied = derivation<Tied>({
  name: 'andThenTied: shared parameters', source: 'src/layer/sharing.ts', about: ['andThenTied'], uses: ['chainRule'],
  introduction: 'Two layers with one set of parameters, as the embedding and the unembedding of a language model. In the cases $f(A, x) = \\sin(A x)$ and $g(B, y) = \\tanh(B^\\top y)$, so that one matrix fits both.',
  axes: { N: axis('i k', 'inputs, and outputs', { example: 3 }), M: axis('j m', 'between the layers') },
  functions: {
    f: sineFunction('M N', 'N', 'M'),
    g: mapping('g', ['M N', 'M'], 'N', 'another layer, any; in the cases the tanh of a transposed matrix times a vector', ([B, y]) => back(matrixFrom(B), vectorFrom(y)))
  },
  letters: {
    A: given('A', 'M N', 'shared parameters', small),
    B: defined('B', 'M N', 'the same, where they are used by $g$', 'B = A', ({ A }) => A),
    x: given('x', 'N', 'input', small),
    y: defined('y', 'M', 'what $f$ gives', 'y = f(A, x)', ({ A, x }) => f(A, x)),
    z: defined('z', 'N', 'output', 'z = g(B, y)', ({ B, y }) => back(B, y)),
    dz: given('dz', 'N', 'gradient at the output'),
    dy: gradientAt('dy', 'M', 'y', 'gradient between the layers'),
    w: defined('w', 'M N', 'what the use in $g$ contributes', String.raw`(w, dy) = g^*_{B,y}(dz)`, ({ B, y, dz }) => backPullback(B, y, dz).dB),
    u: defined('u', 'M N', 'what the use in $f$ contributes', String.raw`(u, dx) = f^*_{A,x}(dy)`, ({ A, x, dy }) => fPullback(A, x, dy).dA),
    dA: gradientAt('dA', 'M N', 'A', 'gradient at the shared parameters'),
    dx: gradientAt('dx', 'N', 'x', 'gradient at the input')
  },
  outputs: [{ value: 'z', gradient: 'dz', library: ({ A, x }) => tiedLayer.forward({ f: record(A) }, asTensor(x)) }],
  chains: [{
    of: 'dy',
    steps: [{
      text: 'As in every composition.',
      formula: String.raw`(w, dy) = g^*_{B,y}(dz)`,
      compute: ({ B, y, dz }) => backPullback(B, y, dz).dy
    }]
  }, {
    of: 'dA', library: c => tiedGradient(c).params.f.weight,
    steps: [{
      text: 'Give each use a letter of its own, $B = A$. If both move together, the derivative is the sum of the two partial derivatives.',
      formula: String.raw`dA_{ji} = \sum_k dz_k\Big(\frac{\partial z_k}{\partial B_{ji}} + \sum_m \frac{\partial z_k}{\partial y_m}\,\frac{\partial y_m}{\partial A_{ji}}\Big)`,
      compute: ({ A, B, x, y, z, dz }) => {
        const G = jacobianG(transposed(B), y), slopes = times(A, x).map(Math.cos)
        return matrix(y.length, x.length, (j, i) => sum(z.length, k =>
          dz[k] * ((k === i ? (1 - z[k] ** 2) * y[j] : 0) + G[k][j] * slopes[j] * x[i])))
      }
    }, {
      text: 'Each part is what the chain rule gives for parameters of their own.',
      formula: String.raw`dA = u + w, \qquad (w, dy) = g^*_{B,y}(dz), \qquad (u, dx) = f^*_{A,x}(dy)`,
      compute: ({ u, w }) => plus(u, w)
    }]
  }, {
    of: 'dx', library: c => tiedGradient(c).input,
    steps: [{
      text: 'For the input nothing is shared: the chain rule.',
      formula: String.raw`(u, dx) = f^*_{A,x}(dy), \qquad (w, dy) = g^*_{B,y}(dz)`,
      compute: ({ A, B, x, y, dz }) => fPullback(A, x, backPullback(B, y, dz).dy).dx
    }]
  }],
  cost: 'What the layers cost, and one addition for each shared parameter.'
})

interface Frozen {
  readonly A: Matrix
  readonly x: Vector
  readonly y: Vector
  readonly dy: Vector
  readonly dx: Vector
  readonly dA: Matrix
  readonly count: number
}

export const frozen = derivation<Frozen>({
  name: 'frozen', source: 'src/layer/sharing.ts', about: ['frozen'], uses: ['chainRule'],
  introduction: 'The parameters of a layer become constants: there is nothing left to train, and the gradient still flows to the input. In the cases $f(A, x) = \\sin(A x)$.',
  axes: { N: axis('i', 'inputs', { example: 3 }), M: axis('j', 'outputs') }, functions: { f: sineFunction('M N', 'N', 'M') },
  letters: {
    A: given('A', 'M N', 'parameters, fixed', small),
    x: given('x', 'N', 'input', small),
    y: defined('y', 'M', 'output', 'y = f(A, x)', ({ A, x }) => f(A, x)),
    dy: given('dy', 'M', 'gradient at the output'),
    dx: gradientAt('dx', 'N', 'x', 'gradient at the input'),
    dA: defined('dA', 'M N', 'the gradient that is not asked for', String.raw`(dA, dx) = f^*_{A,x}(dy)`, ({ A, x, dy }) => fPullback(A, x, dy).dA),
    count: defined('c', '', 'how many arrays the library has in the gradient at the parameters', '', ({ A, x, dy }) =>
      tree.reduce(0, (total: number) => total + 1)(frozenWith(record(A))(sine).vjp({}, asTensor(x))[1](asTensor(dy)).params))
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ A, x }) => frozenWith(record(A))(sine).forward({}, asTensor(x)) }],
  chains: [{
    of: 'dx', library: ({ A, x, dy }) => frozenWith(record(A))(sine).vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'The partial derivative by $x$ is taken with $A$ constant anyway.',
      formula: String.raw`dx_i = \sum_j dy_j\,\frac{\partial y_j}{\partial x_i}`,
      compute: ({ A, x, dy }) => times(transposed(jacobianF(A, x)), dy)
    }, {
      text: 'The pullback of $f$, of which one half is left out.',
      formula: String.raw`(dA, dx) = f^*_{A,x}(dy)`,
      compute: ({ A, x, dy }) => fPullback(A, x, dy).dx
    }]
  }],
  claims: [{ title: 'Nothing to train', text: 'The gradient of the library has no part for the parameters.', formulas: ['c = 0'] }],
  cost: 'Forward the same; backward only the half that leads to the input.'
})
