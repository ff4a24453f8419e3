/**
 * The safetensors format: named tensors in one file, which other tools open.
 *
 * ```text
 * 8 bytes   N, the length of the header, unsigned, little-endian
 * N bytes   JSON: { "name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24] }, …, "__metadata__": { … } }
 *           without white space before it or a key twice; spaces may follow
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
import { brief, briefShape, quoted } from '../tensor/foreign.js'
import { check, recordOf } from '../tensor/domain.js'
import { checkEntries } from '../tree/entries.js'
import { parseJson } from './parse.js'
import { sentenceOf, surplusKey } from './messages.js'

/** Named tensors and notes about them. */
export interface NamedTensors {
  readonly tensors: readonly Entry[]
  readonly metadata: Readonly<Record<string, string>>
}

const METADATA = '__metadata__'
const PREFIX = 8
const ALIGNMENT = 8
/** The format's own limit of a header, in bytes. */
const LONGEST_HEADER = 100_000_000

const PRECISION: Readonly<Record<'F32' | 'F64', Precision>> = { F32: 'float32', F64: 'float64' }
const BYTES: Readonly<Record<'F32' | 'F64', number>> = { F32: 4, F64: 8 }

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
/** A tuple of io-ts would drop what follows the second one. */
const isRange = (value: unknown): value is readonly [number, number] => Array.isArray(value) && value.length === 2 && value.every(isIndex)

const guarded = <A>(name: string, is: (value: unknown) => value is A) =>
  new t.Type<A, A, unknown>(name, is, (value, context) => (is(value) ? t.success(value) : t.failure(value, context)), t.identity)

const Info = t.type({
  dtype: t.keyof({ F32: null, F64: null }, '"F32" or "F64"'),
  shape: t.array(guarded('a non-negative integer', isIndex), 'an array of non-negative integers'),
  data_offsets: guarded('two non-negative integers', isRange)
}, 'an object with dtype, shape and data_offsets')

const FIELDS = Object.keys(Info.props)
const Header = t.UnknownRecord
const Metadata = t.record(t.string, t.string, 'an object of strings')

const dtypeOf = (tensor: Tensor): 'F32' | 'F64' => (precisionOf(tensor) === 'float32' ? 'F32' : 'F64')

/** Half a character, which has no bytes in UTF-8, so other tools refuse it. */
const isBroken = (text: string): boolean => /\p{Surrogate}/u.test(text)

/** Throws `TypeError` for what could not be read back. */
const files = recordOf('tensors', 'metadata')

const checkNames = ({ tensors, metadata }: NamedTensors): void => {
  const seen = new Set<string>([METADATA, '__proto__'])
  for (const [name] of tensors) {
    if (seen.has(name) || isBroken(name))
      throw new TypeError(`encodeSafetensors: expected different names of whole characters, none of them ${METADATA} or __proto__, got ${quoted(name)}`)
    seen.add(name)
  }
  // What comes from JavaScript need not be what the type says.
  for (const [key, note] of Object.entries<unknown>(metadata))
    if (typeof note !== 'string' || isBroken(key) || isBroken(note) || key === '__proto__')
      throw new TypeError(`encodeSafetensors: expected ${METADATA} of strings of whole characters, none of them named __proto__, got ${quoted(key)} with ${typeof note === 'string' ? quoted(note) : brief(String(note))}`)
}

/**
 * The bytes of named tensors. The header is padded with spaces, so that entries begin at a multiple of 8 bytes.
 * Throws `TypeError` for a name that occurs twice, is `__metadata__` or `__proto__`, or has half a character (a lone
 * surrogate) in it, and for metadata that are no such strings; `RangeError` for a header of more than 100 MB.
 *
 * @example
 * encodeSafetensors({ tensors: [['bias', tensor.of([1, 2])]], metadata: {} }).length % 8 // 0
 *
 * @category safetensors
 */
export const encodeSafetensors = (file: NamedTensors): Uint8Array => {
  check('encodeSafetensors', 'file', files, file)
  const { tensors, metadata } = file
  checkEntries('encodeSafetensors', tensors)
  checkNames({ tensors, metadata })
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
  if (headerLength > LONGEST_HEADER)
    throw new RangeError(`encodeSafetensors: expected a header of at most ${LONGEST_HEADER} bytes, got ${headerLength}`)
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

const headerOf = (bytes: Uint8Array): E.Either<string, { readonly json: unknown, readonly begin: number }> => {
  if (bytes.length < PREFIX) return E.left(`safetensors: expected at least ${PREFIX} bytes, got ${bytes.length}`)
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true)
  if (length > BigInt(bytes.length - PREFIX))
    return E.left(`safetensors: the header should have ${length} bytes, but only ${bytes.length - PREFIX} follow`)
  if (length > BigInt(LONGEST_HEADER)) return E.left(`safetensors: expected a header of at most ${LONGEST_HEADER} bytes, got ${length}`)
  const begin = PREFIX + Number(length)
  const text = E.tryCatch(
    () => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(PREFIX, begin)),
    () => 'safetensors: the header is not valid UTF-8')
  if (E.isLeft(text)) return text
  if (/^\s/.test(text.right)) return E.left('safetensors: the header must begin with "{", without white space before it')
  const json = parseJson(text.right)
  return E.isLeft(json) ? E.left(`safetensors: the header ${json.left}`) : E.right({ json: json.right, begin })
}

/** Where a tensor lies, if what the header says of it agrees with itself. */
const locate = (name: string, value: unknown): E.Either<string, Located> => {
  const subject = `safetensors: tensor ${quoted(name)}`
  const info = Info.decode(value)
  if (E.isLeft(info)) return E.left(sentenceOf(subject, info.left))
  const surplus = surplusKey(subject, info.right, FIELDS)
  if (surplus !== undefined) return E.left(surplus)
  const { dtype, shape, data_offsets: [start, end] } = info.right
  const size = shape.reduce((product, length) => product * length, 1)
  // The product of a lying shape may overflow, but it cannot come back to a length that a file has.
  if (end - start !== size * BYTES[dtype])
    return E.left(`${subject} of dtype ${dtype} and shape ${briefShape(shape)} cannot occupy the bytes ${start} to ${end}`)
  return E.right({ name, precision: PRECISION[dtype], shape, start, end })
}

/** Tensors must cover the data from its first byte to its last, each byte once. */
const checkCover = (located: readonly Located[], length: number): string | undefined => {
  let covered = 0
  for (const { name, start, end } of [...located].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== covered)
      return `safetensors: tensor ${quoted(name)} begins at byte ${start}, but the data before it ends at byte ${covered}`
    covered = end
  }
  return covered === length ? undefined : `safetensors: the tensors have ${covered} bytes, but the file has ${length}`
}

/**
 * The tensors of a file, in the order of its header. The left side says in one sentence what is wrong with it.
 * Types of numbers other than F32 and F64 are not read.
 *
 * @example
 * const bytes = encodeSafetensors({ tensors: [['bias', tensor.of([1, 2])]], metadata: {} })
 * pipe(decodeSafetensors(bytes), E.map(({ tensors }) => tensors.map(([name, x]) => [name, tensor.toArray(x)]))) // E.right([['bias', [1, 2]]])
 * decodeSafetensors(bytes.slice(0, 4)) // E.left('safetensors: expected at least 8 bytes, got 4')
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
    if (isBroken(name)) return E.left(`safetensors: the name ${quoted(name)} has half a character in it`)
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
