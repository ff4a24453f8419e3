/**
 * The safetensors format: named tensors in one file, which other tools open.
 *
 * ```text
 * 8 bytes   N, the length of the header, unsigned, little-endian
 * N bytes   JSON: { "name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24] }, …, "__metadata__": { … } }
 * the rest  the entries of all tensors, row-major, little-endian, without gaps or overlaps
 * ```
 *
 * A file is not trusted: what it says is checked against its length before anything is allocated, and a mistake is
 * one sentence in a `Left`. (Hugging Face, *Safetensors*, format description.)
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { fromArray, own, type Precision, precisionOf, type Tensor } from '../tensor/tensor.js'
import type { Entry } from '../tree/tree.js'
import { sentenceOf } from './messages.js'

/** Named tensors and notes about them. */
export interface NamedTensors {
  readonly tensors: readonly Entry[]
  readonly metadata: Readonly<Record<string, string>>
}

const METADATA = '__metadata__'
const PREFIX = 8
const ALIGNMENT = 8

const PRECISION: Readonly<Record<'F32' | 'F64', Precision>> = { F32: 'float32', F64: 'float64' }
const BYTES: Readonly<Record<'F32' | 'F64', number>> = { F32: 4, F64: 8 }

const index = new t.Type<number, number, unknown>(
  'a non-negative integer',
  (value): value is number => Number.isSafeInteger(value) && (value as number) >= 0,
  (value, context) => (Number.isSafeInteger(value) && (value as number) >= 0 ? t.success(value as number) : t.failure(value, context)),
  t.identity)

const Info = t.type({
  dtype: t.keyof({ F32: null, F64: null }, '"F32" or "F64"'),
  shape: t.array(index, 'an array of non-negative integers'),
  data_offsets: t.tuple([index, index], 'two non-negative integers')
}, 'an object with dtype, shape and data_offsets')

const Header = t.UnknownRecord
const Metadata = t.record(t.string, t.string, 'an object of strings')

const dtypeOf = (tensor: Tensor): 'F32' | 'F64' => (precisionOf(tensor) === 'float32' ? 'F32' : 'F64')

/**
 * The bytes of named tensors. The header is padded with spaces, so that entries begin at a multiple of 8 bytes.
 * Throws `TypeError` for a name that occurs twice or is `__metadata__` or `__proto__`.
 *
 * @category safetensors
 */
export const encodeSafetensors = ({ tensors, metadata }: NamedTensors): Uint8Array => {
  const names = new Set(tensors.map(([name]) => name))
  if (names.size !== tensors.length || names.has(METADATA) || names.has('__proto__'))
    throw new TypeError(`encodeSafetensors: expected different names, none of them ${METADATA} or __proto__`)
  // Doubles first: then every tensor begins at a multiple of its own width.
  const ordered = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT)
  let end = 0
  const infos = ordered.map(([name, tensor]) => {
    const start = end
    end += tensor.data.length * tensor.data.BYTES_PER_ELEMENT
    return [name, { dtype: dtypeOf(tensor), shape: tensor.shape, data_offsets: [start, end] }] as const
  })
  const notes = Object.keys(metadata).length === 0 ? [] : [[METADATA, metadata] as const]
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries<unknown>([...notes, ...infos])))
  const headerLength = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT
  const bytes = new Uint8Array(PREFIX + headerLength + end).fill(0x20, PREFIX, PREFIX + headerLength)
  bytes.set(json, PREFIX)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(headerLength), true)
  let at = PREFIX + headerLength
  for (const [, { data }] of ordered)
    for (let i = 0; i < data.length; i++, at += data.BYTES_PER_ELEMENT)
      if (data.BYTES_PER_ELEMENT === 4) view.setFloat32(at, data[i], true)
      else view.setFloat64(at, data[i], true)
  return bytes
}

interface Located {
  readonly name: string
  readonly precision: Precision
  readonly shape: readonly number[]
  readonly start: number
  readonly end: number
}

const parseJson = (text: string): E.Either<string, unknown> =>
  E.tryCatch((): unknown => JSON.parse(text), () => 'safetensors: the header is not valid JSON')

const headerOf = (bytes: Uint8Array): E.Either<string, { readonly json: unknown, readonly begin: number }> => {
  if (bytes.length < PREFIX) return E.left(`safetensors: expected at least ${PREFIX} bytes, got ${bytes.length}`)
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true)
  if (length > BigInt(bytes.length - PREFIX))
    return E.left(`safetensors: the header should have ${length} bytes, but only ${bytes.length - PREFIX} follow`)
  const begin = PREFIX + Number(length)
  const text = E.tryCatch(
    () => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(PREFIX, begin)),
    () => 'safetensors: the header is not valid UTF-8')
  if (E.isLeft(text)) return text
  const json = parseJson(text.right)
  return E.isLeft(json) ? json : E.right({ json: json.right, begin })
}

/** Where a tensor lies, if what the header says of it agrees with itself. */
const locate = (name: string, value: unknown): E.Either<string, Located> => {
  const info = Info.decode(value)
  if (E.isLeft(info)) return E.left(sentenceOf(`safetensors: tensor ${JSON.stringify(name)}`, info.left))
  const { dtype, shape, data_offsets: [start, end] } = info.right
  const size = shape.reduce((product, length) => product * length, 1)
  // The product of a lying shape may overflow, but it cannot come back to a length that a file has.
  if (!Number.isSafeInteger(size) || end - start !== size * BYTES[dtype])
    return E.left(`safetensors: tensor ${JSON.stringify(name)} of dtype ${dtype} and shape [${shape.join(', ')}] cannot occupy the bytes ${start} to ${end}`)
  return E.right({ name, precision: PRECISION[dtype], shape, start, end })
}

/** Tensors must cover the data from its first byte to its last, each byte once. */
const checkCover = (located: readonly Located[], length: number): string | undefined => {
  let covered = 0
  for (const { name, start, end } of [...located].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== covered)
      return `safetensors: tensor ${JSON.stringify(name)} begins at byte ${start}, but the data before it ends at byte ${covered}`
    covered = end
  }
  return covered === length ? undefined : `safetensors: the tensors have ${covered} bytes, but the file has ${length}`
}

/**
 * The tensors of a file, in the order of its header. The left side says in one sentence what is wrong with it.
 * Types of numbers other than F32 and F64 are not read.
 *
 * @category safetensors
 */
export const decodeSafetensors = (bytes: Uint8Array): E.Either<string, NamedTensors> => {
  const header = headerOf(bytes)
  if (E.isLeft(header)) return header
  const { json, begin } = header.right
  const record = Array.isArray(json) ? E.left([]) : Header.decode(json)
  if (E.isLeft(record)) return E.left('safetensors: expected the header to be a JSON object')
  const located: Located[] = []
  let metadata: Readonly<Record<string, string>> = {}
  for (const [name, value] of Object.entries(record.right)) {
    if (name === '__proto__') return E.left('safetensors: "__proto__" cannot be the name of a tensor')
    if (name === METADATA) {
      const notes = Metadata.decode(value)
      if (E.isLeft(notes)) return E.left(sentenceOf(`safetensors: ${METADATA}`, notes.left))
      metadata = notes.right
    } else {
      const place = locate(name, value)
      if (E.isLeft(place)) return place
      located.push(place.right)
    }
  }
  const gap = checkCover(located, bytes.length - begin)
  if (gap !== undefined) return E.left(gap)
  const view = new DataView(bytes.buffer, bytes.byteOffset + begin, bytes.length - begin)
  return E.right({ tensors: located.map(place => [place.name, read(view, place)] as const), metadata })
}

const read = (view: DataView, { precision, shape, start, end }: Located): Tensor => {
  if (precision === 'float32') {
    const data = new Float32Array((end - start) / 4)
    for (let i = 0; i < data.length; i++) data[i] = view.getFloat32(start + 4 * i, true)
    return own(shape, data)
  }
  return fromArray(shape, Array.from({ length: (end - start) / 8 }, (_, i) => view.getFloat64(start + 8 * i, true)), precision)
}
