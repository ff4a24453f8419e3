/**
 * Sums and products entry by entry, and folds.
 *
 * @module
 */
import { binary, vectors } from './entries.js'
import { type Floats, type FreshFloats, isSingle } from './floats.js'
import { kernel } from './kernel.js'
import * as reference from './reference/entrywise.js'

/** $a_i + b_i$ */
export const add = binary('add', reference.add, 4)
/** $a_i - b_i$ */
export const subtract = binary('subtract', reference.subtract, 4)
/** $a_i b_i$ */
export const multiply = binary('multiply', reference.multiply, 4)
/** $a_i / b_i$ */
export const divide = binary('divide', reference.divide, 4)

/** $s\,a_i$ */
export const scale = kernel('scale', ({ factor }: { readonly n: number, readonly factor: number }, [a]: readonly [Floats], [y]: readonly [FreshFloats]) => reference.scale(factor)(a, y))({
  reads: ({ n }) => [n], writes: ({ n }) => [n], numbers: ({ factor }) => [factor],
  fits: ({ factor }) => isSingle(factor), fast: 'scale', pieces: sizes => vectors(sizes, 4)
})

/** $\theta_i - \eta g_i$ */
export const descend = kernel('descend', ({ rate }: { readonly n: number, readonly rate: number }, [theta, g]: readonly [Floats, Floats], [y]: readonly [FreshFloats]) => reference.descend(rate)(theta, g, y))({
  reads: ({ n }) => [n, n], writes: ({ n }) => [n], numbers: ({ rate }) => [rate],
  fits: ({ rate }) => isSingle(rate), inPlace: 1, fast: 'descend', pieces: sizes => vectors(sizes, 4)
})

/** $\sum_i a_i b_i$ in double precision */
export const dot = kernel('dot', (_: { readonly n: number }, [a, b]: readonly [Floats, Floats], __: readonly []) => reference.dot(a, b))({
  reads: ({ n }) => [n, n], writes: () => [], numbers: ({ n }) => [n], fast: 'dot'
})

/** $\sum_i a_i$ in double precision */
export const sum = kernel('sum', (_: { readonly n: number }, [a]: readonly [Floats], __: readonly []) => reference.sum(a))({
  reads: ({ n }) => [n], writes: () => [], numbers: ({ n }) => [n], fast: 'sum'
})
