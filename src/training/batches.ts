/**
 * Batches: random parts of the data, as functions of a key.
 *
 * @module
 */
import { integers, permutation } from '../random/distributions.js'
import type { Draw } from '../random/key.js'
import { type Tokens, tokensFromArray } from '../tensor/tensor.js'
import type { Example } from './step.js'

export interface WindowOptions {
  /** Number of sequences, B. */
  readonly batch: number
  /** Length of a sequence, T. */
  readonly context: number
}

/**
 * Windows of a long sequence that begin at the given positions, each with the tokens that follow its own:
 * `target[b][t]` is the token after `input[b][t]`. Shapes: both `[B, T]`.
 * Throws `RangeError` where a window leaves the sequence.
 *
 * @category batches
 */
export const windowsAt = (tokens: Tokens, starts: ArrayLike<number>, context: number): Example<Tokens, Tokens> => {
  const shape = [starts.length, context]
  const last = tokens.data.length - context - 1
  const input = new Int32Array(starts.length * context), target = new Int32Array(starts.length * context)
  for (let b = 0; b < starts.length; b++) {
    const begin = starts[b]
    if (!(begin >= 0 && begin <= last))
      throw new RangeError(`windowsAt: expected windows to begin from 0 to ${last}, got ${begin}`)
    for (let t = 0; t < context; t++) {
      input[b * context + t] = tokens.data[begin + t]
      target[b * context + t] = tokens.data[begin + t + 1]
    }
  }
  return { input: tokensFromArray(shape, input), target: tokensFromArray(shape, target) }
}

/**
 * A batch of windows at uniformly random positions of a sequence of tokens.
 * Throws `RangeError` for a sequence with fewer than `context + 1` tokens.
 *
 * @category batches
 */
export const randomWindows = (tokens: Tokens, { batch, context }: WindowOptions): Draw<Example<Tokens, Tokens>> => key => {
  const places = tokens.data.length - context
  if (places < 1)
    throw new RangeError(`randomWindows: expected at least ${context + 1} tokens, got ${tokens.data.length}`)
  return windowsAt(tokens, integers([batch], 0, places)(key).data, context)
}

/**
 * The indices 0 … count − 1 in random order, cut into batches; the last one may be smaller. One epoch.
 * Throws `RangeError` unless the size of a batch is a positive integer.
 *
 * @category batches
 */
export const shuffledBatches = (count: number, size: number): Draw<readonly (readonly number[])[]> => key => {
  if (!(Number.isInteger(size) && size > 0)) throw new RangeError(`shuffledBatches: expected a positive size, got ${size}`)
  const order = permutation(count)(key)
  return Array.from({ length: Math.ceil(count / size) }, (_, b) => order.slice(b * size, (b + 1) * size))
}
