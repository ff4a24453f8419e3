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

/** Whether the mask shows a key to the queries that reach it. */
@inline
function kept(visible: usize, key: i32): bool {
  return visible == 0 || load<i32>(visible + 4 * key) != 0
}

/** Writes a value for the keys that the padding hides, in the first `reach` entries of a row. */
@inline
function hide(row: usize, visible: usize, reach: i32, value: f32): void {
  if (visible != 0) for (let key = 0; key < reach; key++) if (load<i32>(visible + 4 * key) == 0) store<f32>(row + 4 * key, value)
}

/**
 * What is hidden has the weight 0, and 0 times a number is 0, but 0 · ∞ and 0 · NaN are NaN. So infinities and NaN are taken
 * out of the right side of a product with weights, and `restore` brings them back where they can be seen. Whether there were
 * any. `count` is a multiple of 8.
 */
function takeOut(packed: usize, count: i32): bool {
  const end = packed + 4 * count
  let differences = f32x4.splat(0)
  for (let at = packed; at < end; at += 32) {
    const x = v128.load(at), y = v128.load(at, 16)
    differences = v128.or(differences, v128.or(f32x4.sub(x, x), f32x4.sub(y, y)))
  }
  if (!v128.any_true(differences)) return false
  for (let at = packed; at < end; at += 16) {
    const x = v128.load(at)
    v128.store(at, v128.and(x, f32x4.eq(f32x4.sub(x, x), f32x4.splat(0))))
  }
  return true
}

/**
 * Adds w(t, s) b(s) to row t of c for every key s that query t sees, where b is infinite or NaN; or, `byKey`, w(t, s) b(t) to row s.
 */
function restore(
  c: usize, w: usize, b: usize, queries: i32, keys: i32, width: i32, causal: bool, visible: usize, byKey: bool
): void {
  for (let t = 0; t < queries; t++)
    for (let s = 0, reach = reachOf(t, queries, keys, causal); s < reach; s++) {
      if (!kept(visible, s)) continue
      const weight = load<f32>(w + 4 * (t * keys + s)), from = b + 4 * (byKey ? t : s) * width, to = c + 4 * (byKey ? s : t) * width
      for (let j = 0; j < width; j++) {
        const x = load<f32>(from + 4 * j)
        if (!(x - x == 0)) store<f32>(to + 4 * j, load<f32>(to + 4 * j) + weight * x)
      }
    }
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
      rowBlock(w + 4 * t * keys, 4 * keys, rows, reachOf(t + rows - 1, queries, keys, causal), aPacked, bPacked, width, width, 0, scratch)
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

/** Y = W V over the keys that are seen. `scratch` holds a packed V, the packed rows of a block of W, and a tile. */
export function attend(
  y: usize, w: usize, v: usize, keep: usize, heads: i32, queries: i32, keys: i32, valueWidth: i32, causal: bool,
  from: i32, to: i32, scratch: usize
): void {
  const aPacked = scratch + TILE_BYTES, bPacked = aPacked + packedBytes(keys), masked = causal || keep != 0
  y += 4 * from * queries * valueWidth; w += 4 * from * queries * keys; v += 4 * from * keys * valueWidth
  for (let matrix = from; matrix < to; matrix++) {
    packAll(bPacked, v, valueWidth, keys, 4, 4 * valueWidth)
    const taken = masked && takeOut(bPacked, roundUp(valueWidth, NR) * keys)
    for (let t = 0; t < queries; t += MR) {
      const rows = min(MR, queries - t), reach = reachOf(t + rows - 1, queries, keys, causal)
      packA(aPacked, w + 4 * t * keys, rows, reach, 4 * keys, 4)
      rowBlock(y + 4 * t * valueWidth, 4 * valueWidth, rows, valueWidth, aPacked, bPacked, reach, keys, 0, scratch)
    }
    if (taken) restore(y, w, v, queries, keys, valueWidth, causal, keep == 0 ? 0 : keep + 4 * (matrix / heads) * keys, false)
    y += 4 * queries * valueWidth
    w += 4 * queries * keys
    v += 4 * keys * valueWidth
  }
}

/** dQ = dS K s, dK = dSᵀ Q s, dV = Wᵀ dY with dS = W (dW − Σ dW W), dW = dY Vᵀ; dS = 0, and no more is read, where a key is hidden. */
export function attentionGradient(
  dq: usize, dk: usize, dv: usize, q: usize, k: usize, v: usize, w: usize, dy: usize, keep: usize,
  heads: i32, queries: i32, keys: i32, width: i32, valueWidth: i32, causal: bool, s: f32, from: i32, to: i32, scratch: usize
): void {
  dq += 4 * from * queries * width; dk += 4 * from * keys * width; dv += 4 * from * keys * valueWidth
  q += 4 * from * queries * width; k += 4 * from * keys * width; v += 4 * from * keys * valueWidth
  w += 4 * from * queries * keys; dy += 4 * from * queries * valueWidth
  const longest = max(max(queries, keys), max(width, valueWidth))
  const aPacked = scratch + TILE_BYTES, ds = aPacked + packedBytes(longest), bPacked = ds + 4 * roundUp(queries * keys, 4)
  const masked = causal || keep != 0
  for (let matrix = from; matrix < to; matrix++) {
    const visible = keep == 0 ? 0 : keep + 4 * (matrix / heads) * keys
    packAll(bPacked, v, keys, valueWidth, 4 * valueWidth, 4)
    for (let t = 0; t < queries; t += MR) {
      const rows = min(MR, queries - t)
      packA(aPacked, dy + 4 * t * valueWidth, rows, valueWidth, 4 * valueWidth, 4)
      rowBlock(ds + 4 * t * keys, 4 * keys, rows, reachOf(t + rows - 1, queries, keys, causal), aPacked, bPacked, valueWidth, valueWidth, 0, scratch)
      for (let r = t; r < t + rows; r++) {
        const row = ds + 4 * r * keys, reach = reachOf(r, queries, keys, causal)
        // Before, so that the sum over a row does not meet what is hidden; after, since 0 times a sum that is NaN is not 0.
        hide(row, visible, reach, 0)
        softmaxRowGradient(row, w + 4 * r * keys, row, reach, s)
        hide(row, visible, reach, 0)
        memory.fill(row + 4 * reach, 0, 4 * (keys - reach))
      }
    }
    packAll(bPacked, k, width, keys, 4, 4 * width)
    let taken = masked && takeOut(bPacked, roundUp(width, NR) * keys)
    for (let t = 0; t < queries; t += MR) {
      const rows = min(MR, queries - t), reach = reachOf(t + rows - 1, queries, keys, causal)
      packA(aPacked, ds + 4 * t * keys, rows, reach, 4 * keys, 4)
      rowBlock(dq + 4 * t * width, 4 * width, rows, width, aPacked, bPacked, reach, keys, 0, scratch)
    }
    if (taken) restore(dq, ds, k, queries, keys, width, causal, visible, false)
    packAll(bPacked, q, width, queries, 4, 4 * width)
    taken = masked && takeOut(bPacked, roundUp(width, NR) * queries)
    for (let u = 0; u < keys; u += MR) {
      const rows = min(MR, keys - u), begin = causal ? max(0, min(queries, u - keys + queries)) : 0
      packA(aPacked, ds + 4 * u + 4 * begin * keys, rows, queries - begin, 4, 4 * keys)
      rowBlock(dk + 4 * u * width, 4 * width, rows, width, aPacked, bPacked, queries - begin, queries, begin, scratch)
    }
    if (taken) restore(dk, ds, q, queries, keys, width, causal, visible, true)
    packAll(bPacked, dy, valueWidth, queries, 4, 4 * valueWidth)
    taken = masked && takeOut(bPacked, roundUp(valueWidth, NR) * queries)
    for (let u = 0; u < keys; u += MR) {
      const rows = min(MR, keys - u), begin = causal ? max(0, min(queries, u - keys + queries)) : 0
      packA(aPacked, w + 4 * u + 4 * begin * keys, rows, queries - begin, 4, 4 * keys)
      rowBlock(dv + 4 * u * valueWidth, 4 * valueWidth, rows, valueWidth, aPacked, bPacked, queries - begin, queries, begin, scratch)
    }
    if (taken) restore(dv, w, dy, queries, keys, valueWidth, causal, visible, true)
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
