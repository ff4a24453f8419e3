/**
 * Generation: predicting the next token, again and again.
 *
 * @module
 */
import type { Decoder } from '../models/decoder.js'
import { checkKey, foldIn, type Key } from '../random/key.js'
import { any, arrays, check, checkOptions, type Fields, functions, having, natural, optional } from '../tensor/domain.js'
import { ShapeError } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { region, regionLoop, settled } from '../tree/region.js'
import type { Sampler } from './sampling.js'

/** A decoder and its parameters. */
export interface Generator<P, C> {
  readonly decoder: Decoder<P, C>
  readonly params: P
}

const decoders = having('a decoder', 'empty', 'read')

/**
 * The logits `[V]` of the token after the given ones. Throws `ShapeError` where there is none to start from.
 *
 * @category generation
 */
export const nextTokenLogits = <P, C>({ decoder, params }: Generator<P, C>) => (tokens: readonly number[]): Tensor => {
  check('nextTokenLogits', 'decoder', decoders, decoder)
  check('nextTokenLogits', 'tokens', arrays, tokens)
  if (tokens.length === 0) throw new ShapeError('nextTokenLogits', 'at least one token', [[0]])
  return region(() => decoder.read(params, decoder.empty(params), tokens)[0])
}

export interface GenerateOptions<P, C> extends Generator<P, C> {
  readonly sampler: Sampler
  /** How many tokens to generate at the most. */
  readonly count: number
  /** Ends the generation after a token for which it is true; default never. */
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

/**
 * The tokens that follow the given ones, without these. Token i is chosen with `foldIn(i)` of the key, so a longer
 * generation begins with the shorter one. Throws `RangeError` unless `count` is a non-negative integer, and
 * `ShapeError` where there is no token to start from.
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
    return region(() => {
      const near = settled(params)
      const first: Generated<C> = { cache: decoder.empty(near), unread: prompt, tokens: [] }
      return regionLoop(first, ({ cache, unread, tokens }) => {
        const last = tokens[tokens.length - 1]
        if (tokens.length >= count || (last !== undefined && until(last))) return undefined
        const [logits, next] = decoder.read(near, cache, unread)
        const token = sampler(logits)(foldIn(tokens.length)(key))
        return { cache: next, unread: [token], tokens: [...tokens, token] }
      }).tokens
    })
  }
}
