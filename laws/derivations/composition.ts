/**
 * Derivations of the combinators that put two layers together, for any layers: the chain rule, and a sum.
 *
 * @module
 */
import { pipe } from 'fp-ts/lib/function.js'
import { andThen, named, residual as residualOf } from 'pullback'
import { f, fPullback, g, gPullback, jacobianF, jacobianG, record, sine, sineFunction, tangent, tangentFunction } from './denseLayers.js'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt } from './letters.js'
import { asTensor, type Matrix, matrix, sum, type Vector, vector } from './notation.js'
import { small } from './parts.js'

interface Chained {
  readonly A: Matrix
  readonly B: Matrix
  readonly x: Vector
  readonly y: Vector
  readonly z: Vector
  readonly dz: Vector
  readonly dy: Vector
  readonly dx: Vector
  readonly dA: Matrix
  readonly dB: Matrix
}

const chainLayer = pipe(sine, named('f'), andThen('g', tangent))

const chainGradient = ({ A, B, x, dz }: Chained) => chainLayer.vjp({ f: record(A), g: record(B) }, asTensor(x))[1](asTensor(dz))
export const chainRule = derivation<Chained>({
  name: 'andThen: the chain rule', source: 'src/layer/compose.ts', about: ['andThen', 'named', 'identityLayer', 'labelled'], uses: ['conventions'],
  introduction: 'First $f$ with the parameters $A$, then $g$ with the parameters $B$. They may be any layers; in the cases $f(A, x) = \\sin(A x)$ and $g(B, y) = \\tanh(B y)$. The pullback $f^*$ of $f$ at the point $(A, x)$ takes a gradient at the output to a pair: the gradient at the parameters and the gradient at the input.',
  axes: { N: axis('i', 'inputs', { example: 3 }), M: axis('j', 'between the layers'), K: axis('k', 'outputs') },
  functions: { f: sineFunction('M N', 'N', 'M'), g: tangentFunction('K M', 'M', 'K') },
  letters: {
    A: given('A', 'M N', 'parameters of $f$', small),
    B: given('B', 'K M', 'parameters of $g$', small),
    x: given('x', 'N', 'input', small),
    y: defined('y', 'M', 'what $f$ gives', 'y = f(A, x)', ({ A, x }) => f(A, x)),
    z: defined('z', 'K', 'output', 'z = g(B, y)', ({ B, y }) => g(B, y)),
    dz: given('dz', 'K', 'gradient at the output'),
    dy: gradientAt('dy', 'M', 'y', 'gradient between the layers'),
    dx: gradientAt('dx', 'N', 'x', 'gradient at the input'),
    dA: gradientAt('dA', 'M N', 'A', 'gradient at the parameters of $f$'),
    dB: gradientAt('dB', 'K M', 'B', 'gradient at the parameters of $g$')
  },
  outputs: [{ value: 'z', gradient: 'dz', library: ({ A, B, x }) => chainLayer.forward({ f: record(A), g: record(B) }, asTensor(x)) }],
  chains: [{
    of: 'dy',
    steps: [{
      text: 'Seen from $y$ there is only $g$: this is what its pullback means.',
      formula: String.raw`dy_j = \sum_k dz_k\,\frac{\partial z_k}{\partial y_j}`,
      compute: ({ B, y, dz }) => {
        const G = jacobianG(B, y)
        return vector(y.length, j => sum(dz.length, k => dz[k] * G[k][j]))
      }
    }, {
      text: 'A layer computes it without its Jacobian, and with it the gradient at its parameters.',
      formula: String.raw`(dB, dy) = g^*_{B,y}(dz)`,
      compute: ({ B, y, dz }) => gPullback(B, y, dz).dy
    }]
  }, {
    of: 'dx', library: c => chainGradient(c).input,
    steps: [{
      text: 'The chain rule for functions of several variables: the Jacobian of a composition is the product of the Jacobians, each at its own point.',
      formula: String.raw`dx_i = \sum_k dz_k \sum_j \frac{\partial z_k}{\partial y_j}\,\frac{\partial y_j}{\partial x_i}`,
      compute: ({ A, B, x, y, dz }) => {
        const F = jacobianF(A, x), G = jacobianG(B, y)
        return vector(x.length, i => sum(dz.length, k => dz[k] * sum(y.length, j => G[k][j] * F[j][i])))
      }
    }, {
      text: 'A product of three can be taken from either side. From the left every intermediate result is a vector: first $dz$ times the Jacobian of $g$, which is $dy$.',
      formula: String.raw`dx_i = \sum_j dy_j\,\frac{\partial y_j}{\partial x_i}, \qquad dy_j = \sum_k dz_k\,\frac{\partial z_k}{\partial y_j}`,
      compute: ({ A, B, x, y, dz }) => {
        const F = jacobianF(A, x), G = jacobianG(B, y)
        const dy = vector(y.length, j => sum(dz.length, k => dz[k] * G[k][j]))
        return vector(x.length, i => sum(y.length, j => dy[j] * F[j][i]))
      }
    }, {
      text: 'Each sum is a pullback, which a layer computes without its Jacobian. This is backpropagation: the last layer first, each at the point where the forward pass was.',
      formula: String.raw`(dA, dx) = f^*_{A,x}(dy), \qquad (dB, dy) = g^*_{B,y}(dz)`,
      compute: ({ A, B, x, y, dz }) => {
        const { dy } = gPullback(B, y, dz)
        return fPullback(A, x, dy).dx
      }
    }]
  }, {
    of: 'dA', library: c => chainGradient(c).params.f.weight,
    steps: [{
      text: 'The parameters of $f$ act on $z$ through $y$ alone, so their gradient starts from the same $dy$.',
      formula: String.raw`(dA, dx) = f^*_{A,x}(dy)`,
      compute: ({ A, x, dy }) => fPullback(A, x, dy).dA
    }]
  }, {
    of: 'dB', library: c => chainGradient(c).params.g.weight,
    steps: [{
      text: 'The parameters of $g$ act on $z$ directly; $y$ does not depend on them.',
      formula: String.raw`(dB, dy) = g^*_{B,y}(dz)`,
      compute: ({ B, y, dz }) => gPullback(B, y, dz).dB
    }]
  }],
  cost: 'What the layers cost. With the Jacobians, $K M N$ multiplications would come first; with pullbacks no Jacobian is ever there.'
})

interface Residual {
  readonly A: Matrix
  readonly x: Vector
  readonly y: Vector
  readonly dy: Vector
  readonly through: Vector
  readonly dx: Vector
  readonly dA: Matrix
}

const residualGradient = ({ A, x, dy }: Residual) => residualOf(sine).vjp(record(A), asTensor(x))[1](asTensor(dy))

export const residual = derivation<Residual>({
  name: 'residual', source: 'src/layer/compose.ts', about: ['residual'], uses: ['chainRule'],
  introduction: 'A layer adds to its input. It must keep the shape; in the cases $f(A, x) = \\sin(A x)$ with a square matrix.',
  axes: { N: axis('i j l', 'entries') }, functions: { f: sineFunction('N N', 'N', 'N') },
  letters: {
    A: given('A', 'N N', 'parameters', small),
    x: given('x', 'N', 'input', small),
    y: defined('y', 'N', 'output', 'y = x + f(A, x)', ({ A, x }) => {
      const added = f(A, x)
      return vector(x.length, i => x[i] + added[i])
    }),
    dy: given('dy', 'N', 'gradient at the output'),
    through: defined('u', 'N', 'what comes back through $f$', String.raw`(dA, u) = f^*_{A,x}(dy)`, ({ A, x, dy }) => fPullback(A, x, dy).dx),
    dx: gradientAt('dx', 'N', 'x', 'gradient at the input'),
    dA: gradientAt('dA', 'N N', 'A', 'gradient at the parameters')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ A, x }) => residualOf(sine).forward(record(A), asTensor(x)) }],
  chains: [{
    of: { derivative: String.raw`\partial y_j/\partial x_i` },
    steps: [{
      text: 'The Jacobian of a sum is the sum of the Jacobians; that of $x$ is the identity.',
      formula: String.raw`\frac{\partial y_j}{\partial x_i} = \delta_{ij} + \cos\Big(\sum_l A_{jl} x_l\Big)\,A_{ji}`,
      compute: ({ A, x }) => {
        const F = jacobianF(A, x)
        return matrix(x.length, x.length, (j, i) => (i === j ? 1 : 0) + F[j][i])
      }
    }]
  }, {
    of: 'dx', library: c => residualGradient(c).input,
    steps: [{
      text: 'The pullback sums over the outputs.',
      formula: String.raw`dx_i = \sum_j dy_j\,\frac{\partial y_j}{\partial x_i}`,
      compute: ({ A, x, dy }) => {
        const F = jacobianF(A, x)
        return vector(x.length, i => sum(x.length, j => dy[j] * ((i === j ? 1 : 0) + F[j][i])))
      }
    }, {
      text: 'The identity passes $dy$ on unchanged; the rest of the sum is the pullback of $f$.',
      formula: String.raw`dx = dy + u, \qquad (dA, u) = f^*_{A,x}(dy)`,
      compute: ({ dy, through }) => vector(dy.length, i => dy[i] + through[i])
    }]
  }, {
    of: 'dA', library: c => residualGradient(c).params.weight,
    steps: [{
      text: 'The first term has no parameters.',
      formula: String.raw`(dA, u) = f^*_{A,x}(dy)`,
      compute: ({ A, x, dy }) => fPullback(A, x, dy).dA
    }]
  }],
  cost: 'One addition for each entry beside what the layer costs, in both directions.'
})
