/**
 * Arbitrary tensors and trees. Entries are multiples of 1/1024, so that they shrink to 0 through short numbers; those that are hard for
 * floating-point arithmetic have names that begin with `hard`.
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

/** Tensors of one shape, in double precision unless another is asked for. */
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

/** The same, with normal noise of the given deviation on every number of the tree. */
export const noisy = <A>(draw: Draw<A>, deviation = 0.5): Draw<A> => key => {
  const [first, second] = random.split(key)
  let index = 0
  return mapLeaves(leaf => tensor.add(
    random.normal(leaf.shape, { deviation, precision: tensor.precisionOf(leaf) })(random.foldIn(index++)(second)))(leaf))(draw(first))
}

/**
 * Drawn values with normal noise on every number: no bias is 0, no scale is 1, and no weight is so small that rows of a
 * layer norm hardly vary, so every part of a gradient shows.
 */
export const drawnGeneric = <A>(draw: Draw<A>, deviation = 0.5): fc.Arbitrary<A> => keys.map(noisy(draw, deviation))

/** What a precision can hold. */
const LIMITS = {
  float32: { largest: 2 ** 128 - 2 ** 104, normal: 2 ** -126, least: 2 ** -149, exponent: 127, offset: 1e7 },
  float64: { largest: Number.MAX_VALUE, normal: 2 ** -1022, least: Number.MIN_VALUE, exponent: 1023, offset: 1e15 }
} as const

const signed = (numbers: fc.Arbitrary<number>): fc.Arbitrary<number> => fc.tuple(numbers, fc.boolean()).map(([x, negative]) => (negative ? -x : x))

/** Powers of two over the whole range of a precision, times a number from 1 to 2. */
const anyMagnitude = (precision: Precision): fc.Arbitrary<number> => {
  const { exponent } = LIMITS[precision]
  return signed(fc.tuple(fc.integer({ min: -exponent, max: exponent - 1 }), fc.integer({ min: 0, max: GRID - 1 }))
    .map(([power, k]) => 2 ** power * (1 + k / GRID)))
}

/**
 * Finite numbers where arithmetic is hard: ±0, subnormal numbers, the smallest normal one, numbers near the largest, any magnitude in
 * between, and some ordinary ones. For a function of numbers that claims to hold for all of them.
 */
export const hardNumber = (precision: Precision = 'float64'): fc.Arbitrary<number> => {
  const { largest, normal, least } = LIMITS[precision]
  return fc.oneof(
    entry({ scale: 100 }), signed(fc.constantFrom(0, least, 3 * least, normal / 4, normal, 2 * normal, 1, largest / 4, largest / 2, largest)),
    anyMagnitude(precision))
}

export interface HardRowOptions {
  readonly precision?: Precision | undefined
  /** The widths of rows; default 1 to 21, and some from 255 to 1025 that are no multiples of a vector or a cache line. */
  readonly widths?: fc.Arbitrary<number> | undefined
}

const hardWidths = fc.oneof(axis(21), fc.constantFrom(255, 256, 257, 768, 771, 1025))

/**
 * Finite rows where sums are hard: constant ones; small steps on a large offset; entries near the largest number, subnormal or ±0 ones;
 * magnitudes mixed over the whole range; and ordinary ones. Every number is one of the precision asked for, double unless another is
 * given. Wide rows repeat a short pattern, so that they shrink.
 */
export const hardRow = ({ precision = 'float64', widths = hardWidths }: HardRowOptions = {}): fc.Arbitrary<readonly number[]> => {
  const { largest, least, offset } = LIMITS[precision]
  const rounded = precision === 'float32' ? Math.fround : (x: number): number => x
  const pattern = (numbers: fc.Arbitrary<number>): fc.Arbitrary<readonly number[]> => fc.array(numbers, { minLength: 1, maxLength: 21 })
  const patterns = fc.oneof(
    pattern(entry({ scale: 4 })),
    fc.oneof(hardNumber(precision), fc.constantFrom(1234.567, 0.1)).map(x => [x]),
    fc.tuple(signed(fc.constant(offset)), pattern(fc.integer({ min: 0, max: 7 }))).map(([from, steps]) => steps.map(step => from + step)),
    pattern(signed(fc.integer({ min: 1, max: GRID }).map(k => largest / GRID * k))),
    pattern(signed(fc.integer({ min: 0, max: 9 }).map(k => k * least))),
    pattern(anyMagnitude(precision)),
    pattern(hardNumber(precision)))
  return fc.tuple(patterns, widths).map(([numbers, width]) => Array.from({ length: width }, (_, j) => rounded(numbers[j % numbers.length])))
}

/** Tensors of one shape whose rows, on the last axis, are those of `hardRow`. */
export const hardTensorOf = (shape: Shape, precision: Precision = 'float64'): fc.Arbitrary<Tensor> => {
  const width = shape.length === 0 ? 1 : shape[shape.length - 1]
  const rows = shape.slice(0, -1).reduce((product, length) => product * length, 1)
  return fc.array(hardRow({ precision, widths: fc.constant(width) }), { minLength: rows, maxLength: rows })
    .map(entries => tensor.fromArray(shape, entries.flat(), precision))
}

/** Records of arbitrary tensors with the shapes of a record. */
export const treeOf = <K extends string>(
  shapes: { readonly [k in K]: Shape }, options: EntryOptions = {}
): fc.Arbitrary<{ readonly [k in K]: Tensor }> => {
  const entries = Object.entries<Shape>(shapes).map(([name, shape]) => [name, tensorOf(shape, options)])
  // One tensor for each name; TypeScript does not follow a record through its list of entries.
  return fc.record(Object.fromEntries(entries) as { [k in K]: fc.Arbitrary<Tensor> }) as fc.Arbitrary<{ readonly [k in K]: Tensor }>
}
