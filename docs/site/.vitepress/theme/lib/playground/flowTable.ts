/**
 * The norms of a gradient by path and block.
 */

export interface FlowTable {
  /** Paths within a block, and the norm in each block. */
  readonly rows: readonly { readonly path: string, readonly norms: readonly number[] }[]
  /** Parameters that belong to no block. */
  readonly others: readonly { readonly path: string, readonly norm: number }[]
  readonly most: number
}

/** A weight and its bias, or the two of a layer norm, count as one. */
const placeOf = (path: string): string => path.slice(0, path.lastIndexOf('.'))

export const flowTable = (parameters: readonly (readonly [path: string, norm: number])[]): FlowTable => {
  const norms = new Map<string, number>()
  for (const [path, norm] of parameters) norms.set(placeOf(path), Math.hypot(norms.get(placeOf(path)) ?? 0, norm))
  const inBlocks = new Map<string, number[]>(), others: { path: string, norm: number }[] = []
  for (const [place, norm] of norms) {
    const [, block, path] = /^h\.(\d+)\.(.+)$/.exec(place) ?? []
    if (path === undefined) others.push({ path: place, norm })
    else inBlocks.set(path, Object.assign(inBlocks.get(path) ?? [], { [block]: norm }))
  }
  return { rows: Array.from(inBlocks, ([path, values]) => ({ path, norms: values })), others, most: Math.max(...norms.values(), Number.MIN_VALUE) }
}
