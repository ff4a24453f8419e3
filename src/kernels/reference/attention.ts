/**
 * Scaled dot-product attention for a batch of heads.
 *
 * @module
 */
import { type Floats, type FreshFloats, type Integers, zerosLike } from '../floats.js'
import { softmaxRow } from './softmax.js'

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

/** Calls `visit` for every query: its row among all, the first row of its keys among all, and which of these keys it sees. */
const eachQuery = (
  { matrices, heads, queries, keys, causal }: PairSizes, keep: Keep, visit: (row: number, firstKey: number, seen: Int32Array) => void
): void => {
  const seen = new Int32Array(keys)
  for (let matrix = 0; matrix < matrices; matrix++) {
    const padding = Math.floor(matrix / heads) * keys
    for (let t = 0; t < queries; t++) {
      const reach = causal ? t + 1 + keys - queries : keys
      let count = 0
      for (let s = 0; s < reach; s++) if (keep === undefined || keep[padding + s] !== 0) seen[count++] = s
      visit(matrix * queries + t, matrix * keys, seen.subarray(0, count))
    }
  }
}

/** $y_{ts} = x_{ts}$ where key s is visible to query t, `hidden` elsewhere. */
export const selectVisible = (
  sizes: PairSizes & { readonly hidden: number }, [x, keep]: readonly [x: Floats, keep: Keep], [y]: readonly [y: FreshFloats]
): void => {
  y.fill(sizes.hidden)
  eachQuery(sizes, keep, (row, _, seen) => {
    for (const key of seen) y[row * sizes.keys + key] = x[row * sizes.keys + key]
  })
}

/** The inner product of a row of one matrix and a row of another. */
const inner = (a: Floats, row: number, b: Floats, other: number, width: number): number => {
  let sum = 0
  for (let j = 0, i = row * width, l = other * width; j < width; j++) sum += a[i + j] * b[l + j]
  return sum
}

/** $W = \mathrm{softmax}(Q K^\top/\sqrt d)$ over the keys that the mask leaves visible; exactly 0 elsewhere. */
export const attentionWeights = (
  sizes: AttentionSizes, [q, k, keep]: readonly [q: Floats, k: Floats, keep: Keep], [weights]: readonly [weights: FreshFloats]
): void => {
  const { keys, width } = sizes, scores = new Float64Array(keys), shares = new Float64Array(keys)
  eachQuery(sizes, keep, (row, firstKey, seen) => {
    seen.forEach((key, i) => { scores[i] = inner(q, row, k, firstKey + key, width) })
    softmaxRow(shares, 0, scores, 0, seen.length, Math.sqrt(width))
    seen.forEach((key, i) => { weights[row * keys + key] = shares[i] })
  })
}

/** $e^{(x - m)/\tau}$ beside a largest number $m$. Where that is infinite, 1 for +∞ and 0 for the rest, which is the limit. */
const exponential = (x: number, max: number, temperature: number): number =>
  (Math.abs(max) === Infinity && x === x ? Number(x === Infinity) : Math.exp((x - max) / temperature))

/**
 * $Y = \mathrm{softmax}(Q K^\top/\sqrt d)\,V$ over the keys that the mask leaves visible; and for every query the largest of its products with
 * them, and the sum of the exponentials beside it.
 */
export const attention = (
  sizes: AttentionSizes, [q, k, v, keep]: readonly [q: Floats, k: Floats, v: Floats, keep: Keep],
  [y, top, sum]: readonly [y: FreshFloats, top: FreshFloats, sum: FreshFloats]
): void => {
  const { keys, width, valueWidth } = sizes, scores = zerosLike(q, keys), weights = new Float64Array(keys), temperature = Math.sqrt(width)
  eachQuery(sizes, keep, (row, firstKey, seen) => {
    let max = -Infinity, total = 0
    for (const key of seen) {
      scores[key] = inner(q, row, k, firstKey + key, width)
      if (scores[key] > max) max = scores[key]
    }
    for (const key of seen) total += weights[key] = exponential(scores[key], max, temperature)
    for (let c = 0; c < valueWidth; c++) {
      let value = 0
      if (total !== 0) for (const key of seen) value += weights[key] / total * v[(firstKey + key) * valueWidth + c]
      y[row * valueWidth + c] = value
    }
    top[row] = max
    sum[row] = total
  })
}

/** The gradients whose derivation stands in `layers/attention.ts`, over the pairs that the mask leaves visible. */
export const attentionGradient = (
  sizes: AttentionSizes,
  [q, k, v, y, top, sum, dy, keep]: readonly [q: Floats, k: Floats, v: Floats, y: Floats, top: Floats, sum: Floats, dy: Floats, keep: Keep],
  [dq, dk, dv]: readonly [dq: FreshFloats, dk: FreshFloats, dv: FreshFloats]
): void => {
  const { keys, width, valueWidth } = sizes, scores = zerosLike(q, keys), temperature = Math.sqrt(width)
  const ofQueries = new Float64Array(dq.length), ofKeys = new Float64Array(dk.length), ofValues = new Float64Array(dv.length)
  eachQuery(sizes, keep, (row, firstKey, seen) => {
    if (sum[row] === 0) return
    const dot = inner(dy, row, y, row, valueWidth)
    for (const s of seen) {
      const key = firstKey + s
      scores[s] = inner(q, row, k, key, width) // of the precision that the largest one has
      const weight = exponential(scores[s], top[row], temperature) / sum[row]
      const dScore = weight * (inner(dy, row, v, key, valueWidth) - dot) / temperature
      for (let j = 0; j < width; j++) {
        ofQueries[row * width + j] += dScore * k[key * width + j]
        ofKeys[key * width + j] += dScore * q[row * width + j]
      }
      for (let c = 0; c < valueWidth; c++) ofValues[key * valueWidth + c] += weight * dy[row * valueWidth + c]
    }
  })
  dq.set(ofQueries)
  dk.set(ofKeys)
  dv.set(ofValues)
}
