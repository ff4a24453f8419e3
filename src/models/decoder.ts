/**
 * Decoding: what a model says of the next token, one token at a time.
 *
 * @module
 */
import { guard } from '../layer/guard.js'
import type { Layer, Memory } from '../layer/layer.js'
import { lastOf } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import { arrays, check, checkOptions, type Fields, having, oneOf, optional, positiveInteger } from '../tensor/domain.js'
import { type Tensor, type Tokens, tokensFromArray } from '../tensor/tensor.js'
import { lastRow } from '../tensor/matrices.js'
import { ShapeError } from '../tensor/shape.js'

/** A model that reads tokens one after the other. What it has read is a value, so two continuations can share it. */
export interface Decoder<P, C> {
  /** The cache of a sequence without tokens. */
  readonly empty: (params: P) => C
  /** Reads tokens, at least one: the logits `[V]` of the token after them, and the cache with them. */
  readonly read: (params: P, cache: C, tokens: readonly number[]) => readonly [logits: Tensor, cache: C]
}

/** A causal model of sequences. Shapes: tokens `[B, T]`, logits `[B, T, V]`. */
export type LanguageModel<P> = Layer<P, Tokens, Tensor, void>

const layers = having('a layer', 'forward', 'vjp')

/** Throws `TypeError` for anything that is not an array of tokens, and `ShapeError` for an empty one. */
export const checkSequence = (operation: string, tokens: readonly number[]): void => {
  check(operation, 'tokens', arrays, tokens)
  if (tokens.length === 0) throw new ShapeError(operation, 'at least one token', [[0]])
}

const sequence = (tokens: readonly number[]): Tokens => tokensFromArray([1, tokens.length], tokens)

/**
 * The decoder of any model: remembers the tokens and computes everything anew for each one. The model sees the last
 * `context` tokens. Throws `RangeError` unless that is a positive integer, and `ShapeError` if there is no token to read.
 *
 * @example
 * const params = initGpt({ vocabulary: 9, context: 4, width: 8, layers: 1 })(random.key(0))
 * const { empty, read } = recomputing(gpt({ heads: 2 }), 4)
 * const [logits, seen] = read(params, empty(params), [1, 2, 3, 4, 5])
 * logits.shape // [9]
 * seen // [2, 3, 4, 5]
 *
 * @category decoders
 */
export const recomputing = <P>(model: LanguageModel<P>, context: number): Decoder<P, readonly number[]> => {
  check('recomputing', 'model', layers, model)
  check('recomputing', 'context', positiveInteger, context)
  const { forward } = guard(model)
  return trusted<Decoder<P, readonly number[]>>({
    empty: () => [],
    read: (params, cache, tokens) => {
      checkSequence('recomputing', tokens)
      const seen = [...cache, ...tokens].slice(-context)
      return [lastRow(forward(params, sequence(seen))), seen]
    }
  })
}

export interface DecodingOptions {
  /** How many tokens the model can see, C. */
  readonly context: number
  /**
   * What happens to a window of C tokens when another one comes. Every token that stays gets a new position, so the window
   * must be read anew. `slide` (the default) keeps the last C tokens and reads C for each new one, which is what
   * `recomputing` computes. `halve` keeps the last ⌈C/2⌉ tokens and reads them once, and then goes on with one at a time,
   * which is C/2 times less work and sees between C/2 and C tokens.
   */
  readonly whenFull?: 'slide' | 'halve' | undefined
}

const DECODING: Fields<DecodingOptions> = { context: positiveInteger, whenFull: optional(oneOf('slide', 'halve')) }

/** What was read, and what the model remembers of it. */
export interface Reading {
  readonly tokens: readonly number[]
  readonly memory: Memory
}

/**
 * The decoder of a model that steps, such as any composition of causal attention and of layers that are rowwise: reading a
 * token costs one row of every product, until the window of `context` tokens is full. From then on every token costs reading the
 * whole window anew, or with `whenFull: 'halve'` half of it once for every half that is read. `generate` keeps what was read in
 * the memory of kernels; a program that calls `read` itself gets it as ordinary arrays, which are copied with every token.
 * Throws `TypeError` for a model that cannot step, and `RangeError` unless the context is a positive integer. Reading throws `ShapeError` if there is no token to read.
 *
 * @example
 * const params = initGpt({ vocabulary: 9, context: 4, width: 8, layers: 1 })(random.key(0))
 * const { empty, read } = decoding(gpt({ heads: 2 }), { context: 4 })
 * const [, cache] = read(params, empty(params), [1, 2])
 * const [logits] = read(params, cache, [3])
 * logits.shape // [9]
 *
 * @category decoders
 */
export const decoding = <P>(model: LanguageModel<P>, options: DecodingOptions): Decoder<P, Reading> => {
  check('decoding', 'model', layers, model)
  checkOptions('decoding', DECODING, options)
  const { context, whenFull = 'slide' } = options
  const read = lastOf(guard(model))
  if (read === undefined)
    throw new TypeError('decoding: expected a model that steps, got one with a part whose positions see later ones, or without a `step` (`rowwise` gives one to a layer that reads every position on its own)')
  const stays = whenFull === 'slide' ? context : Math.ceil(context / 2)
  const extended = (params: P, { tokens, memory }: Reading, more: readonly number[]): readonly [Tensor, Reading] => {
    const [logits, next] = read(params, memory, sequence(more))
    return [lastRow(logits), { tokens: [...tokens, ...more], memory: next }]
  }
  const nothing: Reading = { tokens: [], memory: undefined }
  return trusted<Decoder<P, Reading>>({
    empty: () => nothing,
    read: (params, cache, tokens) => {
      checkSequence('decoding', tokens)
      return cache.tokens.length + tokens.length <= context
        ? extended(params, cache, tokens)
        : extended(params, nothing, [...cache.tokens, ...tokens].slice(-stays))
    }
  })
}
