/**
 * The map of the derivations: which gradient uses which, laid out in layers.
 */
import dagre from '@dagrejs/dagre'
import { chapters } from '../../laws/derivations/index.js'
import { slug, titleOf } from '../pages.js'

export interface MapNode {
  readonly slug: string
  readonly title: string
  /** The title on one line or two. */
  readonly lines: readonly string[]
  readonly chapter: string
  /** The slugs of the derivations that it uses. */
  readonly uses: readonly string[]
  /** The middle, and the size. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface DerivationMap {
  readonly width: number
  readonly height: number
  readonly nodes: readonly MapNode[]
  readonly edges: readonly { readonly from: string, readonly to: string, readonly points: readonly (readonly [x: number, y: number])[] }[]
}

const LONGEST_LINE = 18

/** A long title on two lines, as equal as its words allow. */
const linesOf = (title: string): readonly string[] => {
  if (title.length <= LONGEST_LINE) return [title]
  const words = title.split(' '), cuts = words.slice(1).map((_, i) => [words.slice(0, i + 1).join(' '), words.slice(i + 1).join(' ')] as const)
  const longest = (lines: readonly string[]): number => Math.max(...lines.map(line => line.length))
  return cuts.reduce<readonly string[]>((best, cut) => (longest(cut) < longest(best) ? cut : best), [title])
}

const LINE = 16
const sizeOf = (title: string): { readonly width: number, readonly height: number } => {
  const lines = linesOf(title)
  return { width: Math.round(6.7 * Math.max(...lines.map(line => line.length)) + 22), height: LINE * lines.length + 14 }
}

/** A derivation that follows from another by way of a third needs no line of its own. */
const direct = (uses: ReadonlyMap<string, readonly string[]>) => (from: string): readonly string[] => {
  const reach = (key: string): readonly string[] => (uses.get(key) ?? []).flatMap(next => [next, ...reach(next)])
  const all = uses.get(from) ?? []
  return all.filter(key => !all.some(other => other !== key && reach(other).includes(key)))
}

export const derivationMap = (): DerivationMap => {
  const pages = chapters.flatMap(({ title: chapter, pages: list }) => list.map(page => ({ chapter, ...page })))
  const slugOf = new Map(pages.map(({ key, derivation: { name } }) => [key, slug(name)]))
  const uses = new Map(pages.map(({ key, derivation }) => [key, derivation.uses]))
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 8, ranksep: 48, marginx: 8, marginy: 8, ranker: 'tight-tree' })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { key, derivation: { name } } of pages) graph.setNode(key, { ...sizeOf(titleOf(name)) })
  const needed = direct(uses)
  for (const { key } of pages) for (const used of needed(key)) graph.setEdge(used, key)
  dagre.layout(graph)
  const { width = 0, height = 0 } = graph.graph()
  return {
    width, height,
    nodes: pages.map(({ key, chapter, derivation: { name } }) => {
      const { x, y, width: w, height: h } = graph.node(key)
      return { slug: slug(name), title: titleOf(name), lines: linesOf(titleOf(name)), chapter, uses: (uses.get(key) ?? []).map(used => slugOf.get(used) ?? ''), x, y, width: w, height: h }
    }),
    edges: graph.edges().map(edge => ({
      from: slugOf.get(edge.v) ?? '', to: slugOf.get(edge.w) ?? '',
      points: (graph.edge(edge).points as readonly { readonly x: number, readonly y: number }[]).map(({ x, y }) => [Math.round(x), Math.round(y)] as const)
    }))
  }
}
