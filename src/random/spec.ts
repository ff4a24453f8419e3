/**
 * What the parameters of a layer are, before there are any: a tree of shapes with how each is drawn. It stands beside the
 * layer, composes as the layers do (by records and lists), and everything else about parameters follows from it.
 *
 * ```ts
 * const model = pipe(linear, named('hidden'), andThen(relu), andThen('output', linear))
 * const modelSpec = { hidden: linearSpec(784, 128), output: linearSpec(128, 10) }
 * const params = spec.draw(modelSpec)(random.key(0))
 * ```
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { anyNumber, check, checkOptions, type Fields, functions, isPlain, optional, show } from '../tensor/domain.js'
import { briefShape, quoted } from '../tensor/foreign.js'
import { ownShape, PrecisionError, type Shape, ShapeError, sameShape, sizeOf } from '../tensor/shape.js'
import { checkTensor, full, type Precision, precisionOf, type Tensor } from '../tensor/tensor.js'
import { checkEntries } from '../tree/entries.js'
import { type Entry, flatten } from '../tree/tree.js'
import { type Initializer, PRECISION, type PrecisionOptions } from './initializers.js'
import { checkKey, type Draw, foldIn } from './key.js'

/** One tensor of parameters: its shape, and how it begins. */
export interface Parameter {
  readonly _tag: 'Parameter'
  readonly shape: Shape
  readonly begin: (precision: Precision) => Draw<Tensor>
}

/** The parameters `P` before there are any: a `Parameter` for each tensor. */
export type Spec<P> = P extends Tensor ? Parameter : { readonly [K in keyof P]: Spec<P[K]> }

/** The parameters that a spec is of. */
export type SpecParams<S> = S extends Parameter ? Tensor : { readonly [K in keyof S]: SpecParams<S[K]> }

/**
 * A weight `[fanIn, fanOut]` that an initializer draws.
 *
 * @example
 * const scaling = { factor: spec.weight(3, 4, random.heNormal) }
 * spec.draw(scaling)(random.key(0)).factor.shape // [3, 4]
 *
 * @category constructors
 */
export const weight = (fanIn: number, fanOut: number, initializer: Initializer): Parameter => {
  check('spec.weight', 'initializer', functions, initializer)
  return { _tag: 'Parameter', shape: ownShape('spec.weight', [fanIn, fanOut]), begin: precision => initializer(fanIn, fanOut, precision) }
}

/**
 * A tensor whose every entry begins with one number.
 *
 * @example
 * const scaling = { factor: spec.filled([3], 1) }
 * tensor.toArray(spec.draw(scaling)(random.key(0)).factor) // [1, 1, 1]
 *
 * @category constructors
 */
export const filled = (shape: Shape, value: number): Parameter => {
  check('spec.filled', 'value', anyNumber, value)
  const kept = ownShape('spec.filled', shape)
  return { _tag: 'Parameter', shape: kept, begin: precision => () => full(kept, value, precision) }
}

const isParameter = (node: unknown): node is Parameter =>
  isPlain(node) && node._tag === 'Parameter' && Array.isArray(node.shape) && typeof node.begin === 'function'

type SpecEntry = readonly [path: string, parameter: Parameter]

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

const entriesOf = (node: unknown, path: string, above: readonly unknown[]): readonly SpecEntry[] => {
  if (isParameter(node)) return [[path, node]]
  if (!Array.isArray(node) && (!isPlain(node) || typeof node._tag === 'string'))
    throw new TypeError(`spec: expected a parameter, a record or a list at "${path}", got ${show(node)}`)
  if (above.includes(node)) throw new TypeError(`spec: expected a tree, got what contains itself at "${path}"`)
  return Object.entries(node).flatMap(([key, child]) => entriesOf(child, join(path, key), [...above, node]))
}

/**
 * Every parameter with its path, in the order of the keys.
 * Throws `TypeError` for a node that is not a parameter, a record or a list, or that contains itself, and `RangeError` if two
 * parameters have one path, as keys with dots may.
 *
 * @example
 * spec.entries({ hidden: linearSpec(2, 8) }).map(([path, { shape }]) => [path, shape]) // [['hidden.weight', [2, 8]], ['hidden.bias', [8]]]
 *
 * @category conversions
 */
export const entries = (spec: unknown): readonly SpecEntry[] => {
  const all = entriesOf(spec, '', []), paths = new Set<string>()
  for (const [path] of all) {
    if (paths.has(path)) throw new RangeError(`spec: expected each path once, got ${quoted(path)} twice`)
    paths.add(path)
  }
  return all
}

const build = (spec: unknown, leaf: (path: string) => Tensor, path = ''): unknown => {
  if (isParameter(spec)) return leaf(path)
  const children = Object.entries(spec as object).map(([key, child]) => [key, build(child, leaf, join(path, key))] as const) // `entries` has looked
  return Array.isArray(spec) ? children.map(([, child]) => child) : Object.fromEntries(children)
}

/** The tree of a spec with a tensor at every place, which a recursion over keys cannot show. */
const built = <S>(spec: S, leaves: ReadonlyMap<string, Tensor>): SpecParams<S> => build(spec, path => {
  const leaf = leaves.get(path)
  if (leaf === undefined) throw new RangeError(`spec: expected a tensor "${path}"`)
  return leaf
}) as SpecParams<S>

/** A parameter as it begins. Throws `TypeError`, `ShapeError` or `PrecisionError` for what is not of its spec. */
const begun = (path: string, shape: Shape, precision: Precision, leaf: Tensor): Tensor => {
  checkTensor('spec.draw', quoted(path), leaf)
  if (!sameShape(leaf.shape, shape)) throw new ShapeError('spec.draw', `the shape ${briefShape(shape)}`, [leaf.shape], path)
  if (precisionOf(leaf) !== precision) throw new PrecisionError('spec.draw', path)
  return leaf
}

/**
 * Initial parameters. Parameter i, in the order of `entries`, is drawn with `foldIn(i)` of the key. The draw throws `TypeError`,
 * `ShapeError` or `PrecisionError` if an initializer gives something else than was asked for.
 *
 * @example
 * const modelSpec = { hidden: linearSpec(2, 8), output: linearSpec(8, 1) }
 * spec.draw(modelSpec)(random.key(0)).hidden.weight.shape // [2, 8]
 *
 * @category initial parameters
 */
export const draw = <S>(spec: S, options: PrecisionOptions = {}): Draw<SpecParams<S>> => {
  checkOptions('spec.draw', PRECISION, options)
  const { precision = 'float32' } = options
  const begins = entries(spec).map(([path, { shape, begin }]) => [path, shape, begin(precision)] as const)
  return key => {
    checkKey('spec.draw', key)
    return built(spec, new Map(begins.map(([path, shape, begin], i) => [path, begun(path, shape, precision, begin(foldIn(i)(key)))])))
  }
}

/** The initial parameters of a layer, for options that are looked at first. */
export const initial = <S, O extends PrecisionOptions>(operation: string, fields: Fields<O>, options: O, spec: () => S): Draw<SpecParams<S>> => {
  checkOptions(operation, fields, options)
  return draw(spec(), { precision: options.precision })
}

/**
 * The number of real numbers, without drawing them.
 *
 * @example
 * spec.count(gptSpec({ vocabulary: 50257, context: 1024, width: 768, layers: 12 })) // 124439808
 *
 * @category folds
 */
export const count = (spec: unknown): number => entries(spec).reduce((total, [, { shape }]) => total + sizeOf(shape), 0)

/**
 * A line for each parameter with its path, shape and size, and the total, as text.
 *
 * @example
 * spec.summary(linearSpec(2, 8)).split('\n') // ['weight  [2, 8]  16', 'bias    [8]      8', 'total           24']
 *
 * @category folds
 */
export const summary = (spec: unknown): string => {
  const rows = entries(spec).map(([path, { shape }]) => [path, `[${shape.join(', ')}]`, String(sizeOf(shape))] as const)
  const all = [...rows, ['total', '', String(count(spec))] as const]
  const width = (column: 0 | 1 | 2): number => Math.max(...all.map(row => row[column].length))
  return all.map(([path, shape, size]) => `${path.padEnd(width(0))}  ${shape.padEnd(width(1))}  ${size.padStart(width(2))}`).join('\n')
}

export interface DecodeOptions {
  /** Names that are not asked for and may be there, such as buffers; default none. */
  readonly ignore?: ((name: string) => boolean) | undefined
  /** The path of a name in a file, if the two differ; default the name itself. */
  readonly rename?: ((name: string) => string) | undefined
}

const DECODE: Fields<DecodeOptions> = { ignore: optional(functions), rename: optional(functions) }

/** The entries under their paths. */
const byPath = (given: readonly Entry[], { ignore = () => false, rename = name => name }: DecodeOptions): E.Either<string, ReadonlyMap<string, Tensor>> => {
  const leaves = new Map<string, Tensor>()
  for (const [name, leaf] of given) {
    if (ignore(name)) continue
    const path = rename(name)
    if (leaves.has(path)) return E.left(`tensor ${quoted(path)} occurs twice`)
    leaves.set(path, leaf)
  }
  return E.right(leaves)
}

/**
 * Parameters from named tensors, such as those of a file. The left side names the first tensor that is missing, has another
 * shape than the spec or another precision than the first one, occurs twice, or has no place.
 *
 * @example
 * const given = tree.flatten({ model: initLinear(2, 3)(random.key(0)) })
 * E.isRight(spec.decode(linearSpec(2, 3), { rename: name => name.replace('model.', '') })(given)) // true
 * spec.decode(linearSpec(2, 3))(given) // E.left('tensor "weight" is missing')
 *
 * @category conversions
 */
export const decode = <S>(spec: S, options: DecodeOptions = {}): ((given: readonly Entry[]) => E.Either<string, SpecParams<S>>) => {
  checkOptions('spec.decode', DECODE, options)
  const expected = entries(spec)
  return given => {
    checkEntries('spec.decode', given)
    const leaves = byPath(given, options)
    if (E.isLeft(leaves)) return leaves
    let precision: Precision | undefined
    for (const [path, { shape }] of expected) {
      const leaf = leaves.right.get(path)
      if (leaf === undefined) return E.left(`tensor ${quoted(path)} is missing`)
      if (!sameShape(leaf.shape, shape)) return E.left(`tensor ${quoted(path)} has the shape ${briefShape(leaf.shape)}, expected ${briefShape(shape)}`)
      precision ??= precisionOf(leaf)
      if (precisionOf(leaf) !== precision) return E.left(`tensor ${quoted(path)} is ${precisionOf(leaf)}, expected ${precision} as the first one`)
    }
    const places = new Set(expected.map(([path]) => path))
    for (const path of leaves.right.keys()) if (!places.has(path)) return E.left(`tensor ${quoted(path)} has no place`)
    return E.right(built(spec, leaves.right))
  }
}

/**
 * Whether parameters are those of a spec: themselves on the right, one sentence about the first that is not on the left.
 *
 * @example
 * spec.agree(linearSpec(2, 3))(initLinear(3, 2)(random.key(0))) // E.left('tensor "weight" has the shape [3, 2], expected [2, 3]')
 *
 * @category conversions
 */
export const agree = <S>(spec: S): ((params: unknown) => E.Either<string, SpecParams<S>>) => {
  const read = decode(spec)
  return params => pipe(
    E.tryCatch(() => flatten(params), error => (error instanceof Error ? error.message : String(error))),
    E.chain(read))
}
