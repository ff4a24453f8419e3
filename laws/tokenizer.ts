/**
 * The laws of tokenizers.
 *
 * @module
 */
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import type { Tokenizer } from 'pullback'
import { fails, holds, type Law, law } from './law.js'

/** Texts made of the symbols of a tokenizer come back exactly; ids are within the vocabulary. */
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
