// Attention of a few new queries to keys and values that lie one position after the other, each with those of all heads. They are
// read once and in order, whichever heads a call computes.

import { addProduct, addProducts, oneLine, sixteenLines } from './fewRows'
import { softmaxRow } from './rows'

/** y = softmax(q Kᵀ s) V, a head a piece. `scratch` holds a row of weights for each head. */
export function attentionStep(
  y: usize, q: usize, k: usize, v: usize, heads: i32, queries: i32, keys: i32, width: i32, valueWidth: i32, s: f32,
  from: i32, to: i32, scratch: usize
): void {
  const kStride = <usize>(4 * heads * width), vStride = <usize>(4 * heads * valueWidth), row = <usize>(4 * keys)
  const qHead = <usize>(4 * queries * width), yHead = <usize>(4 * queries * valueWidth)
  q += from * qHead; y += from * yHead; k += 4 * from * width; v += 4 * from * valueWidth
  const count = to - from
  for (let t = 0; t < queries; t++, q += 4 * width, y += 4 * valueWidth) {
    const reach = max(0, t + 1 + keys - queries)
    let u = 0
    for (; u + 16 <= reach; u += 16)
      for (let h = 0; h < count; h++) sixteenLines(scratch + h * row + 4 * u, q + h * qHead, k + u * kStride + 4 * h * width, width, 4, kStride)
    for (; u < reach; u++)
      for (let h = 0; h < count; h++) oneLine(scratch + h * row + 4 * u, q + h * qHead, k + u * kStride + 4 * h * width, width, 4)
    for (let h = 0; h < count; h++) {
      softmaxRow(scratch + h * row, scratch + h * row, reach, s)
      memory.fill(y + h * yHead, 0, 4 * valueWidth)
    }
    u = 0
    for (; u + 8 <= reach; u += 8)
      for (let h = 0; h < count; h++)
        addProducts(y + h * yHead, scratch + h * row + 4 * u, 4, v + u * vStride + 4 * h * valueWidth, vStride, valueWidth)
    for (; u < reach; u++)
      for (let h = 0; h < count; h++)
        addProduct(y + h * yHead, v128.load32_splat(scratch + h * row + 4 * u), v + u * vStride + 4 * h * valueWidth, valueWidth)
  }
}
