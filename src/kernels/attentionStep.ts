/**
 * Attention of new positions to all that were read.
 *
 * @module
 */
import { kernel } from './kernel.js'
import * as reference from './reference/attentionStep.js'
import { instance } from './simd/instance.js'

export type StepSizes = reference.StepSizes

/** $y = \mathrm{softmax}(q K^\top/\sqrt d)\,V$ where a position holds the keys or values of all heads. For few queries, since each reads all keys. The bits of `attention`. */
export const attentionStep = kernel('attention', reference.attentionStep)({
  reads: ({ heads, queries, keys, width, valueWidth }: StepSizes) => [heads * queries * width, keys * heads * width, keys * heads * valueWidth],
  writes: ({ heads, queries, valueWidth }) => [heads * queries * valueWidth],
  numbers: ({ heads, queries, keys, width, valueWidth }) => [heads, queries, keys, width, valueWidth, 1 / Math.sqrt(width)],
  scratch: ({ valueWidth }) => instance?.kernels.attentionStepScratch(valueWidth) ?? 0,
  pieces: ({ heads, queries, keys, width, valueWidth }) => ({ count: heads, work: 4 * heads * queries * keys * (width + valueWidth) }),
  fast: 'attentionStep'
})
