/**
 * What a codec did not like, as one sentence.
 *
 * @module
 */
import type { Errors } from 'io-ts'

const show = (value: unknown): string => {
  // What comes from JSON has no functions and symbols, for which stringify would give undefined.
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** `subject: expected WHAT at "PATH", got VALUE`, for the error that lies deepest. */
export const sentenceOf = (subject: string, errors: Errors): string => {
  const [deepest] = [...errors].sort((a, b) => b.context.length - a.context.length)
  if (deepest === undefined) return `${subject}: not valid`
  const path = deepest.context.map(({ key }) => key).filter(key => key !== '').join('.')
  const { type } = deepest.context[deepest.context.length - 1]
  return `${subject}: expected ${type.name}${path === '' ? '' : ` at "${path}"`}, got ${show(deepest.value)}`
}
