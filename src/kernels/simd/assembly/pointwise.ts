// Functions entry by entry. Arrays are padded to a multiple of four numbers, so that no tail is left; what stands in
// the padding is never read.

import { exp4, ONE, sigmoid4, tanh4 } from './math'

export function add(y: usize, a: usize, b: usize, n: i32): void {
  const end = y + 4 * n
  for (; y < end; y += 16, a += 16, b += 16) v128.store(y, f32x4.add(v128.load(a), v128.load(b)))
}

export function multiply(y: usize, a: usize, b: usize, n: i32): void {
  const end = y + 4 * n
  for (; y < end; y += 16, a += 16, b += 16) v128.store(y, f32x4.mul(v128.load(a), v128.load(b)))
}

export function scale(y: usize, a: usize, factor: f32, n: i32): void {
  const end = y + 4 * n, s = f32x4.splat(factor)
  for (; y < end; y += 16, a += 16) v128.store(y, f32x4.mul(v128.load(a), s))
}

/** θ − ηg */
export function descend(y: usize, theta: usize, g: usize, rate: f32, n: i32): void {
  const end = y + 4 * n, s = f32x4.splat(rate)
  for (; y < end; y += 16, theta += 16, g += 16) v128.store(y, f32x4.sub(v128.load(theta), f32x4.mul(s, v128.load(g))))
}

export function exponential(y: usize, x: usize, n: i32): void {
  const end = y + 4 * n
  for (; y < end; y += 16, x += 16) v128.store(y, exp4(v128.load(x)))
}

export function sigmoid(y: usize, x: usize, n: i32): void {
  const end = y + 4 * n
  for (; y < end; y += 16, x += 16) v128.store(y, sigmoid4(v128.load(x)))
}

/** dy y (1 − y) */
export function sigmoidGradient(dx: usize, y: usize, dy: usize, n: i32): void {
  const end = dx + 4 * n, one = f32x4.splat(1)
  for (; dx < end; dx += 16, y += 16, dy += 16) {
    const v = v128.load(y)
    v128.store(dx, f32x4.mul(v128.load(dy), f32x4.mul(v, f32x4.sub(one, v))))
  }
}

export function tanh(y: usize, x: usize, n: i32): void {
  const end = y + 4 * n
  for (; y < end; y += 16, x += 16) v128.store(y, tanh4(v128.load(x)))
}

/** dy (1 − y²) */
export function tanhGradient(dx: usize, y: usize, dy: usize, n: i32): void {
  const end = dx + 4 * n, one = f32x4.splat(1)
  for (; dx < end; dx += 16, y += 16, dy += 16) {
    const v = v128.load(y)
    v128.store(dx, f32x4.mul(v128.load(dy), f32x4.sub(one, f32x4.mul(v, v))))
  }
}

export function relu(y: usize, x: usize, n: i32): void {
  const end = y + 4 * n, zero = f32x4.splat(0)
  for (; y < end; y += 16, x += 16) v128.store(y, f32x4.max(zero, v128.load(x)))
}

export function reluGradient(dx: usize, x: usize, dy: usize, n: i32): void {
  const end = dx + 4 * n, zero = f32x4.splat(0)
  for (; dx < end; dx += 16, x += 16, dy += 16) v128.store(dx, v128.and(v128.load(dy), f32x4.gt(v128.load(x), zero)))
}

/** x where x > 0, slope · x elsewhere. */
export function leakyRelu(y: usize, x: usize, slope: f32, n: i32): void {
  const end = y + 4 * n, zero = f32x4.splat(0), s = f32x4.splat(slope)
  for (; y < end; y += 16, x += 16) {
    const v = v128.load(x)
    v128.store(y, v128.bitselect(v, f32x4.mul(s, v), f32x4.gt(v, zero)))
  }
}

export function leakyReluGradient(dx: usize, x: usize, dy: usize, slope: f32, n: i32): void {
  const end = dx + 4 * n, zero = f32x4.splat(0), s = f32x4.splat(slope)
  for (; dx < end; dx += 16, x += 16, dy += 16) {
    const g = v128.load(dy)
    v128.store(dx, v128.bitselect(g, f32x4.mul(s, g), f32x4.gt(v128.load(x), zero)))
  }
}

const TWICE_ROOT: usize = memory.data<f32>([1.5957691216057308, 1.5957691216057308, 1.5957691216057308, 1.5957691216057308], 16)
const CUBIC: usize = memory.data<f32>([0.044715, 0.044715, 0.044715, 0.044715], 16)
const CUBIC_SLOPE: usize = memory.data<f32>([0.134145, 0.134145, 0.134145, 0.134145], 16)

/** σ(2u), 2u = 2 √(2/π) (x + 0.044715 x³) */
@inline
function geluGate4(x: v128, square: v128): v128 {
  return sigmoid4(f32x4.mul(f32x4.mul(v128.load(TWICE_ROOT), x), f32x4.add(v128.load(ONE), f32x4.mul(v128.load(CUBIC), square))))
}

/** x σ(2u) */
export function gelu(y: usize, x: usize, n: i32): void {
  const end = y + 4 * n
  for (; y < end; y += 16, x += 16) {
    const v = v128.load(x)
    v128.store(y, f32x4.mul(v, geluGate4(v, f32x4.mul(v, v))))
  }
}

/** x σ(2u) and σ + x σ(1 − σ) 2u′ */
export function geluWithSlope(y: usize, slope: usize, x: usize, n: i32): void {
  const end = y + 4 * n
  for (; y < end; y += 16, slope += 16, x += 16) {
    const v = v128.load(x), square = f32x4.mul(v, v), one = v128.load(ONE)
    const s = geluGate4(v, square), value = f32x4.mul(v, s)
    const twiceUPrime = f32x4.mul(v128.load(TWICE_ROOT), f32x4.add(one, f32x4.mul(v128.load(CUBIC_SLOPE), square)))
    v128.store(y, value)
    v128.store(slope, f32x4.add(s, f32x4.mul(f32x4.mul(value, f32x4.sub(one, s)), twiceUPrime)))
  }
}

/** x σ(x) */
export function silu(y: usize, x: usize, n: i32): void {
  const end = y + 4 * n
  for (; y < end; y += 16, x += 16) {
    const v = v128.load(x)
    v128.store(y, f32x4.mul(v, sigmoid4(v)))
  }
}

/** x σ(x) and σ + x σ(1 − σ) */
export function siluWithSlope(y: usize, slope: usize, x: usize, n: i32): void {
  const end = y + 4 * n
  for (; y < end; y += 16, slope += 16, x += 16) {
    const v = v128.load(x), s = sigmoid4(v), value = f32x4.mul(v, s)
    v128.store(y, value)
    v128.store(slope, f32x4.add(s, f32x4.mul(value, f32x4.sub(v128.load(ONE), s))))
  }
}

/** m′ = β₁m + (1 − β₁) g, v′ = β₂v + (1 − β₂) g², θ′ = θ − ηλθ − η (m′/c₁)/(√(v′/c₂) + ε) */
export function adam(
  nextTheta: usize, nextM: usize, nextV: usize, theta: usize, m: usize, v: usize, g: usize,
  rate: f32, beta1: f32, beta2: f32, first: f32, second: f32, epsilon: f32, decay: f32, n: i32
): void {
  const b1 = f32x4.splat(beta1), rest1 = f32x4.splat(1 - beta1), b2 = f32x4.splat(beta2), rest2 = f32x4.splat(1 - beta2)
  // Divisions are dear; those by constants are products with their inverses.
  const eta = f32x4.splat(rate / first), inverse2 = f32x4.splat(1 / second), e = f32x4.splat(epsilon), shrink = f32x4.splat(rate * decay)
  for (let at: usize = 0, end: usize = 4 * n; at < end; at += 16) {
    const t = v128.load(theta + at), d = v128.load(g + at)
    const mean = f32x4.add(f32x4.mul(b1, v128.load(m + at)), f32x4.mul(rest1, d))
    const square = f32x4.add(f32x4.mul(b2, v128.load(v + at)), f32x4.mul(rest2, f32x4.mul(d, d)))
    v128.store(nextM + at, mean)
    v128.store(nextV + at, square)
    const update = f32x4.div(f32x4.mul(eta, mean), f32x4.add(f32x4.sqrt(f32x4.mul(square, inverse2)), e))
    v128.store(nextTheta + at, f32x4.sub(f32x4.sub(t, f32x4.mul(shrink, t)), update))
  }
}

/** Σ aᵢ bᵢ in double precision, in four partial sums. */
export function dot(a: usize, b: usize, n: i32): f64 {
  let s0 = f64x2.splat(0), s1 = s0
  let i = 0
  for (; i + 4 <= n; i += 4, a += 16, b += 16) {
    const x = v128.load(a), y = v128.load(b)
    s0 = f64x2.add(s0, f64x2.mul(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y)))
    const xh = v128.shuffle<i64>(x, x, 1, 0), yh = v128.shuffle<i64>(y, y, 1, 0)
    s1 = f64x2.add(s1, f64x2.mul(f64x2.promote_low_f32x4(xh), f64x2.promote_low_f32x4(yh)))
  }
  const s = f64x2.add(s0, s1)
  let total = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1)
  for (; i < n; i++, a += 4, b += 4) total += <f64>load<f32>(a) * <f64>load<f32>(b)
  return total
}
