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

/** Calls `visit` for every entry of `[matrices, queries, keys]` that is hidden, or for every one that is seen. */
const eachPair = (
  { matrices, heads, queries, keys }: AttentionSizes, { causal, keep }: AttentionMask, seen: boolean,
  visit: (at: number, query: number, key: number) => void
): void => {
  for (let matrix = 0, at = 0; matrix < matrices; matrix++) {
    const item = Math.floor(matrix / heads)
    for (let t = 0; t < queries; t++)
      for (let s = 0; s < keys; s++, at++) {
        const visible = (!causal || s <= t + keys - queries) && (keep === undefined || keep[item * keys + s] !== 0)
        if (visible === seen) visit(at, matrix * queries + t, matrix * keys + s)
      }
  }
}

const allFinite = (x: Floats): boolean => {
  for (let i = 0; i < x.length; i++) if (!Number.isFinite(x[i])) return false
  return true
}

interface Product {
  /** `[matrices, queries, keys]`, 0 where a key is hidden. */
  readonly weights: Floats
  /** One row for each key, or `byKey` for each query. */
  readonly rows: Floats
  readonly width: number
  /** Whether the result has a row for each key, and for each query otherwise. */
  readonly byKey: boolean
}

/**
 * $\sum_s w_{ts} b_s$ over the keys that query $t$ sees, or $\sum_t w_{ts} b_t$ over the queries that see key $s$. What is hidden has
 * the weight 0, and 0 times a number is 0, but $0 \cdot \infty$ and $0 \cdot \mathrm{NaN}$ are NaN. So what is not finite is taken out of
 * the product, and added where it can be seen.
 */
const product = (sizes: AttentionSizes, mask: AttentionMask, { weights, rows, width, byKey }: Product): FreshFloats => {
  const { matrices, queries, keys } = sizes
  const [m, k] = byKey ? [keys, queries] : [queries, keys]
  const shape = { batch: matrices, m, n: width, k, transposeA: byKey, transposeB: false }
  if (allFinite(rows)) return gemm(shape, weights, rows)
  const finite = freshLike(rows, rows.length)
  for (let i = 0; i < rows.length; i++) finite[i] = Number.isFinite(rows[i]) ? rows[i] : 0
  const y = gemm(shape, weights, finite)
  eachPair(sizes, mask, true, (at, query, key) => {
    const from = width * (byKey ? query : key), to = width * (byKey ? key : query)
    for (let j = 0; j < width; j++) if (!Number.isFinite(rows[from + j])) y[to + j] += weights[at] * rows[from + j]
  })
  return y
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

/** $Y = W V$ over the keys that the mask leaves visible. */
export const attend = (sizes: AttentionSizes, mask: AttentionMask, weights: Floats, v: Floats): FreshFloats =>
  product(sizes, mask, { weights, rows: v, width: sizes.valueWidth, byKey: false })

export interface AttentionGradient {
  readonly dq: FreshFloats
  readonly dk: FreshFloats
  readonly dv: FreshFloats
}

/** The gradients whose derivation stands in `layers/attention.ts`, over the pairs that the mask leaves visible. */
export const attentionGradient = (
  sizes: AttentionSizes, mask: AttentionMask, q: Floats, k: Floats, v: Floats, weights: Floats, dy: Floats
): AttentionGradient => {
  const { matrices, queries, keys, width, valueWidth } = sizes
  const dWeights = gemm({ batch: matrices, m: queries, n: keys, k: valueWidth, transposeA: false, transposeB: true }, dy, v)
  const hide = (x: FreshFloats): void => { if (mask.causal || mask.keep !== undefined) eachPair(sizes, mask, false, at => { x[at] = 0 }) }
  // Before, so that the sum over a row does not meet what is hidden; after, since 0 times a sum that is NaN is not 0.
  hide(dWeights)
  const dScores = softmaxRowsGradient(weights, dWeights, matrices * queries, keys, Math.sqrt(width))
  hide(dScores)
  return {
    dq: product(sizes, mask, { weights: dScores, rows: k, width, byKey: false }),
    dk: product(sizes, mask, { weights: dScores, rows: q, width, byKey: true }),
    dv: product(sizes, mask, { weights, rows: dy, width: valueWidth, byKey: true })
  }
}
