/**
 * Mistakes that people make in a formula, planted one at a time: a sign, a term or factor left out, the order of a product, a
 * transpose, an index, the point of a pullback, a constant, a function, a range.
 */
import type { Derivation } from 'pullback/laws'
import type { Node, Relation } from '../../laws/derivations/formula.js'

export interface Planted {
  /** What was changed, such as "sign of term 2". */
  readonly mistake: string
  readonly relations: readonly Relation[]
}

type Change = readonly [mistake: string, node: Node]

const OTHER_FUNCTIONS: Readonly<Record<string, string>> = {
  '\\sin': '\\cos', '\\cos': '\\sin', '\\tanh': '\\sin', '\\exp': '\\ln', '\\ln': '\\exp', '\\sinh': '\\cosh', '\\cosh': '\\sinh',
  '\\max': '\\min', '\\min': '\\max', '|': '\\exp', '\\lfloor': '\\lceil'
}

const nameOf = (node: Node): string => (node.kind === 'name' ? node.name : node.kind === 'entry' ? nameOf(node.of) : node.kind)

/** The axes of every index, and the ranks of every value, of a page. */
const tables = ({ letters: { axes, letters } }: Derivation) => ({
  axisOf: new Map(Object.entries(axes).flatMap(([axis, { indices }]) => indices.map(index => [index, axis] as const))),
  rankOf: new Map(Object.values(letters).map(({ latex, shape }) => [latex, shape.length] as const))
})

/** The mistakes that can be made at one node. */
const mistakesAt = (page: ReturnType<typeof tables>) => (node: Node): readonly Change[] => {
  const isArray = (part: Node): boolean => part.kind === 'transpose' || (part.kind === 'name' && (page.rankOf.get(part.name) ?? 0) > 0)
    || (part.kind === 'times' && (isArray(part.left) || isArray(part.right)))
  switch (node.kind) {
    case 'plus': return node.terms.flatMap(({ sign, term }, i): readonly Change[] => [
      [`sign of term ${i + 1}`, { ...node, terms: node.terms.map((t, k) => (k === i ? { sign: sign === 1 ? -1 : 1, term } : t)) }],
      ...(node.terms.length > 1 ? [[`term ${i + 1} dropped`, { ...node, terms: node.terms.filter((_, k) => k !== i) }] as const] : [])
    ])
    case 'times': return [
      [`without the ${node.by === 'division' ? 'denominator' : 'right factor'}`, node.left],
      ...(node.by === 'division' ? [] : [['without the left factor', node.right] as const]),
      ...(node.by === 'product' && isArray(node.left) && isArray(node.right) ? [['factors in the other order', { ...node, left: node.right, right: node.left }] as const] : [])
    ]
    case 'entry': return [
      ...node.at.flatMap((index, i): readonly Change[] => (i + 1 < node.at.length && JSON.stringify(index) !== JSON.stringify(node.at[i + 1])
        ? [[`indices ${i + 1} and ${i + 2} of ${nameOf(node)} exchanged`, { ...node, at: node.at.map((a, k) => (k === i ? node.at[i + 1] : k === i + 1 ? index : a)) }]] : [])),
      ...node.at.flatMap((index, i): readonly Change[] => {
        if (index.kind !== 'name') return []
        const axis = page.axisOf.get(index.name)
        return Array.from(page.axisOf).flatMap(([other, otherAxis]): readonly Change[] => (otherAxis === axis && other !== index.name
          ? [[`index ${other} in place of ${index.name} on ${nameOf(node)}`, { ...node, at: node.at.map((a, k) => (k === i ? { kind: 'name', name: other } : a)) }]] : []))
      })
    ]
    case 'transpose': return [['without the transpose', node.of]]
    case 'name': return (page.rankOf.get(node.name) ?? 0) > 1 ? [[`${node.name} transposed`, { kind: 'transpose', of: node }]] : []
    case 'number': return [[`${node.value + 1} in place of ${node.value}`, { kind: 'number', value: node.value + 1 }]]
    case 'call': return [
      ...(node.name in OTHER_FUNCTIONS ? [[`${OTHER_FUNCTIONS[node.name]} in place of ${node.name}`, { ...node, name: OTHER_FUNCTIONS[node.name] }] as const] : []),
      ...(node.primes > 0 ? [[`${node.name} in place of its derivative`, { ...node, primes: node.primes - 1 }] as const] : []),
      ...(node.power !== 1 ? [[`another power of ${node.name}`, { ...node, power: node.power + 1 }] as const] : [])
    ]
    case 'pullback': return node.point.map((part, i): Change =>
      [`another ${nameOf(part)} in the point of ${node.name}`, { ...node, point: node.point.map((p, k) => (k === i ? { kind: 'times', by: 'product', left: { kind: 'number', value: 2 }, right: part } : p)) }])
    case 'over': return node.range.kind === 'such' ? [['a sum over everything', { ...node, range: { kind: 'all' } }]]
      : node.operator === '\\max' ? [['the smallest in place of the largest', { ...node, operator: '\\min' }]] : []
    case 'delta': return [['without the delta', { kind: 'number', value: 1 }]]
    case 'bracket': return [['without the condition', { kind: 'number', value: 1 }]]
    case 'cases': return [['cases exchanged', { ...node, rows: node.rows.map((row, i) => ({ ...row, value: node.rows[(i + 1) % node.rows.length].value })) }]]
    case 'mean': return [[node.variance ? 'the mean in place of the variance' : 'the variance in place of the mean', { ...node, variance: !node.variance }]]
    default: return []
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A tree with one change, for every change in it. The tree is plain data, and a change puts a node where a node was. */
const everywhere = (value: unknown, changes: (node: Node) => readonly Change[]): readonly (readonly [mistake: string, value: unknown])[] => {
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value
    return list.flatMap((part, i) => everywhere(part, changes).map(([mistake, changed]) => [mistake, list.map((p, k) => (k === i ? changed : p))] as const))
  }
  if (!isRecord(value)) return []
  const here = 'kind' in value ? changes(value as unknown as Node) : [] // only nodes and ranges have kinds, and no change is for a range
  const below = Object.entries(value).flatMap(([key, part]) => everywhere(part, changes).map(([mistake, changed]) => [mistake, { ...value, [key]: changed }] as const))
  return [...here, ...below]
}

/** Every mistake in the formulae of one place. What a definition defines stays; both sides of a claim are tried. */
export const mistakesIn = (derivation: Derivation, relations: readonly Relation[], claim: boolean): readonly Planted[] => {
  const changes = mistakesAt(tables(derivation))
  return relations.flatMap((relation, r) => relation.sides.flatMap((side, s) => (s === 0 && !claim && relation.comparisons.length > 0 ? [] : everywhere(side, changes)
    .map(([mistake, changed]) => ({
      mistake,
      // A side with a change in it is a side.
      relations: relations.map((other, k) => (k === r ? { ...relation, sides: relation.sides.map((x, i) => (i === s ? changed as Node : x)) } : other))
    })))))
}
