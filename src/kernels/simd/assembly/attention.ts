// Attention for a batch of heads, one matrix of scores at a time. With a causal mask the tiles of a matrix that lie
// wholly in the future are neither computed nor read: a query at t sees the keys before `reach(t) = t + 1 + S − T`.

import { packA, packB } from './gemm'
import { softmaxRow, softmaxRowGradient } from './rows'
import { MR, NR, TILE_BYTES, tile } from './tile'

@inline
function roundUp(n: i32, multiple: i32): i32 {
  return (n + multiple - 1) / multiple * multiple
}

@inline
function reachOf(t: i32, queries: i32, keys: i32, causal: bool): i32 {
  return causal ? max(0, min(keys, t + 1 + keys - queries)) : keys
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

/** C = A B for one block of rows; columns from `columns` on and steps from `k` on are left out. */
@inline
function rowBlock(
  c: usize, cStride: usize, rows: i32, columns: i32, aPacked: usize, bPacked: usize, k: i32, panelLength: i32, from: i32, spill: usize
): void {
  for (let j = 0; j < columns; j += NR)
    tile(aPacked, bPacked + 4 * j * panelLength + 4 * NR * from, k, c + 4 * j, cStride, rows, min(NR, columns - j), false, spill)
}

/** W = softmax(mask(Q Kᵀ) s). `scratch` holds a packed K, the packed rows of a block of Q, and a tile. */
export function attentionWeights(
  w: usize, q: usize, k: usize, keep: usize, matrices: i32, heads: i32, queries: i32, keys: i32, width: i32, causal: bool, s: f32,
  scratch: usize
): void {
  const aPacked = scratch + TILE_BYTES, bPacked = aPacked + packedBytes(width)
  for (let matrix = 0; matrix < matrices; matrix++) {
    packAll(bPacked, k, keys, width, 4 * width, 4)
    const visible = keep == 0 ? 0 : keep + 4 * (matrix / heads) * keys
    for (let t = 0; t < queries; t += MR) {
      const rows = min(MR, queries - t)
      packA(aPacked, q + 4 * t * width, rows, width, 4 * width, 4)
      rowBlock(w + 4 * t * keys, 4 * keys, rows, reachOf(t + rows - 1, queries, keys, causal), aPacked, bPacked, width, width, 0, scratch)
      for (let r = t; r < t + rows; r++) {
        const row = w + 4 * r * keys, reach = reachOf(r, queries, keys, causal)
        if (visible != 0)
          for (let j = 0; j < reach; j++) if (load<i32>(visible + 4 * j) == 0) store<f32>(row + 4 * j, -Infinity)
        softmaxRow(row, row, reach, s)
        memory.fill(row + 4 * reach, 0, 4 * (keys - reach))
      }
    }
    w += 4 * queries * keys
    q += 4 * queries * width
    k += 4 * keys * width
  }
}

/** Y = W V. `scratch` holds a packed V, the packed rows of a block of W, and a tile. */
export function attend(
  y: usize, w: usize, v: usize, matrices: i32, queries: i32, keys: i32, valueWidth: i32, causal: bool, scratch: usize
): void {
  const aPacked = scratch + TILE_BYTES, bPacked = aPacked + packedBytes(keys)
  for (let matrix = 0; matrix < matrices; matrix++) {
    packAll(bPacked, v, valueWidth, keys, 4, 4 * valueWidth)
    for (let t = 0; t < queries; t += MR) {
      const rows = min(MR, queries - t), reach = reachOf(t + rows - 1, queries, keys, causal)
      packA(aPacked, w + 4 * t * keys, rows, reach, 4 * keys, 4)
      rowBlock(y + 4 * t * valueWidth, 4 * valueWidth, rows, valueWidth, aPacked, bPacked, reach, keys, 0, scratch)
    }
    y += 4 * queries * valueWidth
    w += 4 * queries * keys
    v += 4 * keys * valueWidth
  }
}

/** dQ = dS K s, dK = dSᵀ Q s, dV = Wᵀ dY with dS = W (dW − Σ dW W), dW = dY Vᵀ. */
export function attentionGradient(
  dq: usize, dk: usize, dv: usize, q: usize, k: usize, v: usize, w: usize, dy: usize,
  matrices: i32, queries: i32, keys: i32, width: i32, valueWidth: i32, causal: bool, s: f32, scratch: usize
): void {
  const longest = max(max(queries, keys), max(width, valueWidth))
  const aPacked = scratch + TILE_BYTES, ds = aPacked + packedBytes(longest), bPacked = ds + 4 * roundUp(queries * keys, 4)
  for (let matrix = 0; matrix < matrices; matrix++) {
    packAll(bPacked, v, keys, valueWidth, 4 * valueWidth, 4)
    for (let t = 0; t < queries; t += MR) {
      const rows = min(MR, queries - t)
      packA(aPacked, dy + 4 * t * valueWidth, rows, valueWidth, 4 * valueWidth, 4)
      rowBlock(ds + 4 * t * keys, 4 * keys, rows, reachOf(t + rows - 1, queries, keys, causal), aPacked, bPacked, valueWidth, valueWidth, 0, scratch)
      for (let r = t; r < t + rows; r++) {
        const row = ds + 4 * r * keys, reach = reachOf(r, queries, keys, causal)
        softmaxRowGradient(row, w + 4 * r * keys, row, reach, s)
        memory.fill(row + 4 * reach, 0, 4 * (keys - reach))
      }
    }
    packAll(bPacked, k, width, keys, 4, 4 * width)
    for (let t = 0; t < queries; t += MR) {
      const rows = min(MR, queries - t), reach = reachOf(t + rows - 1, queries, keys, causal)
      packA(aPacked, ds + 4 * t * keys, rows, reach, 4 * keys, 4)
      rowBlock(dq + 4 * t * width, 4 * width, rows, width, aPacked, bPacked, reach, keys, 0, scratch)
    }
    packAll(bPacked, q, width, queries, 4, 4 * width)
    for (let u = 0; u < keys; u += MR) {
      const rows = min(MR, keys - u), from = causal ? max(0, min(queries, u - keys + queries)) : 0
      packA(aPacked, ds + 4 * u + 4 * from * keys, rows, queries - from, 4, 4 * keys)
      rowBlock(dk + 4 * u * width, 4 * width, rows, width, aPacked, bPacked, queries - from, queries, from, scratch)
    }
    packAll(bPacked, dy, valueWidth, queries, 4, 4 * valueWidth)
    for (let u = 0; u < keys; u += MR) {
      const rows = min(MR, keys - u), from = causal ? max(0, min(queries, u - keys + queries)) : 0
      packA(aPacked, w + 4 * u + 4 * from * keys, rows, queries - from, 4, 4 * keys)
      rowBlock(dv + 4 * u * valueWidth, 4 * valueWidth, rows, valueWidth, aPacked, bPacked, queries - from, queries, from, scratch)
    }
    dq += 4 * queries * width
    dk += 4 * keys * width
    dv += 4 * keys * valueWidth
    q += 4 * queries * width
    k += 4 * keys * width
    v += 4 * keys * valueWidth
    w += 4 * queries * keys
    dy += 4 * queries * valueWidth
  }
}
