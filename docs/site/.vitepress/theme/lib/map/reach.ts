/**
 * Which derivations another rests on, and which rest on it.
 */
import type { MapNode } from '../../../../../generate/map.js'

/** All that can be reached from a node, itself included. */
const closure = (start: string, next: (slug: string) => readonly string[]): ReadonlySet<string> => {
  const found = new Set([start]), open = [start]
  for (let slug = open.pop(); slug !== undefined; slug = open.pop())
    for (const other of next(slug))
      if (!found.has(other)) {
        found.add(other)
        open.push(other)
      }
  return found
}

/** What a derivation rests on, itself included. */
export const foundations = (nodes: readonly MapNode[], slug: string): ReadonlySet<string> =>
  closure(slug, at => nodes.find(node => node.slug === at)?.uses ?? [])

/** What rests on a derivation, itself included. */
export const consequences = (nodes: readonly MapNode[], slug: string): ReadonlySet<string> =>
  closure(slug, at => nodes.filter(node => node.uses.includes(at)).map(node => node.slug))

export type Direction = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight'

export const isDirection = (key: string): key is Direction => /^Arrow(Up|Down|Left|Right)$/.test(key)

/** The nearest node in a direction: along it counts once, across it three times. */
export const neighbour = (nodes: readonly MapNode[], from: MapNode, direction: Direction): MapNode | undefined => {
  const sign = direction === 'ArrowUp' || direction === 'ArrowLeft' ? -1 : 1, vertical = direction === 'ArrowUp' || direction === 'ArrowDown'
  const costs = nodes.flatMap(node => {
    const along = sign * (vertical ? node.y - from.y : node.x - from.x), across = Math.abs(vertical ? node.x - from.x : node.y - from.y)
    return along > 1 ? [{ node, cost: along + (vertical ? across : 3 * across) }] : []
  })
  return costs.reduce<{ node: MapNode, cost: number } | undefined>((best, next) => (best === undefined || next.cost < best.cost ? next : best), undefined)?.node
}
