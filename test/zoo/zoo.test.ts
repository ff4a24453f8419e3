import fc from 'fast-check'
import { expect, inject, test } from 'vitest'
import { chapters } from 'pullback/laws'
import { blockwise } from './blockBugs.js'
import { bugs } from './bugs.js'
import { pageOf } from './pages.js'

/** A law that is tried on fewer cases may miss what it notices otherwise. */
const numRuns = Math.max(100, inject('runs'))

/** The laws that reject something, by name; that they do is all that is asked, so no smallest counterexample is looked for. */
const rejecting = (laws: (typeof bugs)[number]['laws']): readonly string[] =>
  laws.filter(({ property }) => fc.check(property, { numRuns, endOnFailure: true }).failed).map(({ name }) => name)

for (const { bug, laws, caughtBy } of bugs)
  test(`${bug}: caught by "${caughtBy}"`, () => {
    expect(rejecting(laws.filter(({ name }) => name === caughtBy))).toContain(caughtBy)
  })

test('attention in blocks, written out without a mistake, is right', () => {
  expect(rejecting(blockwise)).toEqual([])
})

test('every bug has a name of its own', () => {
  expect(new Set(bugs.map(({ bug }) => bug)).size).toBe(bugs.length)
})

test('every bug has its page, or is known to have none', () => {
  const keys = new Set(chapters.flatMap(({ pages }) => pages.map(({ key }) => key)))
  const places = bugs.map(({ bug }) => pageOf(bug))
  expect(places.filter(page => page !== undefined && !keys.has(page))).toEqual([])
  expect(places.filter(page => page !== undefined).length).toBeGreaterThan(150)
  expect(() => pageOf('weather: it rains')).toThrow('to which page')
})
