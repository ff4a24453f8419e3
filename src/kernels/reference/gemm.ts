/**
 * The matrix product $C = A B$, with either side transposed, for a batch of independent matrices.
 *
 * A naive triple loop reads two numbers from memory for each multiplication. Here a *register tile* of
 * 4 × 4 entries of $C$ is accumulated at once: each step of the inner loop reads 4 numbers of $A$ and 4 of
 * $B$ and does 16 multiplications with them. Both sides are first copied ("packed") into the order in
 * which the tile reads them, which also absorbs the transposition and turns single precision into double
 * precision once per number instead of once per use. Entries beyond the edge of a matrix are packed as
 * zeros, so every size goes through the same inner loop. (K. Goto, R. van de Geijn, *Anatomy of
 * High-Performance Matrix Multiplication*, 2008.)
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'

/** Rows and columns of the register tile. */
const TILE = 4

export interface Product {
  /** Rows of $C$. */
  readonly m: number
  /** Columns of $C$. */
  readonly n: number
  /** Length of each inner product. */
  readonly k: number
  /** `true` where $A$ is stored as $k × m$. */
  readonly transposeA: boolean
  /** `true` where $B$ is stored as $n × k$. */
  readonly transposeB: boolean
}

export interface Gemm extends Product {
  /** Number of independent products. */
  readonly batch: number
}

/** Copies `lines` lines of length `k` into panels of four interleaved lines, padded with zeros. */
const pack = (
  panels: Float64Array, source: Floats, offset: number,
  lines: number, k: number, lineStride: number, stepStride: number
): void => {
  let to = 0
  for (let first = 0; first < lines; first += TILE) {
    const inside = Math.min(TILE, lines - first)
    const base = offset + first * lineStride
    if (inside === TILE) {
      const l1 = lineStride, l2 = 2 * lineStride, l3 = 3 * lineStride
      for (let p = 0, from = base; p < k; p++, from += stepStride, to += TILE) {
        panels[to] = source[from]
        panels[to + 1] = source[from + l1]
        panels[to + 2] = source[from + l2]
        panels[to + 3] = source[from + l3]
      }
    } else {
      for (let p = 0, from = base; p < k; p++, from += stepStride, to += TILE)
        for (let line = 0; line < TILE; line++)
          panels[to + line] = line < inside ? source[from + line * lineStride] : 0
    }
  }
}

/** Fills a 4 × 4 tile with the products of one panel of $A$ and one panel of $B$. */
const multiplyPanels = (
  tile: Float64Array, a: Float64Array, aStart: number, b: Float64Array, bStart: number, k: number
): void => {
  let c00 = 0, c01 = 0, c02 = 0, c03 = 0
  let c10 = 0, c11 = 0, c12 = 0, c13 = 0
  let c20 = 0, c21 = 0, c22 = 0, c23 = 0
  let c30 = 0, c31 = 0, c32 = 0, c33 = 0
  const end = aStart + k * TILE
  for (let i = aStart, j = bStart; i < end; i += TILE, j += TILE) {
    const a0 = a[i], a1 = a[i + 1], a2 = a[i + 2], a3 = a[i + 3]
    const b0 = b[j], b1 = b[j + 1], b2 = b[j + 2], b3 = b[j + 3]
    c00 += a0 * b0; c01 += a0 * b1; c02 += a0 * b2; c03 += a0 * b3
    c10 += a1 * b0; c11 += a1 * b1; c12 += a1 * b2; c13 += a1 * b3
    c20 += a2 * b0; c21 += a2 * b1; c22 += a2 * b2; c23 += a2 * b3
    c30 += a3 * b0; c31 += a3 * b1; c32 += a3 * b2; c33 += a3 * b3
  }
  tile[0] = c00; tile[1] = c01; tile[2] = c02; tile[3] = c03
  tile[4] = c10; tile[5] = c11; tile[6] = c12; tile[7] = c13
  tile[8] = c20; tile[9] = c21; tile[10] = c22; tile[11] = c23
  tile[12] = c30; tile[13] = c31; tile[14] = c32; tile[15] = c33
}

/** Copies the part of a tile that lies inside an m × n matrix to row `i`, column `j` of it. */
const store = (
  c: FreshFloats, start: number, tile: Float64Array, i: number, j: number, m: number, n: number
): void => {
  const rows = Math.min(TILE, m - i), columns = Math.min(TILE, n - j)
  for (let r = 0; r < rows; r++)
    for (let s = 0, to = start + (i + r) * n + j; s < columns; s++)
      c[to + s] = tile[r * TILE + s]
}

const panelled = (lines: number): number => Math.ceil(lines / TILE) * TILE

/**
 * $C_b = \mathrm{op}(A_b)\,\mathrm{op}(B_b)$ for every $b$ of the batch, where op is the identity or the
 * transposition. Sums are accumulated in double precision, in order of the inner index, and rounded once.
 */
export const gemm = (
  { batch, m, n, k, transposeA, transposeB }: Gemm, [a, b, row]: readonly [a: Floats, b: Floats, row?: Floats | undefined], [c]: readonly [c: FreshFloats]
): void => {
  const aPanels = new Float64Array(panelled(m) * k)
  const bPanels = new Float64Array(panelled(n) * k)
  const tile = new Float64Array(TILE * TILE)
  for (let item = 0; item < batch; item++) {
    pack(aPanels, a, item * m * k, m, k, transposeA ? 1 : k, transposeA ? m : 1)
    pack(bPanels, b, item * k * n, n, k, transposeB ? k : 1, transposeB ? 1 : n)
    for (let i = 0; i < m; i += TILE)
      for (let j = 0; j < n; j += TILE) {
        multiplyPanels(tile, aPanels, i * k, bPanels, j * k, k)
        store(c, item * m * n, tile, i, j, m, n)
      }
  }
  if (row !== undefined) for (let i = 0; i < c.length; i++) c[i] += row[i % n]
}

/** $C = C_0 + \mathrm{op}(A)\,\mathrm{op}(B)$ */
export const addGemm = (sizes: Product, [before, a, b]: readonly [before: Floats, a: Floats, b: Floats], [c]: readonly [c: FreshFloats]): void => {
  gemm({ batch: 1, ...sizes }, [a, b], [c])
  for (let i = 0; i < c.length; i++) c[i] += before[i]
}
