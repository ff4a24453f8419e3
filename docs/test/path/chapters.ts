/**
 * The chapters of the path, and the programs printed in them.
 */
import * as fastCheck from 'fast-check'
import { readFileSync } from 'node:fs'
import * as either from 'fp-ts/lib/Either.js'
import * as functions from 'fp-ts/lib/function.js'
import * as pullback from 'pullback'
import { transform } from 'sucrase'
import { CHAPTERS } from '../../site/.vitepress/pathSidebar.js'
import { show } from '../../site/.vitepress/theme/lib/code/show.js'

export interface Program {
  readonly chapter: string
  readonly code: string
  /** The lines that it prints, as its comments say. */
  readonly promised: readonly string[]
}

export const textOf = (chapter: string): string => readFileSync(new URL(`../../site/path/${chapter}.md`, import.meta.url), 'utf8')

/** What the comments behind `console.log` say, and those lines of comment that end a program. */
const promisedBy = (code: string): readonly string[] => {
  const lines = code.trimEnd().split('\n'), last = lines.findLastIndex(line => !line.startsWith('// '))
  return [
    ...lines.slice(0, last + 1).flatMap(line => (line.includes('console.log(') ? Array.from(/\) \/\/ (.*)$/.exec(line)?.slice(1) ?? []) : [])),
    ...lines.slice(last + 1).map(line => line.slice('// '.length))
  ]
}

export const programs: readonly Program[] = CHAPTERS.flatMap(([chapter]) =>
  Array.from(textOf(chapter).matchAll(/<RunnableCode[^>]*>\s*```ts\n([\s\S]*?)```\s*<\/RunnableCode>/g), ([, code = '']) => ({ chapter, code, promised: promisedBy(code) })))

const MODULES: Readonly<Record<string, unknown>> = { 'pullback': pullback, 'fp-ts/lib/Either.js': either, 'fp-ts/lib/function.js': functions, 'fast-check': fastCheck }

/** The lines that a program prints in Node. */
export const printedBy = (code: string): readonly string[] => {
  const lines: string[] = []
  const program = new Function('require', 'exports', 'console', transform(code, { transforms: ['typescript', 'imports'], production: true }).code) as (...scope: readonly unknown[]) => void // what the constructor makes
  program((name: string) => MODULES[name], {}, { log: (...values: readonly unknown[]) => { lines.push(show(values)) } })
  return lines
}
