/**
 * Scaled dot-product attention for a batch of heads.
 *
 * @module
 */
import { type Floats, type FreshFloats, type Integers, zerosLike } from '../floats.js'
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
  /** The last query stands at the last key; no query sees a key behind its own position. */
  readonly causal: boolean
}

/** Nonzero where a key may be seen: one row of keys for each batch item. */
type Keep = Integers | undefined


type PairSizes = Pick<AttentionSizes, 'matrices' | 'heads' | 'queries' | 'keys' | 'causal'>

/** Calls `visit` for every entry of `[matrices, queries, keys]` that is hidden, or for every one that is seen. */
const eachPair = (
  { matrices, heads, queries, keys, causal }: PairSizes, keep: Keep, seen: boolean,
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

/** $y_{ts} = x_{ts}$ where key s is visible to query t, `hidden` elsewhere. */
export const selectVisible = (
  sizes: PairSizes & { readonly hidden: number }, [x, keep]: readonly [x: Floats, keep: Keep], [y]: readonly [y: FreshFloats]
): void => {
  for (let i = 0; i < y.length; i++) y[i] = x[i]
  eachPair(sizes, keep, false, at => { y[at] = sizes.hidden })
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
const product = (sizes: AttentionSizes, keep: Keep, { weights, rows, width, byKey }: Product, y: FreshFloats): void => {
  const { matrices, queries, keys } = sizes
  const [m, k] = byKey ? [keys, queries] : [queries, keys]
  const shape = { batch: matrices, m, n: width, k, transposeA: byKey, transposeB: false }
  if (allFinite(rows)) {
    gemm(shape, [weights, rows], [y])
    return
  }
  const finite = zerosLike(rows, rows.length)
  for (let i = 0; i < rows.length; i++) finite[i] = Number.isFinite(rows[i]) ? rows[i] : 0
  gemm(shape, [weights, finite], [y])
  eachPair(sizes, keep, true, (at, query, key) => {
    const from = width * (byKey ? query : key), to = width * (byKey ? key : query)
    for (let j = 0; j < width; j++) if (!Number.isFinite(rows[from + j])) y[to + j] += weights[at] * rows[from + j]
  })
}

/** $W = \mathrm{softmax}(Q K^\top/\sqrt d)$ over the keys that the mask leaves visible; exactly 0 elsewhere. */
export const attentionWeights = (
  { matrices, heads, queries, keys, width, causal }: AttentionSizes, [q, k, keep]: readonly [q: Floats, k: Floats, keep: Keep],
  [weights]: readonly [weights: FreshFloats]
): void => {
  const scores = zerosLike(q, weights.length)
  gemm({ batch: matrices, m: queries, n: keys, k: width, transposeA: false, transposeB: true }, [q, k], [scores])
  const visible = new Float64Array(keys)
  for (let matrix = 0, start = 0; matrix < matrices; matrix++) {
    const item = Math.floor(matrix / heads)
    for (let query = 0; query < queries; query++, start += keys) {
      const reach = causal ? Math.max(0, query + 1 + keys - queries) : keys
      for (let key = 0; key < reach; key++)
        visible[key] = keep === undefined || keep[item * keys + key] !== 0 ? scores[start + key] : -Infinity
      softmaxRow(weights, start, visible, 0, reach, Math.sqrt(width))
      weights.fill(0, start + reach, start + keys)
    }
  }
}

/** $Y = W V$ over the keys that the mask leaves visible. */
export const attend = (
  sizes: AttentionSizes, [weights, v, keep]: readonly [weights: Floats, v: Floats, keep: Keep], [y]: readonly [y: FreshFloats]
): void => product(sizes, keep, { weights, rows: v, width: sizes.valueWidth, byKey: false }, y)

/** The gradients whose derivation stands in `layers/attention.ts`, over the pairs that the mask leaves visible. */
export const attentionGradient = (
  sizes: AttentionSizes, [q, k, v, weights, dy, keep]: readonly [q: Floats, k: Floats, v: Floats, weights: Floats, dy: Floats, keep: Keep],
  [dq, dk, dv]: readonly [dq: FreshFloats, dk: FreshFloats, dv: FreshFloats]
): void => {
  const { matrices, queries, keys, width, valueWidth, causal } = sizes
  const dScores = zerosLike(q, matrices * queries * keys)
  gemm({ batch: matrices, m: queries, n: keys, k: valueWidth, transposeA: false, transposeB: true }, [dy, v], [dScores])
  const hide = (): void => { if (causal || keep !== undefined) eachPair(sizes, keep, false, at => { dScores[at] = 0 }) }
  // Before, so that the sum over a row does not meet what is hidden; after, since 0 times a sum that is NaN is not 0.
  hide()
  softmaxRowsGradient({ rows: matrices * queries, width: keys, temperature: Math.sqrt(width) }, [weights, dScores], [dScores])
  hide()
  product(sizes, keep, { weights: dScores, rows: k, width, byKey: false }, dq)
  product(sizes, keep, { weights: dScores, rows: q, width, byKey: true }, dk)
  product(sizes, keep, { weights, rows: dy, width: valueWidth, byKey: true }, dv)
}
