/**
 * What a codec did not like, as one sentence. What it shows of a file is short and has no escapes in it.
 *
 * @module
 */
import type { Errors } from 'io-ts'
import { quoted } from '../tensor/foreign.js'

/** A value in a few words; nothing inside it is visited, however deep it is. */
const show = (value: unknown): string => {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  return value === null || typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'an object'
}

/** `subject: expected WHAT at "PATH", got VALUE`, for the error that lies deepest. */
export const sentenceOf = (subject: string, errors: Errors): string => {
  if (errors.length === 0) return `${subject}: not valid`
  const deepest = errors.reduce((a, b) => (b.context.length > a.context.length ? b : a))
  const path = deepest.context.map(({ key }) => key).filter(key => key !== '').join('.')
  const { type } = deepest.context[deepest.context.length - 1]
  return `${subject}: expected ${type.name}${path === '' ? '' : ` at ${quoted(path)}`}, got ${show(deepest.value)}`
}

/** The same for a key that is not known, which must not be ignored; undefined if there is none. */
export const surplusKey = (subject: string, value: object, known: readonly string[]): string | undefined => {
  const surplus = Object.keys(value).find(key => !known.includes(key))
  return surplus === undefined ? undefined : `${subject}: expected only ${known.map(key => `"${key}"`).join(', ')}, got ${quoted(surplus)}`
}
