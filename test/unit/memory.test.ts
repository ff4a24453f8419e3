import { describe, expect, test } from 'vitest'
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, andThenTied, branches, deferred, frozen, generate, labelled, linear, named, nextTokenLogits, noParams, parameterless, random, recompute, relu,
  residual, stack, tensor, unembedding, type Decoder, type Gradient, type Layer, type NoParams, type Tensor
} from 'pullback'
import { guard } from '../../src/layer/guard.js'
import { region, regionLoop, settled } from '../../src/memory/region.js'
import { guarded, guardedMethod, isTrusted, ordinary, outside, trusted } from '../../src/memory/trust.js'
import { mapTensors, tensorsIn } from '../../src/memory/values.js'
import { instance } from '../../src/kernels/simd/instance.js'
import { notFinite } from '../../src/tree/finite.js'

const inArena = (x: Tensor): boolean => instance !== undefined && x.data instanceof Float32Array && x.data.buffer === instance.memory.buffer
const offsetOf = ({ data }: Tensor): number => (data instanceof Float32Array ? data.byteOffset : -1)
const twice = (x: Tensor): Tensor => tensor.scale(2)(x)
const one = (): Tensor => tensor.of([1, 2])
/** Kernels' results are views of the arena only where there are kernels. */
const views = (): boolean => region(() => inArena(twice(one())))

class Holder {
  constructor(readonly x: Tensor) {}
}

describe('the tensors in a value', () => {
  test('are those of records and arrays, in order, and of nothing else', () => {
    const [p, q, r] = [tensor.of(1), tensor.of(2), tensor.of(3)]
    const bare = Object.assign(Object.create(null) as object, { r })
    expect(tensorsIn({ p, rest: [q, bare, 3, null, undefined, 'text', () => p], other: [new Holder(p), new Map([['p', p]])] })).toEqual([p, q, r])
    expect([3, null, undefined, 'text', new Holder(p)].map(tensorsIn)).toEqual([[], [], [], [], []])
    expect(tensorsIn(p)).toEqual([p])
  })
  test('are replaced, and what has none of them stays itself', () => {
    const holder = new Holder(one()), map = new Map([['x', one()]]), f = (): number => 0
    const value = { x: one(), list: [one(), 3, null, [4]], holder, map, f, none: { a: [1] } }
    const mapped = mapTensors(twice)(value)
    expect(mapped).toEqual({ ...value, x: twice(one()), list: [twice(one()), 3, null, [4]] })
    expect([mapped.holder, mapped.map, mapped.f, mapped.none, mapped.list[3]]).toEqual([holder, map, f, value.none, value.list[3]])
    expect(mapped.holder === holder && mapped.map === map && mapped.none === value.none && mapped.list[3] === value.list[3]).toBe(true)
    expect(value.list[0]).toEqual(one())
    const same = { list: [one(), [2]], record: Object.assign(Object.create(null) as object, { x: one() }), holder, date: new Date(0) }
    expect(mapTensors(x => x)(same)).toBe(same)
    for (const leaf of [3, null, undefined, 'text', f, holder]) expect(mapTensors(twice)(leaf)).toBe(leaf)
    expect(mapTensors(twice)(Object.assign(Object.create(null) as object, { x: one() }))).toEqual({ x: twice(one()) })
    const hidden = { get x(): number { return 3 } }
    expect(Object.getOwnPropertyDescriptor(mapTensors(x => x)(hidden), 'x')).toMatchObject({ value: 3 })
    expect(mapTensors(x => x)([one(), hidden])[1]).not.toBe(hidden)
  })
  test('what is deferred is computed once', () => {
    let calls = 0
    const gradient: Gradient<number, Tensor> = { params: 1, get input() { calls++; return twice(one()) } }
    const result = region(() => gradient)
    expect([result.input, result.input, calls]).toEqual([tensor.of([2, 4]), tensor.of([2, 4]), 1])
    expect(inArena(result.input)).toBe(false)
  })
})

describe('a region', () => {
  test('gives an ordinary value, itself where nothing has to move, with one copy of what occurs twice', () => {
    const x = one(), made = region(() => {
      const y = twice(x)
      return { y, again: [y, tensor.reshape([2, 1])(y)], x }
    })
    expect(made).toEqual({ y: tensor.of([2, 4]), again: [tensor.of([2, 4]), tensor.of([[2], [4]])], x })
    expect(made.x).toBe(x)
    expect(made.y.data).toBe(made.again[0].data)
    expect(made.y.data).toBe(made.again[1].data)
    expect([made.y, ...made.again].some(inArena)).toBe(false)
    const whole = { x }
    expect(region(() => whole)).toBe(whole)
  })
  test('that fails leaves its place, and so does a loop', () => {
    const failing = (): never => {
      twice(one())
      throw new Error('in a region')
    }
    const depth = (): number => region(() => offsetOf(twice(one())))
    const before = depth()
    for (let i = 0; i < 3; i++) {
      expect(() => region(failing)).toThrow('in a region')
      expect(() => regionLoop(one(), failing)).toThrow('in a region')
      expect(region(() => { expect(() => regionLoop(one(), x => (x.data[0] > 2 ? failing() : twice(x)))).toThrow('in a region'); return inArena(twice(one())) })).toBe(views())
    }
    expect(depth()).toBe(before)
    expect(inArena(twice(one()))).toBe(false)
  })
  test('a loop gives its last state, and needs the memory of one step', () => {
    const offsets: number[] = []
    const last = regionLoop({ x: one(), n: 0 }, ({ x, n }) => {
      if (n === 20) return undefined
      const y = tensor.scale(1.5)(twice(x))
      offsets.push(offsetOf(y))
      return { x: tensor.scale(0.5)(y), n: n + 1 }
    })
    expect(last.n).toBe(20)
    expect(tensor.at(0)(last.x)).toBeCloseTo(1.5 ** 20, -1)
    expect(inArena(last.x)).toBe(false)
    expect(new Set(offsets.slice(2)).size).toBeLessThanOrEqual(2)
    const state = { x: one() }
    expect(regionLoop(state, () => undefined)).toBe(state)
    const inner = region(() => {
      const held = twice(one()), looped = regionLoop({ x: held, n: 0 }, ({ x, n }) => (n < 3 ? { x: twice(x), n: n + 1 } : undefined))
      return { held, looped, after: twice(looped.x) }
    })
    expect(inner).toEqual({ held: tensor.of([2, 4]), looped: { x: tensor.of([16, 32]), n: 3 }, after: tensor.of([32, 64]) })
  })
  test('settled parameters lie in it and are others', () => {
    const params = { w: one(), deep: [{ w: tensor.of([3]) }] }
    region(() => {
      const near = settled(params)
      expect(near).toEqual(params)
      expect([inArena(near.w), inArena(near.deep[0].w), inArena(params.w)]).toEqual([views(), views(), false])
      return undefined
    })
  })
})

test('what is composed of trusted layers computes in the region', () => {
  const x = tensor.of([[1, 2]]), params = { weight: tensor.of([[1, 2], [3, 4]]), bias: tensor.of([1, 2]) }, table = { weight: tensor.of([[1, 2], [3, 4]]) }
  const kept = { f: params, t: table }
  const composed: readonly ((y: Tensor) => Tensor)[] = [
    y => pipe(linear, named('f')).forward({ f: params }, y),
    y => pipe(relu, labelled('f')).forward(noParams, y),
    y => pipe(linear, named('f'), andThen('t', unembedding), andThenTied('t', unembedding)).forward(kept, y),
    y => residual(linear).forward(params, y),
    y => stack(linear).forward([params, params], y),
    y => branches({ f: linear }).forward({ f: params }, y).f,
    y => pipe(linear, frozen(params)).forward(noParams, y),
    y => recompute(linear).forward(params, y)
  ]
  for (const f of composed) expect(region(() => inArena(f(x)))).toBe(views())
})

describe('functions that are not trusted', () => {
  test('are called outside, on ordinary values, with their own this', () => {
    const record = {
      offset: 1,
      f(x: Tensor, n: number): readonly unknown[] { return [inArena(x), inArena(twice(x)), this.offset + n] }
    }
    const method = guardedMethod(record, 'f')
    expect(region(() => method(twice(one()), 2))).toEqual([false, false, 3])
    const f = (x: Tensor): Tensor => x
    const x = one()
    expect(region(() => guarded(f)(x))).toBe(x)
    expect(() => guardedMethod({ f: undefined }, 'f')).toThrow(new TypeError('expected a function "f", got undefined'))
    expect(() => guardedMethod({ f: 'x' }, 'f')).toThrow(new TypeError('expected a function "f", got string'))
  })
  test('trusted ones are called as they are, and trust is of a function', () => {
    const f = (x: Tensor): boolean => inArena(twice(x)), g = (): number => 0
    const record = { f, n: 3 }
    expect([isTrusted(f), isTrusted(record)]).toEqual([false, false])
    expect(region(() => guarded(f)(one()))).toBe(false)
    expect(trusted(record)).toBe(record)
    expect([isTrusted(f), isTrusted(record), isTrusted(g)]).toEqual([true, false, false])
    expect(trusted(g)).toBe(g)
    expect(isTrusted(g)).toBe(true)
    expect(guarded(f)).toBe(f)
    expect(guardedMethod({ f }, 'f')).toBe(f)
    expect(region(() => guarded(f)(one()))).toBe(views())
  })
  test('an ordinary value is a copy only where it has to be', () => {
    const x = one(), value = { x, n: [1] }
    expect(ordinary(value)).toBe(value)
    region(() => {
      const y = twice(x), copy = ordinary({ x, y })
      expect([copy.x === x, copy.y.data === y.data, inArena(copy.y)]).toEqual([true, !views(), false])
      expect(copy.y).toEqual(y)
      expect(inArena(outside(() => twice(x)))).toBe(false)
      expect(inArena(twice(x))).toBe(views())
      return undefined
    })
  })
  test('a layer that is guarded keeps its readings, and its pullback is called outside too', () => {
    const seen: boolean[] = []
    const see = (x: Tensor): Tensor => {
      seen.push(inArena(x), inArena(twice(x)))
      return x
    }
    const plain = (): Layer<NoParams, Tensor, Tensor> => parameterless(see, (_, dy) => see(dy))
    const mine = guard<NoParams, Tensor, Tensor, Tensor>({ ...plain(), rowwise: true, step: (_, memory, x) => [see(x), memory], trace: (_, x) => [see(x), []] })
    region(() => {
      const x = twice(one())
      mine.forward({}, x)
      const [y, pullback] = mine.vjp({}, x), { input } = pullback(twice(y))
      mine.step?.({}, undefined, twice(input))
      mine.trace?.({}, x)
      return undefined
    })
    expect(seen.length).toBe(10)
    expect(seen).not.toContain(true)
    expect(Object.keys(mine)).toEqual(['forward', 'vjp', 'step', 'rowwise', 'trace'])
    const lazy = guard<NoParams, Tensor, Tensor, Tensor>({ ...plain(), vjp: (_, x) => [x, dy => deferred(noParams, () => see(dy))] })
    expect(Object.keys(lazy)).toEqual(['forward', 'vjp'])
    region(() => lazy.vjp({}, twice(one()))[1](twice(one())))
    expect(seen).not.toContain(true)
    expect(Object.keys(guard<NoParams, Tensor, Tensor, Tensor>({ ...plain(), last: (_, memory, x) => [see(x), memory] }))).toEqual(['forward', 'vjp', 'last'])
    const known = trusted(plain())
    expect(guard(known).vjp).toBe(known.vjp)
  })
})

describe('generation works in a region where nobody of the user is', () => {
  const logits = (p: Tensor): Tensor => tensor.scale(1)(p)
  test('with a decoder that is trusted as a whole, and a sampler that is', () => {
    for (const [trustsEmpty, trustsRead, trustsSampler] of [[true, true, true], [true, true, false], [true, false, true], [false, true, true], [false, false, false]] as const) {
      const seen: boolean[] = [], chosen: boolean[] = []
      const known = <F extends object>(f: F, is: boolean): F => (is ? trusted(f) : f)
      const decoder: Decoder<Tensor, number> = {
        empty: known(() => 0, trustsEmpty),
        read: known((p: Tensor, cache: number) => {
          seen.push(inArena(p), inArena(logits(p)))
          return [logits(p), cache + 1] as const
        }, trustsRead)
      }
      const sampler = known((x: Tensor) => {
        chosen.push(inArena(x))
        return () => 1
      }, trustsSampler)
      const params = tensor.of([1, 2, 3])
      expect(generate({ decoder, params, sampler, count: 2 })([0], random.key(0))).toEqual([1, 1])
      const isIn = trustsEmpty && trustsRead && views()
      expect(seen).toEqual([isIn, isIn, isIn, isIn])
      expect(chosen).toEqual([isIn && trustsSampler, isIn && trustsSampler])
      seen.length = 0
      expect(nextTokenLogits({ decoder, params })([0])).toEqual(params)
      expect(seen).toEqual([false, isIn])
    }
  })
})

describe('a number that is none', () => {
  test('is found with the path of the first leaf that has one', () => {
    expect(notFinite({ a: one(), b: [tensor.of([1, NaN, Infinity])], c: tensor.of([-Infinity]) })).toEqual(['b.0', NaN])
    expect(notFinite({ c: tensor.of([1, -Infinity, NaN]) })).toEqual(['c', -Infinity])
    expect(notFinite(tensor.of(Infinity, 'float64'))).toEqual(['', Infinity])
    expect(notFinite({ a: one(), b: [], c: tensor.of([3e38, -3e38]), d: tensor.of([1e300], 'float64') })).toBeUndefined()
  })
})
