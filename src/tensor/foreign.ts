/**
 * Text from outside (names and notes in files, words of the command line) as a message or a terminal may show it: what
 * could command a terminal, turn the direction of a line or hide is written as an escape, and what is long is cut.
 *
 * @module
 */

/** Controls, formats such as bidirectional marks, lone surrogates, line separators; not what joins letters and emoji. */
const UNSAFE = /(?![\u200c\u200d])[\p{C}\p{Zl}\p{Zp}]/gu
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const escape = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  return SHORT[character] ?? (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`)
}

/**
 * A text of several lines that is safe to print: line feeds and tabs stay, other controls become escapes like `\u001b`.
 *
 * @example
 * printable('a\u0007b') // 'a\\u0007b'
 *
 * @category conversions
 */
export const printable = (text: string): string =>
  text.replace(UNSAFE, character => (character === '\n' || character === '\t' ? character : escape(character)))

/** How many UTF-16 units of a foreign text a message shows. */
const LIMIT = 60
/** Of a longer one, that many from its beginning and its end, where names and paths differ most. */
const HEAD = 36
const TAIL = 23

const cut = (text: string, limit: number): string => {
  if (text.length <= limit) return text
  const head = text.slice(0, limit * HEAD / LIMIT), tail = text.slice(-limit * TAIL / LIMIT)
  return `${head.replace(/[\ud800-\udbff]$/, '')}…${tail.replace(/^[\udc00-\udfff]/, '')}`
}

/** One line of at most `limit` characters before escaping. */
export const brief = (text: string, limit = LIMIT): string => cut(text, limit).replace(UNSAFE, escape)

/** The same in quotes, as it stands in a message. */
export const quoted = (text: string): string => `"${cut(text, LIMIT).replace(/["\\]/g, '\\$&').replace(UNSAFE, escape)}"`

const AXES = 8

/** A shape of a file, of which a message shows the first axes. */
export const briefShape = (shape: readonly unknown[]): string =>
  `[${shape.slice(0, AXES).join(', ')}${shape.length > AXES ? `, … ${shape.length - AXES} more` : ''}]`
