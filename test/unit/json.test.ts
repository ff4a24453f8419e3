import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { decodeParams, encodeParams, paramsCodec, tensor, tensorCodec, type Precision, type Tensor } from 'pullback'

const entry = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 5e-324, 1e-45, 3.4028234663852886e38, Number.MAX_VALUE))

const leaf = (precision: Precision): fc.Arbitrary<Tensor> => fc.array(fc.nat({ max: 3 }), { maxLength: 3 }).chain(shape => {
  const length = shape.reduce((a, b) => a * b, 1)
  return fc.array(entry, { minLength: length, maxLength: length }).map(values => tensor.fromArray(shape, values, precision))
})

const anyLeaf = fc.oneof(leaf('float32'), leaf('float64'))

const trees = fc.record({
  wte: anyLeaf, h: fc.array(fc.record({ weight: anyLeaf, bias: anyLeaf }), { maxLength: 3 }), any: fc.dictionary(fc.string(), anyLeaf, { maxKeys: 3 })
})

const through = (params: unknown): unknown => JSON.parse(JSON.stringify(encodeParams(params)))

describe('parameters as JSON', () => {
  test('come back as they were, to the bit: both precisions, ±∞, NaN and −0', () => {
    // toEqual tells −0 from 0, Float32Array from Float64Array, and finds NaN equal to NaN.
    fc.assert(fc.property(trees, params => {
      expect(decodeParams(params)(through(params))).toEqual(E.right(params))
      expect(paramsCodec(params).is(params)).toBe(true)
    }))
  })
  test('a hundred thousand entries', () => {
    const params = { weight: tensor.full([100, 1000], 1 / 3) }
    expect(decodeParams(params)(through(params))).toEqual(E.right(params))
  })
  test('what is written is stated', () => {
    expect(encodeParams({ w: tensor.of([1, NaN]) })).toEqual({ w: { precision: 'float32', shape: [2], base64: 'AACAPwAAwH8=' } })
    // More than one call of `fromCharCode` takes.
    const long = { w: tensor.fromArray([1500], Array.from({ length: 1500 }, (_, i) => i / 3)) }
    expect(decodeParams(long)(through(long))).toEqual(E.right(long))
    expect(tensorCodec.encode(tensor.of(-0, 'float64'))).toEqual({ precision: 'float64', shape: [], base64: 'AAAAAAAAAIA=' })
  })
  test('one tensor has a codec of its own', () => {
    fc.assert(fc.property(anyLeaf, x => { expect(tensorCodec.decode(tensorCodec.encode(x))).toEqual(E.right(x)) }))
    const x = tensor.of([1])
    expect(tensorCodec.encode(x).shape).not.toBe(x.shape)
    expect(tensorCodec.decode({ ...tensorCodec.encode(x), base64: '' })).toMatchObject(E.left([{ message: 'expected base64 of 1 numbers in float32 at "base64", got ""' }]))
    expect(tensorCodec.decode(3)).toMatchObject(E.left([{ message: 'expected a record of precision, shape and base64, got 3' }]))
  })

  const like = { h: [{ w: tensor.of([1, 2]) }], b: tensor.of(3, 'float64') }
  const json = { h: [{ w: { precision: 'float32', shape: [2], base64: 'AACAPwAAwH8=' } }], b: { precision: 'float64', shape: [], base64: 'AAAAAAAAAIA=' } }
  const withW = (w: unknown) => ({ ...json, h: [{ w }] })
  const [{ w }] = json.h
  test.each<readonly [string, unknown]>([
    ['a record of h, b, got 3', 3],
    ['a record of h, b, got null', null],
    ['a record of h, b, got a function', () => 0],
    ['a record of h, b, got 5n', 5n],
    ['an array of 1 at "h", got a record', { ...json, h: {} }],
    ['an array of 1 at "h", got an array of 2', { ...json, h: [{ w }, { w }] }],
    ['a record of precision, shape and base64 at "h.0.w", got "AAAA"', withW('AAAA')],
    ['only precision, shape and base64 at "h.0.w", got "_tag"', withW({ ...w, _tag: 'Tensor' })],
    ['"float32" or "float64" at "h.0.w.precision", got "float16"', withW({ ...w, precision: 'float16' })],
    ['"float32" or "float64" at "h.0.w.precision", got undefined', withW({ shape: [2], base64: w.base64 })],
    ['an array of non-negative integers at "h.0.w.shape", got an array of 1', withW({ ...w, shape: [-2] })],
    ['an array of non-negative integers at "h.0.w.shape", got an array of 1', withW({ ...w, shape: ['2'] })],
    ['base64 of 2 numbers in float32 at "h.0.w.base64", got "AACAPwAAwH8"', withW({ ...w, base64: 'AACAPwAAwH8' })],
    ['base64 of 2 numbers in float32 at "h.0.w.base64", got "AACAPwAAwH8A"', withW({ ...w, base64: 'AACAPwAAwH8A' })],
    ['base64 of 2 numbers in float32 at "h.0.w.base64", got "AACA wAAwH8="', withW({ ...w, base64: 'AACA wAAwH8=' })],
    ['base64 of 2 numbers in float32 at "h.0.w.base64", got an array of 0', withW({ ...w, base64: [] })],
    ['base64 of 0 numbers in float32 at "h.0.w.base64", got an array of 0', withW({ ...w, shape: [0], base64: [] })],
    ['base64 of 2 numbers in float32 at "h.0.w.base64", got "AAA="', withW({ ...w, base64: 'AAA=' })],
    ['float32 [2] at "h.0.w", got float32 [2, 1]', withW({ ...w, shape: [2, 1] })],
    ['float32 [2] at "h.0.w", got float64 [1]', withW({ precision: 'float64', shape: [1], base64: 'AACAPwAAwH8=' })],
    ['base64 of 4294967296 numbers in float32 at "h.0.w.base64", got "AACAPwAAwH8="', withW({ ...w, shape: [2 ** 32] })]
  ])('what does not fit is one sentence: expected %s', (sentence, value) => {
    expect(decodeParams(like)(value)).toEqual(E.left(`parameters: expected ${sentence}`))
  })
  test('keys that are missing or not expected are named', () => {
    expect(decodeParams(like)({ h: json.h })).toEqual(E.left('parameters: missing key "b" at ""'))
    expect(decodeParams(like)({ ...json, h: [{ v: w }] })).toEqual(E.left('parameters: missing key "w" at "h.0"'))
    expect(decodeParams(like)({ ...json, c: 1 })).toEqual(E.left('parameters: unexpected key "c" at ""'))
  })
  test('whatever comes, it is a Left and no exception', () => {
    fc.assert(fc.property(fc.anything(), value => { expect(E.isLeft(decodeParams(like)(value))).toBe(true) }))
    fc.assert(fc.property(fc.anything(), value => { expect(E.isLeft(decodeParams(like)(withW(value)))).toBe(true) }))
  })
  test('a tensor alone has no path, and keeps no array of the JSON', () => {
    const one = { precision: 'float32', shape: [1], base64: 'AACAPw==' }
    const read = decodeParams(tensor.of([0]))(one)
    one.shape[0] = 2
    expect(read).toEqual(E.right(tensor.of([1])))
    expect(decodeParams(tensor.of([0, 0]))({ ...one, shape: [1] })).toEqual(E.left('parameters: expected float32 [2], got float32 [1]'))
    expect(decodeParams(tensor.of([0]))({ ...one, precision: 'f4' })).toEqual(E.left('parameters: expected "float32" or "float64" at "precision", got "f4"'))
    expect(decodeParams(tensor.of([0]))(3)).toEqual(E.left('parameters: expected a record of precision, shape and base64, got 3'))
  })
  test('other parameters are not of the codec', () => {
    const codec = paramsCodec(like)
    expect(codec.is(like)).toBe(true)
    const others: readonly unknown[] = [
      { ...like, b: tensor.of(3) }, { h: like.h }, { ...like, c: like.b }, { ...like, h: [] }, { ...like, h: [...like.h, ...like.h] }, { ...like, h: { length: 1, 0: like.h[0] } },
      { ...like, h: [like.b] }, { h: like.h, c: like.b }, { ...like, b: { ...like.b, _tag: 'Tokens' } }, Object.assign(Object.create({}), like), json, 3, null
    ]
    expect(others.map(codec.is)).toEqual(others.map(() => false))
    expect([codec.name, tensorCodec.name]).toEqual(['Params', 'Tensor'])
  })
  test('what is no tree is a TypeError', () => {
    expect(() => encodeParams({ a: new Map() })).toThrow(new TypeError('tree: expected a tensor, a plain record or an array at "a", got a Map'))
    expect(() => paramsCodec({ a: 3 })).toThrow(TypeError)
  })
})
