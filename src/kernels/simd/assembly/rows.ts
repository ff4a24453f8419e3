// Functions of rows.

import { exp4, loadTail, max4, storeTail, sum4 } from './math'

/** The largest of n numbers; NaN where one is. */
function rowMax(x: usize, n: i32): f32 {
  let m = f32x4.splat(-Infinity)
  let j = 0
  for (; j + 4 <= n; j += 4) m = f32x4.max(m, v128.load(x + 4 * j))
  if (j < n) m = f32x4.max(m, loadTail(x + 4 * j, n - j, -Infinity))
  return max4(m)
}

/** y = e^{(x − m) s} and its sum. */
function expShifted(y: usize, x: usize, n: i32, m: f32, s: f32): f32 {
  const shift = f32x4.splat(m), factor = f32x4.splat(s)
  let total = f32x4.splat(0)
  let j = 0
  for (; j + 4 <= n; j += 4) {
    const e = exp4(f32x4.mul(f32x4.sub(v128.load(x + 4 * j), shift), factor))
    v128.store(y + 4 * j, e)
    total = f32x4.add(total, e)
  }
  if (j < n) {
    const e = exp4(f32x4.mul(f32x4.sub(loadTail(x + 4 * j, n - j, -Infinity), shift), factor))
    storeTail(y + 4 * j, n - j, e)
    total = f32x4.add(total, e)
  }
  return sum4(total)
}

function scaleRow(y: usize, n: i32, factor: f32): void {
  const s = f32x4.splat(factor)
  let j = 0
  for (; j + 4 <= n; j += 4) v128.store(y + 4 * j, f32x4.mul(v128.load(y + 4 * j), s))
  for (; j < n; j++) store<f32>(y + 4 * j, load<f32>(y + 4 * j) * factor)
}

/** y = softmax(s x); zeros where every x is −∞. May work in place. */
export function softmaxRow(y: usize, x: usize, n: i32, s: f32): void {
  const m = rowMax(x, n)
  if (m == -Infinity) {
    memory.fill(y, 0, 4 * n)
    return
  }
  scaleRow(y, n, 1 / expShifted(y, x, n, m, s))
}

export function softmax(y: usize, x: usize, rows: i32, n: i32, s: f32): void {
  for (let row = 0; row < rows; row++, y += 4 * n, x += 4 * n) softmaxRow(y, x, n, s)
}

function dotRow(a: usize, b: usize, n: i32): f32 {
  let total = f32x4.splat(0)
  let j = 0
  for (; j + 4 <= n; j += 4) total = f32x4.add(total, f32x4.mul(v128.load(a + 4 * j), v128.load(b + 4 * j)))
  let sum = sum4(total)
  for (; j < n; j++) sum += load<f32>(a + 4 * j) * load<f32>(b + 4 * j)
  return sum
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

export function softmaxGradient(dx: usize, y: usize, dy: usize, rows: i32, n: i32, s: f32): void {
  for (let row = 0; row < rows; row++, dx += 4 * n, y += 4 * n, dy += 4 * n) softmaxRowGradient(dx, y, dy, n, s)
}

/** Σ (ln Σ e^{x_l} − x_t) over the rows whose target is not ignored; `spare` holds one row. */
export function crossEntropy(x: usize, targets: usize, rows: i32, n: i32, ignored: i32, spare: usize): f64 {
  let total: f64 = 0
  for (let row = 0; row < rows; row++, x += 4 * n) {
    const target = load<i32>(targets + 4 * row)
    if (target == ignored) continue
    const m = rowMax(x, n)
    total += Math.log(<f64>expShifted(spare, x, n, m, 1)) + <f64>m - <f64>load<f32>(x + 4 * target)
  }
  return total
}

/** dx = s (softmax(x) − δ_t); zeros where the target is ignored. */
export function crossEntropyGradient(dx: usize, x: usize, targets: usize, rows: i32, n: i32, ignored: i32, s: f32): void {
  for (let row = 0; row < rows; row++, dx += 4 * n, x += 4 * n) {
    const target = load<i32>(targets + 4 * row)
    if (target == ignored) {
      memory.fill(dx, 0, 4 * n)
      continue
    }
    softmaxRow(dx, x, n, 1)
    store<f32>(dx + 4 * target, load<f32>(dx + 4 * target) - 1)
    scaleRow(dx, n, s)
  }
}

/** Mean and (var + ε)^{−1/2} of every row. */
export function rowStatistics(mean: usize, inverse: usize, x: usize, rows: i32, n: i32, epsilon: f32): void {
  for (let row = 0; row < rows; row++, x += 4 * n) {
    let total = f32x4.splat(0)
    let j = 0
    for (; j + 4 <= n; j += 4) total = f32x4.add(total, v128.load(x + 4 * j))
    let sum = sum4(total)
    for (; j < n; j++) sum += load<f32>(x + 4 * j)
    const mu: f32 = sum / <f32>n
    const m = f32x4.splat(mu)
    let squares = f32x4.splat(0)
    for (j = 0; j + 4 <= n; j += 4) {
      const d = f32x4.sub(v128.load(x + 4 * j), m)
      squares = f32x4.add(squares, f32x4.mul(d, d))
    }
    let square = sum4(squares)
    for (; j < n; j++) square += (load<f32>(x + 4 * j) - mu) * (load<f32>(x + 4 * j) - mu)
    store<f32>(mean + 4 * row, mu)
    store<f32>(inverse + 4 * row, 1 / sqrt<f32>(square / <f32>n + epsilon))
  }
}

/** y = γ (x − μ) r + β */
export function layerNorm(y: usize, x: usize, gamma: usize, beta: usize, mean: usize, inverse: usize, rows: i32, n: i32): void {
  for (let row = 0; row < rows; row++, x += 4 * n, y += 4 * n) {
    const mu = load<f32>(mean + 4 * row), r = load<f32>(inverse + 4 * row)
    const m = f32x4.splat(mu), s = f32x4.splat(r)
    let j = 0
    for (; j + 4 <= n; j += 4) {
      const xHat = f32x4.mul(f32x4.sub(v128.load(x + 4 * j), m), s)
      v128.store(y + 4 * j, f32x4.add(f32x4.mul(v128.load(gamma + 4 * j), xHat), v128.load(beta + 4 * j)))
    }
    for (; j < n; j++)
      store<f32>(y + 4 * j, load<f32>(gamma + 4 * j) * ((load<f32>(x + 4 * j) - mu) * r) + load<f32>(beta + 4 * j))
  }
}

/** dx = r (g − ḡ − x̂ ḡx̂), dγ += dy x̂, dβ += dy with g = γ dy; dγ and dβ begin at zero. */
export function layerNormGradient(
  dx: usize, dGamma: usize, dBeta: usize, x: usize, gamma: usize, mean: usize, inverse: usize, dy: usize, rows: i32, n: i32
): void {
  for (let row = 0; row < rows; row++, dx += 4 * n, x += 4 * n, dy += 4 * n) {
    const mu = load<f32>(mean + 4 * row), r = load<f32>(inverse + 4 * row)
    const m = f32x4.splat(mu), s = f32x4.splat(r)
    let sums = f32x4.splat(0), products = sums
    let j = 0
    for (; j + 4 <= n; j += 4) {
      const d = v128.load(dy + 4 * j)
      const xHat = f32x4.mul(f32x4.sub(v128.load(x + 4 * j), m), s)
      const g = f32x4.mul(v128.load(gamma + 4 * j), d)
      sums = f32x4.add(sums, g)
      products = f32x4.add(products, f32x4.mul(g, xHat))
      v128.store(dGamma + 4 * j, f32x4.add(v128.load(dGamma + 4 * j), f32x4.mul(d, xHat)))
      v128.store(dBeta + 4 * j, f32x4.add(v128.load(dBeta + 4 * j), d))
    }
    let sum = sum4(sums), product = sum4(products)
    for (; j < n; j++) {
      const d = load<f32>(dy + 4 * j), xHat = (load<f32>(x + 4 * j) - mu) * r, g = load<f32>(gamma + 4 * j) * d
      sum += g
      product += g * xHat
      store<f32>(dGamma + 4 * j, load<f32>(dGamma + 4 * j) + d * xHat)
      store<f32>(dBeta + 4 * j, load<f32>(dBeta + 4 * j) + d)
    }
    const meanG: f32 = sum / <f32>n, meanGX: f32 = product / <f32>n
    const a = f32x4.splat(meanG), b = f32x4.splat(meanGX)
    for (j = 0; j + 4 <= n; j += 4) {
      const xHat = f32x4.mul(f32x4.sub(v128.load(x + 4 * j), m), s)
      const g = f32x4.mul(v128.load(gamma + 4 * j), v128.load(dy + 4 * j))
      v128.store(dx + 4 * j, f32x4.mul(s, f32x4.sub(f32x4.sub(g, a), f32x4.mul(xHat, b))))
    }
    for (; j < n; j++) {
      const xHat = (load<f32>(x + 4 * j) - mu) * r
      store<f32>(dx + 4 * j, r * (load<f32>(gamma + 4 * j) * load<f32>(dy + 4 * j) - meanG - xHat * meanGX))
    }
  }
}

/** Adds a row to every row, in place. */
export function addToRows(y: usize, row: usize, rows: i32, n: i32): void {
  for (let i = 0; i < rows; i++, y += 4 * n) {
    let j = 0
    for (; j + 4 <= n; j += 4) v128.store(y + 4 * j, f32x4.add(v128.load(y + 4 * j), v128.load(row + 4 * j)))
    for (; j < n; j++) store<f32>(y + 4 * j, load<f32>(y + 4 * j) + load<f32>(row + 4 * j))
  }
}

/** The sum over rows; the result begins at zero. */
export function sumRows(y: usize, x: usize, rows: i32, n: i32): void {
  for (let i = 0; i < rows; i++, x += 4 * n) {
    let j = 0
    for (; j + 4 <= n; j += 4) v128.store(y + 4 * j, f32x4.add(v128.load(y + 4 * j), v128.load(x + 4 * j)))
    for (; j < n; j++) store<f32>(y + 4 * j, load<f32>(y + 4 * j) + load<f32>(x + 4 * j))
  }
}

export function gatherRows(y: usize, table: usize, ids: usize, count: i32, n: i32): void {
  for (let i = 0; i < count; i++) memory.copy(y + 4 * i * n, table + 4 * load<i32>(ids + 4 * i) * n, 4 * n)
}

/** Adds row i of dy to row ids[i] of a table of zeros. */
export function scatterAddRows(table: usize, dy: usize, ids: usize, count: i32, n: i32): void {
  for (let i = 0; i < count; i++, dy += 4 * n) addToRows(table + 4 * load<i32>(ids + 4 * i) * n, dy, 1, n)
}

/** Copies pieces of `width` numbers from `[batch, time, parts, heads]` (one part) to `[batch, heads, time]`, or back. */
export function splitHeads(split: usize, merged: usize, batch: i32, heads: i32, time: i32, width: i32, parts: i32, part: i32, back: bool): void {
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < time; t++, split += 4 * width) {
        const at = merged + 4 * (((b * time + t) * parts + part) * heads + h) * width
        if (back) memory.copy(at, split, 4 * width)
        else memory.copy(split, at, 4 * width)
      }
}

/** For each item, `first` numbers of a and then `second` numbers of b. */
export function appendRows(y: usize, a: usize, b: usize, batch: i32, first: i32, second: i32): void {
  for (let item = 0; item < batch; item++, y += 4 * (first + second), a += 4 * first, b += 4 * second) {
    memory.copy(y, a, 4 * first)
    memory.copy(y + 4 * first, b, 4 * second)
  }
}
