/**
 * What a law is: a statement that holds for every case, and a fast-check property that looks for one where it
 * does not.
 *
 * @module
 */
import fc from 'fast-check'

/** What a law found in one case. The law holds there if `error` is at most the law's tolerance. */
export interface Finding {
  /** 0 if the statement holds exactly; relative if it is about real numbers; ∞ if it simply fails. */
  readonly error: number
  /** What differs, where, and by how much. */
  readonly explain: () => string
}

export interface Law {
  readonly name: string
  /** The mathematical statement, in words with LaTeX. */
  readonly statement: string
  /** The largest error at which the law still holds. */
  readonly tolerance: number
  /** Why the tolerance is what it is. */
  readonly reason: string
  /** For `fc.assert(law.property)` under any test runner. */
  readonly property: fc.IRawProperty<unknown, false>
  /** The same property, telling every error it finds, for statistics. */
  readonly observed: (observe: (error: number) => void) => fc.IRawProperty<unknown, false>
}

export interface LawDefinition<Case> {
  readonly name: string
  readonly statement: string
  /** Default 0: the statement is exact. */
  readonly tolerance?: number | undefined
  readonly reason?: string | undefined
  readonly cases: fc.Arbitrary<Case>
  readonly check: (testCase: Case) => Finding
}

/** Makes a law of its cases and the check of one of them. */
export const law = <Case>(
  { name, statement, tolerance = 0, reason = 'exact', cases, check }: LawDefinition<Case>
): Law => {
  const observed = (observe: (error: number) => void): fc.IRawProperty<unknown, false> => fc.property(cases, testCase => {
    const { error, explain } = check(testCase)
    observe(error)
    // Not `error > tolerance`: a NaN must fail.
    if (!(error <= tolerance))
      throw new Error(`law "${name}" fails: ${statement}\n${explain()}\nrelative error ${error}, tolerance ${tolerance} (${reason})`)
  })
  return { name, statement, tolerance, reason, property: observed(() => undefined), observed }
}

/** The statement holds in this case. */
export const holds: Finding = { error: 0, explain: () => 'holds' }

/** The statement fails in this case, with no measure of how far. */
export const fails = (why: string): Finding => ({ error: Infinity, explain: () => why })

/** The worst of several findings; a NaN is worse than everything. */
export const worst = (findings: readonly Finding[]): Finding =>
  findings.reduce((a, b) => (Number.isNaN(a.error) || a.error >= b.error ? a : b), holds)

/** The first of several findings that does not hold exactly. */
export const firstFailing = (findings: readonly Finding[]): Finding => findings.find(({ error }) => error !== 0) ?? holds

/** Registers laws with a test runner, one named test for each: `asTests(test)(laws)`. */
export const asTests = (test: (name: string, run: () => void) => void, parameters: fc.Parameters<unknown> = {}) =>
  (laws: readonly Law[]): void => {
    for (const { name, property } of laws) test(name, () => fc.assert(property, parameters))
  }
