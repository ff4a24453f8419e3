/**
 * Scaled dot-product attention for a batch of heads.
 *
 * @module
 */
import { kernel } from './kernel.js'
import * as reference from './reference/attention.js'
import { instance } from './simd/instance.js'

export type AttentionSizes = reference.AttentionSizes

const flag = (value: boolean): 0 | 1 => (value ? 1 : 0)

const tileRows = instance?.kernels.tileRows.value ?? 0, tileColumns = instance?.kernels.tileColumns.value ?? 0

/** Bytes for one tile, the packed rows of a block, aligned, and a packed matrix of `lines` lines of the given length. */
const packedBytes = (lines: number, length: number, longest: number): number =>
  4 * (tileRows * tileColumns + tileRows * longest + 4 + (lines + tileColumns) * length)

const keepLength = ({ matrices, heads, keys }: AttentionSizes): number => Math.ceil(matrices / heads) * keys
const pairs = ({ matrices, queries, keys }: AttentionSizes): number => matrices * queries * keys

/** $W = \mathrm{softmax}(Q K^\top/\sqrt d)$ over the keys that the mask leaves visible; exactly 0 elsewhere. */
export const attentionWeights = kernel('attention', reference.attentionWeights)({
  reads: (sizes: AttentionSizes) => [sizes.matrices * sizes.queries * sizes.width, sizes.matrices * sizes.keys * sizes.width, keepLength(sizes)],
  writes: sizes => [pairs(sizes)],
  numbers: ({ heads, queries, keys, width, causal }) => [heads, queries, keys, width, flag(causal), 1 / Math.sqrt(width)],
  scratch: ({ keys, width }) => packedBytes(keys, width, width),
  pieces: sizes => ({ count: sizes.matrices, work: pairs(sizes) * (sizes.width + 25) }),
  fast: 'attentionWeights'
})

/** $Y = W V$ over the keys that the mask leaves visible. What a hidden value holds does not matter, be it ∞ or NaN. */
export const attend = kernel('attention', reference.attend)({
  reads: (sizes: AttentionSizes) => [pairs(sizes), sizes.matrices * sizes.keys * sizes.valueWidth, keepLength(sizes)],
  writes: ({ matrices, queries, valueWidth }) => [matrices * queries * valueWidth],
  numbers: ({ heads, queries, keys, valueWidth, causal }) => [heads, queries, keys, valueWidth, flag(causal)],
  scratch: ({ keys, valueWidth }) => packedBytes(valueWidth, keys, keys),
  pieces: sizes => ({ count: sizes.matrices, work: pairs(sizes) * sizes.valueWidth }),
  fast: 'attend'
})

/** The gradients with respect to queries, keys and values, whose derivation stands in `layers/attention.ts`. */
export const attentionGradient = kernel('attention', reference.attentionGradient)({
  reads: (sizes: AttentionSizes) => {
    const { matrices, queries, keys, width, valueWidth } = sizes
    return [
      matrices * queries * width, matrices * keys * width, matrices * keys * valueWidth, pairs(sizes), matrices * queries * valueWidth,
      keepLength(sizes)
    ]
  },
  writes: ({ matrices, queries, keys, width, valueWidth }) => [matrices * queries * width, matrices * keys * width, matrices * keys * valueWidth],
  numbers: ({ heads, queries, keys, width, valueWidth, causal }) => [heads, queries, keys, width, valueWidth, flag(causal), 1 / Math.sqrt(width)],
  scratch: ({ queries, keys, width, valueWidth }) => {
    const longest = Math.max(queries, keys, width, valueWidth)
    return packedBytes(longest, longest, longest) + 4 * queries * keys + 16
  },
  pieces: sizes => ({ count: sizes.matrices, work: pairs(sizes) * (2 * sizes.width + 2 * sizes.valueWidth + 8) }),
  fast: 'attentionGradient'
})
