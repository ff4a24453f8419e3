// A tile of C in registers: the innermost loop of every matrix product.

import { madd } from './math'

/**
 * Rows and columns of a tile. A processor that starts two fused operations per cycle, each of which takes four, is busy
 * with eight sums only if nothing is ever late; with twelve it has something to spare. Without fused operations a product
 * needs a register until it is added, and twelve sums would not fit into the sixteen registers of x64. Where an engine fuses pairs of
 * vectors, six rows of sixteen columns are twelve sums of eight: `WIDE`, a constant of the compiler's call. No shape changes the order in which a number is summed.
 */
export const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4
export const NR: i32 = WIDE ? 16 : 8

/** The place where a tile waits that cannot be stored directly. */
export const TILE_BYTES: usize = 4 * MR * NR

/** Copies a tile that could not be stored directly to its place, or adds it. */
function spread(c: usize, cStride: usize, spill: usize, rows: i32, columns: i32, accumulate: bool): void {
  for (let r = 0; r < rows; r++, spill += 4 * NR, c += cStride)
    if (columns == NR && accumulate) {
      v128.store(c, f32x4.add(v128.load(c), v128.load(spill)))
      v128.store(c, f32x4.add(v128.load(c, 16), v128.load(spill, 16)), 16)
      if (NR == 16) {
        v128.store(c, f32x4.add(v128.load(c, 32), v128.load(spill, 32)), 32)
        v128.store(c, f32x4.add(v128.load(c, 48), v128.load(spill, 48)), 48)
      }
    } else
      for (let s = 0; s < columns; s++) {
        const value = load<f32>(spill + 4 * s)
        store<f32>(c + 4 * s, accumulate ? load<f32>(c + 4 * s) + value : value)
      }
}

/**
 * Six rows, or four, of eight columns. What is added goes over `spill`: where
 * the sums are also read from C, V8 keeps some of them in memory during the loop, which takes twice the time.
 */
function narrowTile(
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
  if (!direct) spread(c, cStride, spill, rows, columns, accumulate)
}

/** Six rows of sixteen columns: pairs of neighbouring vectors, which an engine may fuse. */
function wideTile(
  a: usize, b: usize, k: i32, c: usize, cStride: usize, rows: i32, columns: i32, accumulate: bool, spill: usize
): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0), c02 = f32x4.splat(0), c03 = f32x4.splat(0)
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0), c12 = f32x4.splat(0), c13 = f32x4.splat(0)
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0), c22 = f32x4.splat(0), c23 = f32x4.splat(0)
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0), c32 = f32x4.splat(0), c33 = f32x4.splat(0)
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0), c42 = f32x4.splat(0), c43 = f32x4.splat(0)
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0), c52 = f32x4.splat(0), c53 = f32x4.splat(0)
  for (const end = a + 4 * MR * k; a != end; a += 4 * MR, b += 64) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48)
    let x = v128.load32_splat(a)
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01); c02 = madd(x, b2, c02); c03 = madd(x, b3, c03)
    x = v128.load32_splat(a, 4)
    c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); c12 = madd(x, b2, c12); c13 = madd(x, b3, c13)
    x = v128.load32_splat(a, 8)
    c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); c22 = madd(x, b2, c22); c23 = madd(x, b3, c23)
    x = v128.load32_splat(a, 12)
    c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); c32 = madd(x, b2, c32); c33 = madd(x, b3, c33)
    x = v128.load32_splat(a, 16)
    c40 = madd(x, b0, c40); c41 = madd(x, b1, c41); c42 = madd(x, b2, c42); c43 = madd(x, b3, c43)
    x = v128.load32_splat(a, 20)
    c50 = madd(x, b0, c50); c51 = madd(x, b1, c51); c52 = madd(x, b2, c52); c53 = madd(x, b3, c53)
  }
  const direct = rows == MR && columns == NR && !accumulate
  const to = direct ? c : spill
  const stride = direct ? cStride : 4 * NR
  v128.store(to, c00); v128.store(to, c01, 16); v128.store(to, c02, 32); v128.store(to, c03, 48)
  v128.store(to + stride, c10); v128.store(to + stride, c11, 16); v128.store(to + stride, c12, 32); v128.store(to + stride, c13, 48)
  v128.store(to + 2 * stride, c20); v128.store(to + 2 * stride, c21, 16); v128.store(to + 2 * stride, c22, 32); v128.store(to + 2 * stride, c23, 48)
  v128.store(to + 3 * stride, c30); v128.store(to + 3 * stride, c31, 16); v128.store(to + 3 * stride, c32, 32); v128.store(to + 3 * stride, c33, 48)
  v128.store(to + 4 * stride, c40); v128.store(to + 4 * stride, c41, 16); v128.store(to + 4 * stride, c42, 32); v128.store(to + 4 * stride, c43, 48)
  v128.store(to + 5 * stride, c50); v128.store(to + 5 * stride, c51, 16); v128.store(to + 5 * stride, c52, 32); v128.store(to + 5 * stride, c53, 48)
  if (!direct) spread(c, cStride, spill, rows, columns, accumulate)
}

/** Fills a tile of C, or adds to it; `rows` and `columns` of it lie inside the matrix. `spill` is a place for one tile. */
@inline
export function tile(
  a: usize, b: usize, k: i32, c: usize, cStride: usize, rows: i32, columns: i32, accumulate: bool, spill: usize
): void {
  if (NR == 16) wideTile(a, b, k, c, cStride, rows, columns, accumulate, spill)
  else narrowTile(a, b, k, c, cStride, rows, columns, accumulate, spill)
}
