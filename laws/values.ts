/**
 * Inputs, outputs and parameters of any layer, seen as the tensors in them: a tensor, tokens (which are discrete and
 * hold none), or a record or array of such values.
 *
 * @module
 */
import { random, tensor, type Key, type Precision, type Tensor, type Tokens } from 'pullback'
import { fails, type Finding, holds } from './law.js'

export type Leaf = readonly [path: string, leaf: Tensor]

const isTokens = (value: object): value is Tokens => '_tag' in value && value._tag === 'Tokens'

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

/** Every tensor in a value, with its path. */
export const leavesOf = (value: unknown, path = ''): readonly Leaf[] => {
  if (tensor.isTensor(value)) return [[path, value]]
  if (typeof value !== 'object' || value === null || isTokens(value)) return []
  return Object.entries(value).flatMap(([key, child]) => leavesOf(child, join(path, key)))
}

const mapValue = (f: (leaf: Tensor, path: string) => Tensor, value: unknown, path: string): unknown => {
  if (tensor.isTensor(value)) return f(value, path)
  if (typeof value !== 'object' || value === null || isTokens(value)) return value
  if (Array.isArray(value)) return value.map((child: unknown, index) => mapValue(f, child, join(path, String(index))))
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, mapValue(f, child, join(path, key))]))
}

/** The same value with another tensor at every place. It keeps its type, which no recursion over keys can show. */
export const mapLeaves = (f: (leaf: Tensor, path: string) => Tensor) => <A>(value: A): A => mapValue(f, value, '') as A

/** The same value with every tensor in one precision. */
export const inPrecision = (precision: Precision): (<A>(value: A) => A) => mapLeaves(tensor.cast(precision))

/** Independent uniform numbers in [−1, 1) for every tensor of a value. */
export const randomLike = (key: Key) => <A>(value: A): A => {
  let index = 0
  return mapLeaves(leaf => random.uniform(leaf.shape, { min: -1, max: 1, precision: tensor.precisionOf(leaf) })(
    random.foldIn(index++)(key)))(value)
}

/** $a + s\,d$ for every tensor. Entries where the direction is 0 keep their bits. */
export const along = <A>(value: A, direction: unknown, step: number): A => {
  const directions = new Map(leavesOf(direction))
  return mapLeaves((leaf, path) => {
    const d = directions.get(path)
    return d === undefined ? leaf : tensor.zipWith(d, (a, di) => (di === 0 ? a : a + step * di))(leaf)
  })(value)
}

/** $\langle a, b\rangle$ over the tensors of `b`, without the entries where `b` is infinite, which do not move. */
export const inner = (a: unknown, b: unknown, finiteIn: unknown = b): number => {
  const left = new Map(leavesOf(a)), mask = new Map(leavesOf(finiteIn))
  let total = 0
  for (const [path, leaf] of leavesOf(b)) {
    const other = left.get(path), where = mask.get(path)
    if (other === undefined || where === undefined) continue
    for (let i = 0; i < leaf.data.length; i++)
      if (Number.isFinite(where.data[i])) total += other.data[i] * leaf.data[i]
  }
  return total
}

/** $\sqrt{\langle a, a\rangle}$; a NaN or an infinity anywhere shows. */
export const normOf = (a: unknown): number =>
  Math.sqrt(leavesOf(a).reduce((total, [, leaf]) => total + tensor.dot(leaf)(leaf), 0))

/** An entry of a tensor as a reader writes it: `"params.weight" [1, 0]`, and without a path if the value is the tensor. */
export const placeOf = (path: string, shape: readonly number[], index: number): string => {
  const place = shape.reduceRight<{ readonly rest: number, readonly indices: readonly number[] }>(
    ({ rest, indices }, length) => ({ rest: Math.floor(rest / length), indices: [rest % length, ...indices] }), { rest: index, indices: [] })
  return `${path === '' ? 'entry' : `"${path}"`} [${place.indices.join(', ')}]`
}

/** Where two values of one form differ most, with both numbers. */
export const largestDifference = (a: unknown, b: unknown): string => {
  const others = new Map(leavesOf(b))
  const differences = leavesOf(a).flatMap(([path, leaf]) => Array.from(leaf.data, (x, i) => {
    const y = others.get(path)?.data[i] ?? NaN
    // What is not a number differs more than any number.
    return { size: Object.is(x, y) ? 0 : Number.isNaN(x - y) ? Infinity : Math.abs(x - y), where: () => `${placeOf(path, leaf.shape, i)}: ${x} against ${y}` }
  }))
  return differences.length === 0 ? 'no entries' : differences.reduce((worst, d) => (d.size > worst.size ? d : worst)).where()
}

export type Snapshot = readonly (readonly [path: string, numbers: readonly number[]])[]

/** A copy of every number in a value, tokens included, for comparison bit by bit. */
export const snapshot = (value: unknown, path = ''): Snapshot => {
  if (typeof value === 'number') return [[path, [value]]]
  if (typeof value !== 'object' || value === null) return []
  if (tensor.isTensor(value) || isTokens(value)) return [[path, Array.from(value.data)]]
  if (value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array) return [[path, Array.from(value)]]
  return Object.entries(value).flatMap(([key, child]) => snapshot(child, join(path, key)))
}

const firstDifference = (a: Snapshot, b: Snapshot): string | undefined => {
  if (a.length !== b.length) return `${a.length} arrays against ${b.length}`
  for (const [index, [path, values]] of a.entries()) {
    const [otherPath, others] = b[index]
    if (path !== otherPath || values.length !== others.length)
      return `"${path}" with ${values.length} numbers against "${otherPath}" with ${others.length}`
    const place = values.findIndex((value, i) => !Object.is(value, others[i]))
    if (place >= 0) return `${path === '' ? 'entry' : `"${path}" entry`} ${place}: ${values[place]} against ${others[place]}`
  }
  return undefined
}

/** Whether two snapshots agree in every bit. */
export const sameBits = (what: string, a: Snapshot, b: Snapshot): Finding => {
  const difference = firstDifference(a, b)
  return difference === undefined ? holds : fails(`${what} differ: ${difference}`)
}
