/**
 * Attention of new positions to all that were read.
 *
 * @module
 */
import { type Floats, type FreshFloats, zerosLike } from '../floats.js'
import { attention } from './attention.js'

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

/** `[keys, heads, width]` as `[heads, keys, width]`. */
const headsFirst = (x: Floats, heads: number, keys: number, width: number): Floats => {
  const y = zerosLike(x, x.length)
  for (let head = 0; head < heads; head++)
    for (let key = 0; key < keys; key++)
      for (let j = 0; j < width; j++) y[(head * keys + key) * width + j] = x[(key * heads + head) * width + j]
  return y
}

/**
 * $y = \mathrm{softmax}(q K^\top/\sqrt d)\,V$ for queries `[heads, queries, width]`, each of which sees the keys up to its own; keys are
 * `[keys, heads, width]`, values `[keys, heads, valueWidth]`.
 */
export const attentionStep = (
  sizes: StepSizes, [q, k, v]: readonly [q: Floats, k: Floats, v: Floats], [y]: readonly [y: FreshFloats]
): void => {
  const { heads, queries, keys, width, valueWidth } = sizes, rows = heads * queries
  attention(
    { ...sizes, matrices: heads, causal: true }, [q, headsFirst(k, heads, keys, width), headsFirst(v, heads, keys, valueWidth), undefined],
    [y, zerosLike(q, rows), zerosLike(q, rows)])
}
