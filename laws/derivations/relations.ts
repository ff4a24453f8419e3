/**
 * Relations between values, and what a formula is made of.
 *
 * @module
 */
import { tensor } from 'pullback'
import { fails, type Finding, holds } from '../law.js'
import { AxisError, describe, type Evaluated, isAxial, type Value } from './arrays.js'
import type { FromLibrary } from './definition.js'
import { type Comparison, FormulaError, type Node, type Relation, type Vocabulary } from './formula.js'

/** Below this, a difference counts as it is, not relative to the quantity. */
const FLOOR = 1e-2

export const ROUNDING = 1e-11, MEASURED = 1e-7

export const entriesOf = (value: Value): readonly number[] => (typeof value === 'number' ? [value] : value.flatMap(entriesOf))

const shapeOf = (value: Value): string =>
  (typeof value === 'number' ? '' : value.length === 0 ? '0' : `${value.length} ${shapeOf(value[0])}`).trim()

/** Same shape, same numbers. */
export const equal = (first: Value, second: Value): Finding => {
  if (shapeOf(first) !== shapeOf(second))
    return { error: Infinity, explain: () => `the shape [${shapeOf(first)}] against [${shapeOf(second)}]` }
  const a = entriesOf(first), b = entriesOf(second)
  if (a.length !== b.length) return { error: Infinity, explain: () => `${a.length} numbers against ${b.length}` }
  // Hidden scores are −∞ on both sides; Object.is lets them, and nothing else that is not finite, be equal.
  const off = a.map((x, i) => (Object.is(x, b[i]) ? 0 : Math.abs(x - b[i])))
  const size = Math.hypot(...b.filter(Number.isFinite), FLOOR)
  const place = off.reduce((worst, d, i) => (Number.isNaN(d) || d > off[worst] ? i : worst), 0)
  return { error: off.length === 0 ? 0 : off[place] / size, explain: () => `entry ${place}: ${a[place]} against ${b[place]}` }
}

export const fromLibrary = (value: FromLibrary): Value =>
  typeof value === 'number' ? value : tensor.isTensor(value) ? tensor.toNested(value) : value.map(fromLibrary)

export const plain = (value: Evaluated): Value => {
  if (typeof value === 'number') return value
  if (!isAxial(value)) return value.map(plain)
  if (value.row) throw new FormulaError('the result is a row')
  return value.entries
}

const entriesIn = (value: Evaluated): Value => (typeof value === 'number' ? value : isAxial(value) ? value.entries : value.map(entriesIn))

/** Throws where the sides of a relation have other axes. */
const sameAxes = (a: Evaluated, b: Evaluated): void => {
  if (describe(a) !== describe(b)) throw new AxisError(`${describe(a)} on one side and ${describe(b)} on the other`)
}

/** Every node below one, itself included. */
export const nodesIn = (node: Node): readonly Node[] => {
  const inRelation = ({ sides }: Relation): readonly Node[] => sides.flatMap(nodesIn)
  const below = (): readonly Node[] => {
    switch (node.kind) {
      case 'number': case 'name': return []
      case 'entry': return [node.of, ...node.at].flatMap(nodesIn)
      case 'plus': return node.terms.flatMap(({ term }) => nodesIn(term))
      case 'times': case 'delta': return [node.left, node.right].flatMap(nodesIn)
      case 'power': return [node.base, node.exponent].flatMap(nodesIn)
      case 'transpose': case 'mean': return nodesIn(node.of)
      case 'call': return node.arguments.flatMap(nodesIn)
      case 'pullback': return [...node.point, ...node.arguments].flatMap(nodesIn)
      case 'over': return [
        ...(node.range.kind === 'such' ? inRelation(node.range.condition) : node.range.kind === 'between' ? [node.range.from, node.range.to].flatMap(nodesIn) : []),
        ...nodesIn(node.body)
      ]
      case 'partial': return [node.of, node.by].flatMap(nodesIn)
      case 'bracket': return inRelation(node.condition)
      case 'cases': return node.rows.flatMap(({ value, condition }) => [...nodesIn(value), ...(condition === undefined ? [] : inRelation(condition))])
      case 'tuple': return node.items.flatMap(nodesIn)
    }
  }
  return [node, ...below()]
}

/** The indices of a relation that no sum binds, in the order in which they are read. */
export const freeIndices = ({ sides }: Relation, vocabulary: Vocabulary): readonly string[] => {
  const nodes = sides.flatMap(nodesIn)
  const bound = new Set(nodes.flatMap(node => (node.kind === 'over' ? [node.index] : [])))
  const all = nodes.flatMap(node => (node.kind === 'name' && vocabulary.letters.get(node.name) === 'index' ? [node.name] : []))
  return Array.from(new Set(all)).filter(index => !bound.has(index))
}

export const measures = (relations: readonly Relation[]): boolean => relations.some(({ sides }) => sides.flatMap(nodesIn)
  .some(node => node.kind === 'partial' || node.kind === 'pullback' || (node.kind === 'call' && node.primes > 0)))

const COMPARE: Readonly<Record<Exclude<Comparison, '='>, (a: number, b: number, slack: number) => boolean>> = {
  '\\ne': (a, b) => a !== b,
  '<': (a, b, slack) => a < b + slack, '>': (a, b, slack) => a > b - slack, '\\le': (a, b, slack) => a <= b + slack, '\\ge': (a, b, slack) => a >= b - slack
}

/** What is found where two sides of a relation are compared, entry by entry; inequalities may fail by a rounding. */
export const compared = (comparison: Comparison, first: Evaluated, second: Evaluated, slack: number): Finding => {
  sameAxes(first, second)
  const a = entriesIn(first), b = entriesIn(second)
  if (comparison === '=') return equal(a, b)
  const left = entriesOf(a), right = entriesOf(b)
  const size = 1 + Math.hypot(...left.filter(Number.isFinite), ...right.filter(Number.isFinite))
  return left.length === right.length && left.every((v, i) => COMPARE[comparison](v, right[i], slack * size))
    ? holds : fails(`${left.join(', ')} ${comparison} ${right.join(', ')} does not hold`)
}

/** The formulae in a text: `$…$` says something of the case, `$?…$` is a condition or a name that is only read. */
export const formulasIn = (text: string): readonly { readonly formula: string, readonly condition: boolean }[] =>
  Array.from(text.matchAll(/\$([^$]+)\$/g), ([, inside]) => ({ formula: inside.replace(/^\?/, ''), condition: inside.startsWith('?') }))

/** A text as it is printed. */
export const printed = (text: string): string => text.replace(/\$\?/g, '$')
