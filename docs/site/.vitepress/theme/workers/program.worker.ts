/**
 * Runs one program of a reader, which may import the library as published. What it prints is sent to the page as it comes.
 */
import * as fastCheck from 'fast-check'
import * as either from 'fp-ts/lib/Either.js'
import * as functions from 'fp-ts/lib/function.js'
import * as pullback from 'pullback'
import * as laws from 'pullback/laws'
import { transform } from 'sucrase'
import { HIDDEN } from '../lib/code/hidden.js'
import type { FromProgram, ToProgram } from '../lib/code/messages.js'
import { MOST_LINES } from '../lib/code/printed.js'
import { show } from '../lib/code/show.js'

const MODULES: Readonly<Record<string, unknown>> = {
  'pullback': pullback, 'pullback/laws': laws, 'fp-ts/lib/Either.js': either, 'fp-ts/lib/function.js': functions, 'fast-check': fastCheck
}

const tell = (message: FromProgram): void => { postMessage(message) }

const run = (code: string): void => {
  let lines = 0
  const print = (...values: readonly unknown[]): void => {
    lines++
    if (lines > MOST_LINES) throw new RangeError(`printed more than ${MOST_LINES} lines`)
    tell({ kind: 'line', text: show(values) })
  }
  const load = (name: string): unknown => {
    if (Object.hasOwn(MODULES, name)) return MODULES[name]
    throw new Error(`here a program can import ${Object.keys(MODULES).map(key => `'${key}'`).join(', ')}, and not '${name}'`)
  }
  const compiled = transform(code, { transforms: ['typescript', 'imports'], production: true }).code
  // The worker is made for this one program, has no page to change and no address to ask, and is ended when it takes too long.
  const program = new Function(...HIDDEN, 'require', 'exports', 'module', 'console', `{ ${compiled}\n}`) as (...values: readonly unknown[]) => void
  program(...HIDDEN.map(() => undefined), load, {}, { exports: {} }, { log: print, info: print, warn: print, error: print, table: print })
}

onmessage = ({ data: { code } }: MessageEvent<ToProgram>) => {
  try {
    run(code)
    tell({ kind: 'done' })
  } catch (error) {
    tell({ kind: 'failed', text: error instanceof Error ? `${error.name}: ${error.message}` : String(error) })
  }
}

tell({ kind: 'ready' })
