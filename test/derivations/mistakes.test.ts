import fc from 'fast-check'
import { expect, test } from 'vitest'
import { derivation, numericGradient } from 'pullback/laws'

interface Case {
  readonly x: readonly number[]
  readonly dy: readonly number[]
}

const cube = ({ x }: Case) => x.map(v => v ** 3)
const right = ({ x, dy }: Case) => x.map((v, i) => 3 * v ** 2 * dy[i])
const wrong = ({ x, dy }: Case) => x.map((v, i) => 2 * v ** 3 * dy[i])
const shorter = ({ x, dy }: Case) => [3 * x[0] ** 2 * dy[0]]

type Function = (testCase: Case) => readonly number[]

/** The names of the laws that fail for a derivation of the cube with these parts. */
const failing = (definition: Function, first: Function, second: Function, library: Function): readonly string[] => derivation<Case>({
  name: 'cube', source: 'nowhere', introduction: '',
  definition: { formula: 'y_i = x_i^3', compute: cube, library: definition },
  cases: fc.constant({ x: [1.5, -0.5], dy: [1, 2] }),
  chains: [{
    quantity: 'dx', numeric: numericGradient(cube, 'x'), library,
    steps: [{ text: '', formula: '', compute: first }, { text: '', formula: '', compute: second }]
  }]
}).laws.filter(({ property }) => fc.check(property).failed).map(({ name }) => name)

test.each<readonly [string, readonly [Function, Function, Function, Function], readonly string[]]>([
  ['no mistake', [cube, right, right, right], []],
  ['another definition', [right, right, right, right], ['definition = library']],
  ['a wrong first step', [cube, wrong, right, right], ['dx: finite differences = step 1', 'dx: step 1 = step 2']],
  ['a wrong second step', [cube, right, wrong, right], ['dx: step 1 = step 2', 'dx: step 2 = library']],
  ['a wrong library', [cube, right, right, wrong], ['dx: step 2 = library']],
  ['an entry too few', [cube, right, shorter, right], ['dx: step 1 = step 2', 'dx: step 2 = library']],
  ['not a number', [cube, right, right, () => [NaN, NaN]], ['dx: step 2 = library']]
])('a derivation with %s', (_, parts, laws) => {
  expect(failing(...parts)).toEqual(laws)
})
