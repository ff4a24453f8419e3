/**
 * Random numbers by key.
 *
 * @module
 */
import { vectors } from './entries.js'
import { kernel } from './kernel.js'
import * as reference from './reference/random.js'

export { threefry, type Words } from './reference/random.js'

/** $y_i = x_i/(1 - p)$ where the key keeps entry i, else 0. */
export const dropout = kernel('dropout', reference.dropout)({
  reads: ({ n }: reference.DropoutSizes) => [n], writes: ({ n }) => [n],
  numbers: ({ n, high, low, rate }) => [high, low, reference.dropoutThreshold(rate), 1 / (1 - rate), n],
  // A threshold of 33 bits is for the reference.
  fits: ({ rate }) => reference.dropoutThreshold(rate) < 2 ** 32,
  // Pieces of eight entries, which share their blocks of random bits.
  pieces: ({ n }) => ({ ...vectors({ n }, 50), count: Math.ceil(n / 8) }),
  fast: 'dropout'
})
