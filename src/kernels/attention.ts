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

/** Queries and keys of a block, as `assembly/` cuts them. */
const blockQueries = instance?.kernels.attentionQueries.value ?? 1, blockKeys = instance?.kernels.attentionKeys.value ?? 1

/** With fewer matrices than this the pieces of a gradient are blocks of them, though weights are computed twice then. */
const FEW_MATRICES = 2

/** Bytes for one tile, the packed rows of a block, aligned, and a packed matrix of keys. */
const packedBytes = ({ keys, width }: AttentionSizes): number =>
  4 * (tileRows * tileColumns + tileRows * width + 4 + (keys + tileColumns) * width)

const keepLength = ({ matrices, heads, keys }: AttentionSizes): number => Math.ceil(matrices / heads) * keys
const pairs = ({ matrices, queries, keys }: AttentionSizes): number => matrices * queries * keys
/** Pairs of which a kernel computes something. */
const seenPairs = (sizes: AttentionSizes): number => (sizes.causal && sizes.queries > 1 ? pairs(sizes) / 2 : pairs(sizes))
const queryBlocks = ({ queries }: AttentionSizes): number => Math.ceil(queries / blockQueries)
const apart = ({ matrices }: AttentionSizes): boolean => matrices < FEW_MATRICES

/** $W = \mathrm{softmax}(Q K^\top/\sqrt d)$ over the keys that the mask leaves visible; exactly 0 elsewhere. */
export const attentionWeights = kernel('attention', reference.attentionWeights)({
  reads: (sizes: AttentionSizes) => [sizes.matrices * sizes.queries * sizes.width, sizes.matrices * sizes.keys * sizes.width, keepLength(sizes)],
  writes: sizes => [pairs(sizes)],
  numbers: ({ heads, queries, keys, width, causal }) => [heads, queries, keys, width, flag(causal), 1 / Math.sqrt(width)],
  scratch: packedBytes,
  pieces: sizes => ({ count: sizes.matrices, work: pairs(sizes) * (sizes.width + 25) }),
  fast: 'attentionWeights'
})

/**
 * $Y = \mathrm{softmax}(Q K^\top/\sqrt d)\,V$ over the keys that the mask leaves visible, without a matrix of weights; and the log-sum-exp of
 * every query, as the largest $m$ of its products with keys, before they are divided by $\sqrt d$, and the sum $l$ of
 * $e^{(q \cdot k - m)/\sqrt d}$. What a hidden key or value holds does not matter, be it ∞ or NaN.
 */
export const attention = kernel('attention', reference.attention)({
  reads: (sizes: AttentionSizes) => {
    const { matrices, queries, keys, width, valueWidth } = sizes
    return [matrices * queries * width, matrices * keys * width, matrices * keys * valueWidth, keepLength(sizes)]
  },
  writes: ({ matrices, queries, valueWidth }) => [matrices * queries * valueWidth, matrices * queries, matrices * queries],
  numbers: ({ heads, queries, keys, width, valueWidth, causal }) => [heads, queries, keys, width, valueWidth, flag(causal), 1 / Math.sqrt(width)],
  scratch: ({ width, valueWidth }) => instance?.kernels.attentionScratch(width, valueWidth) ?? 0,
  pieces: sizes => ({ count: sizes.matrices * queryBlocks(sizes), work: seenPairs(sizes) * (sizes.width + sizes.valueWidth + 25) }),
  fast: 'attention'
})

/** The gradients with respect to queries, keys and values, whose derivation stands in `layers/attention.ts`, from what `attention` gives. */
export const attentionGradient = kernel('attention', reference.attentionGradient)({
  reads: (sizes: AttentionSizes) => {
    const { matrices, queries, keys, width, valueWidth } = sizes, rows = matrices * queries
    return [rows * width, matrices * keys * width, matrices * keys * valueWidth, rows * valueWidth, rows, rows, rows * valueWidth, keepLength(sizes)]
  },
  writes: ({ matrices, queries, keys, width, valueWidth }) => [matrices * queries * width, matrices * keys * width, matrices * keys * valueWidth],
  numbers: sizes => {
    const { heads, queries, keys, width, valueWidth, causal } = sizes
    return [heads, queries, keys, width, valueWidth, flag(causal), 1 / Math.sqrt(width), flag(apart(sizes))]
  },
  scratch: ({ queries, width, valueWidth }) => instance?.kernels.attentionGradientScratch(queries, width, valueWidth) ?? 0,
  pieces: sizes => ({
    count: sizes.matrices * (apart(sizes) ? queryBlocks(sizes) + Math.ceil(sizes.keys / blockKeys) : 1),
    work: seenPairs(sizes) * (3 * sizes.width + 2 * sizes.valueWidth + 25)
  }),
  fast: 'attentionGradient'
})
