/**
 * Derivations of the combinators: the chain rule, sums, repetition, sharing. They hold for any layers; here $f$ and $g$ are
 * small ones whose derivatives are plain to see.
 *
 * @module
 */
import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, andThenTied, branches as branchesOf, combineShards, frozen as frozenWith, type Layer, layer, lossAndGradient, meanSquaredError, named, residual as residualOf, shards, stack as stackOf, tensor, type Tensor
} from 'pullback'
import { matrices, real, size, vectors } from './cases.js'
import { derivation, numericGradient, numericJacobian } from './derivation.js'
import { asTensor, type Matrix, matrix, numbers, sum, vector, type Vector } from './notation.js'

type Scaled = { readonly a: Tensor }

/** $f(a, x) = \sin(a x)$ with one parameter, entry by entry; $f_a = x \cos(a x)$ and $f_x = a \cos(a x)$. */
const sine: Layer<Scaled, Tensor, Tensor> = layer({
  forward: ({ a }: Scaled, x: Tensor) => tensor.map(v => Math.sin(a.data[0] * v))(x),
  gradient: ({ a }: Scaled, x: Tensor, dy: Tensor) => ({
    params: { a: asTensor([sum(x.data.length, i => dy.data[i] * x.data[i] * Math.cos(a.data[0] * x.data[i]))]) },
    input: tensor.zipWith(dy, (v, d) => d * a.data[0] * Math.cos(a.data[0] * v))(x)
  })
})

/** $f$ */
const f = (a: number, x: Vector): Vector => x.map(v => Math.sin(a * v))

/** $f_x^\top dy$ */
const fInput = (a: number, x: Vector, dy: Vector): Vector => vector(x.length, i => dy[i] * a * Math.cos(a * x[i]))

/** $f_a^\top dy$ */
const fParameter = (a: number, x: Vector, dy: Vector): number => sum(x.length, i => dy[i] * x[i] * Math.cos(a * x[i]))

const record = (a: number): Scaled => ({ a: asTensor([a]) })

interface Case {
  readonly a: number
  readonly b: number
  readonly x: Vector
  readonly dy: Vector
}

const cases: fc.Arbitrary<Case> = size(3).chain(n => fc.record({ a: real(), b: real(), x: vectors(n), dy: vectors(n) }))

const chainOf = ({ a, b, x }: Case): Vector => f(b, f(a, x))

const chainLayer = pipe(sine, named('f'), andThen('g', sine))

const chainGradient = ({ a, b, x, dy }: Case) => chainLayer.vjp({ f: record(a), g: record(b) }, asTensor(x))[1](asTensor(dy))

/** $\partial y_j/\partial x_i$ of $f$, as a matrix. */
const jacobian = (a: number, x: Vector): Matrix => matrix(x.length, x.length, (j, i) => (i === j ? a * Math.cos(a * x[i]) : 0))

export const chainRule = derivation<Case>({
  name: 'andThen: the chain rule', source: 'src/layer/compose.ts', cases,
  introduction: 'First $f$ with parameters $a$, then $g$ with parameters $b$, written $z = g(b, y)$, $y = f(a, x)$. In the example both are $\\sin(a x)$, entry by entry. $f^*_x$ is the pullback of $f$ to its input, $f^*_a$ that to its parameters.',
  definition: {
    formula: String.raw`z = g(b, f(a, x))`,
    compute: chainOf, library: ({ a, b, x }) => numbers(chainLayer.forward({ f: record(a), g: record(b) }, asTensor(x)))
  },
  chains: [{
    quantity: 'dx', numeric: numericGradient(chainOf, 'x'), library: c => numbers(chainGradient(c).input),
    steps: [{
      text: 'The chain rule for functions of several variables: the Jacobian of a composition is the product of the Jacobians, each at its own point.',
      formula: String.raw`dx_i = \sum_k dz_k \sum_j \frac{\partial g_k}{\partial y_j}\,\frac{\partial f_j}{\partial x_i}`,
      compute: ({ a, b, x, dy }) => {
        const F = jacobian(a, x), G = jacobian(b, f(a, x))
        return vector(x.length, i => sum(x.length, k => dy[k] * sum(x.length, j => G[k][j] * F[j][i])))
      }
    }, {
      text: 'A product of three can be taken from either side. From the left every intermediate result is a vector: first $dz$ times the Jacobian of $g$.',
      formula: String.raw`dx_i = \sum_j dy_j\,\frac{\partial f_j}{\partial x_i}, \qquad dy_j = \sum_k dz_k\,\frac{\partial g_k}{\partial y_j}`,
      compute: ({ a, b, x, dy: dz }) => {
        const F = jacobian(a, x), G = jacobian(b, f(a, x))
        const dy = vector(x.length, j => sum(x.length, k => dz[k] * G[k][j]))
        return vector(x.length, i => sum(x.length, j => dy[j] * F[j][i]))
      }
    }, {
      text: 'Each sum is a pullback, which a layer computes without its Jacobian. This is backpropagation: the last layer first.',
      formula: String.raw`dx = f^*_x(dy), \qquad dy = g^*_y(dz)`,
      compute: ({ a, b, x, dy: dz }) => fInput(a, x, fInput(b, f(a, x), dz))
    }]
  }, {
    quantity: 'da', numeric: numericGradient(chainOf, 'a'), library: c => numbers(chainGradient(c).params.f.a),
    steps: [{
      text: 'The parameters of $f$ act on $z$ through $y$ alone, so their gradient starts from the same $dy$.',
      formula: String.raw`da = f^*_a(dy), \qquad dy = g^*_y(dz)`,
      compute: ({ a, b, x, dy: dz }) => fParameter(a, x, fInput(b, f(a, x), dz))
    }]
  }, {
    quantity: 'db', numeric: numericGradient(chainOf, 'b'), library: c => numbers(chainGradient(c).params.g.a),
    steps: [{
      text: 'The parameters of $g$ act on $z$ directly; $y$ does not depend on them.',
      formula: String.raw`db = g^*_b(dz)`,
      compute: ({ a, b, x, dy: dz }) => fParameter(b, f(a, x), dz)
    }]
  }]
})

const residualValue = ({ a, x }: Case): Vector => vector(x.length, i => x[i] + f(a, x)[i])

const residualGradient = ({ a, x, dy }: Case) => residualOf(sine).vjp(record(a), asTensor(x))[1](asTensor(dy))

export const residual = derivation<Case>({
  name: 'residual', source: 'src/layer/compose.ts', cases,
  introduction: 'A layer adds to its input. Shapes: $x$ and $y$ any, the same.',
  definition: {
    formula: String.raw`y = x + f(a, x)`,
    compute: residualValue, library: ({ a, x }) => numbers(residualOf(sine).forward(record(a), asTensor(x)))
  },
  chains: [{
    quantity: 'dx', numeric: numericGradient(residualValue, 'x'), library: c => numbers(residualGradient(c).input),
    steps: [{
      text: 'The Jacobian of a sum is the sum of the Jacobians; that of $x$ is the identity.',
      formula: String.raw`dx_i = \sum_j dy_j\Big(\delta_{ij} + \frac{\partial f_j}{\partial x_i}\Big)`,
      compute: ({ a, x, dy }) => {
        const F = jacobian(a, x)
        return vector(x.length, i => sum(x.length, j => dy[j] * ((i === j ? 1 : 0) + F[j][i])))
      }
    }, {
      text: 'The first term passes $dy$ on unchanged, however deep the network is; the second is the pullback.',
      formula: String.raw`dx = dy + f^*_x(dy)`,
      compute: ({ a, x, dy }) => vector(x.length, i => dy[i] + fInput(a, x, dy)[i])
    }]
  }, {
    quantity: 'da', numeric: numericGradient(residualValue, 'a'), library: c => numbers(residualGradient(c).params.a),
    steps: [{
      text: 'The first term has no parameters.',
      formula: String.raw`da = f^*_a(dy)`,
      compute: ({ a, x, dy }) => fParameter(a, x, dy)
    }]
  }]
})

interface Deep {
  readonly a: Vector
  readonly x: Vector
  readonly dy: Vector
}

/** $x_0 = x,\ x_{k+1} = f(a_k, x_k)$: all of them. */
const states = ({ a, x }: Deep): readonly Vector[] => a.reduce<readonly Vector[]>((all, ak) => [...all, f(ak, all[all.length - 1])], [x])

/** $dx_{k} = f^*_x(dx_{k+1})$ from the last to the first: all of them, that of $x_0$ first. */
const stateGradients = (c: Deep): readonly Vector[] =>
  c.a.reduceRight<readonly Vector[]>((all, ak, k) => [fInput(ak, states(c)[k], all[0]), ...all], [c.dy])

const stackValue = (c: Deep): Vector => states(c)[c.a.length]

const stackGradient = ({ a, x, dy }: Deep) => stackOf(sine).vjp(a.map(record), asTensor(x))[1](asTensor(dy))

export const stack = derivation<Deep>({
  name: 'stack', source: 'src/layer/compose.ts',
  introduction: 'One layer repeated $L$ times, with its own parameters $a_k$ each time. Shapes: all $x_k$ the same.',
  definition: {
    formula: String.raw`x_0 = x, \qquad x_{k+1} = f(a_k, x_k), \qquad y = x_L`,
    compute: stackValue, library: ({ a, x }) => numbers(stackOf(sine).forward(a.map(record), asTensor(x)))
  },
  cases: fc.tuple(size(3, 0), size(3)).chain(([l, n]) => fc.record({ a: vectors(l), x: vectors(n), dy: vectors(n) })),
  chains: [{
    quantity: 'dx', numeric: numericGradient(stackValue, 'x'), library: c => numbers(stackGradient(c).input),
    steps: [{
      text: 'The chain rule $L$ times, as one product of Jacobians.',
      formula: String.raw`dx^\top = dy^\top F_{L-1} \cdots F_1 F_0, \qquad (F_k)_{ji} = \frac{\partial f_j}{\partial x_i}(a_k, x_k)`,
      compute: c => c.a.reduceRight<Vector>((row, ak, k) => {
        const F = jacobian(ak, states(c)[k])
        return vector(row.length, i => sum(row.length, j => row[j] * F[j][i]))
      }, c.dy)
    }, {
      text: 'From the left, each factor is one pullback.',
      formula: String.raw`dx_L = dy, \qquad dx_k = f^*_x(dx_{k+1}), \qquad dx = dx_0`,
      compute: c => stateGradients(c)[0]
    }]
  }, {
    quantity: 'da_k', numeric: numericGradient(stackValue, 'a'), library: c => stackGradient(c).params.map(({ a }) => numbers(a)),
    steps: [{
      text: 'The parameters of repetition $k$ act through $x_{k+1}$ alone.',
      formula: String.raw`da_k = f^*_a(dx_{k+1}) \text{ at } x_k`,
      compute: c => vector(c.a.length, k => fParameter(c.a[k], states(c)[k], stateGradients(c)[k + 1]))
    }]
  }]
})

interface Branched {
  readonly a: number
  readonly b: number
  readonly x: Vector
  readonly dy: Matrix
}

const branchesValue = ({ a, b, x }: Branched): Matrix => [f(a, x), f(b, x)]

const branchesLayer = branchesOf<{ readonly first: Scaled, readonly second: Scaled }>({ first: sine, second: sine })

const branchesGradient = ({ a, b, x, dy }: Branched) =>
  branchesLayer.vjp({ first: record(a), second: record(b) }, asTensor(x))[1]({ first: asTensor(dy[0]), second: asTensor(dy[1]) })

export const branches = derivation<Branched>({
  name: 'branches', source: 'src/layer/branches.ts',
  introduction: 'Several layers read one input, as queries, keys and values do. Here there are two, with the parameters $a$ and $b$.',
  definition: {
    formula: String.raw`y_1 = f(a, x), \qquad y_2 = f(b, x)`,
    compute: branchesValue,
    library: ({ a, b, x }) => {
      const { first, second } = branchesLayer.forward({ first: record(a), second: record(b) }, asTensor(x))
      return [numbers(first), numbers(second)]
    }
  },
  cases: size(3).chain(n => fc.record({ a: real(), b: real(), x: vectors(n), dy: matrices(2, n) })),
  chains: [{
    quantity: 'dx', numeric: numericGradient(branchesValue, 'x'), library: c => numbers(branchesGradient(c).input),
    steps: [{
      text: 'The outputs together are one long vector; the sum over its entries is a sum over the branches.',
      formula: String.raw`dx_i = \sum_k \sum_j dy_{kj}\,\frac{\partial f_{kj}}{\partial x_i}`,
      compute: ({ a, b, x, dy }) => vector(x.length, i => sum(2, k => sum(x.length, j => dy[k][j] * jacobian(k === 0 ? a : b, x)[j][i])))
    }, {
      text: 'The inner sums are pullbacks: what an input feeds more than once collects all gradients.',
      formula: String.raw`dx = f^*_x(dy_1) + f^*_x(dy_2)`,
      compute: ({ a, b, x, dy }) => vector(x.length, i => fInput(a, x, dy[0])[i] + fInput(b, x, dy[1])[i])
    }]
  }, {
    quantity: 'da', numeric: numericGradient(branchesValue, 'a'), library: c => numbers(branchesGradient(c).params.first.a),
    steps: [{
      text: 'The parameters of a branch act on its own output.',
      formula: String.raw`da = f^*_a(dy_1)`,
      compute: ({ a, x, dy }) => fParameter(a, x, dy[0])
    }]
  }]
})

const tiedOf = ({ a, x }: Case): Vector => f(a, f(a, x))

const tiedLayer = pipe(sine, named('f'), andThenTied('f', sine))

const tiedGradient = ({ a, x, dy }: Case) => tiedLayer.vjp({ f: record(a) }, asTensor(x))[1](asTensor(dy))

export const tied = derivation<Case>({
  name: 'andThenTied: shared parameters', source: 'src/layer/sharing.ts', cases,
  introduction: 'Two layers with one set of parameters, as the embedding and the unembedding of a language model.',
  definition: {
    formula: String.raw`z = g(a, f(a, x))`,
    compute: tiedOf, library: ({ a, x }) => numbers(tiedLayer.forward({ f: record(a) }, asTensor(x)))
  },
  chains: [{
    quantity: 'da', numeric: numericGradient(tiedOf, 'a'), library: c => numbers(tiedGradient(c).params.f.a),
    steps: [{
      text: 'Take $z = h(a, b)$ with a parameter of its own for each use, and set $b = a$. By the chain rule the derivative along $(1, 1)$ is the sum of both partial derivatives.',
      formula: String.raw`da = \sum_k dz_k\Big(\frac{\partial g_k}{\partial b} + \sum_j \frac{\partial g_k}{\partial y_j}\,\frac{\partial f_j}{\partial a}\Big)`,
      compute: ({ a, x, dy: dz }) => {
        const y = f(a, x), G = jacobian(a, y)
        return sum(x.length, k => dz[k] * (y[k] * Math.cos(a * y[k]) + sum(x.length, j => G[k][j] * x[j] * Math.cos(a * x[j]))))
      }
    }, {
      text: 'Each part is what the chain rule gives for a parameter of its own.',
      formula: String.raw`da = g^*_b(dz) + f^*_a(dy), \qquad dy = g^*_y(dz)`,
      compute: ({ a, x, dy: dz }) => fParameter(a, f(a, x), dz) + fParameter(a, x, fInput(a, f(a, x), dz))
    }]
  }, {
    quantity: 'dx', numeric: numericGradient(tiedOf, 'x'), library: c => numbers(tiedGradient(c).input),
    steps: [{
      text: 'For the input nothing is shared: the chain rule.',
      formula: String.raw`dx = f^*_x(g^*_y(dz))`,
      compute: ({ a, x, dy: dz }) => fInput(a, x, fInput(a, f(a, x), dz))
    }]
  }]
})

const frozenOf = ({ a, x }: Case): Vector => f(a, x)

export const frozen = derivation<Case>({
  name: 'frozen', source: 'src/layer/sharing.ts', cases,
  introduction: 'The parameters of a layer become constants: there is nothing left to train, and the gradient still flows to the input.',
  definition: {
    formula: String.raw`y = f(a, x), \quad a \text{ fixed}`,
    compute: frozenOf, library: ({ a, x }) => numbers(frozenWith(record(a))(sine).forward({}, asTensor(x)))
  },
  chains: [{
    quantity: 'dx', numeric: numericGradient(frozenOf, 'x'),
    library: ({ a, x, dy }) => numbers(frozenWith(record(a))(sine).vjp({}, asTensor(x))[1](asTensor(dy)).input),
    steps: [{
      text: 'The partial derivative by $x$ is taken with $a$ constant anyway.',
      formula: String.raw`dx = f^*_x(dy)`,
      compute: ({ a, x, dy }) => fInput(a, x, dy)
    }]
  }]
})

interface Batch {
  readonly a: number
  readonly x: Matrix
  readonly t: Matrix
  readonly parts: number
}

const batchLoss = ({ a, x, t }: Batch): number =>
  sum(x.length, n => sum(x[n].length, i => (f(a, x[n])[i] - t[n][i]) ** 2)) / (x.length * x[0].length)

const gradientOf = lossAndGradient(sine, meanSquaredError())

/** $d\theta_n$: the gradient of the mean over row n alone. */
const rowGradient = ({ a, x, t }: Batch, n: number): number =>
  fParameter(a, x[n], vector(x[n].length, i => 2 / x[n].length * (f(a, x[n])[i] - t[n][i])))

export const batch = derivation<Batch>({
  name: 'sharding: the gradient of a batch', source: 'src/training/sharding.ts',
  introduction: 'The loss of a batch is a mean over what counts in it, such as targets that are not ignored; it is cut into parts in which $N_i$ terms count, and several cores compute one part each. In the example, the mean squared error of $\\sin(a x)$, every row counts the same.',
  definition: {
    formula: String.raw`\ell = \frac1N \sum_{n=1}^{N} \ell_n`,
    compute: batchLoss, library: ({ a, x, t }) => gradientOf(record(a), { input: asTensor(x), target: asTensor(t) }).loss
  },
  cases: fc.tuple(size(4), size(2)).chain(([n, d]) => fc.record({ a: real(), x: matrices(n, d), t: matrices(n, d), parts: size(n) })),
  chains: [{
    quantity: String.raw`d\theta`, numeric: numericJacobian(batchLoss, 'a'),
    library: ({ a, x, t, parts }) => numbers(combineShards(shards(parts)({ input: asTensor(x), target: asTensor(t) })
      .map(part => ({ rows: part.input.shape[0], part: gradientOf(record(a), part) }))).gradient.a),
    steps: [{
      text: 'The derivative of a sum is the sum of the derivatives.',
      formula: String.raw`d\theta = \frac1N \sum_n d\theta_n`,
      compute: c => sum(c.x.length, n => rowGradient(c, n)) / c.x.length
    }, {
      text: 'Sum part by part, and write each part as $N_i$ times its mean.',
      formula: String.raw`d\theta = \sum_i \frac{N_i}{N}\,\Big(\frac{1}{N_i} \sum_{n \in \text{part } i} d\theta_n\Big)`,
      compute: c => {
        const N = c.x.length, bounds = vector(c.parts + 1, i => Math.floor(i * N / c.parts))
        return sum(c.parts, i => {
          const rows = bounds[i + 1] - bounds[i]
          return rows / N * sum(rows, n => rowGradient(c, bounds[i] + n)) / rows
        })
      }
    }]
  }]
})
