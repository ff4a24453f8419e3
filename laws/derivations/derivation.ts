/**
 * What a derivation is: a chain of formulas for one quantity, each a pure function, each equal to the one before it. The
 * first is measured by finite differences, the last is what the library computes.
 *
 * The same value gives the laws, which the tests run, and the pages that `npm run derivations` writes.
 *
 * @module
 */
import type fc from 'fast-check'
import type { tensor } from 'pullback'
import { derivativeAtZero } from '../finiteDifferences.js'
import { type Finding, type Law, law } from '../law.js'

/** A number, or an array of values. */
export type Value = tensor.Nested

export interface Step<Case> {
  /** Why this formula equals the one before it. */
  readonly text: string
  readonly formula: string
  readonly compute: (testCase: Case) => Value
}

/** The derivation of one quantity. */
export interface Chain<Case> {
  /** The quantity, in LaTeX. */
  readonly quantity: string
  /** The quantity from finite differences. */
  readonly numeric: (testCase: Case) => Value
  readonly steps: readonly Step<Case>[]
  /** The quantity as the library computes it; without it the chain is a lemma of a later one. */
  readonly library?: ((testCase: Case) => Value) | undefined
}

export interface DerivationDefinition<Case> {
  readonly name: string
  /** The file of the library whose gradient this is. */
  readonly source: string
  /** What is computed, with the shapes by letter. */
  readonly introduction: string
  readonly definition: {
    readonly formula: string
    readonly compute: (testCase: Case) => Value
    /** The same value from the library. */
    readonly library: (testCase: Case) => Value
  }
  readonly cases: fc.Arbitrary<Case>
  readonly chains: readonly Chain<Case>[]
}

/** A derivation for its readers: its cases are inside of its laws. */
export interface Derivation extends Pick<DerivationDefinition<never>, 'name' | 'source' | 'introduction'> {
  readonly definition: { readonly formula: string }
  readonly chains: readonly {
    readonly quantity: string
    readonly steps: readonly Pick<Step<never>, 'text' | 'formula'>[]
    readonly endsInLibrary: boolean
  }[]
  readonly laws: readonly Law[]
}

const entriesOf = (value: Value): readonly number[] => (typeof value === 'number' ? [value] : value.flatMap(entriesOf))

const mapEntries = (value: Value, f: (entry: number, index: number) => number): Value => {
  let index = 0
  const visit = (part: Value): Value => (typeof part === 'number' ? f(part, index++) : part.map(visit))
  return visit(value)
}

/** $\partial\varphi(c)/\partial c_v$ for every entry of the variable $v$ of a case, by finite differences. */
const derivatives = <Case>(phi: (testCase: Case) => number, variable: keyof Case, testCase: Case): readonly number[] => {
  const at = testCase[variable] as Value // a variable is a number or an array of numbers
  return entriesOf(at).map((_, moved) =>
    derivativeAtZero(h => phi({ ...testCase, [variable]: mapEntries(at, (entry, i) => (i === moved ? entry + h : entry)) })))
}

/** The gradient $\partial\langle dy, f\rangle/\partial v$, by finite differences. */
export const numericGradient = <Case extends { readonly dy: Value }>(f: (testCase: Case) => Value, variable: keyof Case) =>
  (testCase: Case): Value => {
    const dy = entriesOf(testCase.dy)
    return derivatives(c => entriesOf(f(c)).reduce((total, y, i) => total + dy[i] * y, 0), variable, testCase)
  }

/** The Jacobian $\partial f_j/\partial v_i$ row by row: for every entry $j$ of $f$ the derivatives by all entries $i$, by finite differences. */
export const numericJacobian = <Case>(f: (testCase: Case) => Value, variable: keyof Case) =>
  (testCase: Case): Value => entriesOf(f(testCase)).map((_, j) => derivatives(c => entriesOf(f(c))[j], variable, testCase))

/** Below this, a difference counts as it is, not relative to the quantity. */
const FLOOR = 1e-2

const equal = (first: Value, second: Value): Finding => {
  const a = entriesOf(first), b = entriesOf(second)
  if (a.length !== b.length) return { error: Infinity, explain: () => `${a.length} numbers against ${b.length}` }
  // Hidden scores are −∞ on both sides; Object.is lets them, and nothing else that is not finite, be equal.
  const differences = a.map((x, i) => (Object.is(x, b[i]) ? 0 : Math.abs(x - b[i])))
  const size = Math.hypot(...b.filter(Number.isFinite), FLOOR)
  const place = differences.reduce((worst, d, i) => (Number.isNaN(d) || d > differences[worst] ? i : worst), 0)
  return {
    error: differences.length === 0 ? 0 : differences[place] / size,
    explain: () => `entry ${place}: ${a[place]} against ${b[place]}`
  }
}

/** Makes a derivation of its definition. */
export const derivation = <Case>({ name, source, introduction, definition, cases, chains }: DerivationDefinition<Case>): Derivation => {
  const equation = (
    title: string, statement: string, measured: boolean, first: (c: Case) => Value, second: (c: Case) => Value
  ): Law => law({
    name: title, statement, cases,
    tolerance: measured ? 1e-7 : 1e-11,
    reason: measured
      ? 'double precision: the extrapolated differences are good to about 1e-10, a mistake shows at 1e-2'
      : 'double precision: the same number by other roundings',
    check: testCase => equal(first(testCase), second(testCase))
  })
  return {
    name, source, introduction, definition,
    chains: chains.map(({ quantity, steps, library }) => ({ quantity, steps, endsInLibrary: library !== undefined })),
    laws: [
      equation('definition = library', definition.formula, false, definition.compute, definition.library),
      ...chains.flatMap(({ quantity, numeric, steps, library }) => [
        ...steps.map(({ formula, compute }, i) => i === 0
          ? equation(`${quantity}: finite differences = step 1`, formula, true, numeric, compute)
          : equation(`${quantity}: step ${i} = step ${i + 1}`, formula, false, steps[i - 1].compute, compute)),
        ...(library === undefined ? []
          : [equation(`${quantity}: step ${steps.length} = library`, quantity, false, steps[steps.length - 1].compute, library)])
      ])
    ]
  }
}
