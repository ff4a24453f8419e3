import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { axis, defined, derivation, derivations, given, gradientAt } from 'pullback/laws'

type Vector = readonly number[]

interface Cube {
  readonly x: Vector
  readonly y: Vector
  readonly dy: Vector
  readonly dx: Vector
}

const cube = ({ x }: Cube): Vector => x.map(v => v ** 3)
const right = ({ x, dy }: Cube): Vector => x.map((v, i) => 3 * v ** 2 * dy[i])
const wrong = ({ x, dy }: Cube): Vector => x.map((v, i) => 2 * v ** 3 * dy[i])
const nested = ({ x, dy }: Cube): readonly Vector[] => [right({ x, dy, y: [], dx: [] })]

interface Parts {
  readonly definition: string
  readonly first: string
  readonly second: string
  readonly compute: (c: Cube) => Vector
  readonly one: (c: Cube) => Vector
  readonly two: (c: Cube) => Vector | readonly Vector[]
  readonly library: (c: Cube) => Vector
  readonly text: string
}

const sound: Parts = {
  definition: 'y_i = x_i^3', first: String.raw`dx_i = \sum_j dy_j \delta_{ij}\,3 x_j^2`, second: 'dx_i = 3 x_i^2\\,dy_i',
  compute: cube, one: right, two: right, library: right, text: 'The power rule: $\\partial y_i/\\partial x_i = 3 x_i^2$.'
}

const pageWith = (change: Partial<Parts>, letter = 'y') => {
  const parts = { ...sound, ...change }
  return derivation<Cube>({
    name: 'cube', source: 'nowhere', introduction: '',
    axes: { N: axis('i j', 'entries', { min: 2 }) },
    letters: {
      x: given('x', 'N', 'input'), y: defined(letter, 'N', 'output', parts.definition, parts.compute),
      dy: given('dy', 'N', 'gradient'), dx: gradientAt('dx', 'N', 'x', 'gradient')
    },
    outputs: [{ value: 'y', gradient: 'dy', library: c => cube(c) }],
    chains: [{ of: 'dx', library: c => parts.library(c), steps: [{ text: parts.text, formula: parts.first, compute: parts.one }, { text: '', formula: parts.second, compute: parts.two }] }]
  })
}

/** The names of the laws that fail. */
const failing = (change: Partial<Parts>): readonly string[] =>
  pageWith(change).laws.filter(({ property }) => fc.check(property).failed).map(({ name }) => name)

test.each<readonly [string, Partial<Parts>, readonly string[]]>([
  ['no mistake', {}, []],
  ['a wrong formula of the definition', { definition: 'y_i = x_i^2' }, ['definition of y: the formula = the code']],
  ['a sign in the first formula', { first: String.raw`dx_i = -\sum_j dy_j \delta_{ij}\,3 x_j^2` }, ['dx, step 1: the formula = the code']],
  ['an index in the second formula', { second: 'dx_i = 3 x_i^2\\,dy_j' }, ['dx, step 2: the formula = the code']],
  ['a second equation that contradicts', { second: 'dx_i = 3 x_i^2\\,dy_i, \\qquad y_i = x_i' }, ['dx, step 2: the formula = the code']],
  ['a false formula in the text', { text: 'So $\\partial y_i/\\partial x_i = 2 x_i^2$.' }, ['text of dx, step 1: \\partial y_i/\\partial x_i = 2 x_i^2']],
  ['a wrong first function', { one: wrong }, ['dx, step 1: the formula = the code', 'dx, step 1: the code = finite differences', 'dx, step 2: the code = step 1']],
  ['a wrong second function', { two: wrong }, ['dx, step 2: the formula = the code', 'dx, step 2: the code = step 1', 'dx: step 2 = the library']],
  ['the right numbers in another shape', { two: nested }, ['dx, step 2: the formula = the code', 'dx, step 2: the code = step 1', 'dx: step 2 = the library']],
  ['a wrong library', { library: wrong }, ['dx: step 2 = the library']],
  ['not a number', { library: ({ x }) => x.map(() => NaN) }, ['dx: step 2 = the library']]
])('a derivation with %s', (_, change, laws) => {
  expect(failing(change)).toEqual(laws)
})

describe('a formula without a meaning', () => {
  test.each([
    ['an undeclared letter', () => pageWith({ second: 'dx_i = 3 w_i^2\\,dy_i' }), 'cube, dx, step 2: the letter w is not declared'],
    ['an undeclared letter in the text', () => pageWith({ text: 'With $q$.' }), 'the letter q is not declared'],
    ['a letter for two things', () => pageWith({}, 'x'), 'cube, letters: the letter x is used for two things'],
    ['a letter that is reserved', () => pageWith({}, 'e'), 'the letter e is used for two things'],
    ['half a formula', () => pageWith({ second: 'dx_i = 3 x_i^2 (dy_i' }), 'expected )']
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message)
  })
})

/** What a tired author might print, page by page. */
const misprints: readonly (readonly [page: string, place: string, formula: string])[] = [
  ['linear', 'dX, step 2', String.raw`dX_{mi} = \sum_j dY_{jm}\,W_{ji}`],
  ['linear', 'dX, step 3', String.raw`dX = W\,dY^\top`],
  ['linear', 'dX, step 3', String.raw`dX = dY\,W`],
  ['linear', 'dW, step 3', String.raw`dW = dY^\top X`],
  ['linear', 'db, step 2', String.raw`db_k = \sum_n dY_{nk}, \qquad db = \mathbf 1^\top dY`],
  ['unembedding', 'dW, step 3', String.raw`dW = X^\top dY`],
  ['layerNorm', 'dx, step 2', String.raw`dx_{ni} = r_n\,\Big(g_{ni} - \frac1D \sum_j g_{nj} + \hat x_{ni}\,\frac1D \sum_j g_{nj}\,\hat x_{nj}\Big)`],
  ['layerNorm', 'dx, step 2', String.raw`dx_{ni} = \Big(g_{ni} - \frac1D \sum_j g_{nj} - \hat x_{ni}\,\frac1D \sum_j g_{nj}\,\hat x_{nj}\Big)`],
  ['layerNorm', 'claim 1', String.raw`\frac1D \sum_j \hat x_{nj}^2 = 1`],
  ['andThen: the chain rule', 'dx, step 3', String.raw`(dB, dx) = g^*_{A,x}(dy), \qquad (dA, dy) = f^*_{B,y}(dz)`],
  ['andThen: the chain rule', 'dx, step 3', String.raw`(dA, dx) = f^*_{A,x}(dz), \qquad (dB, dy) = g^*_{B,y}(dz)`],
  ['andThen: the chain rule', 'dx, step 1', String.raw`dx_i = \sum_k dz_k \sum_j \frac{\partial z_k}{\partial x_i}\,\frac{\partial y_j}{\partial x_i}`],
  ['residual', 'dx, step 2', String.raw`dx = u, \qquad (dA, u) = f^*_{A,x}(dy)`],
  ['residual', 'dx, step 2', String.raw`dx = dy + u, \qquad (dA, u) = f^*_{A,y}(dy)`],
  ['stack', 'dx, step 1', String.raw`dx = \Big(\prod_k J_k\Big)\,dy`],
  ['stack', 'dx, step 3', String.raw`dx = dh_0, \qquad dh_L = dy, \qquad (dA_k, dh_k) = f^*_{A_k,h_{k+1}}(dh_{k+1})`],
  ['stack', 'dx, step 2', String.raw`dx = dh_0, \qquad dh_L = dy, \qquad dh_k = J_k dh_{k+1}`],
  ['branches', 'dx, step 2', String.raw`dx = u + w, \qquad (dA, u) = f^*_{A,x}(dy_1), \qquad (dB, w) = g^*_{B,y_1}(dy_2)`],
  ['andThenTied: shared parameters', 'dA, step 2', String.raw`dA = w, \qquad (w, dy) = g^*_{B,y}(dz), \qquad (u, dx) = f^*_{A,x}(dy)`],
  ['softmax with temperature', 'dx, step 3', String.raw`dx_i = \frac{y_i}{\tau}\Big(dy_i - \sum_j dy_j\Big)`],
  ['softmax with temperature', 'dx, step 3', String.raw`dx_i = \tau\,y_i\Big(dy_i - \sum_j dy_j\,y_j\Big)`],
  ['scaled dot-product attention', 'dQ, step 2', String.raw`dQ = dZ\,K`],
  ['scaled dot-product attention', 'dK, step 2', String.raw`dK = \frac{dZ\,Q}{\sqrt d}`],
  ['scaled dot-product attention', 'dV, step 2', String.raw`dV = A\,dY`],
  ['transformer block', 'dx, step 2', String.raw`dx = dy + u_2 + r`],
  ['transformer block', 'dMiddle, step 1', String.raw`dx' = u_2, \qquad (d\gamma_2, d\beta_2, u_2) = \mathrm{ln}^*_{\gamma_2,\beta_2,x'}(dn_2)`],
  ['cross-entropy from logits', 'dx, step 2', String.raw`dx_{nj} = y_{nj} - \delta_{j t_n}`],
  ['token embedding', 'dW, step 2', String.raw`dW_{v} = \sum_{n\,:\,t_n = v} W_{t_n}`],
  ['Adam', 'definition of mHat', String.raw`\hat m_{s,i} = \frac{m_{s+1,i}}{1 - \beta_1^{s}}`]
]

test.each(misprints)('%s, %s: %s is noticed', (page, place, formula) => {
  const found = derivations.find(({ name }) => name === page), cases = found === undefined ? [] : fc.sample(found.cases, { numRuns: 30, seed: 7 })
  const where = (found?.places ?? []).filter(({ name }) => name === place)
  expect(where.length).toBeGreaterThan(0)
  for (const { tried } of where) expect(cases.some(drawn => tried(formula, drawn).error > 1)).toBe(true)
})
