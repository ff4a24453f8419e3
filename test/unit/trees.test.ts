import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { tensor, tree, type Tensor } from 'pullback'
import { zipInto } from '../../src/tree/tree.js'
import { arbitrary } from 'pullback/laws'

const leaf: fc.Arbitrary<Tensor> = arbitrary.tensors({ maxAxes: 2 })
const trees = fc.record({ wte: fc.record({ weight: leaf }), h: fc.array(fc.record({ bias: leaf, weight: leaf }), { maxLength: 3 }) })

const x = tensor.of([1, 2], 'float64'), y = tensor.of([3, 4], 'float64')

describe('trees', () => {
  test('flatten and unflatten are inverse, whatever the order of the list', () => {
    fc.assert(fc.property(trees, params => {
      const like = tree.zeros(params)
      expect(tree.unflatten(like)([...tree.flatten(params)].reverse())).toEqual(E.right(params))
    }))
  })
  test('paths are the keys joined by dots', () => {
    expect(tree.flatten({ h: [{ attn: x }, { attn: y }], b: x }).map(([path]) => path)).toEqual(['h.0.attn', 'h.1.attn', 'b'])
    expect(tree.flatten(x)).toEqual([['', x]])
  })
  test('map, zipWith and zipAll see the same paths', () => {
    const seen: string[] = []
    const note = (path: string): void => { seen.push(path) }
    const params = { a: [x], b: y }
    tree.map((t, path) => (note(path), t))(params)
    tree.zipWith(params, (a, _, path) => (note(path), a))(params)
    tree.zipAll([params], ([a], path) => (note(path), a))
    expect(seen).toEqual(['a.0', 'b', 'a.0', 'b', 'a.0', 'b'])
  })
  test('zipInto makes a tree for each name', () => {
    const params = { a: [x], b: y }
    const { sum, first } = zipInto(['sum', 'first'], [params, params], ([a, b], path) => ({ sum: tensor.add(b)(a), first: path === 'b' ? a : tensor.scale(3)(a) }))
    expect(sum).toEqual(tree.add(params)(params))
    expect(first).toEqual({ a: [tensor.scale(3)(x)], b: y })
    expect(zipInto(['m'], [{}], () => ({ m: x }))).toEqual({ m: {} })
    // Places count, neither paths nor tensors: two leaves may share either.
    const tied = { 'a.b': x, a: { b: y }, c: x }
    const doubled = tree.map(tensor.scale(2))(tied)
    expect(zipInto(['sum'], [tied, doubled], ([a, b]) => ({ sum: tensor.add(b)(a) })).sum).toEqual(tree.add(doubled)(tied))
    expect(zipInto(['last'], [tied, { ...tied, c: y }], ([, b]) => ({ last: b })).last).toEqual({ ...tied, c: y })
  })
  test('an array stays an array and a record a record', () => {
    expect(tree.map(tensor.scale(2))({ a: [x], b: { c: y } })).toEqual({ a: [tensor.scale(2)(x)], b: { c: tensor.scale(2)(y) } })
  })
  test('reduce and count go through every leaf', () => {
    const params = { a: [x, tensor.of([5], 'float64')], b: y }
    expect(tree.count(params)).toBe(5)
    expect(tree.reduce('', (text, t, path) => `${text}${path}:${t.data.length} `)(params)).toBe('a.0:2 a.1:1 b:2 ')
  })
})

class Layers { constructor(readonly weight: Tensor) {} }

describe('what is no tree, or another one, is named', () => {
  test.each<readonly [string, () => unknown, string]>([
    ['null', () => tree.map(t => t)({ a: null }), 'tree: expected a tensor, a plain record or an array at "a", got null'],
    ['a number', () => tree.map(t => t)({ a: [7] }), 'tree: expected a tensor, a plain record or an array at "a.0", got 7'],
    ['a key too many', () => tree.add<unknown>({ a: x, b: y })({ a: x }), 'tree: unexpected key "b" at ""'],
    ['a key too few', () => tree.add<unknown>({ a: x })({ a: x, b: y }), 'tree: missing key "b" at ""'],
    ['another key', () => tree.add<unknown>({ a: { c: x } })({ a: { b: x } }), 'tree: missing key "b" at "a"'],
    ['some keys of three', () => tree.zipAll<unknown>([{ a: x, b: y }, { a: x, b: y }, { a: x, c: y }], ([t]) => t), 'tree: missing key "b" at ""'],
    ['a missing key among several results', () => zipInto<unknown, 'm'>(['m'], [{ a: x, b: y }, { a: x }], ([t]) => ({ m: t })), 'tree: missing key "b" at ""'],
    ['a tensor in place of a record', () => tree.add<unknown>(x)({ a: x }), 'tree: expected a record at "", got a tensor [2] whose data is a Float64Array of 2'],
    ['a record in place of a tensor', () => tree.add<unknown>({ shape: x, data: x })(x), 'tree: expected a tensor at "", got a record'],
    ['a key that is missing deep inside', () => tree.add<unknown>({ h: [{ y: x }] })({ h: [{ x, y: x }] }), 'tree: missing key "x" at "h.0"'],
    ['a third tree that is no tensor', () => tree.zipAll<unknown>([x, x, { a: x }], ([t]) => t), 'tree: expected a tensor at "", got a record'],
    ['an array in place of a record', () => tree.add<unknown>({ h: [x] })({ h: { 0: x } }), 'tree: expected a record at "h", got an array of 1'],
    ['a record in place of an array', () => tree.add<unknown>({ h: { 0: x } })({ h: [x] }), 'tree: expected an array at "h", got a record'],
    ['a Map', () => tree.map(t => t)({ a: new Map([['w', x]]) }), 'tree: expected a tensor, a plain record or an array at "a", got a Map'],
    ['an instance of a class', () => tree.map(t => t)({ a: [new Layers(x)] }), 'tree: expected a tensor, a plain record or an array at "a.0", got a Layers'],
    ['tokens', () => tree.map(t => t)({ a: tensor.tokensOf([1]) }), 'tree: expected a tensor, a plain record or an array at "a", got tokens [1] whose data is an Int32Array of 1'],
    ['what JSON makes of a tensor', () => tree.count(JSON.parse(JSON.stringify({ a: x }))),
      'tree: expected a tensor, a plain record or an array at "a", got a tensor [2] whose data is a record']
  ])('%s', (_, run, message) => {
    expect(run).toThrow(new TypeError(message))
  })

  const vectors = { a: x, b: y }
  test.each<readonly [string, unknown, readonly tree.Entry[], string]>([
    ['a missing tensor', vectors, [['a', x]], 'tensor "b" is missing'],
    ['another shape', vectors, [['a', x], ['b', tensor.of([[1, 2]], 'float64')]], 'tensor "b" is float64 [1, 2], expected float64 [2]'],
    ['another shape than a matrix', { m: tensor.of([[1, 2]], 'float64') }, [['m', x]], 'tensor "m" is float64 [2], expected float64 [1, 2]'],
    ['another precision', vectors, [['a', tensor.of([1, 2])], ['b', y]], 'tensor "a" is float32 [2], expected float64 [2]'],
    ['a tensor twice', vectors, [['a', x], ['b', y], ['a', y]], 'tensor "a" occurs twice'],
    ['a tensor too many', vectors, [['a', x], ['b', y], ['c', x]], 'tensor "c" has no place among the parameters']
  ])('%s', (_, like, entries, message) => {
    expect(tree.unflatten(like)(entries)).toEqual(E.left(message))
  })
})
