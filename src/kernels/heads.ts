/**
 * Between rows that hold all heads and heads that hold all rows: SIMD for single precision, the reference elsewhere.
 *
 * @module
 */
import type { Floats, FreshFloats } from './floats.js'
import { freshLike } from './fresh.js'
import * as reference from './reference/heads.js'
import { call } from './simd/arena.js'

export type HeadLayout = reference.HeadLayout

/** One array `[batch, heads, time, width]` for each part of `[batch, time, parts · heads · width]`. */
export const splitHeads = (merged: Floats, layout: HeadLayout): readonly FreshFloats[] => {
  const { batch, heads, time, width, parts } = layout
  const length = merged.length / parts
  const done = call({ reads: [merged], writes: Array<number>(parts).fill(length) }, (kernels, [from], to) => {
    for (let part = 0; part < parts; part++) kernels.splitHeads(to[part], from, batch, heads, time, width, parts, part, 0)
  })
  return done?.[0] ?? Array.from({ length: parts }, (_, part) => {
    const split = freshLike(merged, length)
    reference.splitPart(split, merged, layout, part)
    return split
  })
}

/** The inverse of `splitHeads`. */
export const mergeHeads = (split: readonly Floats[], layout: HeadLayout): FreshFloats => {
  const { batch, heads, time, width, parts } = layout
  const length = split.reduce((total, part) => total + part.length, 0)
  const done = call({ reads: split, writes: [length] }, (kernels, from, [to]) => {
    for (let part = 0; part < parts; part++) kernels.splitHeads(from[part], to, batch, heads, time, width, parts, part, 1)
  })
  if (done !== undefined) return done[0][0]
  const merged = freshLike(split[0], length)
  split.forEach((part, index) => reference.mergePart(merged, part, layout, index))
  return merged
}
