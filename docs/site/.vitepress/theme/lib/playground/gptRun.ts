/**
 * A GPT that learns a text. All of it follows from the settings and the text.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import {
  adamW, characterTokenizer, crossEntropy, decayMatrices, gpt, initGpt, initTraining, lossOf, random, randomWindows, tensor, trainingRun, withClipping,
  type Example, type GptParams, type Tokenizer, type Tokens, type Trained
} from 'pullback'
import type { GptSettings } from './gptSettings.js'

export type GptTrained = Trained<GptParams, 'm' | 'v'>

/** What is learned from, and what is only asked about. */
export interface Corpus {
  readonly training: Tokens
  readonly heldOut: Tokens
}

/** The part of a text, at its end, from which nothing is learned. */
const HELD_OUT = 0.1
const WARMUP = 50
const EVALUATIONS = 4

/** A tokenizer of the characters of a text. */
export const tokenizerOf = (text: string): E.Either<string, Tokenizer> =>
  text.length === 0 ? E.left('The text is empty; a run needs something to learn from.') : characterTokenizer()(text)

/** The tokens of a text; a sentence if it is too short or has symbols that the tokenizer does not know. */
export const corpusOf = (tokenizer: Tokenizer, text: string, context: number): E.Either<string, Corpus> => pipe(
  tokenizer.encode(text),
  E.mapLeft(problem => `The model cannot learn this text: ${problem}.`),
  E.chain(ids => {
    const end = Math.min(Math.floor(ids.length * (1 - HELD_OUT)), ids.length - context - 1), least = 2 * (context + 1)
    return ids.length < least
      ? E.left(`The text has ${ids.length} symbols; with a context of ${context} a run needs at least ${least}.`)
      : E.right({ training: tensor.tokensOf(ids.slice(0, end)), heldOut: tensor.tokensOf(ids.slice(end)) })
  }))

/** The rate rises for the first steps, since Adam's means know nothing yet, and stays. */
const optimizerOf = (rate: number) => withClipping(1)(adamW({
  learningRate: step => rate * Math.min(1, (step + 1) / WARMUP), beta2: 0.99, weightDecay: 0.1, decays: decayMatrices
}))

const keysOf = (seed: number) => random.splitMany(3)(random.key(seed))

/** The network before its first step. */
export const firstOf = ({ blocks, width, context, rate, seed }: GptSettings, vocabulary: number): GptTrained =>
  initTraining(optimizerOf(rate), initGpt({ vocabulary, context, width, layers: blocks })(keysOf(seed)[0]))

/** The state of training of a network from elsewhere. */
export const begunWith = ({ rate }: GptSettings, params: GptParams): GptTrained => initTraining(optimizerOf(rate), params)

export const gptRun = ({ heads, context, batch, rate, seed }: GptSettings, { training, heldOut }: Corpus) => {
  const [, batchKey, heldOutKey] = keysOf(seed)
  const model = gpt({ heads }), loss = crossEntropy()
  const windows = randomWindows(training, { batch, context }), unseen = randomWindows(heldOut, { batch, context })
  const run = trainingRun({ model, loss, optimizer: optimizerOf(rate) }), lossAt = lossOf(model, loss)
  const batchAt = (step: number): Example<Tokens, Tokens> => windows(random.foldIn(step)(batchKey))
  return {
    batchAt,
    /** So many more steps, or fewer if `until` is true after one; with their losses. */
    advanced: (steps: number, until: () => boolean = () => false) => run({ steps, batch: batchAt, key: batchKey, until }),
    /** The mean loss of the same windows of the held-out text every time. */
    heldOutLoss: (params: GptParams): number => {
      const losses = Array.from({ length: EVALUATIONS }, (_, i) => lossAt(params, unseen(random.foldIn(i)(heldOutKey))))
      return losses.reduce((a, b) => a + b, 0) / EVALUATIONS
    }
  }
}
