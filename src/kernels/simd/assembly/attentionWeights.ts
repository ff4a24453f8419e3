// The weights of attention, for those who want to see them. With a causal mask the tiles of a matrix that lie wholly in the future
// are not computed.

import { packA, packB } from './gemm'
import { softmaxRow } from './rows'
import { MR, NR, TILE_BYTES, tile } from './tile'
import { reachOf, roundUp } from './visible'

/** Writes a value for the keys that the padding hides, in the first `reach` entries of a row. */
@inline
function hide(row: usize, visible: usize, reach: i32, value: f32): void {
  if (visible != 0) for (let key = 0; key < reach; key++) if (load<i32>(visible + 4 * key) == 0) store<f32>(row + 4 * key, value)
}

/** Bytes of the packed rows of a block, such that what follows is aligned. */
@inline
function packedBytes(k: i32): usize {
  return roundUp(4 * MR * k, 16)
}

/** Packs all lines of a matrix side by side in panels. */
function packAll(to: usize, from: usize, lines: i32, k: i32, lineStride: usize, stepStride: usize): void {
  for (let j = 0; j < lines; j += NR, to += 4 * NR * k) packB(to, from + j * lineStride, min(NR, lines - j), k, lineStride, stepStride)
}

/** C = A B for one block of rows, up to a column. */
@inline
function rowBlock(c: usize, cStride: usize, rows: i32, columns: i32, aPacked: usize, bPacked: usize, k: i32, spill: usize): void {
  for (let j = 0; j < columns; j += NR) tile(aPacked, bPacked + 4 * j * k, k, c + 4 * j, cStride, rows, min(NR, columns - j), false, spill)
}

/** W = softmax(mask(Q Kᵀ) s). `scratch` holds a packed K, the packed rows of a block of Q, and a tile. */
export function attentionWeights(
  w: usize, q: usize, k: usize, keep: usize, heads: i32, queries: i32, keys: i32, width: i32, causal: bool, s: f32,
  from: i32, to: i32, scratch: usize
): void {
  const aPacked = scratch + TILE_BYTES, bPacked = aPacked + packedBytes(width)
  w += 4 * from * queries * keys; q += 4 * from * queries * width; k += 4 * from * keys * width
  for (let matrix = from; matrix < to; matrix++) {
    packAll(bPacked, k, keys, width, 4 * width, 4)
    const visible = keep == 0 ? 0 : keep + 4 * (matrix / heads) * keys
    for (let t = 0; t < queries; t += MR) {
      const rows = min(MR, queries - t)
      packA(aPacked, q + 4 * t * width, rows, width, 4 * width, 4)
      rowBlock(w + 4 * t * keys, 4 * keys, rows, reachOf(t + rows - 1, queries, keys, causal), aPacked, bPacked, width, scratch)
      for (let r = t; r < t + rows; r++) {
        const row = w + 4 * r * keys, reach = reachOf(r, queries, keys, causal)
        hide(row, visible, reach, -Infinity)
        softmaxRow(row, row, reach, s)
        memory.fill(row + 4 * reach, 0, 4 * (keys - reach))
      }
    }
    w += 4 * queries * keys
    q += 4 * queries * width
    k += 4 * keys * width
  }
}
