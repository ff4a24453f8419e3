// The gradient of attention, which computes weights again from scores, maxima and sums, block by block. (T. Dao, FlashAttention-2, 2023,
// algorithm 2.) With P = e^{(x − m) s}/l, dP = dY Vᵀ and D = Σ dY Y of a query: dS = s P (dP − D), dQ = dS K, dK = dSᵀ Q, dV = Pᵀ dY.
//
// A *panel* belongs to NR keys and has a row of NR numbers for each query of a block. A tile writes it, and the next one reads it as its
// right side, for dKᵀ = Qᵀ dS and dVᵀ = dYᵀ P; only for dQ is it packed anew. What lies wholly in the future is not computed.

import { unfold } from './attention'
import { packA, packB, packColumns } from './gemm'
import { high2, low2, sum2 } from './math'
import { MR, NR, TILE_BYTES, tile } from './tile'
import { kept, reachOf, roundUp, strange, takeOut } from './visible'
import { finiteWeight4, KEYS, limit4 } from './weights'

/** Queries of a block: whole panels of both shapes of tile. */
const QUERIES: i32 = 96

const LINE: usize = 4 * NR

const LANES: usize = memory.data<i32>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 16)

/** Bytes that a call needs for itself: blocks of a fixed size, and three numbers for every query. */
export function attentionGradientScratch(queries: i32, width: i32, valueWidth: i32): i32 {
  const across = roundUp(width, NR), down = roundUp(width, MR), values = roundUp(valueWidth, MR)
  return <i32>TILE_BYTES + 4 * (KEYS * (width + valueWidth + across + down + values) + QUERIES * (width + valueWidth + down + values)
    + QUERIES * (2 * NR + KEYS) + NR + 3 * roundUp(queries, 4))
}

@inline
function innerProduct(a: usize, b: usize, n: i32): f64 {
  let s0 = f64x2.splat(0), s1 = s0
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const x = v128.load(a + 4 * i), y = v128.load(b + 4 * i)
    s0 = f64x2.add(s0, f64x2.mul(low2(x), low2(y)))
    s1 = f64x2.add(s1, f64x2.mul(high2(x), high2(y)))
  }
  let sum = sum2(f64x2.add(s0, s1))
  for (; i < n; i++) sum += <f64>load<f32>(a + 4 * i) * <f64>load<f32>(b + 4 * i)
  return sum
}

/** For every query what is subtracted from its scores, the inverse of the sum of its weights or 0, and D. Whether a score is +∞, or a sum 0. */
function prepare(stats: usize, stride: usize, y: usize, top: usize, sum: usize, dy: usize, from: i32, to: i32, valueWidth: i32): bool {
  let limits = false
  for (let t = from; t < to; t++) {
    const m = load<f32>(top + 4 * t), l = load<f32>(sum + 4 * t)
    store<f32>(stats + 4 * t, m == -Infinity ? 0 : m)
    store<f32>(stats + stride + 4 * t, l == 0 ? 0 : 1 / l)
    store<f32>(stats + 2 * stride + 4 * t, <f32>innerProduct(y + 4 * t * valueWidth, dy + 4 * t * valueWidth, valueWidth))
    limits = limits || m == Infinity || l == 0
  }
  return limits
}

/** Four scores of one query become weights, and dP becomes dS. */
@inline
function weighFour(scores: usize, slopes: usize, m: v128, inverse: v128, dot: v128, s: v128): void {
  const p = f32x4.mul(finiteWeight4(v128.load(scores), m, s), inverse)
  v128.store(scores, p)
  v128.store(slopes, f32x4.mul(f32x4.mul(p, f32x4.sub(v128.load(slopes), dot)), s))
}

/** The same for rows of a panel that see all of its keys, and have weights but no score of +∞. */
@inline
function weighRows(scores: usize, slopes: usize, stats: usize, stride: usize, rows: i32, s: v128): void {
  for (let r = 0; r < rows; r++, scores += LINE, slopes += LINE, stats += 4) {
    const m = v128.load32_splat(stats), inverse = v128.load32_splat(stats + stride), dot = v128.load32_splat(stats + 2 * stride)
    weighFour(scores, slopes, m, inverse, dot, s)
    weighFour(scores + 16, slopes + 16, m, inverse, dot, s)
    if (NR == 16) {
      weighFour(scores + 32, slopes + 32, m, inverse, dot, s)
      weighFour(scores + 48, slopes + 48, m, inverse, dot, s)
    }
  }
}

/**
 * The same for any rows: both are 0 where a key is hidden, and where there are no weights. The first row sees the lanes before `seen`, with a causal mask each further one another one;
 * `shown` has ones in all bits for keys that the padding shows, or is 0.
 */
function weighMaskedRows(scores: usize, slopes: usize, stats: usize, stride: usize, rows: i32, s: v128, seen: i32, causal: bool, shown: usize): void {
  for (let r = 0; r < rows; r++, scores += LINE, slopes += LINE, stats += 4) {
    const m = v128.load32_splat(stats), inverse = v128.load32_splat(stats + stride), dot = v128.load32_splat(stats + 2 * stride)
    const infinite = f32x4.eq(m, f32x4.splat(Infinity)), reach = i32x4.splat(causal ? seen + r : seen)
    for (let lane: usize = 0; lane < LINE; lane += 16) {
      const x = v128.load(scores + lane)
      let mask = i32x4.lt_s(v128.load(LANES + lane), reach)
      if (shown != 0) mask = v128.and(mask, v128.load(shown + lane))
      mask = v128.and(mask, f32x4.ne(inverse, f32x4.splat(0)))
      const p = f32x4.mul(v128.bitselect(limit4(x), finiteWeight4(x, m, s), infinite), inverse)
      v128.store(scores + lane, v128.and(mask, p))
      v128.store(slopes + lane, v128.and(mask, f32x4.mul(f32x4.mul(p, f32x4.sub(v128.load(slopes + lane), dot)), s)))
    }
  }
}

/** c(j, lane) += w(row, lane) b(row, j) where b is infinite or NaN and was taken out, over the keys that a row with weights sees: with a causal mask those of the lanes before `reach` + row. */
function restorePanel(
  c: usize, w: usize, b: usize, inverses: usize, begin: i32, rows: i32, width: i32, lanes: i32, reach: i32, causal: bool, shown: usize
): void {
  for (let row = begin; row < rows; row++) {
    if (load<f32>(inverses + 4 * row) == 0) continue
    for (let j = 0; j < width; j++) {
      const x = load<f32>(b + 4 * (row * width + j))
      if (!strange(x)) continue
      for (let lane = 0, end = causal ? min(lanes, reach + row) : lanes; lane < end; lane++) {
        const to = c + j * LINE + 4 * lane
        if (kept(shown, lane)) store<f32>(to, load<f32>(to) + load<f32>(w + row * LINE + 4 * lane) * x)
      }
    }
  }
}

/** The same for rows of dQ: `packed` are MR rows of dS, `reach` is that of the first one, counted from the first key of the block. */
function restoreRows(dq: usize, packed: usize, k: usize, inverses: usize, rows: i32, count: i32, width: i32, reach: i32, causal: bool, visible: usize): void {
  for (let i = 0; i < count; i++) {
    if (!kept(visible, i)) continue
    for (let j = 0; j < width; j++) {
      const x = load<f32>(k + 4 * (i * width + j))
      if (!strange(x)) continue
      for (let row = causal ? max(0, i + 1 - reach) : 0; row < rows; row++) {
        if (load<f32>(inverses + 4 * row) == 0) continue
        const to = dq + 4 * (row * width + j)
        store<f32>(to, load<f32>(to) + load<f32>(packed + 4 * (i * MR + row)) * x)
      }
    }
  }
}

/** 0 for −0, of which 0 times what is hidden could have made a 0. */
function settle(x: usize, n: i32): void {
  let j = 0
  for (; j + 4 <= n; j += 4) v128.store(x + 4 * j, f32x4.add(v128.load(x + 4 * j), f32x4.splat(0)))
  for (; j < n; j++) store<f32>(x + 4 * j, load<f32>(x + 4 * j) + 0)
}

/** Writes Aᵀ B in a transposed panel, or adds it: `packed` holds A's columns in panels over `rows` rows, of which those from `begin` on count. */
@inline
function multiplyTransposed(c: usize, packed: usize, b: usize, begin: i32, rows: i32, width: i32, adds: bool, spill: usize): void {
  for (let j = 0; j < width; j += MR) tile(packed + 4 * (j * rows + begin * MR), b + begin * LINE, rows - begin, c + j * LINE, LINE, MR, NR, adds, spill)
}

/** The rows of a matrix in panels over its columns. */
@inline
function packRows(to: usize, from: usize, rows: i32, width: i32): void {
  for (let i = 0; i < rows; i += MR) packA(to + 4 * i * width, from + 4 * i * width, min(MR, rows - i), width, 4 * width, 4)
}

/** One matrix: dQ of the queries from … to, if there is a dQ, and dK and dV of the keys from … to, if there is a dK; over all keys, or queries, that they see. */
function gradient(
  dq: usize, dk: usize, dv: usize, q: usize, k: usize, v: usize, y: usize, top: usize, sum: usize, dy: usize, visible: usize, queries: i32, keys: i32,
  width: i32, valueWidth: i32, causal: bool, s: f32, queryFrom: i32, queryTo: i32, keyFrom: i32, keyTo: i32, scratch: usize
): void {
  const across = roundUp(width, NR), down = roundUp(width, MR), values = roundUp(valueWidth, MR), shift = keys - queries, factor = f32x4.splat(s)
  const spill = scratch, kColumns = spill + TILE_BYTES, vColumns = kColumns + 4 * KEYS * width, kRows = vColumns + 4 * KEYS * valueWidth
  const dkPanels = kRows + 4 * KEYS * across, dvPanels = dkPanels + 4 * KEYS * down
  const qRows = dvPanels + 4 * KEYS * values, dyRows = qRows + 4 * QUERIES * width, qColumns = dyRows + 4 * QUERIES * valueWidth
  const dyColumns = qColumns + 4 * QUERIES * down, scores = dyColumns + 4 * QUERIES * values, slopes = scores + QUERIES * LINE
  const packed = slopes + QUERIES * LINE, mask = packed + 4 * QUERIES * KEYS, stats = mask + LINE, stride: usize = 4 * roundUp(queries, 4)
  const limits = prepare(stats, stride, y, top, sum, dy, queryFrom, queryTo, valueWidth)
  if (dk != 0 && queries == 0) {
    memory.fill(dk + 4 * keyFrom * width, 0, 4 * (keyTo - keyFrom) * width)
    memory.fill(dv + 4 * keyFrom * valueWidth, 0, 4 * (keyTo - keyFrom) * valueWidth)
    return
  }
  // Where every query sees the first key, its block writes dQ, and others add to it.
  const begun = shift < 0
  if (dq != 0 && begun) memory.fill(dq + 4 * queryFrom * width, 0, 4 * (queryTo - queryFrom) * width)
  const end = dq != 0 && dk == 0 ? min(keyTo, reachOf(queryTo - 1, queries, keys, causal)) : keyTo
  for (let first = keyFrom; first < end; first += KEYS) {
    const count = min(KEYS, end - first), hides = causal || visible != 0 || limits, shown = visible == 0 ? 0 : visible + 4 * first
    const kHere = k + 4 * first * width, vHere = v + 4 * first * valueWidth
    for (let i = 0; i < count; i += NR) {
      packB(kColumns + 4 * i * width, kHere + 4 * i * width, min(NR, count - i), width, 4 * width, 4)
      packB(vColumns + 4 * i * valueWidth, vHere + 4 * i * valueWidth, min(NR, count - i), valueWidth, 4 * valueWidth, 4)
    }
    let keysTaken = false
    if (dq != 0) {
      for (let j = 0; j < width; j += NR) packB(kRows + 4 * j * count, kHere + 4 * j, min(NR, width - j), count, 4, 4 * width)
      keysTaken = hides && takeOut(kRows, roundUp(across * count, 8))
    }
    const earliest = causal ? max(queryFrom, first - shift) : queryFrom, blocks = (earliest - queryFrom) / QUERIES
    for (let t = queryFrom + blocks * QUERIES; t < queryTo; t += QUERIES) {
      const rows = min(QUERIES, queryTo - t), qHere = q + 4 * t * width, dyHere = dy + 4 * t * valueWidth
      let queriesTaken = false, slopesTaken = false
      packRows(qRows, qHere, rows, width)
      packRows(dyRows, dyHere, rows, valueWidth)
      if (dk != 0) {
        packColumns(qColumns, qHere, width, rows)
        packColumns(dyColumns, dyHere, valueWidth, rows)
        queriesTaken = hides && takeOut(qColumns, roundUp(down * rows, 8))
        slopesTaken = hides && takeOut(dyColumns, roundUp(values * rows, 8))
      }
      for (let i = 0; i < count; i += NR) {
        // The first query of the block that sees a key of this panel, and the first of its tile.
        const reach = t + 1 + shift - first - i, sees = causal ? max(0, 1 - reach) : 0, begin = sees / MR * MR
        if (sees >= rows) break
        for (let r = begin; r < rows; r += MR) {
          tile(qRows + 4 * r * width, kColumns + 4 * i * width, width, scores + r * LINE, LINE, MR, NR, false, spill)
          tile(dyRows + 4 * r * valueWidth, vColumns + 4 * i * valueWidth, valueWidth, slopes + r * LINE, LINE, MR, NR, false, spill)
        }
        if (shown != 0)
          for (let lane = 0; lane < NR; lane++) store<i32>(mask + 4 * lane, i + lane < count && kept(shown, i + lane) ? -1 : 0)
        const seen = causal ? reach + begin : count - i, masked = limits || shown != 0 ? rows : min(rows, begin + (causal ? max(0, NR - seen) : seen < NR ? rows : 0))
        weighMaskedRows(scores + begin * LINE, slopes + begin * LINE, stats + 4 * (t + begin), stride, masked - begin, factor, seen, causal, shown == 0 ? 0 : mask)
        weighRows(scores + masked * LINE, slopes + masked * LINE, stats + 4 * (t + masked), stride, rows - masked, factor)
        if (dk != 0) {
          const adds = t > queryFrom && (!causal || reach > 1), dkPanel = dkPanels + 4 * i * down, dvPanel = dvPanels + 4 * i * values
          multiplyTransposed(dkPanel, qColumns, slopes, begin, rows, width, adds, spill)
          multiplyTransposed(dvPanel, dyColumns, scores, begin, rows, valueWidth, adds, spill)
          if (queriesTaken) restorePanel(dkPanel, slopes, qHere, stats + stride + 4 * t, begin, rows, width, min(NR, count - i), reach, causal, shown == 0 ? 0 : shown + 4 * i)
          if (slopesTaken) restorePanel(dvPanel, scores, dyHere, stats + stride + 4 * t, begin, rows, valueWidth, min(NR, count - i), reach, causal, shown == 0 ? 0 : shown + 4 * i)
        }
        if (dq != 0) for (let r = begin; r < rows; r += MR) packA(packed + 4 * (r * KEYS + i * MR), slopes + r * LINE, MR, NR, LINE, 4)
      }
      if (dq != 0)
        for (let r = 0; r < rows; r += MR) {
          const lines = min(MR, rows - r), n = min(count, reachOf(t + r + lines - 1, queries, keys, causal) - first), to = dq + 4 * (t + r) * width
          if (n <= 0) continue
          for (let j = 0; j < width; j += NR)
            tile(packed + 4 * r * KEYS, kRows + 4 * j * count, n, to + 4 * j, 4 * width, lines, min(NR, width - j), begun || first > keyFrom, spill)
          if (keysTaken) restoreRows(to, packed + 4 * r * KEYS, kHere, stats + stride + 4 * (t + r), lines, n, width, t + r + 1 + shift - first, causal, shown)
        }
    }
    if (dk == 0) continue
    for (let i = 0; i < count; i += NR) {
      const lines = min(NR, count - i)
      unfold(dk + 4 * (first + i) * width, dkPanels + 4 * i * down, lines, width)
      unfold(dv + 4 * (first + i) * valueWidth, dvPanels + 4 * i * values, lines, valueWidth)
    }
  }
  if (dq != 0) settle(dq + 4 * queryFrom * width, (queryTo - queryFrom) * width)
}

/**
 * dQ, dK and dV. A piece is a matrix; or, `apart`, a block of keys, for dK and dV, or a block of queries, for dQ, which computes weights
 * twice and has more pieces. Sums go over the same blocks in the same order, so bits are the same.
 */
export function attentionGradient(
  dq: usize, dk: usize, dv: usize, q: usize, k: usize, v: usize, y: usize, top: usize, sum: usize, dy: usize, keep: usize,
  heads: i32, queries: i32, keys: i32, width: i32, valueWidth: i32, causal: bool, s: f32, apart: bool, from: i32, to: i32, scratch: usize
): void {
  const keyBlocks = (keys + KEYS - 1) / KEYS, queryBlocks = (queries + QUERIES - 1) / QUERIES, pieces = apart ? keyBlocks + queryBlocks : 1
  for (let piece = from; piece < to; piece++) {
    const matrix = piece / pieces, part = piece % pieces, ofKeys = apart && part < keyBlocks
    const atQueries = 4 * matrix * queries, atKeys = 4 * matrix * keys
    const firstQuery = apart && !ofKeys ? (part - keyBlocks) * QUERIES : 0, firstKey = ofKeys ? part * KEYS : 0
    gradient(
      ofKeys ? 0 : dq + atQueries * width, apart && !ofKeys ? 0 : dk + atKeys * width, dv + atKeys * valueWidth,
      q + atQueries * width, k + atKeys * width, v + atKeys * valueWidth, y + atQueries * valueWidth, top + atQueries, sum + atQueries,
      dy + atQueries * valueWidth, keep == 0 ? 0 : keep + 4 * (matrix / heads) * keys, queries, keys, width, valueWidth, causal, s,
      firstQuery, apart && !ofKeys ? min(queries, firstQuery + QUERIES) : queries, firstKey, ofKeys ? min(keys, firstKey + KEYS) : keys, scratch)
  }
}
