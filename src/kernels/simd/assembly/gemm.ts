// The matrix product C = op(A) op(B): 4 × 8 tiles of C in registers, both sides packed into the order in which a tile
// reads them, in blocks that stay in cache. (K. Goto, R. van de Geijn, Anatomy of High-Performance Matrix
// Multiplication, 2008.) All strides are in bytes.

import { madd, sum4 } from './math'

/** Rows and columns of a tile. */
const MR: i32 = 4
const NR: i32 = 8
/** Rows of A, columns of B and length of the inner product in one block. */
const MC: i32 = 32
const NC: i32 = 256
const KC: i32 = 512

/** A place for one tile, the packed block of A, and the packed block of B. */
const TILE_BYTES: usize = 128
const A_BYTES: usize = MC * KC * 4
export const gemmScratchBytes: i32 = <i32>TILE_BYTES + MC * KC * 4 + KC * NC * 4

@inline
function transpose4(from: usize, stride: usize, to: usize, toStride: usize): void {
  const r0 = v128.load(from), r1 = v128.load(from + stride)
  const r2 = v128.load(from + 2 * stride), r3 = v128.load(from + 3 * stride)
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7)
  const t2 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5))
  v128.store(to + toStride, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7))
  v128.store(to + 2 * toStride, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5))
  v128.store(to + 3 * toStride, v128.shuffle<f32>(t1, t3, 2, 3, 6, 7))
}

/** Packs up to four lines of length k side by side, with zeros for lines that are not there. */
export function packA(to: usize, from: usize, lines: i32, k: i32, lineStride: usize, stepStride: usize): void {
  if (lines == MR && lineStride == 4) {
    for (let p = 0; p < k; p++, from += stepStride, to += 16) v128.store(to, v128.load(from))
    return
  }
  let p = 0
  if (lines == MR && stepStride == 4)
    for (; p + 4 <= k; p += 4, from += 16, to += 64) transpose4(from, lineStride, to, 16)
  for (; p < k; p++, from += stepStride, to += 16)
    for (let line = 0; line < MR; line++)
      store<f32>(to + 4 * line, line < lines ? load<f32>(from + line * lineStride) : 0)
}

/** The same for up to eight lines. */
export function packB(to: usize, from: usize, lines: i32, k: i32, lineStride: usize, stepStride: usize): void {
  if (lines == NR && lineStride == 4) {
    for (let p = 0; p < k; p++, from += stepStride, to += 32) {
      v128.store(to, v128.load(from))
      v128.store(to, v128.load(from, 16), 16)
    }
    return
  }
  let p = 0
  if (lines == NR && stepStride == 4)
    for (; p + 4 <= k; p += 4, from += 16, to += 128) {
      transpose4(from, lineStride, to, 32)
      transpose4(from + 4 * lineStride, lineStride, to + 16, 32)
    }
  for (; p < k; p++, from += stepStride, to += 32)
    for (let line = 0; line < NR; line++)
      store<f32>(to + 4 * line, line < lines ? load<f32>(from + line * lineStride) : 0)
}

/** Packs lines that lie side by side, 16 at once: a cache line of the matrix is read once instead of once for each panel. */
function packBlockA(to: usize, from: usize, lines: i32, k: i32, lineStride: usize, stepStride: usize): void {
  let i = 0
  const panel: usize = 16 * k
  if (lineStride == 4)
    for (; i + 16 <= lines; i += 16, to += 4 * panel, from += 64)
      for (let p = 0, x = from, y = to; p < k; p++, x += stepStride, y += 16) {
        v128.store(y, v128.load(x))
        v128.store(y + panel, v128.load(x, 16))
        v128.store(y + 2 * panel, v128.load(x, 32))
        v128.store(y + 3 * panel, v128.load(x, 48))
      }
  for (; i < lines; i += MR, to += panel, from += MR * lineStride) packA(to, from, min(MR, lines - i), k, lineStride, stepStride)
}

/** The same in panels of eight. */
function packBlockB(to: usize, from: usize, lines: i32, k: i32, lineStride: usize, stepStride: usize): void {
  let i = 0
  const panel: usize = 32 * k
  if (lineStride == 4)
    for (; i + 16 <= lines; i += 16, to += 2 * panel, from += 64)
      for (let p = 0, x = from, y = to; p < k; p++, x += stepStride, y += 32) {
        v128.store(y, v128.load(x))
        v128.store(y, v128.load(x, 16), 16)
        v128.store(y + panel, v128.load(x, 32))
        v128.store(y + panel, v128.load(x, 48), 16)
      }
  for (; i < lines; i += NR, to += panel, from += NR * lineStride) packB(to, from, min(NR, lines - i), k, lineStride, stepStride)
}

/** Fills a tile of C, or adds to it; `rows` and `columns` of it lie inside the matrix. */
export function tile(
  a: usize, b: usize, k: i32, c: usize, cStride: usize, rows: i32, columns: i32, accumulate: bool, spill: usize
): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00
  let b0 = c00, b1 = c00, x = c00
  const end = a + 16 * k
  // Two steps share the stack check that V8 makes in every round, which costs a seventh of one. The exit between them
  // keeps the arithmetic of the first in front of the loads of the second; without it all loads come first, and spill.
  while (a != end) {
    b0 = v128.load(b); b1 = v128.load(b, 16)
    x = v128.load32_splat(a)
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01)
    x = v128.load32_splat(a, 4)
    c10 = madd(x, b0, c10); c11 = madd(x, b1, c11)
    x = v128.load32_splat(a, 8)
    c20 = madd(x, b0, c20); c21 = madd(x, b1, c21)
    x = v128.load32_splat(a, 12)
    c30 = madd(x, b0, c30); c31 = madd(x, b1, c31)
    if (a + 16 == end) break
    b0 = v128.load(b, 32); b1 = v128.load(b, 48)
    x = v128.load32_splat(a, 16)
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01)
    x = v128.load32_splat(a, 20)
    c10 = madd(x, b0, c10); c11 = madd(x, b1, c11)
    x = v128.load32_splat(a, 24)
    c20 = madd(x, b0, c20); c21 = madd(x, b1, c21)
    x = v128.load32_splat(a, 28)
    c30 = madd(x, b0, c30); c31 = madd(x, b1, c31)
    a += 32; b += 64
  }
  const whole = rows == MR && columns == NR
  const to = whole ? c : spill
  const stride = whole ? cStride : 32
  if (whole && accumulate) {
    c00 = f32x4.add(c00, v128.load(to)); c01 = f32x4.add(c01, v128.load(to, 16))
    c10 = f32x4.add(c10, v128.load(to + stride)); c11 = f32x4.add(c11, v128.load(to + stride, 16))
    c20 = f32x4.add(c20, v128.load(to + 2 * stride)); c21 = f32x4.add(c21, v128.load(to + 2 * stride, 16))
    c30 = f32x4.add(c30, v128.load(to + 3 * stride)); c31 = f32x4.add(c31, v128.load(to + 3 * stride, 16))
  }
  v128.store(to, c00); v128.store(to, c01, 16)
  v128.store(to + stride, c10); v128.store(to + stride, c11, 16)
  v128.store(to + 2 * stride, c20); v128.store(to + 2 * stride, c21, 16)
  v128.store(to + 3 * stride, c30); v128.store(to + 3 * stride, c31, 16)
  if (whole) return
  for (let r = 0; r < rows; r++)
    for (let s = 0; s < columns; s++) {
      const at = c + r * cStride + 4 * s
      const value = load<f32>(spill + 32 * r + 4 * s)
      store<f32>(at, accumulate ? load<f32>(at) + value : value)
    }
}

/** One row of C where B is stored as it is read: c += a_p B_p for every p, so nothing is packed. */
function rowTimesRows(c: usize, a: usize, b: usize, n: i32, k: i32, aStep: usize, bStep: usize): void {
  let j = 0
  for (; j + 16 <= n; j += 16) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
    for (let p = 0, x = a, y = b + 4 * j; p < k; p++, x += aStep, y += bStep) {
      const v = v128.load32_splat(x)
      s0 = madd(v, v128.load(y), s0)
      s1 = madd(v, v128.load(y, 16), s1)
      s2 = madd(v, v128.load(y, 32), s2)
      s3 = madd(v, v128.load(y, 48), s3)
    }
    const to = c + 4 * j
    v128.store(to, s0); v128.store(to, s1, 16); v128.store(to, s2, 32); v128.store(to, s3, 48)
  }
  for (; j < n; j++) {
    let s: f32 = 0
    for (let p = 0, x = a, y = b + 4 * j; p < k; p++, x += aStep, y += bStep) s += load<f32>(x) * load<f32>(y)
    store<f32>(c + 4 * j, s)
  }
}

/** One row of C where B is stored transposed: each entry is an inner product of two contiguous lines. */
function rowTimesColumns(c: usize, a: usize, b: usize, n: i32, k: i32, bStride: usize): void {
  for (let j = 0; j < n; j++, b += bStride, c += 4) {
    let s0 = f32x4.splat(0), s1 = s0
    let p = 0
    for (; p + 8 <= k; p += 8) {
      s0 = madd(v128.load(a + 4 * p), v128.load(b + 4 * p), s0)
      s1 = madd(v128.load(a + 4 * p, 16), v128.load(b + 4 * p, 16), s1)
    }
    let s = sum4(f32x4.add(s0, s1))
    for (; p < k; p++) s += load<f32>(a + 4 * p) * load<f32>(b + 4 * p)
    store<f32>(c, s)
  }
}

function one(
  c: usize, a: usize, b: usize, m: i32, n: i32, k: i32,
  aRow: usize, aStep: usize, bColumn: usize, bStep: usize, scratch: usize
): void {
  if (m < MR && bColumn == 4) {
    for (let i = 0; i < m; i++) rowTimesRows(c + i * n * 4, a + i * aRow, b, n, k, aStep, bStep)
    return
  }
  if (m < MR && aStep == 4 && bStep == 4) {
    for (let i = 0; i < m; i++) rowTimesColumns(c + i * n * 4, a + i * aRow, b, n, k, bColumn)
    return
  }
  if (k == 0) {
    memory.fill(c, 0, m * n * 4)
    return
  }
  const spill = scratch, aPacked = scratch + TILE_BYTES, bPacked = aPacked + A_BYTES
  const cStride: usize = n * 4
  for (let jc = 0; jc < n; jc += NC) {
    const nc = min(NC, n - jc)
    for (let pc = 0; pc < k; pc += KC) {
      const kc = min(KC, k - pc)
      packBlockB(bPacked, b + jc * bColumn + pc * bStep, nc, kc, bColumn, bStep)
      for (let ic = 0; ic < m; ic += MC) {
        const mc = min(MC, m - ic)
        packBlockA(aPacked, a + ic * aRow + pc * aStep, mc, kc, aRow, aStep)
        for (let j = 0; j < nc; j += NR)
          for (let i = 0; i < mc; i += MR)
            tile(
              aPacked + i * kc * 4, bPacked + j * kc * 4, kc, c + (ic + i) * cStride + (jc + j) * 4, cStride,
              min(MR, mc - i), min(NR, nc - j), pc > 0, spill)
      }
    }
  }
}

export function gemm(
  c: usize, a: usize, b: usize, batch: i32, m: i32, n: i32, k: i32, transposeA: bool, transposeB: bool, scratch: usize
): void {
  const aRow = <usize>(transposeA ? 4 : k * 4), aStep = <usize>(transposeA ? m * 4 : 4)
  const bColumn = <usize>(transposeB ? k * 4 : 4), bStep = <usize>(transposeB ? 4 : n * 4)
  for (let item = 0; item < batch; item++)
    one(
      c + item * m * n * 4, a + item * m * k * 4, b + item * k * n * 4, m, n, k, aRow, aStep, bColumn, bStep, scratch)
}
