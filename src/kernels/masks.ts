/**
 * Pairs of queries and keys that a mask hides.
 *
 * @module
 */
import type { Floats, FreshFloats, Integers } from './floats.js'
import { kernel } from './kernel.js'
import { selectVisible } from './reference/attention.js'
import type { AttentionSizes } from './attention.js'

type Sizes = Pick<AttentionSizes, 'matrices' | 'heads' | 'queries' | 'keys' | 'causal'> & { readonly hidden: number }

/** $y_{ts} = x_{ts}$ where the mask shows key s to query t, another number elsewhere. */
export const select = kernel('mask', (sizes: Sizes, reads: readonly [x: Floats, keep: Integers | undefined], writes: readonly [FreshFloats]) => selectVisible(sizes, reads, writes))({
  reads: ({ matrices, heads, queries, keys }: Sizes) => [matrices * queries * keys, Math.ceil(matrices / heads) * keys],
  writes: ({ matrices, queries, keys }) => [matrices * queries * keys], numbers: () => [], fast: undefined
})
