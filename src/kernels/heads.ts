/**
 * Between rows that hold all heads and heads that hold all rows.
 *
 * @module
 */
import type { Floats, FreshFloats } from './floats.js'
import { kernel } from './kernel.js'
import * as reference from './reference/heads.js'

export type HeadLayout = reference.HeadLayout

const lengthOf = ({ batch, heads, time, width }: HeadLayout): number => batch * heads * time * width

/** `[batch, heads, time, width]`, which are the parts of `[batch, time, parts · heads · width]`; where there is one, the others are empty. */
export const splitHeads = kernel('splitHeads', reference.splitHeads)({
  reads: (layout: HeadLayout) => [lengthOf(layout) * layout.parts],
  writes: layout => (layout.parts === 1 ? [lengthOf(layout), 0, 0] : [lengthOf(layout), lengthOf(layout), lengthOf(layout)]),
  numbers: ({ heads, time, width, parts }) => [heads, time, width, parts],
  pieces: layout => ({ count: layout.batch * layout.heads, work: 4 * lengthOf(layout) * layout.parts }),
  fast: 'splitHeads'
})

const merged = kernel('mergeHeads', reference.mergeHeads)({
  reads: (layout: HeadLayout) => [lengthOf(layout), lengthOf(layout), lengthOf(layout)],
  writes: layout => [lengthOf(layout) * layout.parts],
  numbers: ({ heads, time, width, parts }) => [heads, time, width, parts],
  pieces: layout => ({ count: layout.batch * layout.heads, work: 4 * lengthOf(layout) * layout.parts }),
  fast: 'mergeHeads'
})

/** The inverse of `splitHeads`, for one part or for three. */
export const mergeHeads = (layout: HeadLayout, first: Floats, second?: Floats, third?: Floats): FreshFloats => merged(layout, first, second, third)
