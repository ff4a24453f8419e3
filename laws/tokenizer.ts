/**
 * The laws of tokenizers.
 *
 * @module
 */
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import type { Tokenizer } from 'pullback'
import { fails, firstFailing, holds, type Law, law } from './law.js'

/**
 * Texts made of the symbols of a tokenizer come back exactly; ids are within the vocabulary.
 *
 * @example
 * pipe(characterTokenizer()('ab'), E.map(t =>
 *   laws.tokenizer(t, fc.constantFrom('a', 'abba')).some(({ property }) => fc.check(property, { numRuns: 5 }).failed))) // E.right(false)
 */
export const tokenizer = (t: Tokenizer, texts: fc.Arbitrary<string>): readonly Law[] => [
  law({
    name: 'round trip',
    statement: '$\\mathrm{decode}(\\mathrm{encode}(s)) = s$',
    cases: texts,
    check: text => {
      const encoded = t.encode(text)
      if (E.isLeft(encoded)) return fails(encoded.left)
      const decoded = t.decode(encoded.right)
      if (E.isLeft(decoded)) return fails(decoded.left)
      return decoded.right === text ? holds : fails(`${JSON.stringify(text)} came back as ${JSON.stringify(decoded.right)}`)
    }
  }),
  law({
    name: 'ids',
    statement: 'every id is an integer from 0 to $V - 1$, and other ids decode to a sentence that names them',
    cases: fc.record({ text: texts, outside: fc.oneof(fc.integer({ max: -1 }), fc.nat().map(n => t.symbols.length + n), fc.constant(0.5)) }),
    check: ({ text, outside }) => {
      const encoded = t.encode(text)
      if (E.isLeft(encoded)) return fails(encoded.left)
      const wrong = encoded.right.find(id => !(Number.isInteger(id) && id >= 0 && id < t.symbols.length))
      if (wrong !== undefined) return fails(`id ${wrong} with ${t.symbols.length} symbols`)
      const decoded = t.decode([outside])
      return E.isLeft(decoded) && decoded.left.includes(String(outside)) ? holds : fails(`id ${outside} decodes to ${JSON.stringify(decoded)}`)
    }
  })
]

/** A tokenizer that replaces: known symbols come back, each of the others as the replacement. */
export const replacement = (t: Tokenizer, known: fc.Arbitrary<string>, others: fc.Arbitrary<string>): Law => law({
  name: 'replacement',
  statement: '$\\mathrm{decode}(\\mathrm{encode}(s))$ is $s$ with every symbol outside of the vocabulary replaced',
  cases: fc.array(fc.oneof(known.map(symbol => ({ symbol, inside: true })), others.map(symbol => ({ symbol, inside: false })))),
  check: pieces => {
    const encoded = t.encode(pieces.map(({ symbol }) => symbol).join(''))
    if (E.isLeft(encoded)) return fails(encoded.left)
    const decoded = t.decode(encoded.right), expected = pieces.map(({ symbol, inside }) => (inside ? symbol : t.unknown)).join('')
    if (E.isLeft(decoded)) return fails(decoded.left)
    return decoded.right === expected ? holds : fails(`came back as ${JSON.stringify(decoded.right)}, expected ${JSON.stringify(expected)}`)
  }
})

/**
 * The vocabulary of a text: its most frequent symbols, and the replacement. `pieces` are single symbols, which stay single
 * when they are joined.
 */
export const vocabulary = (
  make: (options: { readonly limit?: number, readonly unknown?: string }) => (text: string) => E.Either<string, Tokenizer>, pieces: fc.Arbitrary<string>, unknown: string
): Law => law({
  name: 'vocabulary',
  statement: 'the vocabulary has as many symbols of the text as the limit allows, none of them rarer than one left out, sorted, and the replacement; without a limit every symbol',
  cases: fc.record({ text: fc.array(pieces, { minLength: 1, maxLength: 12 }), limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }), replaces: fc.boolean() }),
  check: ({ text, limit, replaces }) => {
    const made = make({ ...(limit === undefined ? {} : { limit }), ...(replaces ? { unknown } : {}) })(text.join(''))
    if (E.isLeft(made)) return fails(made.left)
    const { symbols } = made.right, different = Array.from(new Set(text)), kept = symbols.filter(symbol => symbol !== unknown)
    const frequency = (symbol: string): number => text.filter(piece => piece === symbol).length
    const rarest = Math.min(...kept.map(frequency)), left = different.filter(symbol => !kept.includes(symbol))
    const expected = Math.min(different.length, limit ?? Infinity)
    return firstFailing([
      kept.length === expected ? holds : fails(`${kept.length} symbols, expected ${expected}`),
      symbols.includes(unknown) === replaces && made.right.unknown === (replaces ? unknown : undefined) ? holds : fails(`the replacement is ${made.right.unknown}`),
      left.every(symbol => frequency(symbol) <= rarest) ? holds : fails(`${JSON.stringify(left)} are left out, and ${JSON.stringify(kept)} kept`),
      kept.every(symbol => different.includes(symbol)) ? holds : fails(`${JSON.stringify(kept)} are not all of the text`),
      symbols.join('\n') === [...symbols].sort().join('\n') ? holds : fails(`${JSON.stringify(symbols)} are not sorted`)
    ])
  }
})
