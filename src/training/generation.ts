/**
 * Generation: predicting the next token, again and again.
 *
 * @module
 */
import { region, regionLoop, settled } from '../memory/region.js'
import { guarded, isTrusted, ordinary, outside } from '../memory/trust.js'
import type { Decoder } from '../models/decoder.js'
import { checkKey, type Draw, foldIn, type Key } from '../random/key.js'
import { any, arrays, check, checkOptions, type Fields, functions, having, natural, optional, recordOf } from '../tensor/domain.js'
import { ShapeError } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { ended } from './records.js'
import type { Sampler } from './sampling.js'

/** A decoder and its parameters. */
export interface DecoderWithParams<P, C> {
  readonly decoder: Decoder<P, C>
  readonly params: P
}

const inRegions = <P, C>({ empty, read }: Decoder<P, C>): boolean => isTrusted(empty) && isTrusted(read)

const models = recordOf('decoder', 'params')
const decoders = having('a decoder', 'empty', 'read')

/**
 * The logits `[V]` of the token after the given ones. Throws `ShapeError` if there is none to start from.
 *
 * @example
 * const params = initGpt({ vocabulary: 9, context: 4, width: 8, layers: 1 })(random.key(0))
 * nextTokenLogits({ decoder: decoding(gpt({ heads: 2 }), { context: 4 }), params })([1, 2, 3]).shape // [9]
 *
 * @category generation
 */
export const nextTokenLogits = <P, C>(model: DecoderWithParams<P, C>) => (tokens: readonly number[]): Tensor => {
  check('nextTokenLogits', 'model', models, model)
  const { decoder, params } = model
  check('nextTokenLogits', 'decoder', decoders, decoder)
  check('nextTokenLogits', 'tokens', arrays, tokens)
  if (tokens.length === 0) throw new ShapeError('nextTokenLogits', 'at least one token', [[0]])
  const logits = () => decoder.read(params, decoder.empty(params), tokens)[0]
  return inRegions(decoder) ? region(logits) : logits()
}

export interface GenerateOptions<P, C> extends DecoderWithParams<P, C> {
  readonly sampler: Sampler
  /** How many tokens to generate at most. */
  readonly count: number
  /** Is asked with every token as it comes, so it can also show them; ends the generation after one for which it is true; default never. */
  readonly until?: ((token: number) => boolean) | undefined
}

const GENERATE = {
  decoder: decoders, params: any, sampler: functions, count: natural, until: optional(functions)
} satisfies Fields<GenerateOptions<never, unknown>>

interface Generated<C> {
  readonly cache: C
  /** What the decoder has not read yet: the prompt, then the last token. */
  readonly unread: readonly number[]
  readonly tokens: readonly number[]
}

/** The last state of a loop, on ordinary values. */
const ordinaryLoop = <S>(initial: S, step: (state: S) => S | undefined): S => {
  let current = initial
  for (let next = step(current); next !== undefined; next = step(current)) current = next
  return current
}

/** A sampler that may be called in a region, and what it gives too. */
const guardSampler = (sampler: Sampler): Sampler => {
  if (isTrusted(sampler)) return sampler
  return (logits: Tensor): Draw<number> => {
    const draw = outside(() => sampler(ordinary(logits)))
    check('generate', 'what the sampler gives', functions, draw)
    return key => outside(() => draw(key))
  }
}

/**
 * The tokens that follow the given ones, without these. Token i is chosen with `foldIn(i)` of the key, so a longer
 * generation begins with the shorter one. `until` is asked with every token as it comes, which lets a program show them, and ends the
 * generation if it is true. Throws `RangeError` unless `count` and every token that the sampler chooses are
 * non-negative integers, `TypeError` unless `until` gives a boolean, and `ShapeError` if there is no token to start from.
 *
 * @example
 * const params = initGpt({ vocabulary: 9, context: 4, width: 8, layers: 1 })(random.key(0))
 * const decoder = decoding(gpt({ heads: 2 }), { context: 4 })
 * generate({ decoder, params, sampler: sampler({ temperature: 0.8 }), count: 5 })([1, 2], random.key(1)).length // 5
 *
 * @category generation
 */
export const generate = <P, C>(options: GenerateOptions<P, C>): ((prompt: readonly number[], key: Key) => readonly number[]) => {
  checkOptions<GenerateOptions<P, C>>('generate', GENERATE, options)
  const { decoder, params, sampler, count, until = () => false } = options
  return (prompt, key) => {
    check('generate', 'prompt', arrays, prompt)
    checkKey('generate', key)
    if (prompt.length === 0) throw new ShapeError('generate', 'at least one token', [[0]])
    const choose = guardSampler(sampler), ends = guarded(until)
    const after = (near: P) => ({ cache, unread, tokens }: Generated<C>): Generated<C> | undefined => {
      const last = tokens[tokens.length - 1]
      if ((last !== undefined && ended('generate', ends(last))) || tokens.length >= count) return undefined
      const [logits, next] = decoder.read(near, cache, unread)
      const token = choose(logits)(foldIn(tokens.length)(key))
      check('generate', 'the token of the sampler', natural, token)
      return { cache: next, unread: [token], tokens: [...tokens, token] }
    }
    const first = (near: P): Generated<C> => ({ cache: decoder.empty(near), unread: prompt, tokens: [] })
    // A user's decoder may keep anything in its cache, so it runs without a region.
    if (!inRegions(decoder)) return ordinaryLoop(first(params), after(params)).tokens
    return region(() => {
      const near = settled(params)
      return regionLoop(first(near), after(near)).tokens
    })
  }
}
