/**
 * The two pages before all others: what a gradient is here, and how it is measured.
 *
 * @module
 */
import { derivativeAtZero } from '../finiteDifferences.js'
import { matrixFrom, vectorFrom } from './arrays.js'
import { real } from './cases.js'
import { f, g } from './denseLayers.js'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt, mapping } from './letters.js'
import { type Matrix, matrix, product, sum, times, transposed, vector, type Vector } from './notation.js'
import { small } from './parts.js'

interface Conventions {
  readonly A: Matrix
  readonly B: Matrix
  readonly x: Vector
  readonly y: Vector
  readonly z: Vector
  readonly dz: Vector
  readonly loss: number
  readonly F: Matrix
  readonly G: Matrix
  readonly dy: Vector
  readonly dx: Vector
  readonly v: Vector
  readonly w: Vector
  readonly a: number
  readonly J: readonly Matrix[]
  readonly d: Vector
  readonly r: number
  readonly c: number
}

/** A vector after every matrix of a list, and how many multiplications that took. */
const vectorFirst = (matrices: readonly Matrix[], v: Vector): { readonly value: Vector, readonly multiplications: number } =>
  matrices.reduce((before, M) => ({ value: times(M, before.value), multiplications: before.multiplications + M.length * before.value.length }), { value: v, multiplications: 0 })

/** The product of the matrices, and then the vector. */
const matricesFirst = ([head, ...rest]: readonly Matrix[], v: Vector): { readonly value: Vector, readonly multiplications: number } => {
  const all = rest.reduce((before, M) => ({ value: product(M, before.value), multiplications: before.multiplications + M.length * M[0].length * before.value[0].length }), { value: head, multiplications: 0 })
  return { value: times(all.value, v), multiplications: all.multiplications + all.value.length * v.length }
}

export const conventions = derivation<Conventions>({
  name: 'conventions: what dx means', source: 'src/layer/layer.ts', about: ['layer', 'layerKeeping', 'parameterless', 'fromOutput'],
  introduction: 'A network ends in one number, the loss $\\ell$. Everything on its way has a gradient: for a value $y$ it is written $dy$, has the shape of $y$, and holds the derivatives of $\\ell$ by the entries of $y$. On these pages $dy$ is given and $dx$ is sought. Here the way is $x$, then $y = f(x)$, then $z = g(y)$; so that something can be computed, $f(x) = \\sin(A x)$ and $g(y) = \\tanh(B y)$.',
  axes: {
    N: axis('i', 'entries of $x$', { example: 3 }), M: axis('j', 'entries of $y$'), K: axis('k', 'entries of $z$'),
    L: axis('l', 'layers of a deep network'), D: axis('', 'width of a deep network')
  },
  functions: {
    f: mapping('f', ['N'], 'M', 'any differentiable function', ([x], { A }) => f(matrixFrom(A), vectorFrom(x))),
    g: mapping('g', ['M'], 'K', 'another', ([y], { B }) => g(matrixFrom(B), vectorFrom(y))),
    both: mapping('h', ['N'], 'K', 'both, $h(x) = g(f(x))$', ([x], { A, B }) => g(matrixFrom(B), f(matrixFrom(A), vectorFrom(x))))
  },
  letters: {
    A: given('A', 'M N', 'a matrix', small),
    B: given('B', 'K M', 'a matrix', small),
    x: given('x', 'N', 'input', small),
    y: defined('y', 'M', 'between', 'y = f(x)', ({ A, x }) => f(A, x)),
    z: defined('z', 'K', 'output', 'z = g(y)', ({ B, y }) => g(B, y)),
    dz: given('dz', 'K', 'gradient at the output'),
    loss: defined('\\ell', '', 'a loss that has this gradient', String.raw`\ell = \sum_k dz_k z_k`, ({ z, dz }) => sum(z.length, k => dz[k] * z[k])),
    F: defined('F', 'M N', 'Jacobian of $f$', String.raw`F_{ji} = \frac{\partial y_j}{\partial x_i}`, ({ A, x }) => {
      const u = times(A, x)
      return matrix(A.length, x.length, (j, i) => Math.cos(u[j]) * A[j][i])
    }),
    G: defined('G', 'K M', 'Jacobian of $g$', String.raw`G_{kj} = \frac{\partial z_k}{\partial y_j}`, ({ B, y, z }) => matrix(B.length, y.length, (k, j) => (1 - z[k] ** 2) * B[k][j])),
    dy: gradientAt('dy', 'M', 'y', 'gradient between'),
    dx: gradientAt('dx', 'N', 'x', 'gradient at the input'),
    v: given('v', 'N', 'a direction', small),
    w: given('w', 'K', 'another gradient at the output', small),
    a: given('a', '', 'a number'),
    J: given('J', 'L D D', 'transposed Jacobians of the layers of a deep network, the last layer first', small),
    d: given('q', 'D', 'gradient at its output', small),
    r: defined('r', '', 'multiplications, if the vector comes first', 'r = L D^2', ({ J, d }) => vectorFirst(J, d).multiplications),
    c: defined('c', '', 'multiplications, if the matrices come first', 'c = (L - 1)\\,D^3 + D^2', ({ J, d }) => matricesFirst(J, d).multiplications)
  },
  outputs: [{ value: 'loss' }],
  chains: [{
    of: 'dy',
    steps: [{
      text: 'This is what $dy$ means.',
      formula: String.raw`dy_j = \frac{\partial \ell}{\partial y_j}`,
      compute: ({ G, dz }) => times(transposed(G), dz)
    }, {
      text: 'The loss depends on $y$ through all entries of $z$. The chain rule adds over them.',
      formula: String.raw`dy_j = \sum_k dz_k\,\frac{\partial z_k}{\partial y_j}`,
      compute: ({ y, G, dz }) => vector(y.length, j => sum(dz.length, k => dz[k] * G[k][j]))
    }, {
      text: 'The derivatives make a matrix, the Jacobian, with a row for each output and a column for each input. The sum runs down a column: a product with the transpose. (Some write it $dz^\\top G$, a "vector-Jacobian product".)',
      formula: String.raw`dy = G^\top dz, \qquad dy^\top = dz^\top G`,
      compute: ({ G, dz }) => times(transposed(G), dz)
    }, {
      text: 'As a function of $dz$ this is the *pullback* of $g$ at the point $y$, written $g^*_{y}$. The point matters: a Jacobian is different at every point. A layer computes it without writing the Jacobian down; finding how is what all other pages are about.',
      formula: String.raw`dy = g^*_{y}(dz)`,
      compute: ({ G, dz }) => times(transposed(G), dz)
    }]
  }, {
    of: 'dx',
    steps: [{
      text: 'The Jacobian of a composition is the product of the Jacobians. Its transpose is the product of the transposes in the other order.',
      formula: String.raw`dx = (G F)^\top dz = F^\top G^\top dz`,
      compute: ({ F, G, dz }) => times(transposed(product(G, F)), dz)
    }, {
      text: 'Taken from the right, that is one pullback after the other: the pullback of a composition is the composition of the pullbacks, backwards, $h^*_{x} = f^*_{x} \\circ g^*_{y}$. This is backpropagation.',
      formula: String.raw`dx = h^*_{x}(dz) = f^*_{x}(g^*_{y}(dz))`,
      compute: ({ F, G, dz }) => times(transposed(F), times(transposed(G), dz))
    }]
  }],
  claims: [{
    title: 'What the gradient is good for',
    text: 'Along a direction $v$ the loss changes, to first order, by the product of the gradient with $v$. It is the same whether the direction is pushed forward or the gradient pulled back, which is how the tests measure gradients.',
    formulas: [String.raw`dx^\top v = dy^\top (F v) = dz^\top (G F v)`]
  }, {
    title: 'Pullbacks are linear',
    text: 'In the gradient that they take, not in their point. So the gradients of two losses may be added before or after, and a batch is a sum.',
    formulas: [String.raw`g^*_{y}(a\,dz + w) = a\,g^*_{y}(dz) + g^*_{y}(w)`]
  }, {
    title: 'Why backwards',
    text: 'A network takes many numbers to one. With $L$ layers of width $D$ the gradient is a product of $L$ matrices and a vector. Begin at the vector, that is at the loss, and every intermediate result is a vector: $r$ multiplications, about as many as the forward pass. Begin at the other end and matrices are multiplied with matrices: $c$ of them, more by a factor of nearly $D$. The code counts both.',
    formulas: [String.raw`r = L D^2, \qquad c = (L - 1)\,D^3 + D^2`]
  }, {
    title: 'How these pages are written',
    text: 'Indices begin at 0. $\\delta_{ij}$ is 1 where the indices agree and 0 elsewhere; a condition in brackets is 1 where it holds. A capital letter without indices is a matrix and multiplies as one; $\\odot$ multiplies entry by entry. Vectors are columns. A batch is a matrix whose rows are inputs, so a row $x_n^\\top$ is multiplied from the right, $Y = X W$, where a single column would be multiplied from the left. Every letter of a page is in its table, with its name in the code.',
    formulas: []
  }],
  unevaluated: {
    'h^*_{x} = f^*_{x} \\circ g^*_{y}': 'an equation of functions; the next formula evaluates it',
    '\\odot': 'notation', 'x_n^\\top': 'notation', 'Y = X W': 'notation; the page of the linear layer evaluates it'
  }
})

interface Differences {
  readonly c: Vector
  readonly h: number
  readonly forward: number
  readonly central: number
  readonly half: number
  readonly quarter: number
  readonly R: number
  readonly halfR: number
  readonly d: number
}

const polynomial = (c: Vector, t: number): number => sum(c.length, n => c[n] * t ** n)

const centralAt = (c: Vector, h: number): number => (polynomial(c, h) - polynomial(c, -h)) / (2 * h)

const richardsonAt = (c: Vector, h: number): number => (4 * centralAt(c, h / 2) - centralAt(c, h)) / 3

export const finiteDifferences = derivation<Differences>({
  name: 'finite differences', source: 'laws/finiteDifferences.ts', uses: ['conventions'],
  introduction: 'Everything rests on derivatives that are measured. Near 0 a smooth function of one number is nearly a polynomial; here it is one of degree 5, so that every error can be written down. Sought is its derivative at 0, $c_1$.',
  axes: { n: axis('', 'coefficients', { min: 6, max: 6, example: 6 }) }, counters: ['k'],
  functions: { phi: mapping('\\varphi', [''], '', 'the function', ([t], { c }) => polynomial(vectorFrom(c), typeof t === 'number' ? t : NaN)) },
  letters: {
    c: given('c', 'n', 'coefficients', small),
    h: given('h', '', 'step', { entries: real(1).map(v => (Math.abs(v) + 1) / 4), example: () => 0.5 }),
    forward: defined('f', '', 'the difference to one side', String.raw`f = \frac{\varphi(h) - \varphi(0)}{h}`, ({ c, h }) => (polynomial(c, h) - polynomial(c, 0)) / h),
    central: defined('d', '', 'the difference to both sides', String.raw`d = \frac{\varphi(h) - \varphi(-h)}{2h}`, ({ c, h }) => centralAt(c, h)),
    half: defined('d_1', '', 'the same with half the step', String.raw`d_1 = \frac{\varphi(h/2) - \varphi(-h/2)}{h}`, ({ c, h }) => centralAt(c, h / 2)),
    quarter: defined('d_2', '', 'and with a quarter', String.raw`d_2 = \frac{\varphi(h/4) - \varphi(-h/4)}{h/2}`, ({ c, h }) => centralAt(c, h / 4)),
    R: defined('r', '', 'extrapolated once', String.raw`r = \frac{4 d_1 - d}{3}`, ({ c, h }) => richardsonAt(c, h)),
    halfR: defined('r_1', '', 'the same with half the step', String.raw`r_1 = \frac{4 d_2 - d_1}{3}`, ({ c, h }) => richardsonAt(c, h / 2)),
    d: defined('g', '', 'what the tests measure', '', ({ c }) => derivativeAtZero(t => polynomial(c, t)))
  },
  claims: [{
    title: 'The function', text: 'Its value at $h$ is the polynomial.', formulas: [String.raw`\varphi(h) = \sum_{k=0}^{5} c_k h^k`]
  }, {
    title: 'Why to both sides',
    text: 'To one side, the error is $c_2 h$ and smaller terms. To both sides all even powers cancel, and the error begins with $h^2$: half the step, a quarter of the error.',
    formulas: [String.raw`f - c_1 = c_2 h + c_3 h^2 + c_4 h^3 + c_5 h^4`, String.raw`d - c_1 = c_3 h^2 + c_5 h^4, \qquad d_1 - c_1 = c_3 \frac{h^2}{4} + c_5 \frac{h^4}{16}`]
  }, {
    title: 'Why extrapolate',
    text: 'Two differences have the same first error but for a known factor, so together they cancel it (Richardson). What remains begins with $h^4$; a second extrapolation cancels that too, and so on.',
    formulas: [String.raw`r - c_1 = -\frac14\,c_5 h^4, \qquad \frac{16\,r_1 - r}{15} = c_1`]
  }, {
    title: 'What error remains',
    text: 'A small step makes these errors small, but the difference of two nearly equal numbers loses digits: with a step of a thousandth, three. So the step must not be small. The tests begin with 1/16, halve it, extrapolate at every halving, and stop at the entry of the table that differs least from its neighbours. About ten digits remain of sixteen, and a mistake in a formula shows in the first or second.',
    formulas: ['g = c_1']
  }],
  cost: 'Two evaluations for each halving and each entry of the input: good for a test, too slow for training.'
})
