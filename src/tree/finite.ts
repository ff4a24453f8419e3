/**
 * Numbers that are not finite, found in a tree.
 *
 * @module
 */
import { dot } from '../tensor/algebra.js'
import type { Tensor } from '../tensor/tensor.js'
import { flatten } from './tree.js'

/** The first entry that is infinite or NaN. A sum of squares is finite only if all are, and costs one pass of a kernel. */
const notFiniteIn = (leaf: Tensor): number | undefined =>
  Number.isFinite(dot(leaf)(leaf)) ? undefined : Array.from(leaf.data).find(x => !Number.isFinite(x))

/** The first leaf with an entry that is infinite or NaN, and that entry; undefined if all are finite. */
export const notFinite = (tree: unknown): readonly [path: string, entry: number] | undefined => {
  for (const [path, leaf] of flatten(tree)) {
    const entry = notFiniteIn(leaf)
    if (entry !== undefined) return [path, entry]
  }
  return undefined
}
