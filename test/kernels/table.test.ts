import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { attention, dropout, learnedPositions, linear, mergeHeads, noMask, noParams, random, sinusoidalPositions, splitHeads, tensor } from 'pullback'
import { laws } from 'pullback/laws'
import * as algebra from '../../src/kernels/algebra.js'
import * as losses from '../../src/kernels/losses.js'
import { dropout as dropoutKernel, normal, uniform } from '../../src/kernels/random.js'
import * as rows from '../../src/kernels/rows.js'
import { claim } from '../catalogue/claim.js'
import { expectKernels } from './counted.js'

vi.mock(import('../../src/kernels/simd/arena.js'), async original => (await import('./counted.js')).counted(await original()))
afterEach(expectKernels)

const row = (length: number, from = 0): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i + from) * 3)
const size = fc.integer({ min: 0, max: 40 })

describe('nothing is read or written beyond an argument', () => {
  test('a kernel refuses arrays of other lengths, by name', () => {
    expect(() => algebra.add(row(8), row(7))).toThrow(new RangeError('add: expected 8 numbers in argument 2, got 7'))
    expect(() => rows.sumRows({ rows: 3, width: 4 }, row(11))).toThrow(new RangeError('sumRows: expected 12 numbers in argument 1, got 11'))
    expect(() => rows.sumRows.reference({ rows: 3, width: 4 }, row(11))).toThrow(RangeError)
    expectKernels()
  })
  test('ids stay within their table', () => {
    for (const ids of [Int32Array.of(0, 3), Int32Array.of(-1, 0)]) {
      expect(() => rows.gatherRows({ rows: 3, width: 4, count: 2 }, row(12), ids)).toThrow('expected ids from 0 to 2')
      expect(() => rows.scatterAddRows({ rows: 3, width: 4, count: 2 }, row(8), ids)).toThrow('expected ids from 0 to 2')
    }
  })
  test('a cotangent of another shape never reaches memory, in any of its parts', () => {
    const x = tensor.zeros([1, 3, 6])
    const [{ query, key, value }, back] = splitHeads(1).vjp(noParams, x)
    expect(() => back({ query, key: tensor.zeros([1, 1, 3, 1]), value })).toThrow()
    const shorter = { ...tensor.zeros([1, 1, 3, 2]), shape: [1, 1, 30, 2] }
    expect(() => splitHeads(1).vjp(noParams, x)[1]({ query: shorter, key: shorter, value: shorter })).toThrow()
    expect(() => attention(noMask).forward(noParams, { query: shorter, key, value })).toThrow()
    expect(() => mergeHeads.forward(noParams, shorter)).toThrow()
    expect(() => linear.forward({ weight: { ...tensor.zeros([2]), shape: [6, 4] }, bias: tensor.zeros([4]) }, x)).toThrow()
  })
})

describe('kernels that were loops of layers', () => {
  test('positions are added to every sequence, from where it was read to', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 9 }), fc.nat(3), (batch, time, width, before) => {
      const sizes = { n: batch * time * width, begin: before * width, length: time * width, total: (before + time) * width }
      const x = row(sizes.n), table = row(sizes.total, 9)
      const expected = x.map((v, i) => v + table[sizes.begin + i % sizes.length])
      expect(rows.addRepeated.reference(sizes, x, table)).toEqual(expected)
      if (sizes.length % 4 === 0 && sizes.length > 0) expect(rows.addRepeated(sizes, x, table)).toEqual(expected)
    }))
    const x = tensor.zeros([1, 2, 4]), y = sinusoidalPositions.forward(noParams, x)
    expect(Array.from(y.data)).toEqual([0, 1, 0, 1, Math.sin(1), Math.cos(1), Math.sin(0.01), Math.cos(0.01)].map(Math.fround))
    const [, back] = learnedPositions.vjp({ weight: tensor.zeros([3, 4]) }, tensor.zeros([2, 2, 4]))
    expect(Array.from(back(tensor.full([2, 2, 4], 1)).params.weight.data)).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0])
  })
  test('copies, transposes and padding', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 3 }), size, size, fc.nat(40), (batch, a, b, c) => {
      const x = row(batch * a * b), sizes = { batch, rows: a, columns: b }
      expect(rows.transpose(sizes, x)).toEqual(rows.transpose.reference(sizes, x))
      expect(rows.transpose({ batch, rows: b, columns: a }, rows.transpose(sizes, x))).toEqual(x)
      const begin = Math.min(a, c), part = { batch, stride: a, begin, width: a - begin }, y = row(batch * a)
      expect(rows.copyRows(part, y)).toEqual(rows.copyRows.reference(part, y))
      expect(rows.padRows({ n: a, total: a + c }, row(a))).toEqual(Float32Array.of(...row(a), ...new Float32Array(c)))
    }))
  })
  test('the squared error and sums, in double precision', () => {
    fc.assert(fc.property(size, n => {
      const p = row(n), t = row(n, 5)
      expect(algebra.sum({ n }, p)).toBeCloseTo(algebra.sum.reference({ n }, p), 12)
      expect(losses.squaredError.total({ n }, p, t)).toBeCloseTo(losses.squaredError.total.reference({ n }, p, t), 11)
    }))
  })
})

const entries = fc.record({ x: size.map(n => row(n)), high: fc.nat(), low: fc.nat(), rate: fc.constantFrom(0, 0.1, 0.5, 0.999) })
const factor = 2 ** -22

claim([
  {
    subject: 'dropout',
    laws: laws.kernels(
      ({ x, ...key }: { readonly x: Float32Array, readonly high: number, readonly low: number, readonly rate: number }) => dropoutKernel({ n: x.length, ...key }, x),
      ({ x, ...key }) => dropoutKernel.reference({ n: x.length, ...key }, x),
      { cases: entries, reason: 'a rounding of the factor and one of the product', bound: expected => factor * Math.abs(expected) })
  },
  {
    subject: 'gradient of the squared error',
    laws: laws.kernels(
      (x: Float32Array) => losses.squaredError.slopes({ n: x.length, scale: 0.3 }, x, row(x.length, 2)),
      x => losses.squaredError.slopes.reference({ n: x.length, scale: 0.3 }, x, row(x.length, 2)),
      { cases: size.map(n => row(n)), reason: 'three roundings', bound: expected => factor * Math.abs(expected) })
  }
])

describe('dropout', () => {
  test('single and double precision drop the same entries, and neighbours are independent', () => {
    const n = 20000, x = new Float32Array(n).fill(1), sizes = { n, high: 1, low: 2, rate: 0.25 }
    const y = dropoutKernel(sizes, x), z = dropoutKernel.reference(sizes, Float64Array.from(x))
    expect(Array.from(y, v => v === 0)).toEqual(Array.from(z, v => v === 0))
    const kept = Array.from(z, v => (v === 0 ? 0 : 1))
    expect(Math.abs(algebra.sum.reference({ n }, Float64Array.from(kept)) / n - 0.75)).toBeLessThan(0.0125)
    for (const distance of [1, 2, 4, 8]) {
      const both = kept.filter((k, i) => k === 1 && kept[i + distance] === 1).length / n
      expect(Math.abs(both - 0.5625), `entries ${distance} apart`).toBeLessThan(0.0175)
    }
  })
  test('what is dropped is 0, be it what it may', () => {
    const y = dropout(0.5, random.key(3)).forward(noParams, tensor.full([64], Infinity))
    expect(new Set(y.data)).toEqual(new Set([0, Infinity]))
  })
})

describe('random numbers', () => {
  const shapes = fc.record({ n: fc.integer({ min: 0, max: 70 }), high: fc.nat(), low: fc.nat() })
  const single = 'float32' as const
  test('uniform numbers are those of the definition, to the bit', () => {
    fc.assert(fc.property(shapes, fc.constantFrom([0, 1], [-3, 5], [1e-30, 1e30]), (sizes, [min, max]) => {
      const all = { ...sizes, precision: single, min, max }
      expect(uniform(all)).toEqual(uniform.reference(all))
    }))
  })
  test('normal numbers are those of the definition, but for a rounding', () => {
    fc.assert(fc.property(shapes, fc.constantFrom([0, 1], [2, 0.02], [-1, 1e20]), (sizes, [mean, deviation]) => {
      const all = { ...sizes, precision: single, mean, deviation }, y = normal(all), expected = normal.reference(all)
      expect(y.length).toBe(expected.length)
      // Near a multiple of π/2 a cosine is as small as the rounding of its angle, 2^−50, beside the radius, which is below 9.
      y.forEach((v, i) => { expect(Math.abs(v - expected[i])).toBeLessThanOrEqual(laws.ulp(expected[i]) + 2 ** -46 * deviation) })
    }))
  })
  test('hardly any normal number differs, and their moments are right', () => {
    const n = 200_000, sizes = { n, precision: single, high: 5, low: 6, mean: 0, deviation: 1 }, y = normal(sizes), expected = normal.reference(sizes)
    expect(y.filter((v, i) => v !== expected[i]).length).toBeLessThan(5)
    const moment = (power: number): number => Array.from(y).reduce((total, v) => total + v ** power, 0) / n
    expect(Math.abs(moment(1))).toBeLessThan(0.01)
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.015)
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1)
  })
})
