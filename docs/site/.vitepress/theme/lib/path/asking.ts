/**
 * A sentence with queries, keys and values made by hand.
 */
import { attention, attentionWeights, noMask, noParams, tensor } from 'pullback'

interface Word {
  readonly text: string
  /** What it asks for: an animal, a thing, a pronoun. */
  readonly query: readonly number[]
  /** What it offers, in the same three numbers. */
  readonly key: readonly number[]
  /** What it tells: whether it lives, whether one can drink it. */
  readonly value: readonly number[]
}

const silent = { query: [0, 0, 0], key: [0, 0, 0], value: [0, 0] } as const

export const SENTENCE: readonly Word[] = [
  { ...silent, text: 'the' },
  { ...silent, text: 'cat', key: [2, 0, 0], value: [1, 0] },
  { ...silent, text: 'drank', query: [2, 2, 0] },
  { ...silent, text: 'milk', key: [0, 2, 0], value: [0, 1] },
  { ...silent, text: 'because' },
  { ...silent, text: 'it', query: [3, 1, 0], key: [0, 0, 2] },
  { ...silent, text: 'was', query: [0, 0, 2] },
  { ...silent, text: 'thirsty', query: [1.5, 0, 3] }
]

const query = tensor.of(SENTENCE.map(word => word.query)), key = tensor.of(SENTENCE.map(word => word.key)), value = tensor.of(SENTENCE.map(word => word.value))

const rowsOf = (flat: readonly number[], width: number): readonly (readonly number[])[] => SENTENCE.map((_, i) => flat.slice(i * width, (i + 1) * width))

/** Who looks where: a row for each word that asks. */
export const WEIGHTS = rowsOf(tensor.toArray(attentionWeights(noMask)({ query, key })), SENTENCE.length)

/** What each word receives. */
export const RECEIVED = rowsOf(tensor.toArray(attention(noMask).forward(noParams, { query, key, value })), 2)
