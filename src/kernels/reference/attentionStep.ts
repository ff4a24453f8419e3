/**
 * Attention of new positions to all that were read.
 *
 * @module
 */
import { type Floats, type FreshFloats, zerosLike } from '../floats.js'
import { softmaxRow } from './softmax.js'

export interface StepSizes {
  /** Independent attentions: batch items times heads. */
  readonly heads: number
  /** New positions, which are the last ones. */
  readonly queries: number
  /** All positions. */
  readonly keys: number
  /** Width of a query and a key. */
  readonly width: number
  /** Width of a value. */
  readonly valueWidth: number
}

/**
 * $y = \mathrm{softmax}(q K^\top/\sqrt d)\,V$ for queries `[heads, queries, width]`, each of which sees the keys up to its own; keys are
 * `[keys, heads, width]`, values `[keys, heads, valueWidth]`.
 */
export const attentionStep = (
  { heads, queries, keys, width, valueWidth }: StepSizes, [q, k, v]: readonly [q: Floats, k: Floats, v: Floats], [y]: readonly [y: FreshFloats]
): void => {
  const weights = zerosLike(q, keys), scores = new Float64Array(keys)
  for (let head = 0, row = 0; head < heads; head++)
    for (let query = 0; query < queries; query++, row++) {
      const reach = Math.max(0, query + 1 + keys - queries)
      for (let key = 0; key < reach; key++) {
        let score = 0
        for (let j = 0; j < width; j++) score += q[row * width + j] * k[(key * heads + head) * width + j]
        scores[key] = score
      }
      softmaxRow(weights, 0, scores, 0, reach, Math.sqrt(width))
      for (let j = 0; j < valueWidth; j++) {
        let sum = 0
        for (let key = 0; key < reach; key++) sum += weights[key] * v[(key * heads + head) * valueWidth + j]
        y[row * valueWidth + j] = sum
      }
    }
}
