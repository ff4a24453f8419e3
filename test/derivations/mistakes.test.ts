import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { axis, defined, derivation, given, gradientAt } from 'pullback/laws'

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
