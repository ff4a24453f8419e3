/**
 * From logits to a word: temperature, top-k, a draw by key.
 */
import { noParams, random, sampler, softmax, tensor, topK, withTemperature } from 'pullback'
import { CONTINUATIONS } from './temperature.js'

export const WORDS: readonly string[] = CONTINUATIONS.map(([word]) => word)

const logits = tensor.of(CONTINUATIONS.map(([, score]) => score))

export interface Choice {
  readonly temperature: number
  readonly topK: number
}

/** What is left for the draw. */
export const probabilitiesFor = ({ temperature, topK: k }: Choice): readonly number[] =>
  tensor.toArray(softmax.forward(noParams, topK(k)(withTemperature(temperature)(logits))))

/** The word that a key draws. */
export const drawn = (choice: Choice, key: number): number => sampler(choice)(logits)(random.key(key))

/** How often each word is drawn by the keys 1 … count. */
export const tally = (choice: Choice, count: number): readonly number[] => {
  const choose = sampler(choice)(logits), times = WORDS.map(() => 0)
  for (let key = 1; key <= count; key++) times[choose(random.key(key))]++
  return times
}
