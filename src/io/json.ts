/**
 * Parameters as JSON: the same records and arrays, with a small record for each tensor.
 *
 * ```json
 * { "weight": { "precision": "float32", "shape": [2], "base64": "AACAPwAAwH8=" } }
 * ```
 *
 * The entries are the bytes of the numbers, row-major and little-endian, in base64 (RFC 4648). JSON has no NaN and no ∞, and
 * would turn −0 into 0; bytes keep all of them, need no rule for rounding, and take 5.3 characters for a number of single
 * precision, for which decimal digits take about eleven.
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as t from 'io-ts'
import { isPlain, show } from '../tensor/domain.js'
import { isShapeOf, sameShape, sizeOf } from '../tensor/shape.js'
import { isTensor, own, type Precision, precisionOf, type Tensor } from '../tensor/tensor.js'
import { map } from '../tree/tree.js'

/** A tensor as JSON. */
export interface TensorJson {
  readonly precision: Precision
  readonly shape: readonly number[]
  /** The entries, row-major and little-endian. */
  readonly base64: string
}

/** A parameter tree as JSON: its records and arrays, with a `TensorJson` in place of each tensor. */
export type ParamsJson = TensorJson | readonly ParamsJson[] | { readonly [key: string]: ParamsJson }

const BYTES: Readonly<Record<Precision, number>> = { float32: 4, float64: 8 }
/** Arguments of one call; an engine takes only so many. */
const CHUNK = 2 ** 12

const base64Of = ({ data }: Tensor): string => {
  const width = data.BYTES_PER_ELEMENT, bytes = new Uint8Array(data.length * width), view = new DataView(bytes.buffer)
  for (let i = 0; i < data.length; i++)
    if (width === 4) view.setFloat32(4 * i, data[i], true)
    else view.setFloat64(8 * i, data[i], true)
  const pieces: string[] = []
  for (let at = 0; at < bytes.length; at += CHUNK) pieces.push(String.fromCharCode(...bytes.subarray(at, at + CHUNK)))
  return btoa(pieces.join(''))
}

const numbersOf = (text: string, precision: Precision, length: number): Float32Array | Float64Array => {
  const view = new DataView(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer)
  if (precision === 'float32') return Float32Array.from({ length }, (_, i) => view.getFloat32(4 * i, true))
  return Float64Array.from({ length }, (_, i) => view.getFloat64(8 * i, true))
}

const ALPHABET = /^[A-Za-z0-9+/]*={0,2}$/

/** Whether a text is base64 of so many bytes, padded and with nothing in it that would be ignored. */
const isBase64Of = (text: string, bytes: number): boolean =>
  text.length === 4 * Math.ceil(bytes / 3) && ALPHABET.test(text) && text.length - text.replace(/=+/, '').length === (3 - bytes % 3) % 3

/** What does not fit: where, and a sentence about it. */
interface Problem {
  readonly path: string
  readonly sentence: string
}

const problem = (path: string, expected: string, value: unknown): E.Either<Problem, never> =>
  E.left({ path, sentence: `expected ${expected}${path === '' ? '' : ` at "${path}"`}, got ${show(value)}` })

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

const KEYS: readonly string[] = ['precision', 'shape', 'base64']

const isPrecision = (value: unknown): value is Precision => value === 'float32' || value === 'float64'

const isShape = (value: unknown): value is readonly number[] => Array.isArray(value) && isShapeOf(value, sizeOf(value as readonly number[]))

const readTensor = (value: unknown, path: string): E.Either<Problem, Tensor> => {
  if (!isPlain(value)) return problem(path, 'a record of precision, shape and base64', value)
  const surplus = Object.keys(value).find(key => !KEYS.includes(key))
  if (surplus !== undefined) return problem(path, 'only precision, shape and base64', surplus)
  const { precision, shape, base64 } = value
  if (!isPrecision(precision)) return problem(join(path, 'precision'), '"float32" or "float64"', precision)
  if (!isShape(shape)) return problem(join(path, 'shape'), 'an array of non-negative integers', shape)
  const length = sizeOf(shape)
  return typeof base64 === 'string' && isBase64Of(base64, BYTES[precision] * length)
    ? E.right(own(shape.slice(), numbersOf(base64, precision, length)))
    : problem(join(path, 'base64'), `base64 of ${length} numbers in ${precision}`, base64)
}

const nameOf = (tensor: Tensor): string => `${precisionOf(tensor)} [${tensor.shape.join(', ')}]`

const isLike = (like: Tensor, tensor: Tensor): boolean => precisionOf(like) === precisionOf(tensor) && sameShape(like.shape, tensor.shape)

/** Reads the children of a node; the first problem wins. */
const readAll = (keys: readonly string[], read: (key: string) => E.Either<Problem, unknown>): E.Either<Problem, readonly (readonly [string, unknown])[]> => {
  const children: (readonly [string, unknown])[] = []
  for (const key of keys) {
    const child = read(key)
    if (E.isLeft(child)) return child
    children.push([key, child.right])
  }
  return E.right(children)
}

const readTree = (like: unknown, value: unknown, path: string): E.Either<Problem, unknown> => {
  if (isTensor(like))
    return pipe(
      readTensor(value, path),
      E.chain(tensor => isLike(like, tensor) ? E.right(tensor)
        : E.left({ path, sentence: `expected ${nameOf(like)}${path === '' ? '' : ` at "${path}"`}, got ${nameOf(tensor)}` })))
  if (Array.isArray(like)) {
    if (!Array.isArray(value) || value.length !== like.length) return problem(path, `an array of ${like.length}`, value)
    return pipe(
      readAll(Object.keys(like), key => readTree(like[Number(key)], value[Number(key)], join(path, key))),
      E.map(children => children.map(([, child]) => child)))
  }
  // `paramsCodec` has seen that what is neither a tensor nor an array is a record.
  const record = like as Readonly<Record<string, unknown>>
  const keys = Object.keys(record)
  if (!isPlain(value)) return problem(path, `a record of ${keys.join(', ')}`, value)
  const missing = keys.find(key => !Object.hasOwn(value, key)), surplus = Object.keys(value).find(key => !Object.hasOwn(record, key))
  if (missing !== undefined) return E.left({ path, sentence: `missing key ${show(missing)} at "${path}"` })
  if (surplus !== undefined) return E.left({ path, sentence: `unexpected key ${show(surplus)} at "${path}"` })
  return pipe(readAll(keys, key => readTree(record[key], value[key], join(path, key))), E.map(Object.fromEntries))
}

const writeTensor = (tensor: Tensor): TensorJson =>
  ({ precision: precisionOf(tensor), shape: tensor.shape.slice(), base64: base64Of(tensor) })

/** The JSON of a node that `map` has found to be one of a tree. */
const writeTree = (node: unknown): ParamsJson => {
  if (isTensor(node)) return writeTensor(node)
  if (Array.isArray(node)) return node.map(writeTree)
  return Object.fromEntries(Object.entries(node as object).map(([key, child]) => [key, writeTree(child)]))
}

const checkTree: (params: unknown) => unknown = map(leaf => leaf)

/**
 * The codec of one tensor. It round-trips every entry: both precisions, ±∞, NaN and −0.
 *
 * @example
 * tensorCodec.encode(tensor.of([1])) // { precision: 'float32', shape: [1], base64: 'AACAPw==' }
 *
 * @category JSON
 */
export const tensorCodec: t.Type<Tensor, TensorJson, unknown> = new t.Type<Tensor, TensorJson, unknown>(
  'Tensor', isTensor,
  (value, context) => pipe(readTensor(value, ''), E.fold(({ sentence }) => t.failure(value, context, sentence), t.success)),
  writeTensor)

/**
 * The codec of parameters with the keys, shapes and precision of `like`, which `init(random.key(0))` gives. It round-trips every
 * entry: both precisions, ±∞, NaN and −0. Throws `TypeError` if `like` is not a parameter tree.
 *
 * @example
 * const codec = paramsCodec({ bias: tensor.zeros([1]) })
 * E.isRight(codec.decode(codec.encode({ bias: tensor.of([1]) }))) // true
 *
 * @category JSON
 */
export const paramsCodec = <P>(like: P): t.Type<P, ParamsJson, unknown> => {
  checkTree(like)
  return new t.Type<P, ParamsJson, unknown>(
    'Params',
    (value): value is P => isTreeLike(like, value),
    (value, context) => pipe(
      readTree(like, value, ''),
      // A tree with the keys of `like` and tensors like its own, which a recursion over keys cannot show.
      E.fold(({ sentence }) => t.failure(value, context, sentence), params => t.success(params as P))),
    encodeParams)
}

const isTreeLike = (like: unknown, value: unknown): boolean => {
  if (isTensor(like)) return isTensor(value) && isLike(like, value)
  if (Array.isArray(like)) return Array.isArray(value) && value.length === like.length && like.every((child, i) => isTreeLike(child, value[i]))
  const record = like as Readonly<Record<string, unknown>> // `paramsCodec` has seen that it is one
  return isPlain(value) && Object.keys(value).length === Object.keys(record).length
    && Object.keys(record).every(key => Object.hasOwn(value, key) && isTreeLike(record[key], value[key]))
}

/**
 * Parameters as JSON, for `JSON.stringify`. Throws `TypeError` for what is no parameter tree.
 *
 * @example
 * encodeParams({ bias: tensor.of([1]) }) // { bias: { precision: 'float32', shape: [1], base64: 'AACAPw==' } }
 *
 * @category JSON
 */
export const encodeParams = (params: unknown): ParamsJson => {
  checkTree(params)
  return writeTree(params)
}

/**
 * Parameters with the keys, shapes and precision of `like` from what `JSON.parse` gives. The left side says in one sentence what
 * does not fit, and where. Throws `TypeError` if `like` is not a parameter tree.
 *
 * @example
 * const decode = decodeParams({ bias: tensor.zeros([1]) })
 * pipe(decode({ bias: { precision: 'float32', shape: [1], base64: 'AACAPw==' } }), E.map(({ bias }) => tensor.toArray(bias))) // E.right([1])
 * decode({}) // E.left('parameters: missing key "bias" at ""')
 *
 * @category JSON
 */
export const decodeParams = <P>(like: P): ((json: unknown) => E.Either<string, P>) => {
  const codec = paramsCodec(like)
  return json => pipe(codec.decode(json), E.mapLeft(([{ message = 'not valid' }]) => `parameters: ${message}`))
}
