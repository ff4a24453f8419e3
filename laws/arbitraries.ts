/**
 * Arbitrary tensors and trees. Entries are multiples of 1/1024, so that they shrink to 0 through short numbers.
 *
 * @module
 */
import fc from 'fast-check'
import { random, tensor, type Draw, type Key, type Precision, type Shape, type Tensor, type Tokens } from 'pullback'
import { mapLeaves } from './values.js'

const GRID = 1024

export interface EntryOptions {
  /** Entries lie within ±scale; default 2. */
  readonly scale?: number | undefined
  /** Entries keep at least this distance from 0, where a kink may be; default 0. */
  readonly awayFromZero?: number | undefined
  /** Entries are at least this, in place of −scale. */
  readonly min?: number | undefined
}

const entry = ({ scale = 2, awayFromZero = 0, min = -scale }: EntryOptions): fc.Arbitrary<number> => {
  const grid = fc.integer({ min: Math.ceil(min * GRID), max: Math.floor(scale * GRID) }).map(k => k / GRID)
  return awayFromZero === 0 ? grid : grid.map(x => (Math.abs(x) >= awayFromZero ? x : x < 0 ? x - awayFromZero : x + awayFromZero))
}

/** An axis of 1 to `max` entries, or from `min`. */
export const axis = (max = 4, min = 1): fc.Arbitrary<number> => fc.integer({ min, max })

/** Zero to two leading axes. */
export const leadingAxes: fc.Arbitrary<Shape> = fc.array(axis(3), { minLength: 0, maxLength: 2 })

/** Tensors of one shape, in double precision unless asked otherwise. */
export const tensorOf = (shape: Shape, options: EntryOptions = {}, precision: Precision = 'float64'): fc.Arbitrary<Tensor> => {
  const size = shape.reduce((product, length) => product * length, 1)
  return fc.array(entry(options), { minLength: size, maxLength: size })
    .map(entries => tensor.fromArray(shape, entries, precision))
}

/** Tensors with `min` to `max` axes of 1 to 4 entries. */
export const tensors = (options: EntryOptions & { readonly minAxes?: number, readonly maxAxes?: number } = {}): fc.Arbitrary<Tensor> =>
  fc.array(axis(4), { minLength: options.minAxes ?? 0, maxLength: options.maxAxes ?? 3 }).chain(shape => tensorOf(shape, options))

/** Token ids below `vocabulary`. */
export const tokensOf = (shape: Shape, vocabulary: number): fc.Arbitrary<Tokens> => {
  const size = shape.reduce((product, length) => product * length, 1)
  return fc.array(fc.integer({ min: 0, max: vocabulary - 1 }), { minLength: size, maxLength: size })
    .map(ids => tensor.tokensFromArray(shape, ids))
}

/** Keys; they shrink to the key of seed 0. */
export const keys: fc.Arbitrary<Key> = fc.nat().map(random.key)

/** Random values drawn by key, such as initial parameters: quick to make, and shrunk only by their key. */
export const drawn = <A>(draw: Draw<A>): fc.Arbitrary<A> => keys.map(draw)

/**
 * The same, with normal noise on every number of the tree: no bias is 0, no scale is 1, and no weight is so small that
 * rows of a layer norm hardly vary, so every part of a gradient shows.
 */
export const drawnGeneric = <A>(draw: Draw<A>, deviation = 0.5): fc.Arbitrary<A> => keys.map(key => {
  const [first, second] = random.split(key)
  let index = 0
  return mapLeaves(leaf => tensor.add(
    random.normal(leaf.shape, { deviation, precision: tensor.precisionOf(leaf) })(random.foldIn(index++)(second)))(leaf))(draw(first))
})

/** Records of arbitrary tensors with the shapes of a record. */
export const treeOf = <K extends string>(
  shapes: { readonly [k in K]: Shape }, options: EntryOptions = {}
): fc.Arbitrary<{ readonly [k in K]: Tensor }> => {
  const entries = Object.entries<Shape>(shapes).map(([name, shape]) => [name, tensorOf(shape, options)])
  // One tensor for each name; TypeScript does not follow a record through its list of entries.
  return fc.record(Object.fromEntries(entries) as { [k in K]: fc.Arbitrary<Tensor> }) as fc.Arbitrary<{ readonly [k in K]: Tensor }>
}
