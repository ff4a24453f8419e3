/**
 * Code of a reader: compiled with the notation of the derivations in scope, called on frozen values, its result read as numbers.
 * What is wrong with it is one sentence.
 */
import * as pullback from 'pullback'
import type { Value } from 'pullback/laws'
import { transform } from 'sucrase'
import * as letters from '../../../../../../laws/derivations/letters.js'
import * as notation from '../../../../../../laws/derivations/notation.js'
import { messageOf } from '../code/errors.js'
import { HIDDEN } from '../code/hidden.js'
import { changedInRealm } from './realm.js'

/** Something that one sentence says. */
export class Problem extends Error {
  override readonly name = 'Problem'
}

export type Step = (values: Readonly<Record<string, Value>>, sizes: Readonly<Record<string, number>>) => unknown

const COMMENTS = /^(?:\s|\/\/[^\n]*(?:\n|$)|\/\*[^]*?\*\/)+/, NAMED = /^(?:export\s+default\s+|(?:export\s+)?(?:const|let|var)\s+\w+(?:\s*:(?:[^=]|=>)+?)?\s*=(?![=>]))/

/** The function that a step prints, without the name that it may be given. */
const expressionOf = (code: string): string => code.replace(COMMENTS, '').replace(NAMED, '').replace(COMMENTS, '')

const stripped = (code: string): string => transform(code, { transforms: ['typescript'], production: true }).code

export const compileStep = (code: string, helpers: readonly string[], aliases: Readonly<Record<string, string>>): Step => {
  const expression = expressionOf(code)
  if (/^;*$/.test(expression)) throw new Problem('There is no code.')
  const exported = new Map<string, unknown>(Object.entries(pullback))
  const scope = new Map<string, unknown>([
    ...exported, ...Object.entries(aliases).map(([alias, name]) => [alias, exported.get(name)] as const), ...Object.entries(letters), ...Object.entries(notation)
  ])
  const make = (body: string): ((...values: readonly unknown[]) => unknown) => {
    // The worker has no page to change, and is ended when this takes too long.
    return new Function(...HIDDEN, ...scope.keys(), body) as (...values: readonly unknown[]) => unknown
  }
  const called = (body: string): unknown => make(body)(...HIDDEN.map(() => undefined), ...scope.values())
  let step: unknown
  try {
    const text = stripped(`const step = ${expression}\n;`)
    try {
      step = called(`'use strict'; { ${stripped(helpers.join('\n'))}\n${text}\nreturn step }`)
    } catch (error) {
      if (helpers.length === 0 || error instanceof SyntaxError === false) throw error
      step = called(`'use strict'; { ${text}\nreturn step }`)
    }
  } catch (error) {
    throw new Problem(error instanceof SyntaxError || (error instanceof Error && error.message.startsWith('Error transforming'))
      ? `This is not a program yet. ${messageOf(error).replace('Error transforming undefined: ', '').replace(/\s*\(\d+:\d+\)$/, '')}.` : `It cannot be run. ${messageOf(error)}.`, { cause: error })
  }
  if (typeof step !== 'function') throw new Problem('A step is a function of the letters, such as ({ x, y }) => x.')
  return step as Step
}

const frozen = (value: Value): Value => (typeof value === 'number' ? value : Object.freeze(value.map(frozen)))

/** The letters as a reader's code sees them: copies that cannot be changed, each computed when it is read. `read` hears which. */
export const frozenLetters = (values: Readonly<Record<string, Value>>, read: (name: string) => void): Readonly<Record<string, Value>> => {
  const letter = {}
  for (const name of Object.keys(values)) {
    let copy: Value | undefined
    Object.defineProperty(letter, name, { enumerable: true, get: () => {
      read(name)
      return copy ??= frozen(values[name])
    } })
  }
  return Object.freeze(letter)
}

const DEEPEST = 6, LARGEST = 20_000

/** A result as numbers. */
const numbersIn = (value: unknown, depth: number, count: { left: number }): Value => {
  if (typeof value === 'number') {
    if (count.left-- <= 0) throw new Problem(`It gives more than ${LARGEST} numbers.`)
    return value
  }
  if (Array.isArray(value)) {
    if (depth > DEEPEST) throw new Problem(`It gives arrays in arrays, more than ${DEEPEST} deep.`)
    return Array.from(value as readonly unknown[], part => numbersIn(part, depth + 1, count))
  }
  const where = depth === 0 ? 'It gives' : 'In its result is'
  const what = value === undefined ? 'nothing (undefined)' : value === null ? 'null' : typeof value === 'function' ? 'a function' : value instanceof Promise ? 'a promise'
    : typeof value === 'object' ? 'an object' : typeof value === 'string' ? `the text '${value.slice(0, 30)}'` : `a ${typeof value}`
  throw new Problem(`${where} ${what}, where numbers or arrays of numbers are expected.`)
}

/** Runs a step in one case. Throws `Problem` with one sentence for what is no value. */
export const runStep = (step: Step, values: Readonly<Record<string, Value>>, sizes: Readonly<Record<string, number>>, read: (name: string) => void): Value => {
  let result: unknown
  try {
    result = step(frozenLetters(values, read), Object.freeze({ ...sizes }))
  } catch (error) {
    const text = messageOf(error)
    if (/read only property|not extensible|Cannot delete property|object is not extensible/.test(text)) throw new Problem(`It changes what it was given, which cannot be changed. ${text}.`, { cause: error })
    throw new Problem(`It throws. ${text}.`, { cause: error })
  }
  const changed = changedInRealm()
  if (changed !== undefined) throw new Problem(`It changes ${changed}, which belongs to every program.`)
  return numbersIn(result, 0, { left: LARGEST })
}
