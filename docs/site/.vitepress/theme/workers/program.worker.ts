/**
 * Runs one program of a reader, which may import the library as published. What it prints is sent to the page as it comes.
 */
import * as fastCheck from 'fast-check'
import * as either from 'fp-ts/lib/Either.js'
import * as functions from 'fp-ts/lib/function.js'
import * as pullback from 'pullback'
import * as laws from 'pullback/laws'
import { transform } from 'sucrase'
import { messageOf } from '../lib/code/errors.js'
import { HIDDEN } from '../lib/code/hidden.js'
import type { FromProgram, ToProgram } from '../lib/code/messages.js'
import { MOST_LINES } from '../lib/code/printed.js'
import { show } from '../lib/code/show.js'
import { createTimers } from '../lib/code/timers.js'

const MODULES: Readonly<Record<string, unknown>> = {
  'pullback': pullback, 'pullback/laws': laws, 'fp-ts/lib/Either.js': either, 'fp-ts/lib/function.js': functions, 'fast-check': fastCheck
}

const tell = (message: FromProgram): void => { postMessage(message) }

const timers = createTimers(), { setTimeout, setInterval, clearTimeout, clearInterval } = timers

const run = async (code: string): Promise<void> => {
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
  const given = { require: load, exports: {}, module: { exports: {} }, console: { log: print, info: print, warn: print, error: print, table: print }, setTimeout, setInterval, clearTimeout, clearInterval }
  const program = new Function(...HIDDEN, ...Object.keys(given), `return (async () => { ${compiled}\n})()`) as (...values: readonly unknown[]) => Promise<void>
  await program(...HIDDEN.map(() => undefined), ...Object.values(given))
  await timers.over()
}

const fail = (error: unknown): void => { tell({ kind: 'failed', text: messageOf(error) }) }

// What a timer or a promise of the program throws later.
addEventListener('error', event => {
  event.preventDefault()
  fail(event.error)
})
addEventListener('unhandledrejection', event => {
  event.preventDefault()
  fail(event.reason)
})

onmessage = async ({ data: { code } }: MessageEvent<ToProgram>) => {
  try {
    await run(code)
    tell({ kind: 'done' })
  } catch (error) {
    fail(error)
  }
}

tell({ kind: 'ready' })
