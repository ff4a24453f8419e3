/**
 * Scaled dot-product attention for a batch of heads.
 *
 * @module
 */
import type { Floats, FreshFloats, Integers } from '../floats.js'
import { freshLike } from '../fresh.js'
import { gemm } from './gemm.js'
import { softmaxRow, softmaxRowsGradient } from './softmax.js'

export interface AttentionSizes {
  /** Independent attentions: batch items times heads, the heads of one item next to each other. */
  readonly matrices: number
  readonly heads: number
  readonly queries: number
  readonly keys: number
  /** Width of a query and a key. */
  readonly width: number
  /** Width of a value. */
  readonly valueWidth: number
}

export interface AttentionMask {
  /** The last query stands at the last key; no query sees a key behind its own position. */
  readonly causal: boolean
  /** Nonzero where a key may be seen: one row of keys for each batch item. */
  readonly keep: Integers | undefined
}

/** $W = \mathrm{softmax}(Q K^\top/\sqrt d)$ over the keys that the mask leaves visible; exactly 0 elsewhere. */
export const attentionWeights = (
  { matrices, heads, queries, keys, width }: AttentionSizes, mask: AttentionMask, q: Floats, k: Floats
): FreshFloats => {
  const scores = gemm(
    { batch: matrices, m: queries, n: keys, k: width, transposeA: false, transposeB: true }, q, k)
  const weights = freshLike(q, scores.length)
  const visible = new Float64Array(keys)
  for (let matrix = 0, start = 0; matrix < matrices; matrix++) {
    const item = Math.floor(matrix / heads)
    for (let query = 0; query < queries; query++, start += keys) {
      const reach = mask.causal ? Math.max(0, query + 1 + keys - queries) : keys
      for (let key = 0; key < reach; key++)
        visible[key] = mask.keep === undefined || mask.keep[item * keys + key] !== 0 ? scores[start + key] : -Infinity
      softmaxRow(weights, start, visible, 0, reach, Math.sqrt(width))
    }
  }
  return weights
}

/** $Y = W V$ */
export const attend = (
  { matrices, queries, keys, valueWidth }: AttentionSizes, weights: Floats, v: Floats
): FreshFloats =>
  gemm({ batch: matrices, m: queries, n: valueWidth, k: keys, transposeA: false, transposeB: false }, weights, v)

export interface AttentionGradient {
  readonly dq: FreshFloats
  readonly dk: FreshFloats
  readonly dv: FreshFloats
}

/** The gradients whose derivation stands in `layers/attention.ts`. */
export const attentionGradient = (
  { matrices, queries, keys, width, valueWidth }: AttentionSizes,
  q: Floats, k: Floats, v: Floats, weights: Floats, dy: Floats
): AttentionGradient => {
  const batch = matrices
  const dWeights = gemm({ batch, m: queries, n: keys, k: valueWidth, transposeA: false, transposeB: true }, dy, v)
  const dScores = softmaxRowsGradient(weights, dWeights, matrices * queries, keys, Math.sqrt(width))
  return {
    dq: gemm({ batch, m: queries, n: width, k: keys, transposeA: false, transposeB: false }, dScores, k),
    dk: gemm({ batch, m: keys, n: width, k: queries, transposeA: true, transposeB: false }, dScores, q),
    dv: gemm({ batch, m: keys, n: valueWidth, k: queries, transposeA: true, transposeB: false }, weights, dy)
  }
}
