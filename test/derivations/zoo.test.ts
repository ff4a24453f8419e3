/**
 * A zoo for derivations: every formula of every page with every small mistake, and every function with another result. The law of
 * the place must notice, by name of page and step.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { derivations, type Value } from 'pullback/laws'
import { type Harmless, harmless } from './harmless.js'
import { mistakesIn } from './mutations.js'

const CASES = 40

const named = derivations.map(derivation => [derivation.name, derivation] as const)

const reasonFor = (page: string, place: string, mistake: string): Harmless | undefined => harmless.find(known =>
  known.page === page && (known.place === undefined || known.place === place) && known.mistake.test(mistake))

const found = { planted: 0, harmless: new Set<Harmless>(), functions: 0 }

test.each(named)('%s: every mistake in a formula is noticed', (name, derivation) => {
  const cases = fc.sample(derivation.cases, { numRuns: CASES, seed: 16 })
  const missed = derivation.places.flatMap(({ name: place, relations, check }) => {
    // Who complains about everything notices nothing.
    for (const drawn of cases) expect(check(relations, drawn).error, place).toBeLessThanOrEqual(1)
    const claim = place.startsWith('claim') || place.startsWith('text')
    return mistakesIn(derivation, relations, claim).flatMap(({ mistake, relations: wrong }) => {
      if (cases.some(drawn => !(check(wrong, drawn).error <= 1))) {
        found.planted++
        return []
      }
      const known = reasonFor(name, place, mistake)
      if (known !== undefined) found.harmless.add(known)
      return known === undefined ? [`${place}: ${mistake}`] : []
    })
  })
  expect(missed).toEqual([])
})

const map = (f: (entry: number) => number) => (value: Value): Value => (typeof value === 'number' ? f(value) : value.map(map(f)))

const transposed = (value: Value): Value =>
  (typeof value !== 'number' && value.length > 0 && typeof value[0] !== 'number' ? value[0].map((_, j) => value.map(row => (typeof row === 'number' ? row : row[j]))) : map(v => v + 1)(value))

const digits = (value: Value): string => JSON.stringify(map(v => Number(v.toPrecision(9)) + 0)(value))

const changes: readonly (readonly [string, (value: Value) => Value])[] = [
  ['sign', map(v => (Number.isFinite(v) ? -v - 1e-3 : 0))],
  ['factor', map(v => (Number.isFinite(v) ? 2 * v + 1e-3 : 0))],
  ['transpose', transposed],
  ['shape', value => (typeof value === 'number' ? [value] : [...value, value[0] ?? 0])]
]

test.each(named)('%s: every mistake in a function is noticed', (_, derivation) => {
  const cases = fc.sample(derivation.cases, { numRuns: CASES, seed: 16 })
  for (const { name: place, value: valueIn, noticedBy } of derivation.functions) {
    for (const [mistake, change] of changes) {
      let changed = false
      const noticed = cases.some(drawn => {
        const value = valueIn(drawn), wrong = change(value)
        changed ||= digits(wrong) !== digits(value)
        return noticedBy(wrong, drawn) !== undefined
      })
      // The transpose of what is symmetric in all cases is no mistake.
      if (changed) found.functions++
      expect(noticed || !changed, `${place}: ${mistake}`).toBe(true)
    }
  }
})

test('the zoo is large, and nothing is called harmless without need', () => {
  expect(found.planted).toBeGreaterThan(1500)
  expect(found.functions).toBeGreaterThan(500)
  expect(harmless.filter(known => !found.harmless.has(known))).toEqual([])
})
