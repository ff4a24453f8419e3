// Random bits: the block cipher Threefry-2x32 on four counters at once.

@inline
function rotated(x: v128, r: i32): v128 {
  return v128.or(i32x4.shl(x, r), i32x4.shr_u(x, 32 - r))
}

@inline
function round(x: v128, y: v128, r: i32): v128 {
  return v128.xor(rotated(y, r), x)
}

/** The two words of the last eight blocks, the first four and the others. Every thread has its own. */
let first: v128 = i32x4.splat(0)
let second: v128 = i32x4.splat(0)
let firstBehind: v128 = i32x4.splat(0)
let secondBehind: v128 = i32x4.splat(0)

/** Encrypts the counters n … n + 7: each round waits for the one before it, so a processor does those of two vectors in the time of one. */
@inline
function blocks(high: u32, low: u32, n: u32): void {
  const k0 = i32x4.splat(high), k1 = i32x4.splat(low), k2 = i32x4.splat(high ^ low ^ 0x1bd11bda)
  const counters = i32x4.add(i32x4.splat(n), i32x4(0, 1, 2, 3))
  let a = k0, b = i32x4.add(counters, k1), c = k0, d = i32x4.add(i32x4.add(counters, i32x4.splat(4)), k1)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 13); d = round(c, d, 13)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 15); d = round(c, d, 15)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 26); d = round(c, d, 26)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 6); d = round(c, d, 6)
  a = i32x4.add(a, k1); c = i32x4.add(c, k1); b = i32x4.add(i32x4.add(b, k2), i32x4.splat(1)); d = i32x4.add(i32x4.add(d, k2), i32x4.splat(1))
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 17); d = round(c, d, 17)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 29); d = round(c, d, 29)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 16); d = round(c, d, 16)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 24); d = round(c, d, 24)
  a = i32x4.add(a, k2); c = i32x4.add(c, k2); b = i32x4.add(i32x4.add(b, k0), i32x4.splat(2)); d = i32x4.add(i32x4.add(d, k0), i32x4.splat(2))
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 13); d = round(c, d, 13)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 15); d = round(c, d, 15)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 26); d = round(c, d, 26)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 6); d = round(c, d, 6)
  a = i32x4.add(a, k0); c = i32x4.add(c, k0); b = i32x4.add(i32x4.add(b, k1), i32x4.splat(3)); d = i32x4.add(i32x4.add(d, k1), i32x4.splat(3))
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 17); d = round(c, d, 17)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 29); d = round(c, d, 29)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 16); d = round(c, d, 16)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 24); d = round(c, d, 24)
  a = i32x4.add(a, k1); c = i32x4.add(c, k1); b = i32x4.add(i32x4.add(b, k2), i32x4.splat(4)); d = i32x4.add(i32x4.add(d, k2), i32x4.splat(4))
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 13); d = round(c, d, 13)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 15); d = round(c, d, 15)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 26); d = round(c, d, 26)
  a = i32x4.add(a, b); c = i32x4.add(c, d); b = round(a, b, 6); d = round(c, d, 6)
  a = i32x4.add(a, k2); c = i32x4.add(c, k2); b = i32x4.add(i32x4.add(b, k0), i32x4.splat(5)); d = i32x4.add(i32x4.add(d, k0), i32x4.splat(5))
  first = a
  second = b
  firstBehind = c
  secondBehind = d
}

/** y = x kept by two vectors of words. */
@inline
function keep(y: usize, x: usize, a: v128, b: v128, least: v128, factor: v128, n: i32): void {
  v128.store(y, v128.and(f32x4.mul(v128.load(x), factor), i32x4.ge_u(a, least)))
  if (n > 4) v128.store(y + 16, v128.and(f32x4.mul(v128.load(x + 16), factor), i32x4.ge_u(b, least)))
}

/** y = x kept where the key keeps an entry, else 0; in pieces of eight entries, which take the two words of four blocks. */
export function dropout(
  y: usize, x: usize, high: u32, low: u32, threshold: u32, kept: f32, n: i32, from: i32, to: i32, _: usize
): void {
  const factor = f32x4.splat(kept), least = i32x4.splat(threshold)
  for (let piece = from; piece < to; piece += 2) {
    blocks(high, low, 4 * piece)
    const at: usize = 32 * piece
    keep(y + at, x + at, first, second, least, factor, n - 8 * piece)
    if (piece + 1 < to) keep(y + at + 32, x + at + 32, firstBehind, secondBehind, least, factor, n - 8 * piece - 8)
  }
}

/** min + range · u for the first 24 bits of four words. */
@inline
function spreadOver(y: usize, words: v128, least: v128, factor: v128): void {
  const unit = f64x2.splat(1.0 / 16777216), u = i32x4.shr_u(words, 8)
  const a = f64x2.add(least, f64x2.mul(factor, f64x2.mul(f64x2.convert_low_i32x4_u(u), unit)))
  const b = f64x2.add(least, f64x2.mul(factor, f64x2.mul(f64x2.convert_low_i32x4_u(v128.shuffle<i64>(u, u, 1, 0)), unit)))
  v128.store(y, v128.shuffle<i64>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2))
}

/** Uniform numbers, of the first word of each block; in pieces of four entries. */
export function uniform(y: usize, high: u32, low: u32, min: f64, range: f64, from: i32, to: i32, _: usize): void {
  const least = f64x2.splat(min), factor = f64x2.splat(range)
  for (let piece = from; piece < to; piece += 2) {
    blocks(high, low, 4 * piece)
    spreadOver(y + 16 * piece, first, least, factor)
    if (piece + 1 < to) spreadOver(y + 16 * piece + 16, firstBehind, least, factor)
  }
}

// Constants lie twice in memory, as those of `math.ts` do four times. ROUND, added to a number below 2^51, leaves the nearest integer in the
// lowest bits.
const SHIFT: usize = memory.data<f64>([67108864, 67108864], 16)
const UNIT_53: usize = memory.data<f64>([1.0 / 9007199254740992, 1.0 / 9007199254740992], 16)
const ONE: usize = memory.data<f64>([1, 1], 16)
const ROUND: usize = memory.data<f64>([6755399441055744, 6755399441055744], 16)
const TWO: usize = memory.data<f64>([2, 2], 16)
const LOG_1: usize = memory.data<f64>([1.479819860511658591e-01, 1.479819860511658591e-01], 16)
const LOG_2: usize = memory.data<f64>([1.531383769920937332e-01, 1.531383769920937332e-01], 16)
const LOG_3: usize = memory.data<f64>([1.818357216161805012e-01, 1.818357216161805012e-01], 16)
const LOG_4: usize = memory.data<f64>([2.222219843214978396e-01, 2.222219843214978396e-01], 16)
const LOG_5: usize = memory.data<f64>([2.857142874366239149e-01, 2.857142874366239149e-01], 16)
const LOG_6: usize = memory.data<f64>([3.999999999940941908e-01, 3.999999999940941908e-01], 16)
const LOG_7: usize = memory.data<f64>([6.666666666666735130e-01, 6.666666666666735130e-01], 16)
const HALF: usize = memory.data<f64>([0.5, 0.5], 16)
const LN2_LOW: usize = memory.data<f64>([1.90821492927058770002e-10, 1.90821492927058770002e-10], 16)
const LN2_HIGH: usize = memory.data<f64>([6.93147180369123816490e-01, 6.93147180369123816490e-01], 16)
const SIN_1: usize = memory.data<f64>([1.58969099521155010221e-10, 1.58969099521155010221e-10], 16)
const SIN_2: usize = memory.data<f64>([-2.50507602534068634195e-08, -2.50507602534068634195e-08], 16)
const SIN_3: usize = memory.data<f64>([2.75573137070700676789e-06, 2.75573137070700676789e-06], 16)
const SIN_4: usize = memory.data<f64>([-1.98412698298579493134e-04, -1.98412698298579493134e-04], 16)
const SIN_5: usize = memory.data<f64>([8.33333333332248946124e-03, 8.33333333332248946124e-03], 16)
const SIN_6: usize = memory.data<f64>([-1.66666666666666324348e-01, -1.66666666666666324348e-01], 16)
const COS_1: usize = memory.data<f64>([-1.13596475577881948265e-11, -1.13596475577881948265e-11], 16)
const COS_2: usize = memory.data<f64>([2.08757232129817482790e-09, 2.08757232129817482790e-09], 16)
const COS_3: usize = memory.data<f64>([-2.75573143513906633035e-07, -2.75573143513906633035e-07], 16)
const COS_4: usize = memory.data<f64>([2.48015872894767294178e-05, 2.48015872894767294178e-05], 16)
const COS_5: usize = memory.data<f64>([-1.38888888888741095749e-03, -1.38888888888741095749e-03], 16)
const COS_6: usize = memory.data<f64>([4.16666666666666019037e-02, 4.16666666666666019037e-02], 16)
const MINUS_TWO: usize = memory.data<f64>([-2, -2], 16)
const TWO_PI: usize = memory.data<f64>([6.283185307179586, 6.283185307179586], 16)
const TWO_OVER_PI: usize = memory.data<f64>([0.6366197723675814, 0.6366197723675814], 16)
const HALF_PI: usize = memory.data<f64>([1.57079632673412561417, 1.57079632673412561417], 16)
const HALF_PI_REST: usize = memory.data<f64>([6.07710050650619224932e-11, 6.07710050650619224932e-11], 16)

/** Two uniform numbers of 53 bits from lanes 0 and 1 of both words. */
@inline
function unit2(a: v128, b: v128): v128 {
  const high = f64x2.convert_low_i32x4_u(i32x4.shr_u(a, 5)), low = f64x2.convert_low_i32x4_u(i32x4.shr_u(b, 6))
  return f64x2.mul(f64x2.add(f64x2.mul(high, v128.load(SHIFT)), low), v128.load(UNIT_53))
}

/**
 * ln x for 2^−53 ≤ x ≤ 1: x = 2^k m with m from √½ to √2, f = m − 1 and s = f/(2 + f), so that ln m is 2 artanh s
 * (Sun Microsystems, fdlibm, e_log).
 */
@inline
function log2x(x: v128): v128 {
  const root: i64 = 0x3fe6a09e667f3bcd // √½
  const k = i64x2.shr_s(i64x2.sub(x, i64x2.splat(root)), 52)
  const f = f64x2.sub(i64x2.sub(x, i64x2.shl(k, 52)), v128.load(ONE))
  const n = f64x2.sub(i64x2.add(k, i64x2.splat(0x4338000000000000)), v128.load(ROUND))
  const s = f64x2.div(f, f64x2.add(v128.load(TWO), f)), z = f64x2.mul(s, s)
  let r = v128.load(LOG_1)
  r = f64x2.add(f64x2.mul(r, z), v128.load(LOG_2))
  r = f64x2.add(f64x2.mul(r, z), v128.load(LOG_3))
  r = f64x2.add(f64x2.mul(r, z), v128.load(LOG_4))
  r = f64x2.add(f64x2.mul(r, z), v128.load(LOG_5))
  r = f64x2.add(f64x2.mul(r, z), v128.load(LOG_6))
  r = f64x2.add(f64x2.mul(r, z), v128.load(LOG_7))
  r = f64x2.mul(r, z)
  const half = f64x2.mul(f64x2.mul(v128.load(HALF), f), f)
  const low = f64x2.add(f64x2.mul(s, f64x2.add(half, r)), f64x2.mul(n, v128.load(LN2_LOW)))
  return f64x2.sub(f64x2.mul(n, v128.load(LN2_HIGH)), f64x2.sub(f64x2.sub(half, low), f))
}

/** sin x for |x| ≤ π/4 (fdlibm, k_sin). */
@inline
function sine(x: v128, z: v128): v128 {
  let r = v128.load(SIN_1)
  r = f64x2.add(f64x2.mul(r, z), v128.load(SIN_2))
  r = f64x2.add(f64x2.mul(r, z), v128.load(SIN_3))
  r = f64x2.add(f64x2.mul(r, z), v128.load(SIN_4))
  r = f64x2.add(f64x2.mul(r, z), v128.load(SIN_5))
  r = f64x2.add(f64x2.mul(r, z), v128.load(SIN_6))
  return f64x2.add(x, f64x2.mul(f64x2.mul(x, z), r))
}

/** cos x for |x| ≤ π/4 (fdlibm, k_cos). */
@inline
function cosine(z: v128): v128 {
  let r = v128.load(COS_1)
  r = f64x2.add(f64x2.mul(r, z), v128.load(COS_2))
  r = f64x2.add(f64x2.mul(r, z), v128.load(COS_3))
  r = f64x2.add(f64x2.mul(r, z), v128.load(COS_4))
  r = f64x2.add(f64x2.mul(r, z), v128.load(COS_5))
  r = f64x2.add(f64x2.mul(r, z), v128.load(COS_6))
  return f64x2.sub(v128.load(ONE), f64x2.sub(f64x2.mul(v128.load(HALF), z), f64x2.mul(f64x2.mul(z, z), r)))
}

/** How many vectors of blocks are encrypted before their numbers are made: a processor overlaps the rounds of two short loops better than those of one long one. */
const TOGETHER: i32 = 32

/** Bytes of the words of so many, an even number, since two are encrypted at once. */
export const normalScratchBytes: i32 = 32 * TOGETHER

/** m + d √(−2 ln(1 − u)) times cos 2πv and sin 2πv, of the words of four blocks (G. Box, M. Muller, 1958). */
@inline
function boxMuller(y: usize, a: v128, b: v128, mean: v128, deviation: v128): void {
  const u = unit2(v128.shuffle<i32>(a, a, 0, 2, 0, 2), v128.shuffle<i32>(b, b, 0, 2, 0, 2))
  const v = unit2(v128.shuffle<i32>(a, a, 1, 3, 1, 3), v128.shuffle<i32>(b, b, 1, 3, 1, 3))
  const radius = f64x2.mul(deviation, f64x2.sqrt(f64x2.mul(v128.load(MINUS_TWO), log2x(f64x2.sub(v128.load(ONE), u)))))
  const angle = f64x2.mul(v128.load(TWO_PI), v)
  // The angle less the nearest multiple of π/2, whose first part has so few bits that its product is exact.
  const rounded = f64x2.add(f64x2.mul(angle, v128.load(TWO_OVER_PI)), v128.load(ROUND)), q = f64x2.sub(rounded, v128.load(ROUND))
  const x = f64x2.sub(f64x2.sub(angle, f64x2.mul(q, v128.load(HALF_PI))), f64x2.mul(q, v128.load(HALF_PI_REST)))
  const z = f64x2.mul(x, x), s = sine(x, z), c = cosine(z)
  const odd = i64x2.shr_s(i64x2.shl(rounded, 63), 63), one = i64x2.splat(1)
  const sinSign = i64x2.shl(i64x2.shr_u(rounded, 1), 63), cosSign = i64x2.shl(i64x2.shr_u(i64x2.add(rounded, one), 1), 63)
  const cosines = f64x2.add(mean, f64x2.mul(radius, v128.xor(v128.bitselect(s, c, odd), cosSign)))
  const sines = f64x2.add(mean, f64x2.mul(radius, v128.xor(v128.bitselect(c, s, odd), sinSign)))
  v128.store(y, v128.shuffle<f32>(f32x4.demote_f64x2_zero(cosines), f32x4.demote_f64x2_zero(sines), 0, 4, 1, 5))
}

/** Normal numbers; in pieces of four entries, from two blocks each pair. */
export function normal(y: usize, high: u32, low: u32, mean: f64, deviation: f64, from: i32, to: i32, words: usize): void {
  const m = f64x2.splat(mean), d = f64x2.splat(deviation)
  for (let begin = from; begin < to; begin += TOGETHER) {
    const count: usize = min(TOGETHER, to - begin)
    for (let i: usize = 0; i < count; i += 2) {
      blocks(high, low, 4 * (begin + <i32>i))
      v128.store(words + 32 * i, first)
      v128.store(words + 32 * i, second, 16)
      v128.store(words + 32 * i, firstBehind, 32)
      v128.store(words + 32 * i, secondBehind, 48)
    }
    for (let i: usize = 0, at = y + 16 * begin; i < count; i++) boxMuller(at + 16 * i, v128.load(words + 32 * i), v128.load(words + 32 * i, 16), m, d)
  }
}
