// Functions entry by entry, for the vectors from … to of their arrays. Arrays are padded to a multiple of four numbers, so
// that no tail is left; what stands in the padding is never read.

import { high2, low2, madd, ONE, sigmoid4, sigmoidWithin4, sum2, tanh4 } from './math'

export function add(y: usize, a: usize, b: usize, from: i32, to: i32, _: usize): void {
  y += 16 * from; a += 16 * from; b += 16 * from
  const end = y + 16 * (to - from)
  for (; y < end; y += 16, a += 16, b += 16) v128.store(y, f32x4.add(v128.load(a), v128.load(b)))
}

export function multiply(y: usize, a: usize, b: usize, from: i32, to: i32, _: usize): void {
  y += 16 * from; a += 16 * from; b += 16 * from
  const end = y + 16 * (to - from)
  for (; y < end; y += 16, a += 16, b += 16) v128.store(y, f32x4.mul(v128.load(a), v128.load(b)))
}

export function subtract(y: usize, a: usize, b: usize, from: i32, to: i32, _: usize): void {
  y += 16 * from; a += 16 * from; b += 16 * from
  const end = y + 16 * (to - from)
  for (; y < end; y += 16, a += 16, b += 16) v128.store(y, f32x4.sub(v128.load(a), v128.load(b)))
}

export function divide(y: usize, a: usize, b: usize, from: i32, to: i32, _: usize): void {
  y += 16 * from; a += 16 * from; b += 16 * from
  const end = y + 16 * (to - from)
  for (; y < end; y += 16, a += 16, b += 16) v128.store(y, f32x4.div(v128.load(a), v128.load(b)))
}

/** 2 s (p − t) */
export function squaredErrorGradient(dp: usize, p: usize, t: usize, s: f32, from: i32, to: i32, _: usize): void {
  dp += 16 * from; p += 16 * from; t += 16 * from
  const end = dp + 16 * (to - from), factor = f32x4.splat(s), two = f32x4.splat(2)
  for (; dp < end; dp += 16, p += 16, t += 16) v128.store(dp, f32x4.mul(factor, f32x4.mul(two, f32x4.sub(v128.load(p), v128.load(t)))))
}

export function scale(y: usize, a: usize, factor: f32, from: i32, to: i32, _: usize): void {
  y += 16 * from; a += 16 * from
  const end = y + 16 * (to - from), s = f32x4.splat(factor)
  for (; y < end; y += 16, a += 16) v128.store(y, f32x4.mul(v128.load(a), s))
}

/** θ − ηg */
export function descend(y: usize, theta: usize, g: usize, rate: f32, from: i32, to: i32, _: usize): void {
  y += 16 * from; theta += 16 * from; g += 16 * from
  const end = y + 16 * (to - from), s = f32x4.splat(rate)
  for (; y < end; y += 16, theta += 16, g += 16) v128.store(y, f32x4.sub(v128.load(theta), f32x4.mul(s, v128.load(g))))
}

export function sigmoid(y: usize, x: usize, from: i32, to: i32, _: usize): void {
  y += 16 * from; x += 16 * from
  const end = y + 16 * (to - from)
  for (; y < end; y += 16, x += 16) v128.store(y, sigmoid4(v128.load(x)))
}

/** dy y (1 − y) */
export function sigmoidGradient(dx: usize, y: usize, dy: usize, from: i32, to: i32, _: usize): void {
  dx += 16 * from; y += 16 * from; dy += 16 * from
  const end = dx + 16 * (to - from), one = f32x4.splat(1)
  for (; dx < end; dx += 16, y += 16, dy += 16) {
    const v = v128.load(y)
    v128.store(dx, f32x4.mul(v128.load(dy), f32x4.mul(v, f32x4.sub(one, v))))
  }
}

export function tanh(y: usize, x: usize, from: i32, to: i32, _: usize): void {
  y += 16 * from; x += 16 * from
  const end = y + 16 * (to - from)
  for (; y < end; y += 16, x += 16) v128.store(y, tanh4(v128.load(x)))
}

/** dy (1 − y²) */
export function tanhGradient(dx: usize, y: usize, dy: usize, from: i32, to: i32, _: usize): void {
  dx += 16 * from; y += 16 * from; dy += 16 * from
  const end = dx + 16 * (to - from), one = f32x4.splat(1)
  for (; dx < end; dx += 16, y += 16, dy += 16) {
    const v = v128.load(y)
    v128.store(dx, f32x4.mul(v128.load(dy), f32x4.sub(one, f32x4.mul(v, v))))
  }
}

export function relu(y: usize, x: usize, from: i32, to: i32, _: usize): void {
  y += 16 * from; x += 16 * from
  const end = y + 16 * (to - from), zero = f32x4.splat(0)
  for (; y < end; y += 16, x += 16) v128.store(y, f32x4.max(zero, v128.load(x)))
}

/** All bits where x is no number, which with any others are a NaN; otherwise none. */
@inline
function nan4(x: v128): v128 {
  return f32x4.ne(x, x)
}

export function reluGradient(dx: usize, x: usize, dy: usize, from: i32, to: i32, _: usize): void {
  dx += 16 * from; x += 16 * from; dy += 16 * from
  const end = dx + 16 * (to - from), zero = f32x4.splat(0)
  for (; dx < end; dx += 16, x += 16, dy += 16) {
    const v = v128.load(x)
    v128.store(dx, v128.or(v128.and(v128.load(dy), f32x4.gt(v, zero)), nan4(v)))
  }
}

/** x where x > 0, slope · x elsewhere. */
export function leakyRelu(y: usize, x: usize, slope: f32, from: i32, to: i32, _: usize): void {
  y += 16 * from; x += 16 * from
  const end = y + 16 * (to - from), zero = f32x4.splat(0), s = f32x4.splat(slope)
  for (; y < end; y += 16, x += 16) {
    const v = v128.load(x)
    v128.store(y, v128.bitselect(v, f32x4.mul(s, v), f32x4.gt(v, zero)))
  }
}

export function leakyReluGradient(dx: usize, x: usize, dy: usize, slope: f32, from: i32, to: i32, _: usize): void {
  dx += 16 * from; x += 16 * from; dy += 16 * from
  const end = dx + 16 * (to - from), zero = f32x4.splat(0), s = f32x4.splat(slope)
  for (; dx < end; dx += 16, x += 16, dy += 16) {
    const g = v128.load(dy), v = v128.load(x)
    v128.store(dx, v128.or(v128.bitselect(g, f32x4.mul(s, g), f32x4.gt(v, zero)), nan4(v)))
  }
}

const TWICE_ROOT: usize = memory.data<f32>([1.5957691216057308, 1.5957691216057308, 1.5957691216057308, 1.5957691216057308], 16)
const CUBIC: usize = memory.data<f32>([0.044715, 0.044715, 0.044715, 0.044715], 16)
const CUBIC_SLOPE: usize = memory.data<f32>([0.134145, 0.134145, 0.134145, 0.134145], 16)

/**
 * Outside of ±10.75 the gate of geluTanh is exactly 0 or 1 in single precision: there |2u| = 105.8, and e^−105 is less than half
 * of the smallest number. Outside of ±128 so is that of silu.
 */
const GELU_MAX: usize = memory.data<f32>([10.75, 10.75, 10.75, 10.75], 16)
const GELU_MIN: usize = memory.data<f32>([-10.75, -10.75, -10.75, -10.75], 16)
const SILU_MAX: usize = memory.data<f32>([128, 128, 128, 128], 16)
const SILU_MIN: usize = memory.data<f32>([-128, -128, -128, -128], 16)

/** x where it is at least a bound, the bound elsewhere; NaN stays NaN. */
@inline
function atLeast(x: v128, bound: usize): v128 {
  return f32x4.pmax(x, v128.load(bound))
}

@inline
function atMost(x: v128, bound: usize): v128 {
  return f32x4.pmin(x, v128.load(bound))
}

/** σ(2u), 2u = 2 √(2/π) (x + 0.044715 x³), for |x| ≤ 10.75 */
@inline
function geluGate4(x: v128, square: v128): v128 {
  return sigmoidWithin4(f32x4.mul(f32x4.mul(v128.load(TWICE_ROOT), x), f32x4.add(v128.load(ONE), f32x4.mul(v128.load(CUBIC), square))))
}

/** x σ(2u) */
export function gelu(y: usize, x: usize, from: i32, to: i32, _: usize): void {
  y += 16 * from; x += 16 * from
  const end = y + 16 * (to - from)
  for (; y < end; y += 16, x += 16) {
    // Not −∞ times the gate of 0, nor a square of ∞.
    const v = atLeast(v128.load(x), GELU_MIN), inside = atMost(v, GELU_MAX)
    v128.store(y, f32x4.mul(v, geluGate4(inside, f32x4.mul(inside, inside))))
  }
}

/** x σ(2u) and σ + x σ(1 − σ) 2u′ */
export function geluWithSlope(y: usize, slope: usize, x: usize, from: i32, to: i32, _: usize): void {
  y += 16 * from; slope += 16 * from; x += 16 * from
  const end = y + 16 * (to - from)
  for (; y < end; y += 16, slope += 16, x += 16) {
    const v = atLeast(v128.load(x), GELU_MIN), inside = atMost(v, GELU_MAX), square = f32x4.mul(inside, inside), one = v128.load(ONE)
    const s = geluGate4(inside, square)
    const twiceUPrime = f32x4.mul(v128.load(TWICE_ROOT), f32x4.add(one, f32x4.mul(v128.load(CUBIC_SLOPE), square)))
    v128.store(y, f32x4.mul(v, s))
    v128.store(slope, f32x4.add(s, f32x4.mul(f32x4.mul(f32x4.mul(inside, s), f32x4.sub(one, s)), twiceUPrime)))
  }
}

/** x σ(x) */
export function silu(y: usize, x: usize, from: i32, to: i32, _: usize): void {
  y += 16 * from; x += 16 * from
  const end = y + 16 * (to - from)
  for (; y < end; y += 16, x += 16) {
    const v = atLeast(v128.load(x), SILU_MIN)
    v128.store(y, f32x4.mul(v, sigmoid4(v)))
  }
}

/** x σ(x) and σ + x σ(1 − σ) */
export function siluWithSlope(y: usize, slope: usize, x: usize, from: i32, to: i32, _: usize): void {
  y += 16 * from; slope += 16 * from; x += 16 * from
  const end = y + 16 * (to - from)
  for (; y < end; y += 16, slope += 16, x += 16) {
    const v = atLeast(v128.load(x), SILU_MIN), s = sigmoid4(v)
    v128.store(y, f32x4.mul(v, s))
    v128.store(slope, f32x4.add(s, f32x4.mul(f32x4.mul(atMost(v, SILU_MAX), s), f32x4.sub(v128.load(ONE), s))))
  }
}

/** A constant four times in memory, from where it is loaded where it is used: there are more than registers. */
@inline
function splat(at: usize, x: f32): void {
  v128.store(at, f32x4.splat(x))
}

/**
 * m′ = β₁m + (1 − β₁) g, v′ = β₂v + (1 − β₂) g², θ′ = θ − ηλθ − η (m′/c₁)/(√(v′/c₂) + ε). The constants are made in double
 * precision. A β of single precision alone would forget at another rate: 1 − β may be less than the rounding of β, so what
 * the rounding left is added. Nothing here overflows or vanishes unless a mean or the step itself does.
 */
export function adam(
  nextTheta: usize, nextM: usize, nextV: usize, theta: usize, m: usize, v: usize, g: usize,
  rate: f64, beta1: f64, beta2: f64, first: f64, second: f64, epsilon: f64, decay: f64, from: i32, to: i32, scratch: usize
): void {
  const single1 = <f32>beta1, single2 = <f32>beta2
  // One division: η (m′/c₁)/(√(v′/c₂) + ε) is m′/(√v′ c₁/(η√c₂) + ε c₁/η).
  splat(scratch, single1); splat(scratch + 16, <f32>(beta1 - <f64>single1)); splat(scratch + 32, <f32>(1 - beta1))
  splat(scratch + 48, single2); splat(scratch + 64, <f32>(beta2 - <f64>single2)); splat(scratch + 80, <f32>sqrt<f64>(1 - beta2))
  splat(scratch + 96, <f32>(first / (rate * sqrt<f64>(second)))); splat(scratch + 112, <f32>(epsilon * first / rate))
  splat(scratch + 128, <f32>(rate * decay))
  for (let at: usize = 16 * from, end: usize = 16 * to; at < end; at += 16) {
    const d = v128.load(g + at), oldM = v128.load(m + at), oldV = v128.load(v + at)
    const part = f32x4.mul(d, v128.load(scratch, 80))
    const square = madd(oldV, v128.load(scratch, 48), madd(oldV, v128.load(scratch, 64), f32x4.mul(part, part)))
    v128.store(nextV + at, square)
    const mean = madd(oldM, v128.load(scratch), madd(oldM, v128.load(scratch, 16), f32x4.mul(d, v128.load(scratch, 32))))
    v128.store(nextM + at, mean)
    const update = f32x4.div(mean, madd(f32x4.sqrt(square), v128.load(scratch, 96), v128.load(scratch, 112)))
    const t = v128.load(theta + at)
    v128.store(nextTheta + at, f32x4.sub(f32x4.sub(t, f32x4.mul(t, v128.load(scratch, 128))), update))
  }
}

/** Σ aᵢ bᵢ in double precision, in four partial sums. */
export function dot(a: usize, b: usize, n: i32, from: i32, to: i32, _: usize): f64 {
  let s0 = f64x2.splat(0), s1 = s0
  let i = 0
  for (; i + 4 <= n; i += 4, a += 16, b += 16) {
    const x = v128.load(a), y = v128.load(b)
    s0 = f64x2.add(s0, f64x2.mul(low2(x), low2(y)))
    s1 = f64x2.add(s1, f64x2.mul(high2(x), high2(y)))
  }
  let total = sum2(f64x2.add(s0, s1))
  for (; i < n; i++, a += 4, b += 4) total += <f64>load<f32>(a) * <f64>load<f32>(b)
  return total
}

/** Σ aᵢ */
export function sum(a: usize, n: i32, from: i32, to: i32, _: usize): f64 {
  let s0 = f64x2.splat(0), s1 = s0
  let i = 0
  for (; i + 4 <= n; i += 4, a += 16) {
    const x = v128.load(a)
    s0 = f64x2.add(s0, low2(x))
    s1 = f64x2.add(s1, high2(x))
  }
  let total = sum2(f64x2.add(s0, s1))
  for (; i < n; i++, a += 4) total += <f64>load<f32>(a)
  return total
}

/** Σ (pᵢ − tᵢ)² */
export function squaredError(p: usize, t: usize, n: i32, from: i32, to: i32, _: usize): f64 {
  let s0 = f64x2.splat(0), s1 = s0
  let i = 0
  for (; i + 4 <= n; i += 4, p += 16, t += 16) {
    const x = v128.load(p), y = v128.load(t), low = f64x2.sub(low2(x), low2(y)), high = f64x2.sub(high2(x), high2(y))
    s0 = f64x2.add(s0, f64x2.mul(low, low))
    s1 = f64x2.add(s1, f64x2.mul(high, high))
  }
  let total = sum2(f64x2.add(s0, s1))
  for (; i < n; i++, p += 4, t += 4) {
    const d = <f64>load<f32>(p) - <f64>load<f32>(t)
    total += d * d
  }
  return total
}
