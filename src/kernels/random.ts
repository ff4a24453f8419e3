/**
 * Random numbers by key.
 *
 * @module
 */
import { vectors } from './entries.js'
import { kernel } from './kernel.js'
import * as reference from './reference/random.js'
import { instance } from './simd/instance.js'

export { threefry, unit, type Words } from './reference/random.js'

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

/** $a + (b - a)\,u_i$ with uniform numbers in [0, 1). */
export const uniform = kernel('uniform', reference.uniform)({
  reads: () => [], writes: ({ n }) => [n], precision: ({ precision }) => precision,
  numbers: ({ high, low, min, max }) => [high, low, min, max - min], fits: ({ precision }) => precision === 'float32',
  pieces: sizes => vectors(sizes, 50), fast: 'uniform'
})

const scratch = instance?.kernels.normalScratchBytes.value ?? 0

/** Normal numbers with a mean and a deviation. */
export const normal = kernel('normal', reference.normal)({
  reads: () => [], writes: ({ n }) => [n], precision: ({ precision }) => precision,
  numbers: ({ high, low, mean, deviation }) => [high, low, mean, deviation], fits: ({ precision }) => precision === 'float32',
  scratch: () => scratch, pieces: sizes => vectors(sizes, 200), fast: 'normal'
})
