/**
 * Decoding: what a model says of the next token, one token at a time.
 *
 * @module
 */
import { guard } from '../layer/guard.js'
import type { Layer } from '../layer/layer.js'
import { trusted } from '../memory/trust.js'
import { type Tensor, type Tokens, tokensFromArray } from '../tensor/tensor.js'
import { lastRow } from '../tensor/matrices.js'

/** A model that reads tokens one after the other. What it has read is a value, so two continuations can share it. */
export interface Decoder<P, C> {
  /** The cache of a sequence without tokens. */
  readonly empty: (params: P) => C
  /** Reads tokens, at least one: the logits `[V]` of the token after them, and the cache with them. */
  readonly read: (params: P, cache: C, tokens: readonly number[]) => readonly [logits: Tensor, cache: C]
}

/**
 * The decoder of any model: remembers the tokens and computes everything anew for each one. The model sees the last
 * `context` tokens.
 *
 * @category decoders
 */
export const recomputing = <P>(model: Layer<P, Tokens, Tensor, void>, context: number): Decoder<P, readonly number[]> => {
  const { forward } = guard(model)
  return trusted<Decoder<P, readonly number[]>>({
    empty: () => [],
    read: (params, cache, tokens) => {
      const seen = [...cache, ...tokens].slice(-context)
      return [lastRow(forward(params, tokensFromArray([1, seen.length], seen))), seen]
    }
  })
}
