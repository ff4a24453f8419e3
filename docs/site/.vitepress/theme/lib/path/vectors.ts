/**
 * Word vectors of two numbers, trained in the page on a text of twelve sentences: each word has to tell its neighbours.
 */
import { pipe } from 'fp-ts/lib/function.js'
import { adam, andThen, crossEntropy, initEmbedding, initLinear, initTraining, linear, named, random, tensor, tokenEmbedding, trainingStep, words } from 'pullback'
import type { Point } from './plane.js'

export const TEXT = [
  'cat eats fish', 'cat eats meat', 'cat drinks milk', 'dog eats meat', 'dog eats bread', 'dog drinks water', 'dog drinks water',
  'child eats bread', 'child eats fish', 'child eats bread', 'child drinks milk', 'child drinks water'
] as const

const sentences = TEXT.map(sentence => sentence.split(' '))
export const WORDS: readonly string[] = Array.from(new Set(sentences.flat()))
const id = (word: string): number => WORDS.indexOf(word)

/** Every word with each of its neighbours. */
const pairs = sentences.flatMap(sentence => sentence.flatMap((word, i) => sentence.filter((_, j) => Math.abs(i - j) === 1).map(neighbour => [id(word), id(neighbour)] as const)))
const batch = { input: tensor.tokensOf(pairs.map(([word]) => word)), target: tensor.tokensOf(pairs.map(([, neighbour]) => neighbour)) }

const model = pipe(tokenEmbedding, named('embedding'), andThen('output', linear))
const optimizer = adam({ learningRate: 0.05 })
const step = trainingStep({ model, loss: crossEntropy(), optimizer })

const start = initTraining(optimizer, random.struct({
  embedding: initEmbedding(WORDS.length, 2, { initializer: random.xavierUniform }), output: initLinear(2, WORDS.length)
})(random.key(7)))

export interface Snapshot {
  readonly step: number
  readonly vectors: readonly Point[]
}

const snapshot = (at: number, weight: typeof start.params.embedding.weight): Snapshot =>
  ({ step: at, vectors: WORDS.map((_, i): Point => [tensor.at(i, 0)(weight), tensor.at(i, 1)(weight)]) })

export const FIRST: Snapshot = snapshot(0, start.params.embedding.weight)

/** The vectors every `every` steps. */
export const trainVectors = (steps: number, every: number): readonly Snapshot[] => {
  const kept = [FIRST]
  let state = start
  for (let i = 1; i <= steps; i++) {
    state = step(state, batch, random.key(i))
    if (i % every === 0) kept.push(snapshot(i, state.params.embedding.weight))
  }
  return kept
}

/** The cosine of a word's vector with every word's. */
export const cosinesWith = (word: number, { vectors }: Snapshot): readonly number[] =>
  vectors.map(vector => words.cosine(tensor.of(vectors[word], 'float64'))(tensor.of(vector, 'float64')))
