/**
 * The laws of a page, run: what was measured, kept by the content of the library so that they run again when it changes.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import type { Page } from 'pullback/laws'

const root = new URL('../../', import.meta.url), cache = new URL('../site/.vitepress/cache/laws/', import.meta.url)

export const SEED = 17

/** Pages whose formulae are long take longer than all others together. */
const FEWER: Readonly<Record<string, number>> = { block: 5, gpt: 10, multiHead: 15, singleHead: 25, initialisation: 25 }

const casesFor = (key: string): number => FEWER[key] ?? 25

export interface Measured {
  readonly name: string
  readonly worst: number
  readonly cases: number
  readonly tolerance: number
}

const contentHash = (): string => {
  const hash = createHash('sha256')
  for (const folder of ['src', 'laws'])
    for (const file of readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts')).sort())
      hash.update(file).update(readFileSync(new URL(`${folder}/${file}`, root)))
  return hash.digest('hex').slice(0, 16)
}

const run = ({ key, derivation }: Page): readonly Measured[] => derivation.laws.map(({ name, tolerance, observed }) => {
  let worst = 0, cases = 0
  const { failed, errorInstance } = fc.check(observed(error => {
    worst = Math.max(worst, error)
    cases++
  }), { seed: SEED, numRuns: casesFor(key) })
  if (failed) throw new Error(`${derivation.name}: ${name} does not hold`, { cause: errorInstance })
  return { name, worst, cases, tolerance }
})

let version: string | undefined

/** In the order of the laws of the page. */
export const measuredOf = (page: Page): readonly Measured[] => {
  version ??= contentHash()
  const file = new URL(`${page.key}-${version}-${SEED}-${casesFor(page.key)}.json`, cache)
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as readonly Measured[] // it was written below
  } catch {
    const measured = run(page)
    mkdirSync(cache, { recursive: true })
    writeFileSync(file, JSON.stringify(measured))
    return measured
  }
}
