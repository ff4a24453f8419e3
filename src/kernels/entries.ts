/**
 * Kernels entry by entry, whose sizes are the length of what they read.
 *
 * @module
 */
import type { Floats, FreshFloats } from './floats.js'
import { type Kernel, kernel } from './kernel.js'
import type { Binary, Unary } from './reference/activations.js'
import type { Arguments, Pointer } from './simd/instance.js'
import type { Pieces } from './simd/threads.js'

interface Length { readonly n: number }

/** The fast kernels that take so many arrays and nothing else. */
type Taking<A> = { [K in keyof Arguments]: [Arguments[K]] extends [A] ? [A] extends [Arguments[K]] ? K : never : never }[keyof Arguments]

/** Pieces of four entries, the vectors that they are computed in; `cost` is the work for one entry. */
export const vectors = ({ n }: Length, cost: number): Pieces => ({ count: Math.ceil(n / 4), work: n * cost })

const none = (): [] => []

const ofOne = <W extends readonly FreshFloats[]>(run: Kernel<Length, readonly [Floats], W>) => Object.assign(
  (x: Floats) => run({ n: x.length }, x), { reference: (x: Floats) => run.reference({ n: x.length }, x) })

const ofTwo = <W extends readonly FreshFloats[]>(run: Kernel<Length, readonly [Floats, Floats], W>) => Object.assign(
  (a: Floats, b: Floats) => run({ n: a.length }, a, b), { reference: (a: Floats, b: Floats) => run.reference({ n: a.length }, a, b) })

/** $y_i = f(x_i)$ */
export const unary = (fast: Taking<[Pointer, Pointer]> | undefined, definition: Unary, cost: number) => ofOne(kernel(fast ?? 'entrywise', (_: Length, [x]: readonly [Floats], [y]: readonly [FreshFloats]) => definition(x, y))({
  reads: ({ n }) => [n], writes: ({ n }) => [n], numbers: none, fast, pieces: sizes => vectors(sizes, cost)
}))

/** $z_i = f(x_i, y_i)$ */
export const binary = (fast: Taking<[Pointer, Pointer, Pointer]> | undefined, definition: Binary, cost: number) => ofTwo(kernel(fast ?? 'entrywise', (_: Length, [a, b]: readonly [Floats, Floats], [y]: readonly [FreshFloats]) => definition(a, b, y))({
  reads: ({ n }) => [n, n], writes: ({ n }) => [n], numbers: none, fast, pieces: sizes => vectors(sizes, cost)
}))

/** $f(x_i)$ and $f'(x_i)$, which share most of their work. */
export const withSlope = (fast: Taking<[Pointer, Pointer, Pointer]>, value: Unary, slope: Unary, cost: number) => ofOne(kernel(fast, (_: Length, [x]: readonly [Floats], [y, s]: readonly [FreshFloats, FreshFloats]) => {
    value(x, y)
    slope(x, s)
  })({
  reads: ({ n }) => [n], writes: ({ n }) => [n, n], numbers: none, fast, pieces: sizes => vectors(sizes, cost)
}))
