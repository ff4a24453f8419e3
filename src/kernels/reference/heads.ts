/**
 * The rearrangement between rows that hold all heads and heads that hold all rows.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'

export interface HeadLayout {
  readonly batch: number
  readonly heads: number
  readonly time: number
  /** The width of one head. */
  readonly width: number
  /** How many parts a row has, each with all heads: 3 for queries, keys and values. */
  readonly parts: 1 | 3
}

const forEachPlace = (
  { batch, heads, time, width, parts }: HeadLayout, part: number, visit: (split: number, merged: number) => void
): void => {
  for (let b = 0, split = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < time; t++)
        for (let j = 0, merged = (((b * time + t) * parts + part) * heads + h) * width; j < width; j++)
          visit(split++, merged++)
}

/** Fills `[batch, heads, time, width]` from every part of `[batch, time, parts · heads · width]`. */
export const splitHeads = (
  layout: HeadLayout, [merged]: readonly [merged: Floats], parts: readonly [first: FreshFloats, second: FreshFloats, third: FreshFloats]
): void =>
  parts.slice(0, layout.parts).forEach((split, part) => forEachPlace(layout, part, (to, from) => { split[to] = merged[from] }))

/** The inverse, for all parts. */
export const mergeHeads = (
  layout: HeadLayout, parts: readonly [first: Floats, second: Floats | undefined, third: Floats | undefined], [merged]: readonly [merged: FreshFloats]
): void =>
  parts.forEach((split, part) => {
    if (split !== undefined) forEachPlace(layout, part, (from, to) => { merged[to] = split[from] })
  })
