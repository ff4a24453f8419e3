// The matrix product C = op(A) op(B): tiles of C in registers, both sides packed into the order in which a tile reads
// them, in blocks that stay in cache. (K. Goto, R. van de Geijn, Anatomy of High-Performance Matrix Multiplication,
// 2008.) All strides are in bytes.

import { KC, rowsTimesLines, rowsTimesRows } from './fewRows'
import { MR, NR, TILE_BYTES, tile } from './tile'

/** Rows of A and columns of B in one block. */
const MC: i32 = 48
const NC: i32 = 256
/** Fewer rows than this are not worth packing B. */
const FEW: i32 = 5
/** Rows of a piece: tiles of 4 and of 6 rows fill them. */
const PIECE_ROWS: i32 = 24
/** Columns of a piece where there are few rows. */
const FEW_COLUMNS: i32 = 64

const A_BYTES: usize = MC * KC * 4
const B_BYTES: usize = KC * NC * 4
/** The place for one tile, the packed block of A, and two packed blocks of B; or the sums of few rows, which are less. */
export const gemmScratchBytes: i32 = <i32>(TILE_BYTES + A_BYTES + 2 * B_BYTES)

/** Which panels of B the two places hold, so that the next pieces of the same columns need not pack them again. */
let packedEven: i32 = -1
let packedOdd: i32 = -1

/** Copies a step of a panel of A whose lines lie side by side. */
@inline
function copyStep(to: usize, from: usize): void {
  v128.store(to, v128.load(from))
  if (MR == 6) store<u64>(to, load<u64>(from, 16), 16)
}

@inline
export function transpose4(from: usize, stride: usize, to: usize, toStride: usize): void {
  const r0 = v128.load(from), r1 = v128.load(from + stride)
  const r2 = v128.load(from + 2 * stride), r3 = v128.load(from + 3 * stride)
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7)
  const t2 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5))
  v128.store(to + toStride, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7))
  v128.store(to + 2 * toStride, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5))
  v128.store(to + 3 * toStride, v128.shuffle<f32>(t1, t3, 2, 3, 6, 7))
}

/** Four steps of two lines. */
@inline
function transpose2(from: usize, stride: usize, to: usize, toStride: usize): void {
  const r0 = v128.load(from), r1 = v128.load(from + stride)
  const low = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), high = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7)
  v128.store_lane<u64>(to, low, 0)
  v128.store_lane<u64>(to + toStride, low, 1)
  v128.store_lane<u64>(to + 2 * toStride, high, 0)
  v128.store_lane<u64>(to + 3 * toStride, high, 1)
}

/** Packs up to MR lines of length k side by side, with zeros for lines that are not there. */
export function packA(to: usize, from: usize, lines: i32, k: i32, lineStride: usize, stepStride: usize): void {
  if (lines == MR && lineStride == 4) {
    for (let p = 0; p < k; p++, from += stepStride, to += 4 * MR) copyStep(to, from)
    return
  }
  let p = 0
  if (lines >= 4 && stepStride == 4)
    for (; p + 4 <= k; p += 4, from += 16, to += 16 * MR) {
      transpose4(from, lineStride, to, 4 * MR)
      if (MR == 6 && lines == 6) transpose2(from + 4 * lineStride, lineStride, to + 16, 4 * MR)
      else if (MR == 6)
        for (let step = 0; step < 4; step++) {
          store<f32>(to + 4 * MR * step, lines == 5 ? load<f32>(from + 4 * lineStride + 4 * step) : 0, 16)
          store<f32>(to + 4 * MR * step, 0, 20)
        }
    }
  for (; p < k; p++, from += stepStride, to += 4 * MR)
    for (let line = 0; line < MR; line++)
      store<f32>(to + 4 * line, line < lines ? load<f32>(from + line * lineStride) : 0)
}

/**
 * Packs the columns of a matrix with k rows, in panels of MR. What stands behind the last column is the beginning of the next row, where
 * there is one: a tile computes rows of these that nobody reads.
 */
export function packColumns(to: usize, from: usize, columns: i32, k: i32): void {
  const row: usize = 4 * columns
  for (let j = 0; j < columns; j += MR, to += 4 * MR * k) {
    const whole = j + MR <= columns ? k : max(0, k - (j + MR - 1) / columns)
    let at = from + 4 * j, step = to
    for (let p = 0; p < whole; p++, at += row, step += 4 * MR) copyStep(step, at)
    packA(step, at, min(MR, columns - j), k - whole, 4, row)
  }
}

/** The same for up to NR lines. */
export function packB(to: usize, from: usize, lines: i32, k: i32, lineStride: usize, stepStride: usize): void {
  if (lines == NR && lineStride == 4) {
    for (let p = 0; p < k; p++, from += stepStride, to += 4 * NR) {
      v128.store(to, v128.load(from))
      v128.store(to, v128.load(from, 16), 16)
      if (NR == 16) {
        v128.store(to, v128.load(from, 32), 32)
        v128.store(to, v128.load(from, 48), 48)
      }
    }
    return
  }
  let p = 0
  if (lines == NR && stepStride == 4)
    for (; p + 4 <= k; p += 4, from += 16, to += 16 * NR) {
      transpose4(from, lineStride, to, 4 * NR)
      transpose4(from + 4 * lineStride, lineStride, to + 16, 4 * NR)
      if (NR == 16) {
        transpose4(from + 8 * lineStride, lineStride, to + 32, 4 * NR)
        transpose4(from + 12 * lineStride, lineStride, to + 48, 4 * NR)
      }
    }
  for (; p < k; p++, from += stepStride, to += 4 * NR)
    for (let line = 0; line < NR; line++)
      store<f32>(to + 4 * line, line < lines ? load<f32>(from + line * lineStride) : 0)
}

/** Packs lines that lie side by side, four panels at once, so that a cache line of the matrix is read once or twice. */
function packBlockA(to: usize, from: usize, lines: i32, k: i32, lineStride: usize, stepStride: usize): void {
  let i = 0
  const panel: usize = 4 * MR * k
  if (lineStride == 4)
    for (; i + 4 * MR <= lines; i += 4 * MR, to += 4 * panel, from += 16 * MR)
      for (let p = 0, x = from, y = to; p < k; p++, x += stepStride, y += 4 * MR) {
        copyStep(y, x)
        copyStep(y + panel, x + 4 * MR)
        copyStep(y + 2 * panel, x + 8 * MR)
        copyStep(y + 3 * panel, x + 12 * MR)
      }
  for (; i < lines; i += MR, to += panel, from += MR * lineStride) packA(to, from, min(MR, lines - i), k, lineStride, stepStride)
}

/** The same for B, two narrow panels at once. */
function packBlockB(to: usize, from: usize, lines: i32, k: i32, lineStride: usize, stepStride: usize): void {
  let i = 0
  const panel: usize = 4 * NR * k
  if (NR == 8 && lineStride == 4)
    for (; i + 16 <= lines; i += 16, to += 2 * panel, from += 64)
      for (let p = 0, x = from, y = to; p < k; p++, x += stepStride, y += 32) {
        v128.store(y, v128.load(x))
        v128.store(y, v128.load(x, 16), 16)
        v128.store(y + panel, v128.load(x, 32))
        v128.store(y + panel, v128.load(x, 48), 16)
      }
  for (; i < lines; i += NR, to += panel, from += NR * lineStride) packB(to, from, min(NR, lines - i), k, lineStride, stepStride)
}

/** Forgets what was packed for another product. */
@inline
function forget(): void {
  packedEven = packedOdd = -1
}

/** Whether a block of the inner index of a panel is packed already; notes that it will be. */
@inline
function remembered(odd: bool, block: i32): bool {
  const known = odd ? packedOdd : packedEven
  if (odd) packedOdd = block
  else packedEven = block
  return known == block
}

/**
 * Fills `columns` columns of the rows of C that a range of blocks holds, or adds to them. `number` is that of the columns, other ones for other
 * matrices.
 */
function panel(
  c: usize, a: usize, b: usize, rows: i32, columns: i32, k: i32, cStride: usize,
  aRow: usize, aStep: usize, bColumn: usize, bStep: usize, added: bool, number: i32, scratch: usize
): void {
  if (k == 0 && !added) {
    for (let i = 0; i < rows; i++) memory.fill(c + i * cStride, 0, 4 * columns)
    return
  }
  const spill = scratch, aPacked = scratch + TILE_BYTES, blocks = (k + KC - 1) / KC
  for (let pc = 0; pc < k; pc += KC) {
    const kc = min(KC, k - pc), block = pc / KC, odd = (block & 1) == 1, bPacked = aPacked + A_BYTES + (odd ? B_BYTES : 0)
    if (!remembered(odd, number * blocks + block)) packBlockB(bPacked, b + pc * bStep, columns, kc, bColumn, bStep)
    for (let ic = 0; ic < rows; ic += MC) {
      const mc = min(MC, rows - ic)
      packBlockA(aPacked, a + ic * aRow + pc * aStep, mc, kc, aRow, aStep)
      for (let j = 0; j < columns; j += NR)
        for (let i = 0; i < mc; i += MR)
          tile(
            aPacked + i * kc * 4, bPacked + j * kc * 4, kc, c + (ic + i) * cStride + j * 4, cStride,
            min(MR, mc - i), min(NR, columns - j), added || pc > 0, spill)
    }
  }
}

/** Adds a row to rows of C. */
function addRow(c: usize, row: usize, rows: i32, columns: i32, cStride: usize): void {
  for (let i = 0; i < rows; i++, c += cStride) {
    let j = 0
    for (; j + 4 <= columns; j += 4) v128.store(c + 4 * j, f32x4.add(v128.load(c + 4 * j), v128.load(row + 4 * j)))
    for (; j < columns; j++) store<f32>(c + 4 * j, load<f32>(c + 4 * j) + load<f32>(row + 4 * j))
  }
}

/** Fills a range of pieces of columns where there are few rows. */
function fewRows(
  c: usize, a: usize, b: usize, row: usize, m: i32, n: i32, k: i32, aRow: usize, aStep: usize, bColumn: usize, bStep: usize,
  from: i32, to: i32, scratch: usize
): void {
  const across = (n + FEW_COLUMNS - 1) / FEW_COLUMNS
  for (let piece = from; piece < to; ) {
    const item = piece / across, first = piece % across, last = min(across, first + to - piece)
    const j = first * FEW_COLUMNS, columns = min(n, last * FEW_COLUMNS) - j
    const at = c + 4 * (item * m * n + j), x = a + 4 * item * m * k, y = b + 4 * item * k * n + j * bColumn
    if (bColumn == 4) rowsTimesRows(at, x, y, m, columns, k, 4 * n, aRow, aStep, bStep, scratch)
    else rowsTimesLines(at, x, y, m, columns, k, 4 * n, aRow, aStep, bColumn)
    if (row != 0) addRow(at, row + 4 * j, m, columns, 4 * n)
    piece += last - first
  }
}

/**
 * A piece is a block of rows, whole tiles of them, and NC columns; those of one column follow each other. Where there are few rows, it has
 * all of them and FEW_COLUMNS columns.
 */
export function gemm(
  c: usize, a: usize, b: usize, row: usize, batch: i32, m: i32, n: i32, k: i32, transposeA: bool, transposeB: bool,
  from: i32, to: i32, scratch: usize, first: bool
): void {
  if (first) forget()
  const aRow = <usize>(transposeA ? 4 : k * 4), aStep = <usize>(transposeA ? m * 4 : 4)
  const bColumn = <usize>(transposeB ? k * 4 : 4), bStep = <usize>(transposeB ? 4 : n * 4)
  if (m < FEW) {
    fewRows(c, a, b, row, m, n, k, aRow, aStep, bColumn, bStep, from, to, scratch)
    return
  }
  const down = (m + PIECE_ROWS - 1) / PIECE_ROWS, across = (n + NC - 1) / NC, cStride = <usize>(4 * n)
  for (let piece = from; piece < to; ) {
    const item = piece / (down * across), j = piece / down % across * NC, top = piece % down, columns = min(NC, n - j)
    const last = min(down, top + to - piece), i = top * PIECE_ROWS, rows = min(m, last * PIECE_ROWS) - i
    const at = c + 4 * ((item * m + i) * n + j)
    panel(
      at, a + 4 * item * m * k + i * aRow, b + 4 * item * k * n + j * bColumn, rows, columns, k, cStride, aRow, aStep, bColumn, bStep, false, piece / down, scratch)
    if (row != 0) addRow(at, row + 4 * j, rows, columns, cStride)
    piece += last - top
  }
}

/** C = C₀ + op(A) op(B), in pieces as above but always of NC columns. C may be C₀. */
export function addGemm(
  c: usize, c0: usize, a: usize, b: usize, m: i32, n: i32, k: i32, transposeA: bool, transposeB: bool, from: i32, to: i32, scratch: usize,
  first: bool
): void {
  if (first) forget()
  const aRow = <usize>(transposeA ? 4 : k * 4), aStep = <usize>(transposeA ? m * 4 : 4)
  const bColumn = <usize>(transposeB ? k * 4 : 4), bStep = <usize>(transposeB ? 4 : n * 4)
  const down = (m + PIECE_ROWS - 1) / PIECE_ROWS, cStride = <usize>(4 * n)
  for (let piece = from; piece < to; ) {
    const j = piece / down * NC, top = piece % down, columns = min(NC, n - j)
    const last = min(down, top + to - piece), i = top * PIECE_ROWS, rows = min(m, last * PIECE_ROWS) - i
    const at = 4 * (i * n + j)
    if (c != c0) for (let r: usize = 0; r < <usize>rows; r++) memory.copy(c + at + r * cStride, c0 + at + r * cStride, 4 * columns)
    panel(c + at, a + i * aRow, b + j * bColumn, rows, columns, k, cStride, aRow, aStep, bColumn, bStep, true, piece / down, scratch)
    piece += last - top
  }
}
