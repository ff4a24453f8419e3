/**
 * A sentence that reads rows of a table, and what its gradient adds to them.
 */
import { initEmbedding, random, tensor, tokenEmbedding } from 'pullback'

export const ROWS = 8, WIDTH = 2

/** Words that stand in the table from the beginning; what a sentence brings along follows. */
const KNOWN: readonly string[] = ['a', 'cat', 'the']

/** The words of a sentence, as far as there is room, the table they are looked up in, and whether something was left out. */
export const readSentence = (sentence: string) => {
  const words = sentence.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []
  const vocabulary = Array.from(new Set([...KNOWN, ...words])).slice(0, ROWS)
  const read = words.filter(word => vocabulary.includes(word)).slice(0, ROWS)
  return { words: read, vocabulary, ids: read.map(word => vocabulary.indexOf(word)), cut: read.length < words.length } as const
}

const pairs = (flat: readonly number[]): readonly (readonly number[])[] =>
  Array.from({ length: flat.length / WIDTH }, (_, row) => flat.slice(WIDTH * row, WIDTH * (row + 1)))

/** Halves, which are easily added in the head. */
const arriving = tensor.toArray(random.integers([ROWS, WIDTH], -4, 5)(random.key(11))).map(n => n / 2)

/** The gradient that arrives at each position, and what the library makes of it for the table. */
export const embeddingAt = (ids: readonly number[], rows: number) => {
  const dy = arriving.slice(0, WIDTH * ids.length)
  const params = initEmbedding(rows, WIDTH, { precision: 'float64' })(random.key(0))
  const [, pullback] = tokenEmbedding.vjp(params, tensor.tokensFromArray([ids.length], ids))
  const { weight } = pullback(tensor.fromArray([ids.length, WIDTH], dy, 'float64')).params
  return { dy: pairs(dy), dW: pairs(tensor.toArray(weight)) }
}
