/**
 * Scaled dot-product attention for a batch of heads: SIMD for single precision, the reference elsewhere.
 *
 * @module
 */
import type { Floats, FreshFloats } from './floats.js'
import * as reference from './reference/attention.js'
import { call } from './simd/arena.js'
import { instance } from './simd/instance.js'

export type AttentionMask = reference.AttentionMask
export type AttentionSizes = reference.AttentionSizes

const flag = (value: boolean): 0 | 1 => (value ? 1 : 0)

const tileRows = instance?.kernels.tileRows.value ?? 0, tileColumns = instance?.kernels.tileColumns.value ?? 0

/** Bytes for one tile, the packed rows of a block, aligned, and a packed matrix of `lines` lines of the given length. */
const packedBytes = (lines: number, length: number, longest: number): number =>
  4 * (tileRows * tileColumns + tileRows * longest + 4 + (lines + tileColumns) * length)

/** $W = \mathrm{softmax}(Q K^\top/\sqrt d)$ over the keys that the mask leaves visible; exactly 0 elsewhere. */
export const attentionWeights = (sizes: AttentionSizes, mask: AttentionMask, q: Floats, k: Floats): FreshFloats => {
  const { matrices, heads, queries, keys, width } = sizes
  const { causal, keep } = mask
  const done = call(
    { reads: keep === undefined ? [q, k] : [q, k, keep], writes: [matrices * queries * keys], scratch: packedBytes(keys, width, width) },
    (kernels, [pq, pk, visible = 0], [w], scratch) =>
      kernels.attentionWeights(w, pq, pk, visible, matrices, heads, queries, keys, width, flag(causal), 1 / Math.sqrt(width), scratch))
  return done === undefined ? reference.attentionWeights(sizes, mask, q, k) : done[0][0]
}

/** $Y = W V$ over the keys that the mask leaves visible. What a hidden value holds does not matter, be it ∞ or NaN. */
export const attend = (sizes: AttentionSizes, mask: AttentionMask, weights: Floats, v: Floats): FreshFloats => {
  const { matrices, heads, queries, keys, valueWidth } = sizes
  const { causal, keep } = mask
  const done = call(
    {
      reads: keep === undefined ? [weights, v] : [weights, v, keep], writes: [matrices * queries * valueWidth],
      scratch: packedBytes(valueWidth, keys, keys)
    },
    (kernels, [pw, pv, visible = 0], [y], scratch) =>
      kernels.attend(y, pw, pv, visible, matrices, heads, queries, keys, valueWidth, flag(causal), scratch))
  return done === undefined ? reference.attend(sizes, mask, weights, v) : done[0][0]
}

/** The gradients whose derivation stands in `layers/attention.ts`, over the pairs that the mask leaves visible. */
export const attentionGradient = (
  sizes: AttentionSizes, mask: AttentionMask, q: Floats, k: Floats, v: Floats, weights: Floats, dy: Floats
): reference.AttentionGradient => {
  const { matrices, heads, queries, keys, width, valueWidth } = sizes
  const { causal, keep } = mask
  const longest = Math.max(queries, keys, width, valueWidth)
  const scratch = packedBytes(longest, longest, longest) + 4 * queries * keys + 16
  const arrays = [q, k, v, weights, dy]
  const done = call(
    { reads: keep === undefined ? arrays : [...arrays, keep], writes: [q.length, k.length, v.length], scratch },
    (kernels, [pq, pk, pv, pw, pdy, visible = 0], [dq, dk, dv], free) => kernels.attentionGradient(
      dq, dk, dv, pq, pk, pv, pw, pdy, visible, matrices, heads, queries, keys, width, valueWidth, flag(causal), 1 / Math.sqrt(width), free))
  if (done === undefined) return reference.attentionGradient(sizes, mask, q, k, v, weights, dy)
  const [[dq, dk, dv]] = done
  return { dq, dk, dv }
}
