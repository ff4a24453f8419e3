// One query: neither keys nor values are packed, since they are read once. Every number is summed in the order in which the blocks
// of `attention.ts` sum it, so a query has the same output alone and among others.

import { madd, max4, sum4 } from './math'
import { KEYS, limit4, weight4 } from './weights'
import { kept, strange } from './visible'

/** Four steps of the inner products of a number of the query with four keys: s + q k, one step after the other. */
@inline
function fourSteps(s: v128, q: usize, k0: usize, k1: usize, k2: usize, k3: usize): v128 {
  const r0 = v128.load(k0), r1 = v128.load(k1), r2 = v128.load(k2), r3 = v128.load(k3)
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7)
  const t2 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
  s = madd(v128.load32_splat(q), v128.shuffle<f32>(t0, t2, 0, 1, 4, 5), s)
  s = madd(v128.load32_splat(q, 4), v128.shuffle<f32>(t0, t2, 2, 3, 6, 7), s)
  s = madd(v128.load32_splat(q, 8), v128.shuffle<f32>(t1, t3, 0, 1, 4, 5), s)
  return madd(v128.load32_splat(q, 12), v128.shuffle<f32>(t1, t3, 2, 3, 6, 7), s)
}

@inline
function oneStep(s: v128, q: usize, k0: usize, k1: usize, k2: usize, k3: usize): v128 {
  let x = v128.load32_zero(k0)
  x = f32x4.replace_lane(x, 1, load<f32>(k1))
  x = f32x4.replace_lane(x, 2, load<f32>(k2))
  return madd(v128.load32_splat(q), f32x4.replace_lane(x, 3, load<f32>(k3)), s)
}

/** The scores of n keys, `line` bytes apart, and −∞ up to a multiple of four. */
function scoresOf(to: usize, q: usize, k: usize, n: i32, width: i32, line: usize): void {
  const end: usize = 4 * width
  let i = 0
  // Sixteen keys at once, since one addition must wait for the one before.
  for (; i + 16 <= n; i += 16, k += 16 * line) {
    const a = k, b = k + 4 * line, c = k + 8 * line, d = k + 12 * line
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
    let at: usize = 0
    for (; at + 16 <= end; at += 16) {
      s0 = fourSteps(s0, q + at, a + at, a + line + at, a + 2 * line + at, a + 3 * line + at)
      s1 = fourSteps(s1, q + at, b + at, b + line + at, b + 2 * line + at, b + 3 * line + at)
      s2 = fourSteps(s2, q + at, c + at, c + line + at, c + 2 * line + at, c + 3 * line + at)
      s3 = fourSteps(s3, q + at, d + at, d + line + at, d + 2 * line + at, d + 3 * line + at)
    }
    for (; at < end; at += 4) {
      s0 = oneStep(s0, q + at, a + at, a + line + at, a + 2 * line + at, a + 3 * line + at)
      s1 = oneStep(s1, q + at, b + at, b + line + at, b + 2 * line + at, b + 3 * line + at)
      s2 = oneStep(s2, q + at, c + at, c + line + at, c + 2 * line + at, c + 3 * line + at)
      s3 = oneStep(s3, q + at, d + at, d + line + at, d + 2 * line + at, d + 3 * line + at)
    }
    v128.store(to + 4 * i, s0); v128.store(to + 4 * i, s1, 16); v128.store(to + 4 * i, s2, 32); v128.store(to + 4 * i, s3, 48)
  }
  for (; i < n; i += 4, k += 4 * line) {
    // Behind the last key, the last key again.
    const k1 = k + (i + 1 < n ? line : 0), k2 = i + 2 < n ? k + 2 * line : k, k3 = i + 3 < n ? k + 3 * line : k
    let s = f32x4.splat(0)
    let at: usize = 0
    for (; at + 16 <= end; at += 16) s = fourSteps(s, q + at, k + at, k1 + at, k2 + at, k3 + at)
    for (; at < end; at += 4) s = oneStep(s, q + at, k + at, k1 + at, k2 + at, k3 + at)
    v128.store(to + 4 * i, s)
    for (let j = n; j < i + 4; j++) store<f32>(to + 4 * j, -Infinity)
  }
}

/** The scores of a block of keys that may be seen, and −∞ for those that may not. */
@inline
function visibleScores(to: usize, q: usize, k: usize, visible: usize, first: i32, n: i32, width: i32, line: usize): void {
  scoresOf(to, q, k + first * line, n, width, line)
  if (visible != 0) for (let i = 0; i < n; i++) if (!kept(visible, first + i)) store<f32>(to + 4 * i, -Infinity)
}

/** o = α o + Σ p v over the keys of a block that may be seen. */
function attendBlock(o: usize, p: usize, v: usize, visible: usize, n: i32, valueWidth: i32, line: usize, alpha: v128): void {
  const end: usize = 4 * valueWidth
  let c: usize = 0
  for (; c + 128 <= end; c += 128) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0
    for (let i = 0, at = v + c; i < n; i++, at += line) {
      if (!kept(visible, i)) continue
      const x = v128.load32_splat(p + 4 * i)
      s0 = madd(x, v128.load(at), s0); s1 = madd(x, v128.load(at, 16), s1)
      s2 = madd(x, v128.load(at, 32), s2); s3 = madd(x, v128.load(at, 48), s3)
      s4 = madd(x, v128.load(at, 64), s4); s5 = madd(x, v128.load(at, 80), s5)
      s6 = madd(x, v128.load(at, 96), s6); s7 = madd(x, v128.load(at, 112), s7)
    }
    const to = o + c
    v128.store(to, madd(v128.load(to), alpha, s0)); v128.store(to, madd(v128.load(to, 16), alpha, s1), 16)
    v128.store(to, madd(v128.load(to, 32), alpha, s2), 32); v128.store(to, madd(v128.load(to, 48), alpha, s3), 48)
    v128.store(to, madd(v128.load(to, 64), alpha, s4), 64); v128.store(to, madd(v128.load(to, 80), alpha, s5), 80)
    v128.store(to, madd(v128.load(to, 96), alpha, s6), 96); v128.store(to, madd(v128.load(to, 112), alpha, s7), 112)
  }
  for (; c + 16 <= end; c += 16) {
    let s = f32x4.splat(0)
    for (let i = 0, at = v + c; i < n; i++, at += line) if (kept(visible, i)) s = madd(v128.load32_splat(p + 4 * i), v128.load(at), s)
    v128.store(o + c, madd(v128.load(o + c), alpha, s))
  }
  for (; c < end; c += 4) {
    let s = f32x4.splat(0)
    for (let i = 0, at = v + c; i < n; i++, at += line) if (kept(visible, i)) s = madd(v128.load32_splat(p + 4 * i), v128.load32_splat(at), s)
    store<f32>(o + c, f32x4.extract_lane(madd(v128.load32_splat(o + c), alpha, s), 0))
  }
}

/** Bytes that a query needs for itself. */
@inline
export function rowScratch(valueWidth: i32): i32 {
  return 4 * (KEYS + valueWidth)
}

/**
 * The output of one query over the first `reach` keys, the largest of its scores and the sum of its weights. Keys and values lie `kLine` and
 * `vLine` bytes apart.
 */
export function attendRow(
  y: usize, top: usize, sum: usize, q: usize, k: usize, v: usize, visible: usize, reach: i32, width: i32, valueWidth: i32, kLine: usize, vLine: usize,
  s: f32, scratch: usize
): void {
  const p = scratch, o = p + 4 * KEYS, factor = f32x4.splat(s)
  let m = f32x4.splat(-Infinity), l = f32x4.splat(0)
  memory.fill(o, 0, 4 * valueWidth)
  for (let first = 0; first < reach; first += KEYS) {
    const n = min(KEYS, reach - first)
    visibleScores(p, q, k, visible, first, n, width, kLine)
    let largest = m
    for (let i = 0; i < n; i += 4) largest = f32x4.pmax(largest, v128.load(p + 4 * i))
    const old = m
    m = f32x4.splat(max4(largest))
    const alpha = weight4(old, m, factor)
    let total = f32x4.splat(0)
    for (let i = 0; i < n; i += 4) {
      const e = weight4(v128.load(p + 4 * i), m, factor)
      v128.store(p + 4 * i, e)
      total = f32x4.add(total, e)
    }
    l = madd(l, alpha, f32x4.splat(sum4(total)))
    attendBlock(o, p, v + first * vLine, visible == 0 ? 0 : visible + 4 * first, n, valueWidth, vLine, alpha)
  }
  const whole = f32x4.extract_lane(l, 0), divisor: f32 = whole == 0 ? 1 : whole
  store<f32>(top, f32x4.extract_lane(m, 0))
  store<f32>(sum, whole)
  let astray = false
  for (let c = 0; c < valueWidth; c++) {
    // Not −0, which what is hidden could make a 0.
    const value = load<f32>(o + 4 * c) / divisor + 0
    store<f32>(y + 4 * c, value)
    astray = astray || strange(value)
  }
  if (astray) attendSlowly(y, f32x4.extract_lane(m, 0), whole, q, k, v, visible, reach, width, valueWidth, kLine, vLine, s, scratch)
}

/**
 * The same from the largest score and the sum of the weights, for a query that sees infinite values or NaN, or values whose sum
 * overflows though their mean does not: Σ (p/l) v in place of (Σ p v)/l.
 */
export function attendSlowly(
  y: usize, top: f32, sum: f32, q: usize, k: usize, v: usize, visible: usize, reach: i32, width: i32, valueWidth: i32, kLine: usize, vLine: usize,
  s: f32, scratch: usize
): void {
  const p = scratch, m = f32x4.splat(top), l = f32x4.splat(sum), factor = f32x4.splat(s)
  memory.fill(y, 0, 4 * valueWidth)
  if (sum == 0) return
  for (let first = 0; first < reach; first += KEYS) {
    const n = min(KEYS, reach - first)
    visibleScores(p, q, k, visible, first, n, width, kLine)
    for (let i = 0; i < n; i += 4) v128.store(p + 4 * i, f32x4.div(weight4(v128.load(p + 4 * i), m, factor), l))
    for (let i = 0; i < n; i++) {
      if (!kept(visible, first + i)) continue
      const weight = load<f32>(p + 4 * i), from = v + (first + i) * vLine
      for (let c = 0; c < valueWidth; c++) store<f32>(y + 4 * c, load<f32>(y + 4 * c) + weight * load<f32>(from + 4 * c))
    }
  }
}
