// Products of few rows: B is read once, where it lies, so a product takes as long as reading B. Every number is summed in the order of
// `tile.ts`: over blocks of KC steps, one fused operation after the other, and the sums of blocks are added. So a row has the same bits
// alone and among others. All strides are in bytes.

import { madd } from './math'

/** Length of the inner product in one block. */
export const KC: i32 = 512
/** Columns of C that stay in the nearest cache while rows of B are added to them. */
const STRIP: i32 = 4096

/** y += x b for columns of y, with the places of the numbers. */
@inline
function addProduct(y: usize, x: v128, b: usize, columns: i32): void {
  let j = 0
  for (; j + 4 <= columns; j += 4) v128.store(y + 4 * j, madd(x, v128.load(b + 4 * j), v128.load(y + 4 * j)))
  for (; j < columns; j++)
    v128.store_lane<f32>(y + 4 * j, madd(x, v128.load32_zero(b + 4 * j), v128.load32_zero(y + 4 * j)), 0)
}

/** y += x_0 b_0 + … + x_7 b_7, one after the other, for eight rows of B. */
function addProducts(y: usize, a: usize, aStep: usize, b: usize, bStep: usize, columns: i32): void {
  const x0 = v128.load32_splat(a), x1 = v128.load32_splat(a + aStep), x2 = v128.load32_splat(a + 2 * aStep), x3 = v128.load32_splat(a + 3 * aStep)
  a += 4 * aStep
  const x4 = v128.load32_splat(a), x5 = v128.load32_splat(a + aStep), x6 = v128.load32_splat(a + 2 * aStep), x7 = v128.load32_splat(a + 3 * aStep)
  const b1 = b + bStep, b2 = b1 + bStep, b3 = b2 + bStep, b4 = b3 + bStep, b5 = b4 + bStep, b6 = b5 + bStep, b7 = b6 + bStep
  let j: usize = 0
  for (const end: usize = 4 * (columns & ~3); j < end; j += 16) {
    let s = v128.load(y + j)
    s = madd(x0, v128.load(b + j), s)
    s = madd(x1, v128.load(b1 + j), s)
    s = madd(x2, v128.load(b2 + j), s)
    s = madd(x3, v128.load(b3 + j), s)
    s = madd(x4, v128.load(b4 + j), s)
    s = madd(x5, v128.load(b5 + j), s)
    s = madd(x6, v128.load(b6 + j), s)
    s = madd(x7, v128.load(b7 + j), s)
    v128.store(y + j, s)
  }
  const rest = columns & 3
  if (rest == 0) return
  addProduct(y + j, x0, b + j, rest)
  addProduct(y + j, x1, b1 + j, rest)
  addProduct(y + j, x2, b2 + j, rest)
  addProduct(y + j, x3, b3 + j, rest)
  addProduct(y + j, x4, b4 + j, rest)
  addProduct(y + j, x5, b5 + j, rest)
  addProduct(y + j, x6, b6 + j, rest)
  addProduct(y + j, x7, b7 + j, rest)
}

/** Rows of C where the rows of B lie in memory as they are read: c += a_p B_p for every p. `sums` has room for STRIP numbers. */
export function rowsTimesRows(
  c: usize, a: usize, b: usize, rows: i32, columns: i32, k: i32, cStride: usize, aRow: usize, aStep: usize, bStep: usize, sums: usize
): void {
  for (let j = 0; j < columns; j += STRIP, b += 4 * STRIP, c += 4 * STRIP) {
    const width = min(STRIP, columns - j)
    for (let i = 0; i < rows; i++) memory.fill(c + i * cStride, 0, 4 * width)
    for (let block = 0; block < k; block += KC) {
      const end = min(k, block + KC)
      // The sums of the first block are made in C, those of others beside it.
      for (let i = 0; i < rows; i++) {
        const row = c + i * cStride, y = block == 0 ? row : sums
        if (block > 0) memory.fill(y, 0, 4 * width)
        let p = block
        for (; p + 8 <= end; p += 8) addProducts(y, a + i * aRow + p * aStep, aStep, b + p * bStep, bStep, width)
        for (; p < end; p++) addProduct(y, v128.load32_splat(a + i * aRow + p * aStep), b + p * bStep, width)
        if (block > 0) addProduct(row, f32x4.splat(1), y, width)
      }
    }
  }
}

/** s + x_0 b_0 + … + x_3 b_3 for four steps of four lines of B, which become four columns of four on the way. */
@inline
function fourLines(s: v128, x0: v128, x1: v128, x2: v128, x3: v128, b: usize, stride: usize): v128 {
  const r0 = v128.load(b), r1 = v128.load(b + stride), r2 = v128.load(b + 2 * stride), r3 = v128.load(b + 3 * stride)
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7)
  const t2 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
  s = madd(x0, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5), s)
  s = madd(x1, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7), s)
  s = madd(x2, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5), s)
  return madd(x3, v128.shuffle<f32>(t1, t3, 2, 3, 6, 7), s)
}

/** Sixteen numbers of a row of C, from as many lines of B. */
function sixteenLines(c: usize, a: usize, b: usize, k: i32, aStep: usize, stride: usize): void {
  const zero = f32x4.splat(0)
  let c0 = zero, c1 = zero, c2 = zero, c3 = zero
  for (let block = 0; block < k; block += KC) {
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero, p = block
    for (const end = min(k, block + KC); p < end; ) {
      if (p + 4 <= end) {
        const x0 = v128.load32_splat(a), x1 = v128.load32_splat(a + aStep), x2 = v128.load32_splat(a + 2 * aStep), x3 = v128.load32_splat(a + 3 * aStep)
        s0 = fourLines(s0, x0, x1, x2, x3, b, stride)
        s1 = fourLines(s1, x0, x1, x2, x3, b + 4 * stride, stride)
        s2 = fourLines(s2, x0, x1, x2, x3, b + 8 * stride, stride)
        s3 = fourLines(s3, x0, x1, x2, x3, b + 12 * stride, stride)
        p += 4; a += 4 * aStep; b += 16
      } else {
        const x = v128.load32_splat(a)
        s0 = madd(x, column(b, stride), s0)
        s1 = madd(x, column(b + 4 * stride, stride), s1)
        s2 = madd(x, column(b + 8 * stride, stride), s2)
        s3 = madd(x, column(b + 12 * stride, stride), s3)
        p++; a += aStep; b += 4
      }
    }
    c0 = block == 0 ? s0 : f32x4.add(c0, s0); c1 = block == 0 ? s1 : f32x4.add(c1, s1)
    c2 = block == 0 ? s2 : f32x4.add(c2, s2); c3 = block == 0 ? s3 : f32x4.add(c3, s3)
  }
  v128.store(c, c0); v128.store(c, c1, 16); v128.store(c, c2, 32); v128.store(c, c3, 48)
}

/** The first numbers of four lines. */
@inline
function column(b: usize, stride: usize): v128 {
  return v128.load_lane<f32>(b + 3 * stride, v128.load_lane<f32>(b + 2 * stride, v128.load_lane<f32>(b + stride, v128.load32_zero(b), 1), 2), 3)
}

/** One number of C. */
function oneLine(c: usize, a: usize, b: usize, k: i32, aStep: usize): void {
  let sum = f32x4.splat(0)
  for (let block = 0; block < k; block += KC) {
    let s = f32x4.splat(0)
    for (let p = block, end = min(k, block + KC); p < end; p++, a += aStep, b += 4) s = madd(v128.load32_zero(a), v128.load32_zero(b), s)
    sum = block == 0 ? s : f32x4.add(sum, s)
  }
  v128.store_lane<f32>(c, sum, 0)
}

/** Rows of C where B is stored transposed, so that each number is an inner product with a line of B. */
export function rowsTimesLines(
  c: usize, a: usize, b: usize, rows: i32, columns: i32, k: i32, cStride: usize, aRow: usize, aStep: usize, stride: usize
): void {
  let j = 0
  for (; j + 16 <= columns; j += 16)
    for (let i = 0; i < rows; i++) sixteenLines(c + i * cStride + 4 * j, a + i * aRow, b + j * stride, k, aStep, stride)
  for (; j < columns; j++)
    for (let i = 0; i < rows; i++) oneLine(c + i * cStride + 4 * j, a + i * aRow, b + j * stride, k, aStep)
}
