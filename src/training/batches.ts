/**
 * Batches: random parts of the data, as functions of a key.
 *
 * @module
 */
import { integers, permutation } from '../random/distributions.js'
import type { Draw } from '../random/key.js'
import { check, checkOptions, type Fields, integerBetween, natural, positiveInteger } from '../tensor/domain.js'
import { checkTokens, type Tokens, tokensFromArray } from '../tensor/tensor.js'
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
 * Throws `RangeError` if a window leaves the sequence.
 *
 * @example
 * const { input, target } = windowsAt(tensor.tokensOf([10, 11, 12, 13, 14]), [0, 2], 2)
 * tensor.toNested(input) // [[10, 11], [12, 13]]
 * tensor.toNested(target) // [[11, 12], [13, 14]]
 *
 * @category batches
 */
export const windowsAt = (tokens: Tokens, starts: ArrayLike<number>, context: number): Example<Tokens, Tokens> => {
  checkTokens('windowsAt', 'tokens', tokens)
  check('windowsAt', 'context', positiveInteger, context)
  const shape = [starts.length, context]
  const place = integerBetween(0, tokens.data.length - context - 1)
  const input = new Int32Array(starts.length * context), target = new Int32Array(starts.length * context)
  for (let b = 0; b < starts.length; b++) {
    const begin = starts[b]
    check('windowsAt', `starts[${b}]`, place, begin)
    for (let t = 0; t < context; t++) {
      input[b * context + t] = tokens.data[begin + t]
      target[b * context + t] = tokens.data[begin + t + 1]
    }
  }
  return { input: tokensFromArray(shape, input), target: tokensFromArray(shape, target) }
}

const WINDOWS: Fields<WindowOptions> = { batch: positiveInteger, context: positiveInteger }

/**
 * A batch of windows at uniformly random positions of a sequence of tokens.
 * Throws `RangeError` for a sequence with fewer than `context + 1` tokens.
 *
 * @example
 * const batch = randomWindows(tensor.tokensOf([10, 11, 12, 13, 14]), { batch: 2, context: 3 })
 * batch(random.key(0)).input.shape // [2, 3]
 *
 * @category batches
 */
export const randomWindows = (tokens: Tokens, options: WindowOptions): Draw<Example<Tokens, Tokens>> => {
  checkTokens('randomWindows', 'tokens', tokens)
  checkOptions('randomWindows', WINDOWS, options)
  const { batch, context } = options
  const places = tokens.data.length - context
  if (places < 1)
    throw new RangeError(`randomWindows: expected at least ${context + 1} tokens, got ${tokens.data.length}`)
  const starts = integers([batch], 0, places)
  return key => windowsAt(tokens, starts(key).data, context)
}

/**
 * The indices 0 … count − 1 in random order, cut into batches; the last one may be smaller. One epoch.
 * Throws `RangeError` unless the size of a batch is a positive integer and the count a non-negative one.
 *
 * @example
 * shuffledBatches(5, 2)(random.key(0)) // [[1, 0], [3, 4], [2]]
 *
 * @category batches
 */
export const shuffledBatches = (count: number, size: number): Draw<readonly (readonly number[])[]> => {
  check('shuffledBatches', 'count', natural, count)
  check('shuffledBatches', 'size', positiveInteger, size)
  const draw = permutation(count)
  return key => {
    const order = draw(key)
    return Array.from({ length: Math.ceil(count / size) }, (_, b) => order.slice(b * size, (b + 1) * size))
  }
}
