// Functions of rows.

import { exp4, loadTail, max4, storeTail, sum2, sum4 } from './math'

/** The largest of n numbers; NaN where one is. */
function rowMax(x: usize, n: i32): f32 {
  let m = f32x4.splat(-Infinity)
  let j = 0
  for (; j + 4 <= n; j += 4) m = f32x4.max(m, v128.load(x + 4 * j))
  if (j < n) m = f32x4.max(m, loadTail(x + 4 * j, n - j, -Infinity))
  return max4(m)
}

/** So many numbers are added in single precision before their sum goes to one of double precision. */
const CHUNK: i32 = 256

/** y = e^{(x − m) s} and its sum. */
function expShifted(y: usize, x: usize, n: i32, m: f32, s: f32): f64 {
  const shift = f32x4.splat(m), factor = f32x4.splat(s)
  let sum: f64 = 0
  let j = 0
  while (j < n) {
    let total = f32x4.splat(0)
    for (const end = min(n, j + CHUNK); j + 4 <= end; j += 4) {
      const e = exp4(f32x4.mul(f32x4.sub(v128.load(x + 4 * j), shift), factor))
      v128.store(y + 4 * j, e)
      total = f32x4.add(total, e)
    }
    if (j < n && j + 4 > n) {
      const e = exp4(f32x4.mul(f32x4.sub(loadTail(x + 4 * j, n - j, -Infinity), shift), factor))
      storeTail(y + 4 * j, n - j, e)
      total = f32x4.add(total, e)
      j = n
    }
    sum += <f64>sum4(total)
  }
  return sum
}

/** How many of n numbers are +∞. */
function infinities(x: usize, n: i32): i32 {
  let count = 0
  for (let j = 0; j < n; j++) if (load<f32>(x + 4 * j) == Infinity) count++
  return count
}

function scaleRow(y: usize, n: i32, factor: f32): void {
  const s = f32x4.splat(factor)
  let j = 0
  for (; j + 4 <= n; j += 4) v128.store(y + 4 * j, f32x4.mul(v128.load(y + 4 * j), s))
  for (; j < n; j++) store<f32>(y + 4 * j, load<f32>(y + 4 * j) * factor)
}

/** y = softmax(s x); zeros where every x is −∞, and in equal parts on what is +∞. May work in place. */
export function softmaxRow(y: usize, x: usize, n: i32, s: f32): void {
  const m = rowMax(x, n)
  if (m == -Infinity) memory.fill(y, 0, 4 * n)
  else if (m == Infinity) {
    const part: f32 = 1 / <f32>infinities(x, n)
    for (let j = 0; j < n; j++) store<f32>(y + 4 * j, load<f32>(x + 4 * j) == Infinity ? part : 0)
  } else scaleRow(y, n, <f32>(1 / expShifted(y, x, n, m, s)))
}

export function softmax(y: usize, x: usize, n: i32, s: f32, from: i32, to: i32, _: usize): void {
  for (let row = from; row < to; row++) softmaxRow(y + 4 * row * n, x + 4 * row * n, n, s)
}

function dotRow(a: usize, b: usize, n: i32): f32 {
  let sum: f64 = 0
  let j = 0
  while (j + 4 <= n) {
    let total = f32x4.splat(0)
    for (const end = min(n, j + CHUNK); j + 4 <= end; j += 4) total = f32x4.add(total, f32x4.mul(v128.load(a + 4 * j), v128.load(b + 4 * j)))
    sum += <f64>sum4(total)
  }
  for (; j < n; j++) sum += <f64>(load<f32>(a + 4 * j) * load<f32>(b + 4 * j))
  return <f32>sum
}

/** dx = s y (dy − Σ dy y). May work in place of dy. */
export function softmaxRowGradient(dx: usize, y: usize, dy: usize, n: i32, s: f32): void {
  const dot = dotRow(y, dy, n)
  const d = f32x4.splat(dot), factor = f32x4.splat(s)
  let j = 0
  for (; j + 4 <= n; j += 4)
    v128.store(dx + 4 * j, f32x4.mul(f32x4.mul(v128.load(y + 4 * j), f32x4.sub(v128.load(dy + 4 * j), d)), factor))
  for (; j < n; j++) store<f32>(dx + 4 * j, load<f32>(y + 4 * j) * (load<f32>(dy + 4 * j) - dot) * s)
}

export function softmaxGradient(dx: usize, y: usize, dy: usize, n: i32, s: f32, from: i32, to: i32, _: usize): void {
  for (let row = from; row < to; row++) softmaxRowGradient(dx + 4 * row * n, y + 4 * row * n, dy + 4 * row * n, n, s)
}

/** −ln softmax(x)_t; `spare` holds one row. */
function surprise(x: usize, target: f32, n: i32, spare: usize): f64 {
  const m = rowMax(x, n)
  if (m == -Infinity) return Infinity
  if (m == Infinity) return target == Infinity ? Math.log(<f64>infinities(x, n)) : Infinity
  return Math.log(expShifted(spare, x, n, m, 1)) + (<f64>m - <f64>target)
}

/** Σ −ln softmax(x)_t over the rows whose target is not ignored; `spare` holds one row. */
export function crossEntropy(x: usize, targets: usize, rows: i32, n: i32, ignored: i32, from: i32, to: i32, spare: usize): f64 {
  let total: f64 = 0
  for (let row = 0; row < rows; row++, x += 4 * n) {
    const target = load<i32>(targets + 4 * row)
    if (target == ignored) continue
    total += surprise(x, load<f32>(x + 4 * target), n, spare)
  }
  return total
}

/** dx = s (softmax(x) − δ_t); zeros where the target is ignored or every x is −∞. */
export function crossEntropyGradient(
  dx: usize, x: usize, targets: usize, n: i32, ignored: i32, s: f32, from: i32, to: i32, _: usize
): void {
  dx += 4 * from * n; x += 4 * from * n
  for (let row = from; row < to; row++, dx += 4 * n, x += 4 * n) {
    const target = load<i32>(targets + 4 * row)
    if (target == ignored || rowMax(x, n) == -Infinity) {
      memory.fill(dx, 0, 4 * n)
      continue
    }
    softmaxRow(dx, x, n, 1)
    store<f32>(dx + 4 * target, load<f32>(dx + 4 * target) - 1)
    scaleRow(dx, n, s)
  }
}

/** Two numbers of single precision in memory as numbers of double precision. */
@inline
function double2(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at))
}

/** Beyond this deviation, or below its inverse, a row is scaled by the power of two that follows. */
const FAR: f64 = 1152921504606846976.0 // 2^60
const NEARER: f32 = 18446744073709551616.0 // 2^64

/**
 * Of every row, scaled by a power of two c: the mean as a number of single precision and what that leaves, and the inverse
 * deviation (var + ε)^{−1/2}. Sums are of double precision, where no square of a number of single precision overflows or
 * underflows; c is 1 unless differences or their products would leave the range of single precision.
 */
export function rowStatistics(
  scale: usize, mean: usize, rest: usize, inverse: usize, x: usize, n: i32, epsilon: f64, from: i32, to: i32, _: usize
): void {
  x += 4 * from * n; scale += 4 * from; mean += 4 * from; rest += 4 * from; inverse += 4 * from
  for (let row = from; row < to; row++, x += 4 * n, scale += 4, mean += 4, rest += 4, inverse += 4) {
    // Four sums, since one addition must wait for the one before.
    let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0
    let j = 0
    for (; j + 8 <= n; j += 8) {
      const at = x + 4 * j
      s0 = f64x2.add(s0, double2(at)); s1 = f64x2.add(s1, double2(at + 8))
      s2 = f64x2.add(s2, double2(at + 16)); s3 = f64x2.add(s3, double2(at + 24))
    }
    let sum = sum2(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)))
    for (; j < n; j++) sum += <f64>load<f32>(x + 4 * j)
    const mu = sum / <f64>n
    const m = f64x2.splat(mu)
    s0 = f64x2.splat(0); s1 = s0; s2 = s0; s3 = s0
    for (j = 0; j + 8 <= n; j += 8) {
      const at = x + 4 * j
      const a = f64x2.sub(double2(at), m), b = f64x2.sub(double2(at + 8), m), c = f64x2.sub(double2(at + 16), m), d = f64x2.sub(double2(at + 24), m)
      s0 = f64x2.add(s0, f64x2.mul(a, a)); s1 = f64x2.add(s1, f64x2.mul(b, b))
      s2 = f64x2.add(s2, f64x2.mul(c, c)); s3 = f64x2.add(s3, f64x2.mul(d, d))
    }
    let squares = sum2(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)))
    for (; j < n; j++) {
      const d = <f64>load<f32>(x + 4 * j) - mu
      squares += d * d
    }
    const variance = squares / <f64>n
    const c: f32 = variance > FAR * FAR ? 1 / NEARER : variance > 0 && variance < 1 / (FAR * FAR) ? NEARER : 1
    const scaled = mu * <f64>c, single = <f32>scaled
    store<f32>(scale, c)
    store<f32>(mean, single)
    store<f32>(rest, <f32>(scaled - <f64>single))
    store<f32>(inverse, <f32>(1 / (sqrt<f64>(variance + epsilon) * <f64>c)))
  }
}

/** x̂ = ((c x − μ) − μ′) r. Where x lies near the mean, its difference to the first part of it is exact. */
@inline
function normalized4(x: usize, c: v128, mean: v128, rest: v128, r: v128): v128 {
  return f32x4.mul(f32x4.sub(f32x4.sub(f32x4.mul(v128.load(x), c), mean), rest), r)
}

@inline
function normalized(x: usize, c: f32, mean: f32, rest: f32, r: f32): f32 {
  return (load<f32>(x) * c - mean - rest) * r
}

/** y = γ x̂ + β */
export function layerNorm(
  y: usize, x: usize, gamma: usize, beta: usize, scale: usize, mean: usize, rest: usize, inverse: usize, n: i32, from: i32, to: i32,
  _: usize
): void {
  x += 4 * from * n; y += 4 * from * n
  for (let row = from; row < to; row++, x += 4 * n, y += 4 * n) {
    const c = load<f32>(scale + 4 * row), mu = load<f32>(mean + 4 * row), l = load<f32>(rest + 4 * row), r = load<f32>(inverse + 4 * row)
    const c4 = f32x4.splat(c), mu4 = f32x4.splat(mu), l4 = f32x4.splat(l), r4 = f32x4.splat(r)
    let j = 0
    for (; j + 4 <= n; j += 4)
      v128.store(y + 4 * j, f32x4.add(f32x4.mul(v128.load(gamma + 4 * j), normalized4(x + 4 * j, c4, mu4, l4, r4)), v128.load(beta + 4 * j)))
    for (; j < n; j++)
      store<f32>(y + 4 * j, load<f32>(gamma + 4 * j) * normalized(x + 4 * j, c, mu, l, r) + load<f32>(beta + 4 * j))
  }
}

/** The same from x alone, a row after the other. `scratch` holds the statistics of one. */
export function normalizedRows(
  y: usize, x: usize, gamma: usize, beta: usize, n: i32, epsilon: f64, from: i32, to: i32, scratch: usize
): void {
  const mean = scratch + 4, rest = scratch + 8, inverse = scratch + 12
  for (let row = from; row < to; row++) {
    const at = 4 * row * n
    rowStatistics(scratch, mean, rest, inverse, x + at, n, epsilon, 0, 1, 0)
    layerNorm(y + at, x + at, gamma, beta, scratch, mean, rest, inverse, n, 0, 1, 0)
  }
}

/** dx = r c (g − ḡ − x̂ ḡx̂) with g = γ dy. */
export function layerNormGradient(
  dx: usize, x: usize, gamma: usize, scale: usize, mean: usize, rest: usize, inverse: usize, dy: usize, n: i32, from: i32, to: i32, _: usize
): void {
  dx += 4 * from * n; x += 4 * from * n; dy += 4 * from * n
  for (let row = from; row < to; row++, dx += 4 * n, x += 4 * n, dy += 4 * n) {
    const c = load<f32>(scale + 4 * row), mu = load<f32>(mean + 4 * row), l = load<f32>(rest + 4 * row), r = load<f32>(inverse + 4 * row)
    const c4 = f32x4.splat(c), mu4 = f32x4.splat(mu), l4 = f32x4.splat(l), r4 = f32x4.splat(r)
    // Shares of a mean in place of terms of a sum, which could overflow.
    const share: f32 = 1 / <f32>n, share4 = f32x4.splat(share)
    let sums = f32x4.splat(0), products = sums
    let j = 0
    for (; j + 4 <= n; j += 4) {
      const d = v128.load(dy + 4 * j)
      const xHat = normalized4(x + 4 * j, c4, mu4, l4, r4)
      const g = f32x4.mul(v128.load(gamma + 4 * j), f32x4.mul(share4, d))
      sums = f32x4.add(sums, g)
      products = f32x4.add(products, f32x4.mul(g, xHat))
    }
    let meanG = sum4(sums), meanGX = sum4(products)
    for (; j < n; j++) {
      const d = load<f32>(dy + 4 * j), xHat = normalized(x + 4 * j, c, mu, l, r), g = load<f32>(gamma + 4 * j) * (share * d)
      meanG += g
      meanGX += g * xHat
    }
    const a = f32x4.splat(meanG), b = f32x4.splat(meanGX)
    for (j = 0; j + 4 <= n; j += 4) {
      const g = f32x4.mul(v128.load(gamma + 4 * j), v128.load(dy + 4 * j))
      // Not (c r): the product of the two may be subnormal.
      v128.store(dx + 4 * j, f32x4.mul(c4, f32x4.mul(r4, f32x4.sub(f32x4.sub(g, a), f32x4.mul(normalized4(x + 4 * j, c4, mu4, l4, r4), b)))))
    }
    for (; j < n; j++)
      store<f32>(dx + 4 * j, c * (r * (load<f32>(gamma + 4 * j) * load<f32>(dy + 4 * j) - meanG - normalized(x + 4 * j, c, mu, l, r) * meanGX)))
  }
}

/** A sum and dy x̂ of four entries. */
@inline
function product4(x: usize, dy: usize, c: v128, mean: v128, rest: v128, r: v128, sum: v128): v128 {
  return f32x4.add(sum, f32x4.mul(v128.load(dy), normalized4(x, c, mean, rest, r)))
}

/** dγ = Σ dy x̂ and dβ = Σ dy over all rows, for pieces of sixteen columns. */
export function layerNormParamsGradient(
  dGamma: usize, dBeta: usize, x: usize, scale: usize, mean: usize, rest: usize, inverse: usize, dy: usize, rows: i32, n: i32,
  from: i32, to: i32, _: usize
): void {
  const stride: usize = 4 * n
  let j = 16 * from
  const end = min(n, 16 * to)
  for (; j + 16 <= end; j += 16) {
    let g0 = f32x4.splat(0), g1 = g0, g2 = g0, g3 = g0, b0 = g0, b1 = g0, b2 = g0, b3 = g0
    for (let at = 0, u = x + 4 * j, d = dy + 4 * j; at < 4 * rows; at += 4, u += stride, d += stride) {
      const c = v128.load32_splat(scale + at), mu = v128.load32_splat(mean + at), l = v128.load32_splat(rest + at), r = v128.load32_splat(inverse + at)
      g0 = product4(u, d, c, mu, l, r, g0); b0 = f32x4.add(b0, v128.load(d))
      g1 = product4(u + 16, d + 16, c, mu, l, r, g1); b1 = f32x4.add(b1, v128.load(d, 16))
      g2 = product4(u + 32, d + 32, c, mu, l, r, g2); b2 = f32x4.add(b2, v128.load(d, 32))
      g3 = product4(u + 48, d + 48, c, mu, l, r, g3); b3 = f32x4.add(b3, v128.load(d, 48))
    }
    const g = dGamma + 4 * j, b = dBeta + 4 * j
    v128.store(g, g0); v128.store(g, g1, 16); v128.store(g, g2, 32); v128.store(g, g3, 48)
    v128.store(b, b0); v128.store(b, b1, 16); v128.store(b, b2, 32); v128.store(b, b3, 48)
  }
  for (; j < end; j++) {
    let g: f32 = 0, b: f32 = 0
    for (let row = 0; row < rows; row++) {
      const at = row * stride + 4 * j, d = load<f32>(dy + at)
      g += d * normalized(x + at, load<f32>(scale + 4 * row), load<f32>(mean + 4 * row), load<f32>(rest + 4 * row), load<f32>(inverse + 4 * row))
      b += d
    }
    store<f32>(dGamma + 4 * j, g)
    store<f32>(dBeta + 4 * j, b)
  }
}

/** y += x for n numbers. */
@inline
function accumulate(y: usize, x: usize, n: i32): void {
  let j = 0
  for (; j + 4 <= n; j += 4) v128.store(y + 4 * j, f32x4.add(v128.load(y + 4 * j), v128.load(x + 4 * j)))
  for (; j < n; j++) store<f32>(y + 4 * j, load<f32>(y + 4 * j) + load<f32>(x + 4 * j))
}

/** The sum over rows, for pieces of sixteen columns. */
export function sumRows(y: usize, x: usize, rows: i32, n: i32, from: i32, to: i32, _: usize): void {
  const begin = 16 * from, width = min(n, 16 * to) - begin
  y += 4 * begin; x += 4 * begin
  memory.fill(y, 0, 4 * width)
  for (let i = 0; i < rows; i++, x += 4 * n) accumulate(y, x, width)
}
