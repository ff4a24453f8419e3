/**
 * Derivations of the combinators for many layers: one after the other, and side by side.
 *
 * @module
 */
import { branches as branchesOf, stack as stackOf } from 'pullback'
import { f, fPullback, g, gPullback, jacobianF, jacobianG, record, sine, sineFunction, tangent, tangentFunction, type Weight } from './denseLayers.js'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt } from './letters.js'
import { asTensor, type Matrix, matrix, product, sum, times, transposed, type Vector, vector } from './notation.js'
import { small } from './parts.js'

interface Deep {
  readonly A: readonly Matrix[]
  readonly x: Vector
  readonly h: Matrix
  readonly y: Vector
  readonly dy: Vector
  readonly dh: Matrix
  readonly J: readonly Matrix[]
  readonly dx: Vector
  readonly dA: readonly Matrix[]
}

const stackGradient = ({ A, x, dy }: Deep) => stackOf(sine).vjp(A.map(record), asTensor(x))[1](asTensor(dy))

export const stack = derivation<Deep>({
  name: 'stack', source: 'src/layer/compose.ts', about: ['stack', 'stackWith'], uses: ['chainRule'],
  introduction: 'One layer repeated $L$ times, with parameters of its own each time. In the cases it is $f(A_k, x) = \\sin(A_k x)$ with square matrices.',
  axes: { L: axis('k', 'repetitions', { example: 2 }), N: axis('i j', 'entries'), 'L+1': axis('', 'states, one more than repetitions') },
  functions: { f: sineFunction('N N', 'N', 'N') },
  letters: {
    A: given('A', 'L N N', 'parameters of every repetition', small),
    x: given('x', 'N', 'input', small),
    h: defined('h', 'L+1 N', 'states', String.raw`h_0 = x, \qquad h_{k+1} = f(A_k, h_k)`, ({ A, x }) =>
      A.reduce<Matrix>((states, Ak) => [...states, f(Ak, states[states.length - 1])], [x])),
    y: defined('y', 'N', 'output', 'y = h_L', ({ A, h }) => h[A.length]),
    dy: given('dy', 'N', 'gradient at the output'),
    dh: defined('dh', 'L+1 N', 'gradients at the states', String.raw`dh_L = dy, \qquad (dA_k, dh_k) = f^*_{A_k,h_k}(dh_{k+1})`, ({ A, h, dy }) =>
      A.reduceRight<Matrix>((after, Ak, k) => [fPullback(Ak, h[k], after[0]).dx, ...after], [dy])),
    J: defined('J', 'L N N', 'Jacobians of the repetitions', String.raw`J_{kji} = \cos((A_k h_k)_j)\,A_{kji}`, ({ A, h }) => A.map((Ak, k) => jacobianF(Ak, h[k]))),
    dx: gradientAt('dx', 'N', 'x', 'gradient at the input'),
    dA: gradientAt('dA', 'L N N', 'A', 'gradients at the parameters')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ A, x }) => stackOf(sine).forward(A.map(record), asTensor(x)) }],
  chains: [{
    of: 'dx', library: c => stackGradient(c).input,
    steps: [{
      text: 'The chain rule, once for each repetition: a product of transposed Jacobians, the first one on the left.',
      formula: String.raw`dx = \Big(\prod_k J_k^\top\Big)\,dy`,
      compute: ({ J, dy }) => times(transposed(J.reduce((before, Jk) => product(Jk, before), matrix(dy.length, dy.length, (i, j) => (i === j ? 1 : 0)))), dy)
    }, {
      text: 'Taken from the right, every intermediate result is a vector: the gradient at a state, from the last to the first.',
      formula: String.raw`dx = dh_0, \qquad dh_L = dy, \qquad dh_k = J_k^\top dh_{k+1}`,
      compute: ({ J, dy }) => J.reduceRight((d, Jk) => times(transposed(Jk), d), dy)
    }, {
      text: 'Each of these products is a pullback, at the state where the forward pass was.',
      formula: String.raw`dx = dh_0, \qquad dh_L = dy, \qquad (dA_k, dh_k) = f^*_{A_k,h_k}(dh_{k+1})`,
      compute: ({ A, h, dy }) => A.reduceRight((d, Ak, k) => fPullback(Ak, h[k], d).dx, dy)
    }]
  }, {
    of: 'dA', library: c => stackGradient(c).params.map(({ weight }) => weight),
    steps: [{
      text: 'The parameters of a repetition act through its output $h_{k+1}$ alone, so the same pullback gives their gradient.',
      formula: String.raw`dh_L = dy, \qquad (dA_k, dh_k) = f^*_{A_k,h_k}(dh_{k+1})`,
      compute: ({ A, h, dh }) => A.map((Ak, k) => fPullback(Ak, h[k], dh[k + 1]).dA)
    }]
  }],
  cost: 'The forward pass keeps what each of the $L$ pullbacks needs: memory grows with the depth, time too.'
})

interface Branched {
  readonly A: Matrix
  readonly B: Matrix
  readonly x: Vector
  readonly y1: Vector
  readonly y2: Vector
  readonly dy1: Vector
  readonly dy2: Vector
  readonly u: Vector
  readonly w: Vector
  readonly dx: Vector
  readonly dA: Matrix
  readonly dB: Matrix
}

const branchesLayer = branchesOf<{ readonly first: Weight, readonly second: Weight }>({ first: sine, second: tangent })

const branchesGradient = ({ A, B, x, dy1, dy2 }: Branched) =>
  branchesLayer.vjp({ first: record(A), second: record(B) }, asTensor(x))[1]({ first: asTensor(dy1), second: asTensor(dy2) })

export const branches = derivation<Branched>({
  name: 'branches', source: 'src/layer/branches.ts', about: ['branches'], uses: ['chainRule'],
  introduction: 'Several layers read one input, as queries, keys and values do. Here there are two, $f(A, x) = \\sin(A x)$ and $g(B, x) = \\tanh(B x)$.',
  axes: { N: axis('i', 'inputs', { example: 3 }), M: axis('j', 'outputs of $f$'), K: axis('k', 'outputs of $g$') },
  functions: { f: sineFunction('M N', 'N', 'M'), g: tangentFunction('K N', 'N', 'K') },
  letters: {
    A: given('A', 'M N', 'parameters of $f$', small),
    B: given('B', 'K N', 'parameters of $g$', small),
    x: given('x', 'N', 'input', small),
    y1: defined('y_1', 'M', 'first output', 'y_1 = f(A, x)', ({ A, x }) => f(A, x)),
    y2: defined('y_2', 'K', 'second output', 'y_2 = g(B, x)', ({ B, x }) => g(B, x)),
    dy1: given('dy_1', 'M', 'gradient at the first output'),
    dy2: given('dy_2', 'K', 'gradient at the second output'),
    u: defined('u', 'N', 'what comes back through $f$', String.raw`(dA, u) = f^*_{A,x}(dy_1)`, ({ A, x, dy1 }) => fPullback(A, x, dy1).dx),
    w: defined('w', 'N', 'what comes back through $g$', String.raw`(dB, w) = g^*_{B,x}(dy_2)`, ({ B, x, dy2 }) => gPullback(B, x, dy2).dy),
    dx: gradientAt('dx', 'N', 'x', 'gradient at the input'),
    dA: gradientAt('dA', 'M N', 'A', 'gradient at the parameters of $f$'),
    dB: gradientAt('dB', 'K N', 'B', 'gradient at the parameters of $g$')
  },
  outputs: [
    { value: 'y1', gradient: 'dy1', library: ({ A, B, x }) => branchesLayer.forward({ first: record(A), second: record(B) }, asTensor(x)).first },
    { value: 'y2', gradient: 'dy2', library: ({ A, B, x }) => branchesLayer.forward({ first: record(A), second: record(B) }, asTensor(x)).second }
  ],
  chains: [{
    of: 'dx', library: c => branchesGradient(c).input,
    steps: [{
      text: 'The outputs together are one long vector; the sum over its entries is a sum over the branches.',
      formula: String.raw`dx_i = \sum_j (dy_1)_j\,\frac{\partial (y_1)_j}{\partial x_i} + \sum_k (dy_2)_k\,\frac{\partial (y_2)_k}{\partial x_i}`,
      compute: ({ A, B, x, dy1, dy2 }) => {
        const F = jacobianF(A, x), G = jacobianG(B, x)
        return vector(x.length, i => sum(dy1.length, j => dy1[j] * F[j][i]) + sum(dy2.length, k => dy2[k] * G[k][i]))
      }
    }, {
      text: 'The sums are pullbacks, both at the one point $x$: what an input feeds more than once collects all gradients.',
      formula: String.raw`dx = u + w, \qquad (dA, u) = f^*_{A,x}(dy_1), \qquad (dB, w) = g^*_{B,x}(dy_2)`,
      compute: ({ u, w }) => vector(u.length, i => u[i] + w[i])
    }]
  }, {
    of: 'dA', library: c => branchesGradient(c).params.first.weight,
    steps: [{
      text: 'The parameters of a branch act on its own output.',
      formula: String.raw`(dA, u) = f^*_{A,x}(dy_1)`,
      compute: ({ A, x, dy1 }) => fPullback(A, x, dy1).dA
    }]
  }, {
    of: 'dB', library: c => branchesGradient(c).params.second.weight,
    steps: [{
      text: 'So do those of the other branch.',
      formula: String.raw`(dB, w) = g^*_{B,x}(dy_2)`,
      compute: ({ B, x, dy2 }) => gPullback(B, x, dy2).dB
    }]
  }],
  cost: 'What the branches cost, and one addition for each entry of the input and each branch after the first.'
})
