/**
 * Generation: predicting the next token, again and again.
 *
 * @module
 */
import type { Layer } from '../layer/layer.js'
import { foldIn, type Key } from '../random/key.js'
import { ShapeError } from '../tensor/shape.js'
import { freshFor, own, type Tensor, type Tokens, tokensFromArray } from '../tensor/tensor.js'
import type { Sampler } from './sampling.js'

export interface Generator<P> {
  /** Tokens `[1, T]` to logits `[1, T, V]`. */
  readonly model: Layer<P, Tokens, Tensor, void>
  readonly params: P
  /** The longest sequence that the model takes; it sees the last ones of a longer one. */
  readonly context: number
}

/**
 * The logits `[V]` of the token after the given ones. Throws `ShapeError` where there is none to start from.
 *
 * @category generation
 */
export const nextTokenLogits = <P>({ model, params, context }: Generator<P>) => (tokens: readonly number[]): Tensor => {
  if (tokens.length === 0) throw new ShapeError('nextTokenLogits', 'at least one token', [[0]])
  const seen = tokens.slice(-context)
  const logits = model.forward(params, tokensFromArray([1, seen.length], seen))
  const vocabulary = logits.shape[2]
  const last = freshFor(logits, vocabulary)
  for (let v = 0; v < vocabulary; v++) last[v] = logits.data[(seen.length - 1) * vocabulary + v]
  return own([vocabulary], last)
}

export interface GenerateOptions<P> extends Generator<P> {
  readonly sampler: Sampler
  /** How many tokens to generate at the most. */
  readonly count: number
  /** Ends the generation after a token for which it is true; default never. */
  readonly until?: (token: number) => boolean
}

/**
 * The tokens that follow the given ones, without these. Token i is chosen with `foldIn(i)` of the key, so a longer
 * generation begins with the shorter one.
 *
 * @category generation
 */
export const generate = <P>({ sampler, count, until = () => false, ...generator }: GenerateOptions<P>) => {
  const logitsAfter = nextTokenLogits(generator)
  return (prompt: readonly number[], key: Key): readonly number[] => {
    const tokens = Array.from(prompt)
    for (let i = 0; i < count; i++) {
      const token = sampler(logitsAfter(tokens))(foldIn(i)(key))
      tokens.push(token)
      if (until(token)) break
    }
    return tokens.slice(prompt.length)
  }
}
