// Attention over blocks of keys, with a running maximum and sum. (T. Dao, FlashAttention-2, 2023, algorithm 1; M. Milakov,
// N. Gimelshein, Online normalizer calculation for softmax, 2018.)
//
// Scores and weights are computed transposed, for NR queries at a time: a *panel* has a row of NR numbers for each key, which is what a
// tile writes and what the next one reads as its right side. So weights are never packed, and maxima, exponentials and sums go
// over whole vectors of queries. What lies wholly in the future is not computed.

import { attendRow, attendSlowly } from './attentionRow'
import { packA, packB, packColumns, transpose4 } from './gemm'
import { madd, ONE } from './math'
import { MR, NR, TILE_BYTES, tile } from './tile'
import { kept, reachOf, roundUp, strange, takeOut } from './visible'
import { finiteWeight4, KEYS, limit4, shift4 } from './weights'

/** Queries of a piece, for which keys and values are packed once: whole panels of both shapes of tile. */
export const attentionQueries: i32 = 96
/** Fewer queries than this are not worth packing keys. */
const FEW: i32 = 4

const LINE: usize = 4 * NR

/** Bytes that a call needs for itself. */
export function attentionScratch(width: i32, valueWidth: i32): i32 {
  const values = roundUp(valueWidth, MR)
  return <i32>TILE_BYTES + 4 * (attentionQueries * (width + values + 3) + KEYS * (width + values + NR) + 32)
}

/** −∞ for keys that the padding hides from all queries. */
@inline
function hidePadding(scores: usize, visible: usize, n: i32): void {
  if (visible != 0)
    for (let i = 0; i < n; i++)
      if (!kept(visible, i)) for (let lane: usize = 0; lane < LINE; lane += 16) v128.store(scores + i * LINE + lane, f32x4.splat(-Infinity))
}

/** −∞ for keys behind the reach of a query; `reach` is that of the first one, counted from the first key, and may be negative. */
@inline
function hideFuture(scores: usize, reach: i32, n: i32): void {
  for (let lane = 0; lane < NR; lane++)
    for (let i = max(0, reach + lane); i < n; i++) store<f32>(scores + i * LINE + 4 * lane, -Infinity)
}

/** `weighPanel` for four queries; `limits` says whether one of them has a score of +∞. */
@inline
function weighFour(at: usize, n: i32, old: v128, top: v128, sum: usize, alpha: usize, s: v128, limits: bool): void {
  const shift = shift4(top), infinite = f32x4.eq(top, f32x4.splat(Infinity))
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
  let i = 0
  for (; i + 4 <= n; i += 4, at += 4 * LINE) {
    const x0 = v128.load(at), x1 = v128.load(at + LINE), x2 = v128.load(at + 2 * LINE), x3 = v128.load(at + 3 * LINE)
    let e0 = finiteWeight4(x0, shift, s), e1 = finiteWeight4(x1, shift, s), e2 = finiteWeight4(x2, shift, s), e3 = finiteWeight4(x3, shift, s)
    if (limits) {
      e0 = v128.bitselect(limit4(x0), e0, infinite); e1 = v128.bitselect(limit4(x1), e1, infinite)
      e2 = v128.bitselect(limit4(x2), e2, infinite); e3 = v128.bitselect(limit4(x3), e3, infinite)
    }
    v128.store(at, e0); v128.store(at + LINE, e1); v128.store(at + 2 * LINE, e2); v128.store(at + 3 * LINE, e3)
    s0 = f32x4.add(s0, e0); s1 = f32x4.add(s1, e1); s2 = f32x4.add(s2, e2); s3 = f32x4.add(s3, e3)
  }
  for (let rest = 0; i < n; i++, rest++, at += LINE) {
    const x = v128.load(at)
    let e = finiteWeight4(x, shift, s)
    if (limits) e = v128.bitselect(limit4(x), e, infinite)
    v128.store(at, e)
    if (rest == 0) s0 = f32x4.add(s0, e)
    else if (rest == 1) s1 = f32x4.add(s1, e)
    else s2 = f32x4.add(s2, e)
  }
  let factor = finiteWeight4(old, shift, s)
  if (limits) factor = v128.bitselect(limit4(old), factor, infinite)
  v128.store(alpha, factor)
  v128.store(sum, madd(v128.load(sum), factor, f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))))
}

/**
 * A panel of scores becomes weights beside the largest score so far: m′ = max(m, x), p = e^{(x − m′) s}, α = e^{(m − m′) s} and
 * l′ = α l + Σ p. NaN does not count for the maximum; it is in the sum.
 */
function weighPanel(scores: usize, n: i32, top: usize, sum: usize, alpha: usize, s: f32): void {
  const factor = f32x4.splat(s)
  for (let lane: usize = 0; lane < LINE; lane += 16) {
    const old = v128.load(top + lane)
    let m0 = old, m1 = old
    let i = 0, at = scores + lane
    for (; i + 2 <= n; i += 2, at += 2 * LINE) {
      m0 = f32x4.pmax(m0, v128.load(at))
      m1 = f32x4.pmax(m1, v128.load(at + LINE))
    }
    if (i < n) m0 = f32x4.pmax(m0, v128.load(at))
    const m = f32x4.pmax(m0, m1)
    v128.store(top + lane, m)
    if (v128.any_true(f32x4.eq(m, f32x4.splat(Infinity)))) weighFour(scores + lane, n, old, m, sum + lane, alpha + lane, factor, true)
    else weighFour(scores + lane, n, old, m, sum + lane, alpha + lane, factor, false)
  }
}

/** o = α o + V P for a panel, transposed; `product` is a place for a tile. */
@inline
function attendPanel(o: usize, vPacked: usize, weights: usize, n: i32, count: i32, values: i32, alpha: usize, product: usize): void {
  for (let c = 0; c < values; c += MR, o += MR * LINE) {
    tile(vPacked + 4 * c * count, weights, n, product, LINE, MR, NR, false, product)
    for (let lane: usize = 0; lane < LINE; lane += 16) {
      const factor = v128.load(alpha + lane)
      for (let at = lane; at < <usize>MR * LINE; at += LINE) v128.store(o + at, madd(v128.load(o + at), factor, v128.load(product + at)))
    }
  }
}

/** NaN for the outputs of queries that see a value that was taken out, so that they are found; `reach` is as for `hideFuture`. */
function mark(o: usize, v: usize, visible: usize, n: i32, valueWidth: i32, reach: i32, causal: bool): void {
  for (let i = 0; i < n; i++) {
    if (!kept(visible, i)) continue
    for (let c = 0; c < valueWidth; c++) {
      if (!strange(load<f32>(v + 4 * (i * valueWidth + c)))) continue
      for (let lane = 0; lane < NR; lane++) if (!causal || i < reach + lane) store<f32>(o + c * LINE + 4 * lane, NaN)
    }
  }
}

/** Divides a panel of outputs by the sums of the weights and writes it row by row. In `astray` lie numbers other than 0 for rows that are not finite. */
function finishPanel(y: usize, o: usize, sum: usize, rows: i32, valueWidth: i32, astray: usize): void {
  for (let lane = 0; lane < NR; lane += 4) {
    const l = v128.load(sum + 4 * lane), divisor = v128.bitselect(v128.load(ONE), l, f32x4.eq(l, f32x4.splat(0)))
    let differences = f32x4.splat(0)
    for (let c = 0, at = o + 4 * lane; c < valueWidth; c++, at += LINE) {
      const x = f32x4.div(v128.load(at), divisor)
      v128.store(at, x)
      differences = v128.or(differences, f32x4.sub(x, x))
    }
    v128.store(astray + 4 * lane, differences)
  }
  unfold(y, o, rows, valueWidth)
}

/** Writes the first rows of a panel, transposed, row by row; 0 for −0, of which 0 times what is hidden could have made a 0. */
export function unfold(y: usize, panel: usize, rows: i32, width: i32): void {
  const line: usize = 4 * width
  for (let r = 0; r < rows; r += 4) {
    let c = 0
    if (r + 4 <= rows)
      for (; c + 4 <= width; c += 4) {
        const from = panel + c * LINE + 4 * r
        for (let at = from; at < from + 4 * LINE; at += LINE) v128.store(at, f32x4.add(v128.load(at), f32x4.splat(0)))
        transpose4(from, LINE, y + r * line + 4 * c, line)
      }
    for (; c < width; c++)
      for (let row = r; row < min(rows, r + 4); row++) store<f32>(y + row * line + 4 * c, load<f32>(panel + c * LINE + 4 * row) + 0)
  }
}

/** A block of queries, from t on. `q`, `y`, `top` and `sum` begin there; `visible` is the padding of the keys, or 0. */
function attendBlock(
  y: usize, top: usize, sum: usize, q: usize, k: usize, v: usize, visible: usize, t: i32, rows: i32, queries: i32, keys: i32, width: i32, valueWidth: i32,
  causal: bool, s: f32, scratch: usize
): void {
  const values = roundUp(valueWidth, MR), all = roundUp(rows, NR), end = reachOf(t + rows - 1, queries, keys, causal)
  const product = scratch, qPacked = product + TILE_BYTES, kPacked = qPacked + 4 * attentionQueries * width
  const vPacked = kPacked + 4 * KEYS * width, scores = vPacked + 4 * KEYS * values, o = scores + KEYS * LINE
  const tops = o + 4 * attentionQueries * values, sums = tops + 4 * attentionQueries, alpha = sums + 4 * attentionQueries
  for (let r = 0; r < all; r += NR) packB(qPacked + 4 * r * width, q + 4 * r * width, min(NR, rows - r), width, 4 * width, 4)
  memory.fill(o, 0, 4 * all * values)
  memory.fill(sums, 0, 4 * all)
  for (let at: usize = 0; at < <usize>(4 * all); at += 16) v128.store(tops + at, f32x4.splat(-Infinity))
  for (let first = 0; first < end; first += KEYS) {
    const count = min(KEYS, end - first), shown = visible == 0 ? 0 : visible + 4 * first
    for (let i = 0; i < count; i += MR) packA(kPacked + 4 * i * width, k + 4 * (first + i) * width, min(MR, count - i), width, 4 * width, 4)
    packColumns(vPacked, v + 4 * first * valueWidth, valueWidth, count)
    const hidden = shown != 0 || reachOf(t, queries, keys, causal) < first + count
    const taken = hidden && takeOut(vPacked, roundUp(values * count, 8))
    for (let r = 0; r < all; r += NR) {
      const n = min(count, reachOf(t + min(rows, r + NR) - 1, queries, keys, causal) - first), reach = t + r + 1 + keys - queries - first
      if (n <= 0) continue
      for (let i = 0; i < n; i += MR) tile(kPacked + 4 * i * width, qPacked + 4 * r * width, width, scores + i * LINE, LINE, MR, NR, false, product)
      hidePadding(scores, shown, n)
      if (causal && reach < n) hideFuture(scores, reach, n)
      weighPanel(scores, n, tops + 4 * r, sums + 4 * r, alpha, s)
      attendPanel(o + 4 * r * values, vPacked, scores, n, count, values, alpha, product)
      if (taken) mark(o + 4 * r * values, v + 4 * first * valueWidth, shown, n, valueWidth, reach, causal)
    }
  }
  for (let r = 0; r < all; r += NR) {
    const lines = min(NR, rows - r)
    finishPanel(y + 4 * r * valueWidth, o + 4 * r * values, sums + 4 * r, lines, valueWidth, alpha)
    for (let row = r; row < r + lines; row++) {
      const m = load<f32>(tops + 4 * row), l = load<f32>(sums + 4 * row)
      store<f32>(top + 4 * row, m)
      store<f32>(sum + 4 * row, l)
      if (load<u32>(alpha + 4 * (row - r)) == 0) continue
      attendSlowly(y + 4 * row * valueWidth, m, l, q + 4 * row * width, k, v, visible, reachOf(t + row, queries, keys, causal), width, valueWidth, 4 * width, 4 * valueWidth, s, scores)
    }
  }
}

/**
 * Y = softmax(mask(Q Kᵀ) s) V, with the largest score m of every query before it is multiplied by s, and the sum l = Σ e^{(x − m) s}: its
 * log-sum-exp is m s + ln l. A piece is a block of queries.
 */
export function attention(
  y: usize, top: usize, sum: usize, q: usize, k: usize, v: usize, keep: usize, heads: i32, queries: i32, keys: i32, width: i32, valueWidth: i32,
  causal: bool, s: f32, from: i32, to: i32, scratch: usize
): void {
  const blocks = (queries + attentionQueries - 1) / attentionQueries
  for (let piece = from; piece < to; piece++) {
    const matrix = piece / blocks, t = piece % blocks * attentionQueries, rows = min(attentionQueries, queries - t), row = matrix * queries + t
    const visible = keep == 0 ? 0 : keep + 4 * (matrix / heads) * keys
    const kHere = k + 4 * matrix * keys * width, vHere = v + 4 * matrix * keys * valueWidth
    const yHere = y + 4 * row * valueWidth, qHere = q + 4 * row * width
    if (rows < FEW)
      for (let r = 0; r < rows; r++)
        attendRow(
          yHere + 4 * r * valueWidth, top + 4 * (row + r), sum + 4 * (row + r), qHere + 4 * r * width, kHere, vHere, visible,
          reachOf(t + r, queries, keys, causal), width, valueWidth, 4 * width, 4 * valueWidth, s, scratch)
    else attendBlock(yHere, top + 4 * row, sum + 4 * row, qHere, kHere, vHere, visible, t, rows, queries, keys, width, valueWidth, causal, s, scratch)
  }
}
