/**
 * A changed step against its law: it holds in so many cases, or there is a smallest case where it does not.
 */
import fc from 'fast-check'
import type { Derivation, Value } from 'pullback/laws'
import { entriesOf, equal, MEASURED } from '../../../../../../laws/derivations/relations.js'
import type { Counterexample } from './messages.js'
import { Problem, runStep, type Step } from './reader.js'

type Drawn = Parameters<Derivation['valuesIn']>[0]

/** What a trial tells while it runs. */
export interface Listener {
  /** Before and after the code of the reader runs. */
  readonly at: (reader: boolean) => void
  readonly soFar: (cases: number, worst: number) => void
  readonly failing: () => void
  readonly stopped: () => boolean
}

export type Outcome =
  | { readonly kind: 'holds', readonly cases: number, readonly worst: number }
  | { readonly kind: 'fails', readonly example: Counterexample }
  | { readonly kind: 'problem', readonly text: string }
  | { readonly kind: 'stopped' }

const CASES = 100, SEARCH = 4000, SHRINK = 1500, TIDY = 500

const shapeOf = (value: Value): string => (typeof value === 'number' ? '' : `${value.length},${value.length === 0 ? '' : shapeOf(value[0])}`)

const isRectangular = (value: Value): boolean =>
  typeof value === 'number' || (value.every(isRectangular) && value.every(part => shapeOf(part) === shapeOf(value[0])))

const sizesOf = (value: Value): string => `[${shapeOf(value).split(',').filter(part => part !== '').join(', ')}]`

const placeIn = (value: Value, entry: number): readonly number[] => {
  if (typeof value === 'number') return []
  let before = 0
  for (const [i, part] of value.entries()) {
    const size = entriesOf(part).length
    if (entry < before + size) return [i, ...placeIn(part, entry - before)]
    before += size
  }
  return []
}

const next = (): Promise<void> => new Promise(resolve => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    resolve()
  }
  port2.postMessage(undefined)
})

export const tryStep = async (derivation: Derivation, place: string, step: Step, seed: number, { at, soFar, failing, stopped }: Listener): Promise<Outcome> => {
  const own = derivation.functions.find(({ name }) => name === place)
  if (own === undefined) return { kind: 'problem', text: `No step is called ${place}.` }
  const read = new Set<string>()
  const run = (drawn: Drawn): Value => {
    const values = derivation.valuesIn(drawn)
    at(true)
    try { return runStep(step, values, drawn.sizes, name => { read.add(name) }) } finally { at(false) }
  }
  /** The largest error against what the step must equal; Infinity with a sentence for what is no value or has another shape. */
  const judged = (drawn: Drawn): { readonly error: number, readonly problem?: string } => {
    try {
      const value = run(drawn)
      if (!isRectangular(value)) return { error: Infinity, problem: 'It gives rows of different lengths.' }
      const errors = own.against.map(reference => equal(value, reference.value(drawn)).error)
      return { error: errors.some(Number.isNaN) ? NaN : Math.max(...errors) }
    } catch (error) {
      if (error instanceof Problem) return { error: Infinity, problem: error.message }
      throw error
    }
  }
  const fails = (drawn: Drawn): boolean => !(judged(drawn).error <= MEASURED)

  let cases = 0, worst = 0, last = performance.now(), told = last, problem: string | undefined, first: number | undefined
  const rest = async (): Promise<void> => {
    if (performance.now() - last < 20) return
    await next()
    last = performance.now()
  }
  const property = fc.asyncProperty(derivation.cases, async drawn => {
    await rest()
    if (stopped() || problem !== undefined) return true
    if (first !== undefined && performance.now() - first > SHRINK) return true
    const found = judged(drawn)
    if (found.error <= MEASURED) {
      if (first === undefined) {
        cases++
        worst = Math.max(worst, found.error)
        if (cases === 1 || performance.now() - told > 80) {
          told = performance.now()
          soFar(cases, worst)
        }
      }
      return true
    }
    if (found.problem !== undefined && first === undefined) {
      problem = found.problem
      return false
    }
    if (found.problem !== undefined) return true
    if (first === undefined) {
      first = performance.now()
      failing()
    }
    return false
  })
  const details = await fc.check(property, { seed, numRuns: CASES, interruptAfterTimeLimit: SEARCH })
  if (stopped()) return { kind: 'stopped' }
  if (problem !== undefined) return { kind: 'problem', text: problem }
  if (details.counterexample === null && cases === 0) return { kind: 'problem', text: `No case was judged in ${SEARCH / 1000} seconds.` }
  if (details.counterexample === null) return { kind: 'holds', cases, worst }

  const [smallest] = details.counterexample
  const drawn = await tidy(derivation, own, smallest, fails, rest, stopped)
  read.clear()
  const got = run(drawn)
  const wanted = own.against.map(({ name, value }) => ({ name, value: value(drawn) }))
  const reference = wanted.find(({ value }) => !(equal(got, value).error <= MEASURED))
  if (reference === undefined) return { kind: 'problem', text: 'It fails in a case, and not when the same case runs again. A step is a pure function of the letters.' }
  if (shapeOf(got) !== shapeOf(reference.value)) return { kind: 'problem', text: `It gives ${typeof got === 'number' ? 'a number' : `the shape ${sizesOf(got)}`} where ${typeof reference.value === 'number' ? 'a number' : `the shape ${sizesOf(reference.value)}`} is expected.` }
  const mine = entriesOf(got), theirs = entriesOf(reference.value)
  const entry = mine.findIndex((x, i) => !(Object.is(x, theirs[i]) || Math.abs(x - theirs[i]) <= MEASURED * Math.hypot(...theirs.filter(Number.isFinite), 0.01)))
  const values = derivation.valuesIn(drawn)
  return {
    kind: 'fails',
    example: {
      given: Object.keys(values).filter(name => read.has(name)).map(name => ({ name, value: values[name] })),
      got, wanted, at: placeIn(got, Math.max(0, entry)), cases: cases + 1
    }
  }
}

/** Whether numbers of a letter may be any of a range. */
const continuous = (derivation: Derivation, name: string, sizes: Drawn['sizes']): boolean => {
  const letter = derivation.letters.letters[name]
  if (letter.kind !== 'given') return false
  const seen = fc.sample(letter.entries(sizes), { numRuns: 40, seed: 1 })
  return new Set(seen).size > 12 && Math.min(...seen) < -0.9 && Math.max(...seen) > 0.9
}

const replaced = (value: Value, at: readonly number[], entry: number): Value =>
  (typeof value === 'number' ? entry : value.map((part, i) => (i === at[0] ? replaced(part, at.slice(1), entry) : part)))

/** The same counterexample with short numbers where it still is one: 1 in place of 0.00390625. */
const tidy = async (
  derivation: Derivation, own: Derivation['functions'][number], drawn: Drawn, fails: (drawn: Drawn) => boolean, rest: () => Promise<void>, stopped: () => boolean
): Promise<Drawn> => {
  const end = performance.now() + TIDY
  const sound = (other: Drawn): boolean => {
    try { return fails(other) && own.noticedBy(own.value(other), other) === undefined } catch { return false }
  }
  let best = drawn
  for (const name of Object.keys(drawn.given).filter(given => continuous(derivation, given, drawn.sizes))) {
    for (let i = 0, count = entriesOf(drawn.given[name]).length; i < count; i++) {
      const at = placeIn(drawn.given[name], i), now = entriesOf(best.given[name])[i]
      if (Number.isInteger(now)) continue
      for (const entry of [1, -1, 2]) {
        if (performance.now() > end || stopped()) return best
        await rest()
        const other: Drawn = { ...best, given: { ...best.given, [name]: replaced(best.given[name], at, entry) } }
        if (sound(other)) {
          best = other
          break
        }
      }
    }
  }
  return best
}
