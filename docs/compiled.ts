/**
 * The functions of the derivations made from their printed text, so that a test and the site can change them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import vm from 'node:vm'
import * as pullback from 'pullback'
import type { Derivation, Value } from 'pullback/laws'
import ts from 'typescript'
import * as letters from '../laws/derivations/letters.js'
import * as notation from '../laws/derivations/notation.js'
import type { PageCode } from './code.js'

const folder = new URL('../laws/derivations/', import.meta.url)

/** What the files of the derivations call the exports of the library, where they give them another name. */
export const aliases: Readonly<Record<string, string>> = Object.fromEntries(readdirSync(folder).flatMap(file =>
  Array.from(readFileSync(new URL(file, folder), 'utf8').matchAll(/import \{([^}]*)\} from 'pullback'/g), ([, names]) => names)
    .flatMap(names => Array.from(names.matchAll(/(\w+) as (\w+)/g), ([, name, alias]) => [alias, name] as const))))

const exported = new Map<string, unknown>(Object.entries(pullback))

const renamed = Object.fromEntries(Object.entries(aliases).map(([alias, name]) => [alias, exported.get(name)]))

export type Run = (c: Readonly<Record<string, Value>>, sizes: Readonly<Record<string, number>>) => Value

const transpiled = new Map<string, string>()

/** Helpers of a page are there for each of its functions, and for each change of one. */
const transpile = (code: string): string => {
  const text = transpiled.get(code) ?? ts.transpile(code, { target: ts.ScriptTarget.ES2022 })
  transpiled.set(code, text)
  return text
}

/** A function of a page by its text; undefined where it needs more than what the page shows. */
export const compiled = (code: string, helpers: readonly string[]): Run | undefined => {
  const text = `${transpile(helpers.join('\n'))}\n${transpile(`const run = ${code}`)}\nrun`
  try { return vm.runInNewContext(text, { ...pullback, ...renamed, ...letters, ...notation, Math }) as Run } catch { return undefined } // the text is that of a function of a step
}

/** What the functions of a page may use: its functions of a number and its helpers; where the two clash, its helpers alone. */
export const helpersOf = (code: PageCode): readonly (readonly string[])[] =>
  [[...code.functions.map(([helper, text]) => `const ${helper} = ${text}`), ...code.helpers], code.helpers]

/** A value of another realm as one of this realm; undefined where it is none. */
const valueOf = (value: unknown): Value | undefined => {
  if (typeof value === 'number') return value
  if (!Array.isArray(value)) return undefined
  const parts = Array.from(value, valueOf)
  return parts.includes(undefined) ? undefined : parts.flatMap(part => (part === undefined ? [] : [part]))
}

/** What a function gives; undefined where it throws or gives no numbers. */
export const resultOf = (run: Run, derivation: Derivation, drawn: Parameters<Derivation['valuesIn']>[0]): Value | undefined => {
  try { return valueOf(run(derivation.valuesIn(drawn), drawn.sizes)) } catch { return undefined }
}
