import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors, tensor, type Tensor } from 'pullback'

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const encoded = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A file with the given header and so many bytes of data. */
const file = (json: string | Uint8Array, bytes = 0, length?: number): Uint8Array => {
  const header = typeof json === 'string' ? encoded(json) : json
  const whole = new Uint8Array(8 + header.length + bytes)
  new DataView(whole.buffer).setBigUint64(0, BigInt(length ?? header.length), true)
  whole.set(header, 8)
  return whole
}
const info = (fields: object): string => JSON.stringify({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...fields } })

describe('the bytes that are written', () => {
  test('are the length of the header, the header with doubles first, spaces to a multiple of 8, and the numbers', () => {
    const single = (x: number): Tensor => tensor.of([x]), double = (x: number): Tensor => tensor.of([x], 'float64')
    const bytes = encodeSafetensors({ tensors: [['a', single(1)], ['b', double(2)], ['c', single(3)], ['d', double(4)]], metadata: {} })
    const header = JSON.stringify({
      b: { dtype: 'F64', shape: [1], data_offsets: [0, 8] }, d: { dtype: 'F64', shape: [1], data_offsets: [8, 16] },
      a: { dtype: 'F32', shape: [1], data_offsets: [16, 20] }, c: { dtype: 'F32', shape: [1], data_offsets: [20, 24] }
    })
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8), view = new DataView(bytes.buffer), begin = 8 + padded.length
    expect(view.getBigUint64(0, true)).toBe(BigInt(padded.length))
    expect(textOf(bytes.subarray(8, begin))).toBe(padded)
    expect(bytes.length).toBe(begin + 24)
    expect([view.getFloat64(begin, true), view.getFloat64(begin + 8, true), view.getFloat32(begin + 16, true), view.getFloat32(begin + 20, true)]).toEqual([2, 4, 1, 3])
  })
  test('a header that needs no spaces has none, and notes come first', () => {
    for (const note of Array.from({ length: 8 }, (_, i) => 'x'.repeat(i))) {
      const bytes = encodeSafetensors({ tensors: [], metadata: { note } }), json = JSON.stringify({ __metadata__: { note } })
      expect(textOf(bytes.subarray(8))).toBe(json.padEnd(Math.ceil(json.length / 8) * 8))
    }
    expect(textOf(encodeSafetensors({ tensors: [], metadata: {} }).subarray(8))).toBe('{}      ')
  })
  test('what cannot be read back is refused in one sentence', () => {
    const one = tensor.of([1])
    const write = (tensors: readonly (readonly [string, Tensor])[], metadata: object = {}) => () => encodeSafetensors({ tensors, metadata: metadata as Record<string, string> })
    const names = 'encodeSafetensors: expected different names of whole characters, none of them __metadata__ or __proto__, got'
    expect(write([['a', one], ['b', one], ['a', one]])).toThrow(new TypeError(`${names} "a"`))
    expect(write([['__metadata__', one]])).toThrow(new TypeError(`${names} "__metadata__"`))
    expect(write([['__proto__', one]])).toThrow(new TypeError(`${names} "__proto__"`))
    const notes = 'encodeSafetensors: expected __metadata__ of strings of whole characters, none of them named __proto__, got'
    expect(write([], { a: 1 })).toThrow(new TypeError(`${notes} "a" with 1`))
    expect(write([], { a: 'b', c: '\ud800' })).toThrow(new TypeError(`${notes} "c" with "\\ud800"`))
    expect(write([], { '\ud800': '' })).toThrow(new TypeError(`${notes} "\\ud800" with ""`))
    expect(write([], Object.fromEntries([['__proto__', 'x']]))).toThrow(new TypeError(`${notes} "__proto__" with "x"`))
  })
})

describe('the bytes that are read', () => {
  const rows: readonly (readonly [problem: string, bytes: () => Uint8Array])[] = [
    ['expected at least 8 bytes, got 7', () => new Uint8Array(7)],
    ['the header should have 3 bytes, but only 2 follow', () => file('{}', 0, 3)],
    ['the header is not valid UTF-8', () => file(Uint8Array.from([0x7b, 0xff, 0x7d]))],
    ['the header must begin with "{", without white space before it', () => file(' {}')],
    ['the header must begin with "{", without white space before it', () => file('\ufeff{}')],
    ['the header is not valid JSON', () => file('{} x')],
    ['the header has the key "a" twice', () => file('{"a":1,"a":1}')],
    ['expected the header to be a JSON object', () => file('[]')],
    ['expected the header to be a JSON object', () => file('3')],
    ['"__proto__" cannot be the name of a tensor', () => file('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4)],
    ['the name "\\ud800" has half a character in it', () => file('{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4)],
    ['__metadata__: expected string at "a", got 1', () => file('{"__metadata__":{"a":1}}')],
    ['__metadata__: expected an object of strings, got null', () => file('{"__metadata__":null}')],
    ['tensor "a": expected an object with dtype, shape and data_offsets, got 3', () => file('{"a":3}')],
    ['tensor "a": expected "F32" or "F64" at "dtype", got "I64"', () => file(info({ dtype: 'I64' }), 4)],
    ['tensor "a": expected an array of non-negative integers at "shape", got 1', () => file(info({ shape: 1 }), 4)],
    ...[-1, 0.5, 2 ** 53, '1'].map(axis => [`tensor "a": expected a non-negative integer at "shape.1", got ${JSON.stringify(axis)}`, () => file(info({ shape: [1, axis] }), 4)] as const),
    ...[[0, 4, 8], [0], [0, -4], [0.5, 4], ['0', 4]].map(range => [`tensor "a": expected two non-negative integers at "data_offsets", got an array of ${range.length}`, () => file(info({ data_offsets: range }), 4)] as const),
    ['tensor "a": expected two non-negative integers at "data_offsets", got "04"', () => file(info({ data_offsets: '04' }), 4)],
    ['tensor "a": expected only "dtype", "shape", "data_offsets", got "scale"', () => file(info({ scale: 1 }), 4)],
    ['tensor "a" of dtype F32 and shape [2] cannot occupy the bytes 0 to 4', () => file(info({ shape: [2] }), 4)],
    ['tensor "a" of dtype F64 and shape [1] cannot occupy the bytes 0 to 4', () => file(info({ dtype: 'F64' }), 4)],
    ['tensor "a" of dtype F32 and shape [9007199254740991, 2] cannot occupy the bytes 0 to 4', () => file(info({ shape: [2 ** 53 - 1, 2] }), 4)],
    ['tensor "a" begins at byte 4, but the data before it ends at byte 0', () => file(info({ data_offsets: [4, 8] }), 8)],
    ['the tensors have 4 bytes, but the file has 5', () => file(info({}), 5)],
    ['the tensors have 4 bytes, but the file has 3', () => file(info({}), 3)]
  ]
  test.each(rows)('%s', (problem, bytes) => { expect(decodeSafetensors(bytes())).toEqual(E.left(`safetensors: ${problem}`)) })
  test('may lie within a larger buffer, with tensors in any order, empty ones too', () => {
    const header = '{"x":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"y":{"dtype":"F64","shape":[1],"data_offsets":[4,12]},"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"z":{"dtype":"F32","shape":[0,2],"data_offsets":[0,0]},"v":{"dtype":"F64","shape":[0],"data_offsets":[16,16]}} '
    const whole = file(header, 16), view = new DataView(whole.buffer), begin = whole.length - 16
    view.setFloat32(begin, 1, true)
    view.setFloat64(begin + 4, 2, true)
    view.setFloat32(begin + 12, 3, true)
    const larger = new Uint8Array(whole.length + 20)
    larger.set(whole, 13)
    expect(decodeSafetensors(larger.subarray(13, 13 + whole.length))).toEqual(E.right({
      metadata: {},
      tensors: [['x', tensor.of([3])], ['y', tensor.of([2], 'float64')], ['w', tensor.of(1)], ['z', tensor.zeros([0, 2])], ['v', tensor.zeros([0], 'float64')]]
    }))
  })
})
