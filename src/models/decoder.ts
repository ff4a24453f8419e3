/**
 * Decoding: what a model says of the next token, one token at a time.
 *
 * @module
 */
import type { Layer } from '../layer/layer.js'
import { arrays, check, having, positiveInteger } from '../tensor/domain.js'
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

const layers = having('a layer', 'forward', 'vjp')

/** Throws `TypeError` for what is no array of tokens, and `ShapeError` for an empty one. */
export const checkSequence = (operation: string, tokens: readonly number[]): void => {
  check(operation, 'tokens', arrays, tokens)
  if (tokens.length === 0) throw new ShapeError(operation, 'at least one token', [[0]])
}

/**
 * The decoder of any model: remembers the tokens and computes everything anew for each one. The model sees the last
 * `context` tokens. Throws `RangeError` unless that is a positive integer, and `ShapeError` where there is no token to read.
 *
 * @category decoders
 */
export const recomputing = <P>(model: Layer<P, Tokens, Tensor, void>, context: number): Decoder<P, readonly number[]> => {
  check('recomputing', 'model', layers, model)
  check('recomputing', 'context', positiveInteger, context)
  return {
    empty: () => [],
    read: (params, cache, tokens) => {
      checkSequence('recomputing', tokens)
      const seen = [...cache, ...tokens].slice(-context)
      return [lastRow(model.forward(params, tokensFromArray([1, seen.length], seen))), seen]
    }
  }
}
