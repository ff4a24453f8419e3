/**
 * Parameters as JSON: the same records and arrays, with a small record for each tensor.
 *
 * ```json
 * { "weight": { "precision": "float32", "shape": [2], "base64": "AACAPwAAwH8=" } }
 * ```
 *
 * The entries are the bytes of the numbers, row-major and little-endian, in base64 (RFC 4648). JSON has no NaN and no ∞, and
 * would turn −0 into 0; bytes keep all of them, need no rule for rounding, and take 5.3 characters for a number of single
 * precision, where its decimal digits take about eleven.
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as t from 'io-ts'
import { show } from '../tensor/domain.js'
import { isShapeOf, sameShape, sizeOf } from '../tensor/shape.js'
import { isTensor, own, type Precision, precisionOf, type Tensor } from '../tensor/tensor.js'
import { flatten, map } from '../tree/tree.js'
import { sentenceOf } from './messages.js'

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
  text.length === 4 * Math.ceil(bytes / 3) && ALPHABET.test(text) && text.length - text.replace(/=+$/, '').length === (3 - bytes % 3) % 3

const Axes = new t.Type<readonly number[], readonly number[], unknown>(
  'an array of non-negative integers',
  (value): value is readonly number[] => Array.isArray(value) && isShapeOf(value, sizeOf(value as number[])),
  (value, context) => (Axes.is(value) ? t.success(value.slice()) : t.failure(value, context)),
  t.identity)

const Stored = t.strict({
  precision: t.keyof({ float32: null, float64: null }, '"float32" or "float64"'),
  shape: Axes,
  base64: t.string
}, 'a tensor with precision, shape and base64')

/**
 * The codec of one tensor. It round-trips every entry: both precisions, ±∞, NaN and −0.
 *
 * @category JSON
 */
export const tensorCodec: t.Type<Tensor, TensorJson, unknown> = new t.Type<Tensor, TensorJson, unknown>(
  'a tensor',
  isTensor,
  (value, context) => pipe(
    Stored.validate(value, context),
    E.chain(({ precision, shape, base64 }) => {
      const length = sizeOf(shape)
      return isBase64Of(base64, BYTES[precision] * length)
        ? t.success(own(shape, numbersOf(base64, precision, length)))
        : t.failure(base64, [...context, { key: 'base64', type: { ...t.string, name: `base64 of ${length} numbers in ${precision}` } }])
    })),
  tensor => ({ precision: precisionOf(tensor), shape: tensor.shape.slice(), base64: base64Of(tensor) }))
