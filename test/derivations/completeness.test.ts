import { readdir, readFile } from 'node:fs/promises'
import * as pullback from 'pullback'
import { chapters, derivations } from 'pullback/laws'
import { expect, test } from 'vitest'

const source = new URL('../../src/', import.meta.url)

/** What a page must derive or explain, by the category in its doc comment. */
const CATEGORIES = new Set(['layers', 'losses', 'composition', 'parameters', 'models', 'optimisers', 'schedules', 'filters', 'initializers'])

/** What makes a layer belongs to the conventions; what only wraps a gradient that is there has none of its own. */
const EXEMPT: ReadonlyMap<string, string> = new Map([
  ['deferred', 'it delays a gradient, and changes nothing in it'], ['noParams', 'it is the empty record'], ['recompute', 'it is the layer itself, computed again']
])

/** Exports with their category, and the folder they come from. */
const declared = async (): Promise<readonly { readonly name: string, readonly category: string, readonly folder: string }[]> => {
  const files = (await readdir(source, { recursive: true })).filter(file => file.endsWith('.ts'))
  const found = await Promise.all(files.map(async file => {
    const text = await readFile(new URL(file, source), 'utf8')
    return Array.from(text.matchAll(/@category ([a-z ]+)\n \*\/\nexport (?:const|function) (\w+)/g), ([, category, name]) => ({ name, category, folder: file.split('/')[0] }))
  }))
  return found.flat()
}

test('everything that has a gradient, and every rule of learning and choosing, has a page', async () => {
  const required = (await declared()).filter(({ name, category, folder }) =>
    (CATEGORIES.has(category) || (category === 'constructors' && folder === 'layer')) && !EXEMPT.has(name))
  expect(required.length).toBeGreaterThan(50)
  const about = new Set(derivations.flatMap(derivation => derivation.about))
  expect(required.map(({ name }) => name).filter(name => !about.has(name))).toEqual([])
})

test('what a page is about is there', () => {
  const exports = new Set([...Object.keys(pullback), ...Object.keys(pullback.random)])
  expect(derivations.flatMap(({ about }) => about).filter(name => !exports.has(name))).toEqual([])
})

test('every page has its own name, builds only on pages before it, and is built on or stands alone by its chapter', () => {
  const pages = chapters.flatMap(chapter => chapter.pages)
  expect(new Set(pages.map(({ derivation }) => derivation.name)).size).toBe(pages.length)
  const late = pages.flatMap(({ key, derivation }, place) =>
    derivation.uses.filter(used => !pages.slice(0, place).some(before => before.key === used)).map(used => `${key} uses ${used}`))
  expect(late).toEqual([])
})

test('a formula that is not evaluated has its reason, and occurs on its page', () => {
  for (const { name, unevaluated, introduction, chains, claims, cost, letters: { letters, functions } } of derivations) {
    const texts = [
      introduction, cost, ...chains.flatMap(({ steps }) => steps.flatMap(({ text, formula }) => [text, formula])), ...claims.flatMap(({ text, formulas = [] }) => [text, ...formulas]),
      ...Object.values(letters).flatMap(letter => [letter.meaning, letter.kind === 'defined' ? letter.formula : '']), ...Object.values(functions).flatMap(({ meaning, formula }) => [meaning, formula])
    ]
    for (const [formula, reason] of Object.entries(unevaluated)) {
      expect(reason.length, `${name}: ${formula}`).toBeGreaterThan(5)
      expect(texts.some(text => text.includes(formula)), `${name}: ${formula}`).toBe(true)
    }
  }
})

test('every lemma is used by a formula that comes after it', () => {
  const unused = derivations.flatMap(({ name, chains, claims }) => chains.flatMap(({ quantity, endsInLibrary }, place) => {
    if (endsInLibrary || place === chains.length - 1) return []
    const later = [...chains.slice(place + 1).flatMap(({ steps }) => steps.map(({ formula }) => formula)), ...claims.flatMap(({ formulas = [] }) => formulas)]
    // A derivative is printed as a fraction there.
    const [, of, by] = /^\\partial\s?(.+)\/\\partial\s?(.+)$/.exec(quantity) ?? []
    const letter = (text: string): string => text.replace(/_.*$/, '').trim()
    const uses = (formula: string): boolean => (of === undefined ? formula.includes(quantity)
      : formula.includes('\\frac{\\partial') && formula.includes(letter(of)) && formula.includes(`}{\\partial ${letter(by)}`))
    return later.some(uses) ? [] : [`${name}: ${quantity}`]
  }))
  expect(unused).toEqual([])
})

test('the derivations need nothing but the library and fast-check, so a browser can run them', async () => {
  const folder = new URL('../../laws/derivations/', import.meta.url)
  const texts = await Promise.all((await readdir(folder)).map(file => readFile(new URL(file, folder), 'utf8')))
  const imported = texts.flatMap(text => Array.from(text.matchAll(/from '([^.'][^']*)'/g), ([, module]) => module))
  expect(Array.from(new Set(imported)).sort()).toEqual(['fast-check', 'fp-ts/lib/function.js', 'pullback'])
})
