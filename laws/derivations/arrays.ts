/**
 * Numbers, vectors and matrices that know their axes by letter, so that a formula whose shapes do not fit fails even where
 * the lengths happen to agree.
 *
 * @module
 */
import type { tensor } from 'pullback'

/** A number, or an array of values. */
export type Value = tensor.Nested

/** A value with a letter for each axis. A vector is a column; `row` marks a transposed one. */
export interface Axial {
  readonly axes: readonly string[]
  readonly entries: Value
  readonly row: boolean
}

export type Evaluated = number | Axial | readonly Evaluated[]

/** Shapes that do not fit. */
export class AxisError extends Error {
  override readonly name = 'AxisError'
}

export const isAxial = (value: Evaluated): value is Axial => typeof value === 'object' && 'axes' in value

export const axial = (axes: readonly string[], entries: Value): number | Axial =>
  (typeof entries === 'number' ? entries : { axes, entries, row: false })

export const describe = (value: Evaluated): string =>
  typeof value === 'number' ? 'a number' : isAxial(value) ? `[${value.row ? '1, ' : ''}${value.axes.join(', ')}]` : 'several values'

export const mapValue = (f: (entry: number) => number) => (value: Value): Value =>
  (typeof value === 'number' ? f(value) : value.map(mapValue(f)))

const zipValue = (f: (a: number, b: number) => number, a: Value, b: Value): Value => {
  if (typeof a === 'number' && typeof b === 'number') return f(a, b)
  if (typeof a === 'number' || typeof b === 'number' || a.length !== b.length) throw new AxisError('lengths differ')
  return a.map((part, i) => zipValue(f, part, b[i]))
}

export const mapEvaluated = (f: (entry: number) => number, value: Evaluated): Evaluated =>
  typeof value === 'number' ? f(value) : isAxial(value) ? { ...value, entries: mapValue(f)(value.entries) } : value.map(part => mapEvaluated(f, part))

/** The same operation on every pair of entries of two values of one shape. */
export const zip = (what: string, f: (a: number, b: number) => number, a: Evaluated, b: Evaluated): Evaluated => {
  if (typeof a === 'number' && typeof b === 'number') return f(a, b)
  if (typeof a === 'object' && typeof b === 'object' && isAxial(a) && isAxial(b) && a.row === b.row && a.axes.join() === b.axes.join())
    return { ...a, entries: zipValue(f, a.entries, b.entries) }
  throw new AxisError(`${what} of ${describe(a)} and ${describe(b)}`)
}

/** A value as rows of numbers; a vector as a column. */
export const matrixFrom = (entries: Value): readonly (readonly number[])[] => {
  const rows = typeof entries === 'number' ? [] : entries
  return rows.map(row => (typeof row === 'number' ? [row] : row.map(v => (typeof v === 'number' ? v : NaN))))
}

/** A value as the numbers of a vector. */
export const vectorFrom = (entries: Value): readonly number[] => matrixFrom(entries).map(([v]) => v)

const dot = (a: readonly number[], b: readonly number[]): number => {
  if (a.length !== b.length) throw new AxisError(`a product of the lengths ${a.length} and ${b.length}`)
  return a.reduce((total, v, i) => total + v * b[i], 0)
}

const columnsOf = (rows: readonly (readonly number[])[], count: number): readonly (readonly number[])[] =>
  Array.from({ length: count }, (_, j) => rows.map(row => row[j]))

/** The product of numbers, vectors and matrices. A vector times a vector has no meaning without a transpose. */
export const multiply = (a: Evaluated, b: Evaluated): Evaluated => {
  if (typeof a === 'number') return mapEvaluated(v => a * v, b)
  if (typeof b === 'number') return mapEvaluated(v => v * b, a)
  if (!isAxial(a) || !isAxial(b)) throw new AxisError(`a product of ${describe(a)} and ${describe(b)}`)
  const fail = (): never => { throw new AxisError(`a product of ${describe(a)} and ${describe(b)}`) }
  const [inner, other] = a.row ? [a.axes[0], undefined] : a.axes.length === 2 ? [a.axes[1], a.axes[0]] : [undefined, a.axes[0]]
  if (!a.row && a.axes.length === 1) {
    // A column times a row.
    if (!b.row) return fail()
    const right = vectorFrom(b.entries)
    return { axes: [a.axes[0], b.axes[0]], entries: vectorFrom(a.entries).map(v => right.map(w => v * w)), row: false }
  }
  if (b.row || inner !== b.axes[0] || a.axes.length > 2 || b.axes.length > 2) return fail()
  const left = a.row ? [vectorFrom(a.entries)] : matrixFrom(a.entries)
  if (b.axes.length === 1) {
    const products = left.map(row => dot(row, vectorFrom(b.entries)))
    return a.row ? products[0] : { axes: other === undefined ? [] : [other], entries: products, row: false }
  }
  const right = matrixFrom(b.entries), columns = columnsOf(right, right[0]?.length ?? 0)
  const products = left.map(row => columns.map(column => dot(row, column)))
  return a.row || other === undefined
    ? { axes: [b.axes[1]], entries: products[0], row: true }
    : { axes: [other, b.axes[1]], entries: products, row: false }
}

/** $A^\top$ */
export const transpose = (a: Evaluated): Evaluated => {
  if (typeof a === 'number') return a
  if (!isAxial(a) || a.axes.length > 2) throw new AxisError(`the transpose of ${describe(a)}`)
  if (a.axes.length === 1) return { ...a, row: !a.row }
  const rows = matrixFrom(a.entries)
  return { axes: [a.axes[1], a.axes[0]], entries: columnsOf(rows, rows[0]?.length ?? 0), row: false }
}

/** One entry, or one part where there are more axes than indices. */
export const entryOf = (value: Axial, at: readonly number[]): number | Axial => {
  let entries: Value = value.entries
  for (const [axis, index] of at.entries()) {
    if (typeof entries === 'number') throw new AxisError(`too many indices on ${describe(value)}`)
    if (!Number.isInteger(index) || index < 0 || index >= entries.length)
      throw new RangeError(`no entry ${index} on axis ${axis} of ${describe(value)}`)
    entries = entries[index]
  }
  return axial(value.axes.slice(at.length), entries)
}

/** All places of an array with the given lengths, in order. */
export const placesIn = (lengths: readonly number[]): readonly (readonly number[])[] =>
  lengths.reduce<readonly (readonly number[])[]>((places, length) => places.flatMap(at => Array.from({ length }, (_, i) => [...at, i])), [[]])

/** The value with the given lengths whose entries are $f(i, j, \dots)$. */
export const tabulate = (lengths: readonly number[], f: (at: readonly number[]) => number, at: readonly number[] = []): Value =>
  lengths.length === at.length ? f(at) : Array.from({ length: lengths[at.length] }, (_, i) => tabulate(lengths, f, [...at, i]))
