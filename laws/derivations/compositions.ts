/**
 * Derivations of the combinators: the chain rule, sums, repetition, sharing. They hold for any layers; here $f$ and $g$ are two
 * different ones whose Jacobians are dense and not square, so that an order or a transpose that is wrong shows.
 *
 * @module
 */
import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, andThenTied, branches as branchesOf, combined, frozen as frozenWith, type Layer, layer, lossAndGradient, meanSquaredError, named,
  residual as residualOf, shards, stack as stackOf, type Tensor, tree
} from 'pullback'
import { type Value } from './arrays.js'
import { real } from './cases.js'
import { derivation } from './derivation.js'
import { axis, defined, type FunctionLetter, given, gradientAt, mapping } from './letters.js'
import { asTensor, type Matrix, matrix, matrixOf, plus, product, sum, times, transposed, vector, type Vector, vectorOf } from './notation.js'

type Weight = { readonly weight: Tensor }

/** $f(A, x) = \sin(A x)$ */
const f = (A: Matrix, x: Vector): Vector => times(A, x).map(Math.sin)

/** $f^*_{A,x}(dy)$ */
const fPullback = (A: Matrix, x: Vector, dy: Vector): { readonly dA: Matrix, readonly dx: Vector } => {
  const u = times(A, x), d = vector(u.length, j => Math.cos(u[j]) * dy[j])
  return { dA: matrix(A.length, x.length, (j, i) => d[j] * x[i]), dx: times(transposed(A), d) }
}

/** $g(B, y) = \tanh(B y)$ */
const g = (B: Matrix, y: Vector): Vector => times(B, y).map(Math.tanh)

/** $g^*_{B,y}(dz)$ */
const gPullback = (B: Matrix, y: Vector, dz: Vector): { readonly dB: Matrix, readonly dy: Vector } => {
  const z = g(B, y), d = vector(z.length, k => (1 - z[k] ** 2) * dz[k])
  return { dB: matrix(B.length, y.length, (k, j) => d[k] * y[j]), dy: times(transposed(B), d) }
}

const sine: Layer<Weight, Tensor, Tensor> = layer({
  forward: ({ weight }: Weight, x: Tensor) => asTensor(f(matrixOf(weight), vectorOf(x))),
  gradient: ({ weight }: Weight, x: Tensor, dy: Tensor) => {
    const { dA, dx } = fPullback(matrixOf(weight), vectorOf(x), vectorOf(dy))
    return { params: { weight: asTensor(dA) }, input: asTensor(dx) }
  }
})

const tangent: Layer<Weight, Tensor, Tensor> = layer({
  forward: ({ weight }: Weight, y: Tensor) => asTensor(g(matrixOf(weight), vectorOf(y))),
  gradient: ({ weight }: Weight, y: Tensor, dz: Tensor) => {
    const { dB, dy } = gPullback(matrixOf(weight), vectorOf(y), vectorOf(dz))
    return { params: { weight: asTensor(dB) }, input: asTensor(dy) }
  }
})

const record = (weight: Matrix): Weight => ({ weight: asTensor(weight) })

const matrixFrom = (value: Value): Matrix =>
  (typeof value === 'number' ? [] : value.map(row => (typeof row === 'number' ? [row] : row.map(v => (typeof v === 'number' ? v : NaN)))))

const vectorFrom = (value: Value): Vector => matrixFrom(value).map(([v]) => v)

const sineFunction = (weight: string, input: string, output: string): FunctionLetter =>
  mapping('f', [weight, input], output, 'a layer, any; in the cases the sine of a matrix times a vector', ([A, x]) => f(matrixFrom(A), vectorFrom(x)))

const tangentFunction = (weight: string, input: string, output: string): FunctionLetter =>
  mapping('g', [weight, input], output, 'another layer, any; in the cases the tanh of a matrix times a vector', ([B, y]) => g(matrixFrom(B), vectorFrom(y)))

const small = { entries: real(1) }

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

/** $\partial y_j/\partial x_i$ of $f$ */
const jacobianF = (A: Matrix, x: Vector): Matrix => {
  const u = times(A, x)
  return matrix(A.length, x.length, (j, i) => Math.cos(u[j]) * A[j][i])
}

/** $\partial z_k/\partial y_j$ of $g$ */
const jacobianG = (B: Matrix, y: Vector): Matrix => {
  const z = g(B, y)
  return matrix(B.length, y.length, (k, j) => (1 - z[k] ** 2) * B[k][j])
}

export const chainRule = derivation<Chained>({
  name: 'andThen: the chain rule', source: 'src/layer/compose.ts', about: ['andThen', 'named', 'identity'], uses: ['conventions'],
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

interface Tied extends Omit<Chained, 'dB'> {
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

interface Batch {
  readonly A: Matrix
  readonly x: Matrix
  readonly t: Matrix
  readonly loss: number
  readonly g: readonly Matrix[]
  readonly dA: Matrix
  readonly counts: Vector
  readonly lambda: Vector
  readonly r: Vector
  readonly mean: number
  readonly partCounts: Vector
  readonly partMeans: Vector
}

/** $f$ on every row. */
const sineRows: Layer<Weight, Tensor, Tensor> = layer({
  forward: ({ weight }: Weight, x: Tensor) => asTensor(matrixOf(x).map(row => f(matrixOf(weight), row))),
  gradient: ({ weight }: Weight, x: Tensor, dy: Tensor) => {
    const rows = matrixOf(x), parts = matrixOf(dy).map((d, n) => fPullback(matrixOf(weight), rows[n], d))
    return { params: { weight: asTensor(parts.map(({ dA }) => dA).reduce(plus)) }, input: asTensor(parts.map(({ dx }) => dx)) }
  }
})

const gradientOf = lossAndGradient(sineRows, meanSquaredError())

/** The first row of part p, and the first row behind it. */
const rowsOfPart = (rows: number, parts: number, p: number): readonly [from: number, to: number] =>
  [Math.floor(p * rows / parts), Math.floor((p + 1) * rows / parts)]

const PART = String.raw`\lfloor p N/P \rfloor \le n < \lfloor (p + 1) N/P \rfloor`

export const batch = derivation<Batch>({
  name: 'sharding: the gradient of a batch', source: 'src/training/sharding.ts', about: ['combined', 'sharded'], uses: ['squaredError'],
  introduction: 'The loss of a batch is a mean over its rows. The batch is cut into parts, and several cores compute one part each. In the cases the loss is the squared error of the sine of a matrix times each row.',
  axes: {
    N: axis('n', 'rows of the batch', { max: 4, example: 3 }), P: axis('p', 'parts', { max: 3 }), M: axis('j', 'outputs'), D: axis('i l', 'inputs')
  },
  fits: ({ N, P }) => P <= N,
  letters: {
    A: given('A', 'M D', 'parameters', small),
    x: given('x', 'N D', 'input', small),
    t: given('t', 'N M', 'target'),
    loss: defined('\\ell', '', 'loss', String.raw`\ell = \frac1N \sum_n \frac1M \sum_j \Big(\sin \sum_i A_{ji} x_{ni} - t_{nj}\Big)^2`, ({ A, x, t }) =>
      sum(x.length, n => sum(A.length, j => (f(A, x[n])[j] - t[n][j]) ** 2) / A.length) / x.length),
    g: defined('g', 'N M D', 'gradient of the loss of one row alone', String.raw`g_{nji} = \frac2M\Big(\sin \sum_l A_{jl} x_{nl} - t_{nj}\Big) \cos\Big(\sum_l A_{jl} x_{nl}\Big)\,x_{ni}`, ({ A, x, t }) =>
      x.map((row, n) => fPullback(A, row, vector(A.length, j => 2 / A.length * (f(A, row)[j] - t[n][j]))).dA)),
    dA: gradientAt('dA', 'M D', 'A', 'gradient at the parameters'),
    counts: defined('c', 'P', 'rows in each part', String.raw`c_p = \lfloor (p + 1) N/P \rfloor - \lfloor p N/P \rfloor`, ({ x }, { P }) => vector(P, p => {
      const [from, to] = rowsOfPart(x.length, P, p)
      return to - from
    })),
    lambda: given('\\lambda', 'N', 'losses of the rows, where some do not count'),
    r: given('r', 'N', '1 for a row that counts and 0 for one that does not', { entries: fc.constantFrom(0, 1, 1, 1), example: place => Number(place !== 1) }),
    mean: defined('a', '', 'the mean over the rows that count, 0 if none does', String.raw`a = \frac{\sum_n r_n \lambda_n}{\max(1, \sum_n r_n)}`, ({ r, lambda }) =>
      sum(r.length, n => r[n] * lambda[n]) / Math.max(1, sum(r.length, n => r[n]))),
    partCounts: defined('k', 'P', 'rows that count in each part', String.raw`k_p = \sum_{n : ${PART}} r_n`, ({ r }, { P }) => vector(P, p => {
      const [from, to] = rowsOfPart(r.length, P, p)
      return sum(to - from, i => r[from + i])
    })),
    partMeans: defined('b', 'P', 'the mean over those of a part', String.raw`b_p = \frac{\sum_{n : ${PART}} r_n \lambda_n}{\max(1, k_p)}`, ({ r, lambda, partCounts }, { P }) => vector(P, p => {
      const [from, to] = rowsOfPart(r.length, P, p)
      return sum(to - from, i => r[from + i] * lambda[from + i]) / Math.max(1, partCounts[p])
    }))
  },
  outputs: [{ value: 'loss', library: ({ A, x, t }) => gradientOf(record(A), { input: asTensor(x), target: asTensor(t) }).loss }],
  chains: [{
    of: 'dA',
    library: ({ A, x, t }, { P }) => combined(shards(P)({ input: asTensor(x), target: asTensor(t) })
      .map(part => ({ rows: part.input.shape[0], part: gradientOf(record(A), part) }))).gradient.weight,
    steps: [{
      text: 'The derivative of a sum is the sum of the derivatives.',
      formula: String.raw`dA = \frac1N \sum_n g_n`,
      compute: ({ g: rows }) => rows.reduce(plus).map(row => row.map(v => v / rows.length))
    }, {
      text: 'Sum part by part, and write the sum of each part as $c_p$ times its mean. A part weighs what its share of the rows is.',
      formula: String.raw`dA = \sum_p \frac{c_p}{N}\Big(\frac{1}{c_p} \sum_{n : ${PART}} g_n\Big)`,
      compute: ({ g: rows, counts }, { P }) => vector(P, (p): Matrix => {
        const [from, to] = rowsOfPart(rows.length, P, p)
        return rows.slice(from, to).reduce(plus).map(row => row.map(v => counts[p] / rows.length * (v / counts[p])))
      }).reduce(plus)
    }]
  }],
  claims: [{
    title: 'What counts',
    text: 'The weight of a part is its share of what the loss is a mean over. Where some rows do not count, such as targets that are ignored, that is the number of rows that count, not of rows: with $k_p$ the means of the parts give the mean of the whole, with $c_p$ they would not.',
    formulas: [String.raw`a = \sum_p \frac{k_p}{\max(1, \sum_n r_n)}\,b_p`]
  }]
})
