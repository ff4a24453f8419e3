/**
 * Tokenizers: text to ids and back. `decode(encode(s))` is `s` exactly, for every text made of known symbols.
 *
 * - *character*: a symbol is a Unicode code point.
 * - *word*: a symbol is a run of white space or a run of everything else, so nothing of the text is lost.
 *
 * What happens to a symbol that is not in the vocabulary is said when the tokenizer is made: it is rejected, or
 * replaced by a given symbol.
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { quoted } from '../tensor/foreign.js'

export type TokenizerKind = 'character' | 'word'

/** What describes a tokenizer completely; it can be stored and read back. */
export interface TokenizerDescription {
  readonly kind: TokenizerKind
  /** The symbol with id i is `symbols[i]`. */
  readonly symbols: readonly string[]
  /** Takes the place of symbols outside the vocabulary; without it they are rejected. */
  readonly unknown?: string | undefined
}

export interface Tokenizer extends TokenizerDescription {
  /** The ids of a text; a sentence if a symbol is unknown and not replaced. */
  readonly encode: (text: string) => E.Either<string, readonly number[]>
  /** The text of ids; a sentence if an id is not one of the vocabulary. */
  readonly decode: (ids: readonly number[]) => E.Either<string, string>
}

const SPLIT: { readonly [kind in TokenizerKind]: (text: string) => readonly string[] } = {
  character: text => Array.from(text),
  word: text => text.match(/\s+|\S+/gu) ?? []
}

/**
 * The tokenizer of a description. The left side says what is wrong with one: a symbol that occurs twice, a symbol
 * that could never be read as one, or a replacement that is no symbol.
 *
 * @example
 * const tokenizer = tokenizerFrom({ kind: 'character', symbols: ['a', 'b'], unknown: undefined })
 * pipe(tokenizer, E.chain(({ encode }) => encode('ab'))) // E.right([0, 1])
 * tokenizerFrom({ kind: 'character', symbols: ['a', 'a'] }) // E.left('the vocabulary of 2 symbols has only 1 different ones')
 *
 * @category constructors
 */
export const tokenizerFrom = ({ kind, symbols, unknown }: TokenizerDescription): E.Either<string, Tokenizer> => {
  const split = SPLIT[kind]
  const ids = new Map(symbols.map((symbol, id) => [symbol, id]))
  if (ids.size !== symbols.length) return E.left(`the vocabulary of ${symbols.length} symbols has only ${ids.size} different ones`)
  const broken = symbols.find(symbol => split(symbol).length !== 1 && symbol !== unknown)
  if (broken !== undefined) return E.left(`${quoted(broken)} is not one symbol of a ${kind} tokenizer`)
  const replacement = unknown === undefined ? undefined : ids.get(unknown)
  if (unknown !== undefined && replacement === undefined)
    return E.left(`the replacement ${quoted(unknown)} of unknown symbols is not in the vocabulary`)
  return E.right({
    kind, symbols, unknown,
    encode: text => {
      const encoded: number[] = []
      for (const [position, symbol] of split(text).entries()) {
        const id = ids.get(symbol) ?? replacement
        if (id === undefined)
          return E.left(`symbol ${quoted(symbol)} at position ${position} is not in the vocabulary of ${symbols.length} symbols`)
        encoded.push(id)
      }
      return E.right(encoded)
    },
    decode: encoded => {
      const wrong = encoded.find(id => symbols[id] === undefined)
      return wrong === undefined
        ? E.right(encoded.map(id => symbols[id]).join(''))
        : E.left(`id ${wrong} is outside the vocabulary of ${symbols.length} symbols`)
    }
  })
}

export interface VocabularyOptions {
  /** Takes the place of unknown symbols and gets a place in the vocabulary; without it they are rejected. */
  readonly unknown?: string | undefined
  /** Keeps the most frequent symbols only; of equally frequent ones, those that occur first. Default: all. */
  readonly limit?: number | undefined
}

const mostFrequent = (pieces: readonly string[], limit: number): ReadonlySet<string> => {
  const counts = new Map<string, number>()
  for (const piece of pieces) counts.set(piece, (counts.get(piece) ?? 0) + 1)
  return new Set(Array.from(counts).sort(([, a], [, b]) => b - a).slice(0, limit).map(([symbol]) => symbol))
}

const fromText = (kind: TokenizerKind) => ({ unknown, limit }: VocabularyOptions = {}) =>
  (text: string): E.Either<string, Tokenizer> => {
    if (limit !== undefined && !(Number.isInteger(limit) && limit > 0))
      return E.left(`expected a positive limit of the vocabulary, got ${limit}`)
    const found = mostFrequent(SPLIT[kind](text), limit ?? Infinity)
    const symbols = Array.from(unknown === undefined ? found : new Set([...found, unknown])).sort()
    return symbols.length === 0
      ? E.left('a text without symbols gives no vocabulary')
      : pipe({ kind, symbols, unknown }, tokenizerFrom)
  }

/**
 * A tokenizer whose vocabulary is the characters of a text, sorted by their UTF-16 code units.
 *
 * @example
 * pipe(characterTokenizer()('hello'), E.chain(({ encode }) => encode('hole'))) // E.right([1, 3, 2, 0])
 *
 * @category constructors
 */
export const characterTokenizer = fromText('character')

/**
 * A tokenizer whose vocabulary is the words and the runs of white space of a text, sorted in the same way.
 *
 * @example
 * pipe(wordTokenizer({ unknown: '?' })('to be or not'), E.chain(({ encode, decode }) => pipe(encode('not to see'), E.chain(decode)))) // E.right('not to ?')
 *
 * @category constructors
 */
export const wordTokenizer = fromText('word')
