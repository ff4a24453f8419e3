/**
 * Looking at a GPT: what it writes, what it expects next, and where it looks.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import {
  completeSentence, decoding, gpt, inspect, nextTokenLogits, noParams, random, sampler, softmax, tensor, topK, withTemperature,
  type GptParams, type Tensor, type Tokenizer
} from 'pullback'
import type { GptView } from './gptSettings.js'

export interface Seen {
  readonly params: GptParams
  readonly heads: number
  readonly tokenizer: Tokenizer
}

/** Where the heads look while they read. */
export interface Attention {
  readonly symbols: readonly string[]
  readonly blocks: number
  readonly heads: number
  /** `[blocks, heads, T, T]`, row-major: how much the query of a row takes from the key of a column. */
  readonly weights: Float32Array<ArrayBuffer>
}

export interface Candidate {
  readonly symbol: string
  readonly logit: number
  /** By the model itself. */
  readonly probability: number
  /** With temperature and top-k: that of being written. */
  readonly chosen: number
}

/** So many symbols are drawn as a map, and so many candidates listed. */
const MOST_SYMBOLS = 24
const CANDIDATES = 8
export const SAMPLE_LENGTH = 160

const contextOf = ({ wpe }: GptParams): number => wpe.weight.shape[0]

const idsOf = (tokenizer: Tokenizer, prompt: string): E.Either<string, readonly number[]> => pipe(
  tokenizer.encode(prompt),
  E.mapLeft(problem => `The prompt cannot be read: ${problem}.`),
  E.filterOrElse(ids => ids.length > 0, () => 'The prompt is empty; the model needs a first character.'))

/** The attention of every head and block to the last symbols of a prompt. */
export const attentionTo = ({ params, heads, tokenizer }: Seen, prompt: string): E.Either<string, Attention> => pipe(
  idsOf(tokenizer, prompt),
  E.map(all => {
    const ids = all.slice(-Math.min(MOST_SYMBOLS, contextOf(params)))
    const seen = inspect(gpt({ heads }), path => path.endsWith('attn.weights'))(params, tensor.tokensOf([ids]))
    const weights = new Float32Array(seen.length * heads * ids.length ** 2)
    seen.forEach(([, { data }], block) => { weights.set(Float32Array.from(data), block * data.length) })
    return { symbols: ids.map(id => tokenizer.symbols[id]), blocks: seen.length, heads, weights }
  }))

/** The logits that a sampler draws from. Temperature 0 leaves the likeliest alone. */
const filtered = ({ temperature, top }: GptView) => (logits: Tensor): Tensor => {
  if (temperature === 0) return topK(1)(logits)
  const tempered = withTemperature(temperature)(logits)
  return top === 0 ? tempered : topK(top)(tempered)
}

/** The likeliest symbols after a prompt. */
export const candidatesAfter = ({ params, heads, tokenizer }: Seen, view: GptView): E.Either<string, readonly Candidate[]> => pipe(
  idsOf(tokenizer, view.prompt),
  E.map(ids => {
    const decoder = decoding(gpt({ heads }), { context: contextOf(params) })
    const logits = nextTokenLogits({ decoder, params })(ids)
    const plain = softmax.forward(noParams, logits).data, chosen = softmax.forward(noParams, filtered(view)(logits)).data
    return tokenizer.symbols.map((symbol, id) => ({ symbol, logit: logits.data[id], probability: plain[id], chosen: chosen[id] }))
      .sort((a, b) => b.probability - a.probability).slice(0, CANDIDATES)
  }))

/** What the model writes after a prompt; the same for the same network, view and seed. */
export const sampleAfter = ({ params, heads, tokenizer }: Seen, { prompt, temperature, top }: GptView, seed: number): E.Either<string, string> => pipe(
  idsOf(tokenizer, prompt),
  E.chain(() => completeSentence({
    decoder: decoding(gpt({ heads }), { context: contextOf(params), whenFull: 'halve' }), params, tokenizer,
    sampler: sampler({ temperature, topK: top === 0 ? undefined : top }), count: SAMPLE_LENGTH
  })(prompt, random.key(seed))))
