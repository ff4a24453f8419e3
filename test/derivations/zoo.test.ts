/**
 * A zoo for derivations: every formula of every page with every small mistake, and every function with another result. The law of
 * the place must notice, by name of page and step.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { derivations, type Value } from 'pullback/laws'
import { harmless } from './harmless.js'
import { mistakesIn } from './mutations.js'

const CASES = 40

const twice = (value: Value): Value => (typeof value === 'number' ? 2 * value + 1 : value.map(twice))

const totals = { planted: 0, functions: 0 }

test.each(derivations.map(derivation => [derivation.name, derivation] as const))('%s: every mistake in a formula is noticed', (name, derivation) => {
  const cases = fc.sample(derivation.cases, { numRuns: CASES, seed: 16 })
  const missed = derivation.places.flatMap(({ name: place, formula, relations, check }) => {
    const claim = place.startsWith('claim') || place.startsWith('text')
    return mistakesIn(derivation, relations, claim).flatMap(({ mistake, relations: wrong }) => {
      totals.planted++
      return cases.some(drawn => !(check(wrong, drawn).error <= 1)) ? [] : [`${name} | ${place} | ${mistake} | ${formula}`]
    })
  })
  expect(missed.filter(line => !harmless.has(line.split(' | ').slice(0, 3).join(' | ')))).toEqual([])
})

test.each(derivations.map(derivation => [derivation.name, derivation] as const))('%s: every mistake in a function is noticed', (_, derivation) => {
  const cases = fc.sample(derivation.cases, { numRuns: CASES, seed: 16 })
  for (const { name: place, caught } of derivation.functions) {
    totals.functions++
    expect(cases.some(drawn => caught(twice, drawn).length > 0), place).toBe(true)
  }
})

test('the zoo is large', () => {
  expect(totals.planted).toBeGreaterThan(1000)
  expect(totals.functions).toBeGreaterThan(100)
})
