// Attention of a few new queries to keys and values that lie one position after the other, each with those of all heads.

import { attendRow, rowScratch } from './attentionRow'
import { reachOf } from './visible'

/** Bytes that a call needs for itself: those of a query, and its largest score and sum, which nobody asks for. */
export function attentionStepScratch(valueWidth: i32): i32 {
  return rowScratch(valueWidth) + 8
}

/** y = softmax(q Kᵀ s) V, a head a piece, with the bits of `attention`. */
export function attentionStep(
  y: usize, q: usize, k: usize, v: usize, heads: i32, queries: i32, keys: i32, width: i32, valueWidth: i32, s: f32,
  from: i32, to: i32, scratch: usize
): void {
  const top = scratch + rowScratch(valueWidth), sum = top + 4
  for (let h = from; h < to; h++)
    for (let t = 0, row = h * queries; t < queries; t++, row++)
      attendRow(
        y + 4 * row * valueWidth, top, sum, q + 4 * row * width, k + 4 * h * width, v + 4 * h * valueWidth, 0, reachOf(t, queries, keys, true),
        width, valueWidth, 4 * heads * width, 4 * heads * valueWidth, s, scratch)
}
