/**
 * Losses of one term for each entry.
 *
 * @module
 */
import { vectors } from './entries.js'
import { type Floats, type FreshFloats, isSingle } from './floats.js'
import { type Kernel, kernel } from './kernel.js'
import * as reference from './reference/losses.js'
import type { Arguments, Pointer } from './simd/instance.js'

interface Length { readonly n: number }
interface Scaled extends Length { readonly scale: number }

type Taking<A> = { [K in keyof Arguments]: [Arguments[K]] extends [A] ? [A] extends [Arguments[K]] ? K : never : never }[keyof Arguments]

/** The sum of a loss's terms, and its derivatives multiplied with a number. */
export interface TermKernels {
  readonly total: Kernel<Length, readonly [Floats, Floats], readonly []>
  readonly slopes: Kernel<Scaled, readonly [Floats, Floats], readonly [FreshFloats]>
}

const terms = (
  name: string, definition: reference.Terms, total?: Taking<[Pointer, Pointer, number]>, slopes?: Taking<[Pointer, Pointer, Pointer, number]>
): TermKernels => ({
  total: kernel(name, (_: Length, [p, t]: readonly [Floats, Floats], __: readonly []) => reference.total(definition)(p, t))({
    reads: ({ n }) => [n, n], writes: () => [], numbers: ({ n }) => [n], fast: total
}),
  slopes: kernel(name, ({ scale }: Scaled, [p, t]: readonly [Floats, Floats], [dp]: readonly [FreshFloats]) => reference.slopes(definition, scale)(p, t, dp))({
    reads: ({ n }) => [n, n], writes: ({ n }) => [n], numbers: ({ scale }) => [scale], fits: ({ scale }) => isSingle(scale),
    fast: slopes, pieces: sizes => vectors(sizes, 4)
})
})

/** $(p - t)^2$ */
export const squaredError = terms('meanSquaredError', reference.squaredError, 'squaredError', 'squaredErrorGradient')
/** $-t \ln p - (1 - t) \ln(1 - p)$ */
export const binaryCrossEntropy = terms('binaryCrossEntropy', reference.binaryCrossEntropy)
/** $\max(x, 0) - t x + \ln(1 + e^{-|x|})$ */
export const binaryCrossEntropyWithLogits = terms('binaryCrossEntropyWithLogits', reference.binaryCrossEntropyWithLogits)
