/**
 * One head of attention over six words, with and without the causal mask, and how its outputs move when one word changes.
 */
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, causalMask, initEmbedding, type Initializer, initSingleHeadAttention, inspect, named, noMask, random, singleHeadAttention, sinusoidalPositions, tensor, tokenEmbedding
} from 'pullback'

export const WORDS = ['we', 'saw', 'the', 'old', 'red', 'boat'] as const
/** What stands there instead, if a word is changed. */
export const OTHERS = ['they', 'like', 'a', 'new', 'big', 'house'] as const

const WIDTH = 8
const spread = (deviation: number): Initializer => (rows, width, precision) => random.normal([rows, width], { deviation, precision })
/** Drawn at random and not trained: what a mask does, it does to every network. */
const params = random.struct({
  words: initEmbedding(WORDS.length + OTHERS.length, WIDTH, { initializer: spread(1) }),
  head: initSingleHeadAttention(WIDTH, WIDTH, { initializer: spread(0.35) })
})(random.key(3))

const modelWith = (masked: boolean) =>
  pipe(tokenEmbedding, named('words'), andThen(sinusoidalPositions), andThen('head', singleHeadAttention(masked ? causalMask : noMask)))

/** The sentence, with the word at `changed` replaced. */
export const sentenceWith = (changed: number | undefined): readonly string[] => WORDS.map((word, i) => (i === changed ? OTHERS[i] : word))
const tokensWith = (changed: number | undefined) => tensor.tokensOf(WORDS.map((_, i) => (i === changed ? WORDS.length + i : i)))

const rows = (flat: readonly number[], width: number): readonly (readonly number[])[] => WORDS.map((_, i) => flat.slice(i * width, (i + 1) * width))

export interface Look {
  /** A row for each word that looks, a column for each that is looked at. */
  readonly weights: readonly (readonly number[])[]
  /** How far the output of each position is from what it was before the change. */
  readonly moved: readonly number[]
}

export const look = (masked: boolean, changed: number | undefined): Look => {
  const model = modelWith(masked), tokens = tokensWith(changed)
  const before = model.forward(params, tokensWith(undefined)), after = model.forward(params, tokens)
  const seen = inspect(model, path => path.endsWith('weights'))(params, tokens)
  return {
    weights: rows(seen.flatMap(([, weights]) => tensor.toArray(weights)), WORDS.length),
    moved: rows(tensor.toArray(pipe(after, tensor.subtract(before))), WIDTH).map(row => Math.hypot(...row))
  }
}
