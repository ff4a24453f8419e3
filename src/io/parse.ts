/**
 * JSON from files, read more strictly than `JSON.parse` does, which keeps the last of two values with one name and
 * builds whatever depth there is.
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import { quoted } from '../tensor/foreign.js'

/** More than a header or a note has, and little enough for every function that visits values. */
const DEPTH = 32

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

/** The index after the string that begins at the given one. */
const endOfString = (text: string, begin: number): number => {
  let at = begin + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/**
 * What is wrong with the nesting and the keys of a text that is otherwise JSON. It runs before `JSON.parse`, so that
 * nothing deep is ever built. Throws `SyntaxError` if a key is not a string of JSON.
 */
const flaw = (text: string): string | undefined => {
  // The keys of every object around the current place; arrays have none.
  const open: Set<string>[] = []
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]
    if (letter === '{' || letter === '[') {
      open.push(new Set())
      if (open.length > DEPTH) return `is nested deeper than ${DEPTH}`
    } else if (letter === '}' || letter === ']') open.pop()
    else if (letter === '"') {
      const begin = at, end = endOfString(text, begin)
      at = end - 1
      let next = end
      while (isSpace(text.charCodeAt(next))) next++
      if (text[next] !== ':' || open.length === 0) continue
      const key = String(JSON.parse(text.slice(begin, end))), keys = open[open.length - 1]
      if (keys.has(key)) return `has the key ${quoted(key)} twice`
      keys.add(key)
    }
  }
  return undefined
}

/** The value of a JSON text. The left side goes after its subject: "is not valid JSON". */
export const parseJson = (text: string): E.Either<string, unknown> => {
  try {
    const problem = flaw(text)
    return problem === undefined ? E.right(JSON.parse(text)) : E.left(problem)
  } catch {
    return E.left('is not valid JSON')
  }
}
