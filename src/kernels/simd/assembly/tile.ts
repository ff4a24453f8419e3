// A tile of C in registers: the innermost loop of every matrix product.

import { madd } from './math'

/**
 * Rows and columns of a tile. A processor that starts two fused operations per cycle, each of which takes four, is busy
 * with eight sums only if nothing is ever late; with twelve it has something to spare. Without fused operations a product
 * needs a register until it is added, and twelve sums would not fit into the sixteen registers of x64.
 */
export const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4
export const NR: i32 = 8

/** The place where a tile waits that cannot be stored directly. */
export const TILE_BYTES: usize = 4 * MR * NR

/**
 * Fills a tile of C, or adds to it; `rows` and `columns` of it lie inside the matrix. What is added goes over `spill`: where
 * the sums are also read from C, V8 keeps some of them in memory during the loop, which takes twice the time.
 */
export function tile(
  a: usize, b: usize, k: i32, c: usize, cStride: usize, rows: i32, columns: i32, accumulate: bool, spill: usize
): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00
  let c40 = c00, c41 = c00, c50 = c00, c51 = c00, b0 = c00, b1 = c00, x = c00
  const end = a + 4 * MR * k
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
    if (MR == 6) {
      x = v128.load32_splat(a, 16)
      c40 = madd(x, b0, c40); c41 = madd(x, b1, c41)
      x = v128.load32_splat(a, 20)
      c50 = madd(x, b0, c50); c51 = madd(x, b1, c51)
      a += 24; b += 32
    } else {
      // Two steps share the stack check that V8 makes in every round, which costs a seventh of one. The exit between them
      // keeps the arithmetic of the first in front of the loads of the second; without it all loads come first, and spill.
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
  }
  const direct = rows == MR && columns == NR && !accumulate
  const to = direct ? c : spill
  const stride = direct ? cStride : 4 * NR
  v128.store(to, c00); v128.store(to, c01, 16)
  v128.store(to + stride, c10); v128.store(to + stride, c11, 16)
  v128.store(to + 2 * stride, c20); v128.store(to + 2 * stride, c21, 16)
  v128.store(to + 3 * stride, c30); v128.store(to + 3 * stride, c31, 16)
  if (MR == 6) {
    v128.store(to + 4 * stride, c40); v128.store(to + 4 * stride, c41, 16)
    v128.store(to + 5 * stride, c50); v128.store(to + 5 * stride, c51, 16)
  }
  if (direct) return
  for (let r = 0; r < rows; r++, spill += 4 * NR, c += cStride)
    if (columns == NR && accumulate) {
      v128.store(c, f32x4.add(v128.load(c), v128.load(spill)))
      v128.store(c, f32x4.add(v128.load(c, 16), v128.load(spill, 16)), 16)
    } else
      for (let s = 0; s < columns; s++) {
        const value = load<f32>(spill + 4 * s)
        store<f32>(c + 4 * s, accumulate ? load<f32>(c + 4 * s) + value : value)
      }
}
