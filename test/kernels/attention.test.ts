/** Attention over many blocks of queries and keys, in single precision: against its definition, and to the bit against itself. */
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { attention as layer, causalMask, noParams, random, tensor } from 'pullback'
import { attention, attentionGradient, attentionWeights, type AttentionSizes } from '../../src/kernels/attention.js'
import type { Floats } from '../../src/kernels/floats.js'
import { expectKernels } from './counted.js'

vi.mock(import('../../src/kernels/simd/arena.js'), async original => (await import('./counted.js')).counted(await original()))
afterEach(expectKernels)

const EPSILON = 2 ** -24

interface Case {
  readonly sizes: AttentionSizes
  readonly q: Float32Array
  readonly k: Float32Array
  readonly v: Float32Array
  readonly dy: Float32Array
  readonly keep: Int32Array | undefined
}

/** Numbers between −2 and 2 that look random. */
const drawn = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => 2 * ((Math.sin(i * 12.9898 + seed) * 43758.5453) % 1))

/** Blocks are of 96 queries and keys: up to three of them, none of which need be whole. */
const long = fc.integer({ min: 1, max: 230 })
const cases = (options: { readonly causal?: boolean } = {}): fc.Arbitrary<Case> => fc.record({
  matrices: fc.integer({ min: 1, max: 2 }), queries: fc.oneof(long, fc.constantFrom(1, 2, 3, 5, 96, 97, 192)), keys: fc.oneof(long, fc.constantFrom(1, 95, 96, 97, 193)),
  width: fc.integer({ min: 1, max: 19 }), valueWidth: fc.oneof(fc.integer({ min: 1, max: 19 }), fc.constant(37)),
  causal: options.causal === undefined ? fc.boolean() : fc.constant(options.causal), padding: fc.constantFrom('none', 'some', 'first block', 'last keys'), seed: fc.nat(1000)
}).map(({ padding, seed, ...rest }) => {
  const sizes = { ...rest, heads: 1 }, { matrices, queries, keys, width, valueWidth } = sizes
  const shown = (key: number): boolean => (padding === 'some' ? (key + seed) % 3 > 0 : padding === 'first block' ? key >= 100 : key < keys - seed % 120)
  return {
    sizes, q: drawn(matrices * queries * width, seed), k: drawn(matrices * keys * width, seed + 1), v: drawn(matrices * keys * valueWidth, seed + 2),
    dy: drawn(matrices * queries * valueWidth, seed + 3),
    keep: padding === 'none' ? undefined : Int32Array.from({ length: matrices * keys }, (_, i) => (shown(i % keys) ? 1 : 0))
  }
})

const forward = ({ sizes, q, k, v, keep }: Case) => attention(sizes, q, k, v, keep)
const gradient = (c: Case, [y, top, sum] = forward(c)) => attentionGradient(c.sizes, c.q, c.k, c.v, y, top, sum, c.dy, c.keep)
const bits = (x: Floats): readonly number[] => Array.from(new Int32Array(Float32Array.from(x).buffer)) // which a NaN has, too

const sees = ({ sizes: { queries, keys, causal }, keep }: Case, matrix: number, t: number, s: number): boolean =>
  (!causal || s <= t + keys - queries) && (keep === undefined || keep[matrix * keys + s] !== 0)

/** An error relative to the largest of the numbers, which are sums of terms of that size at most. */
const close = (what: string, a: Floats, b: Floats, bound: number): void => {
  const size = Array.from(b).filter(Number.isFinite).reduce((most, x) => Math.max(most, Math.abs(x)), 1)
  for (let i = 0; i < a.length; i++)
    if (a[i] !== b[i] && !(Math.abs(a[i] - b[i]) <= bound * size)) expect.fail(`${what} ${i}: ${a[i]} against ${b[i]}`)
}

describe('many blocks', () => {
  test('output, log-sum-exp and gradients are those of the definition', () => {
    fc.assert(fc.property(cases(), c => {
      const { sizes, q, k, v, dy, keep } = c, { width, valueWidth, keys } = sizes
      const right = attention.reference(sizes, q, k, v, keep), [y, top, sum] = forward(c)
      // The exponent has the rounding of a score, which goes over `width` products of at most 4.
      const bound = EPSILON * (64 + 32 * width)
      close('y', y, right[0], bound)
      close('log-sum-exp', Float64Array.from(top, (m, i) => m / Math.sqrt(width) + Math.log(sum[i])), Float64Array.from(right[1], (m, i) => m / Math.sqrt(width) + Math.log(right[2][i])), bound)
      gradient(c, [y, top, sum]).forEach((part, i) => {
        close(`gradient ${i}`, part, attentionGradient.reference(sizes, q, k, v, ...right, dy, keep)[i], bound * (4 + valueWidth) + EPSILON * keys)
      })
    }), { numRuns: 60 })
  })

  test('Y = W V with the weights that can be asked for', () => {
    fc.assert(fc.property(cases(), c => {
      const { sizes: { matrices, queries, keys, width, valueWidth }, v } = c, w = attentionWeights(c.sizes, c.q, c.k, c.keep)
      const expected = Float64Array.from({ length: matrices * queries * valueWidth }, (_, i) => {
        const row = Math.floor(i / valueWidth), matrix = Math.floor(row / queries)
        let value = 0
        for (let s = 0; s < keys; s++) value += w[row * keys + s] * v[(matrix * keys + s) * valueWidth + i % valueWidth]
        return value
      })
      close('y', forward(c)[0], expected, EPSILON * (64 + 32 * width))
    }), { numRuns: 60 })
  })

  test('a query alone has the bits that it has among others', () => {
    fc.assert(fc.property(cases({ causal: true }), fc.nat(), fc.integer({ min: 1, max: 7 }), (c, place, more) => {
      const { sizes, q, k, v, keep } = c, { queries, keys, width, valueWidth } = sizes
      const t = place % queries, count = Math.min(queries - t, more), reach = t + count + keys - queries
      if (reach < 1) return
      const alone = { ...sizes, matrices: 1, queries: count, keys: reach }
      const [y, top, sum] = attention(alone, q.slice(t * width, (t + count) * width), k.slice(0, reach * width), v.slice(0, reach * valueWidth), keep?.slice(0, reach))
      const whole = forward(c)
      expect(bits(y)).toEqual(bits(whole[0].slice(t * valueWidth, (t + count) * valueWidth)))
      expect([...top, ...sum]).toEqual([...whole[1].slice(t, t + count), ...whole[2].slice(t, t + count)])
    }), { numRuns: 150 })
  })

  test('reading a sequence in pieces gives the bits of reading it at once', () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 210 }), fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 8 }), fc.nat(), (time, lengths, seed) => {
      const { step, forward: all } = layer(causalMask), d = 1 + seed % 11
      const [query, key, value] = [0, 1, 2].map(i => random.normal([2, time, d])(random.key(seed + i)))
      const part = (x: typeof query, from: number, to: number) => tensor.fromArray([2, to - from, d], Array.from(x.data).filter((_, i) => {
        const t = Math.floor(i / d) % time
        return t >= from && t < to
      }))
      const whole = all(noParams, { query, key, value })
      let memory: Parameters<NonNullable<typeof step>>[1] = undefined, from = 0
      for (const length of [...lengths, time]) {
        const to = Math.min(time, from + length)
        if (to === from || step === undefined) break
        const [y, next] = step(noParams, memory, { query: part(query, from, to), key: part(key, from, to), value: part(value, from, to) })
        expect(bits(y.data)).toEqual(bits(part(whole, from, to).data))
        memory = next
        from = to
      }
      expect(from).toBe(time)
    }), { numRuns: 40 })
  })
})

describe('what is hidden', () => {
  const junk = fc.constantFrom(NaN, Infinity, -Infinity, 3e38, -1e-40)

  test('changes no bit of an output, and none of the gradient of what may not see it', () => {
    fc.assert(fc.property(cases(), fc.nat(), junk, (c, place, by) => {
      const { sizes: { matrices, queries, keys, width, valueWidth } } = c, s = place % keys
      const replaced = (x: Float32Array, perRow: number, rows: number, at: number) => x.map((value, i) => (Math.floor(i / perRow) % rows === at ? by : value))
      const other = { ...c, k: replaced(c.k, width, keys, s), v: replaced(c.v, valueWidth, keys, s) }
      const [y, ...stats] = forward(c), [z, ...others] = forward(other), [dq, dk, dv] = gradient(c, [y, stats[0], stats[1]]), [eq, ek, ev] = gradient(other, [z, others[0], others[1]])
      for (let matrix = 0; matrix < matrices; matrix++)
        for (let t = 0; t < queries; t++) {
          if (sees(c, matrix, t, s)) continue
          const row = matrix * queries + t
          expect(bits(z.slice(row * valueWidth, (row + 1) * valueWidth))).toEqual(bits(y.slice(row * valueWidth, (row + 1) * valueWidth)))
          expect(bits(eq.slice(row * width, (row + 1) * width))).toEqual(bits(dq.slice(row * width, (row + 1) * width)))
        }
      // A key that no query sees has no gradient and changes that of no other.
      if (Array.from({ length: matrices * queries }, (_, row) => sees(c, Math.floor(row / queries), row % queries, s)).some(Boolean)) return
      expect([bits(ek), bits(ev)]).toEqual([bits(dk), bits(dv)])
    }), { numRuns: 100 })
  })

  test('an earlier query changes no bit of the gradient of later keys', () => {
    fc.assert(fc.property(cases({ causal: true }), fc.nat(), junk, (c, place, by) => {
      const { sizes: { matrices, queries, keys, width, valueWidth } } = c, t = place % queries, from = Math.max(0, t + 1 + keys - queries)
      const replaced = (x: Float32Array, perRow: number) => x.map((value, i) => (Math.floor(i / perRow) % queries === t ? by : value))
      const [, dk, dv] = gradient(c), [, ek, ev] = gradient({ ...c, q: replaced(c.q, width), dy: replaced(c.dy, valueWidth) })
      for (let matrix = 0; matrix < matrices; matrix++) {
        const rows = (x: Floats, perRow: number) => bits(Float32Array.from(x).slice((matrix * keys + from) * perRow, (matrix + 1) * keys * perRow))
        expect(rows(ek, width)).toEqual(rows(dk, width))
        expect(rows(ev, valueWidth)).toEqual(rows(dv, valueWidth))
      }
    }), { numRuns: 60 })
  })

  test('what is seen is not lost: a value of ∞ or NaN reaches those who see it', () => {
    fc.assert(fc.property(cases(), fc.nat(), fc.constantFrom(NaN, Infinity, -Infinity), (c, place, by) => {
      const { sizes: { keys, queries, valueWidth } } = c, at = place % c.v.length, other = { ...c, v: c.v.map((x, i) => (i === at ? by : x)) }
      const y = forward(other)[0], right = attention.reference(c.sizes, c.q, c.k, other.v, c.keep)[0], matrix = Math.floor(at / valueWidth / keys)
      for (let t = 0; t < queries; t++) {
        const i = (matrix * queries + t) * valueWidth + at % valueWidth
        if (sees(c, matrix, t, Math.floor(at / valueWidth) % keys)) expect(Number.isFinite(y[i])).toBe(false)
        else expect(Math.abs(y[i] - right[i])).toBeLessThan(1e-4)
      }
      const [, , dv] = gradient({ ...c, dy: c.dy.map((x, i) => (i === 0 ? by : x)) })
      for (let s = 0; s < keys; s++) expect(Number.isFinite(dv[s * valueWidth])).toBe(!sees(c, 0, 0, s))
    }), { numRuns: 60 })
  })

  test('a query without a key has the output 0 and no gradient', () => {
    fc.assert(fc.property(cases(), c => {
      const none = { ...c, keep: new Int32Array(c.sizes.matrices * c.sizes.keys) }
      for (const part of [forward(none)[0], ...gradient(none)]) expect(part.every(x => Object.is(x, 0))).toBe(true)
    }), { numRuns: 20 })
    for (const [queries, keys] of [[0, 5], [5, 0], [0, 0]]) {
      const sizes = { matrices: 2, heads: 1, queries, keys, width: 3, valueWidth: 2, causal: false }
      const c = { sizes, q: drawn(6 * queries, 1), k: drawn(6 * keys, 2), v: drawn(4 * keys, 3), dy: drawn(4 * queries, 4), keep: undefined }
      for (const part of [forward(c)[0], ...gradient(c)]) expect(part.every(x => Object.is(x, 0))).toBe(true)
    }
  })
})

describe('extremes', () => {
  /** One query beside 200 keys whose scores are given, with a width of 1. */
  const scored = (scores: readonly number[], values: readonly number[]): Case => ({
    sizes: { matrices: 1, heads: 1, queries: 8, keys: scores.length, width: 1, valueWidth: 1, causal: false },
    q: new Float32Array(8).fill(1), k: Float32Array.from(scores), v: Float32Array.from(values), dy: new Float32Array(8).fill(1), keep: undefined
  })
  const places = Array.from({ length: 200 }, (_, i) => i)

  test.each([1e4, -1e4, 1e30, -3e38, 3e38, Infinity])('equal scores of %d give the mean, and the gradient of one', size => {
    const c = scored(places.map(() => size), places), [y] = forward(c), [dq, dk, dv] = gradient(c)
    y.forEach(value => { expect(Math.abs(value - 99.5)).toBeLessThan(1e-3) })
    dv.forEach(d => { expect(Math.abs(d - 8 / 200)).toBeLessThan(1e-6) })
    if (Number.isFinite(size)) for (const d of dk) expect(Number.isFinite(d)).toBe(true)
    expect(dq.length).toBe(8)
  })
  test('the largest score may stand in any block, and the others vanish beside it', () => {
    for (const at of [0, 95, 96, 120, 199])
      for (const size of [200, 1e4, 1e38, Infinity]) {
        const c = scored(places.map(i => (i === at ? size : i % 7)), places)
        expect(Array.from(forward(c)[0])).toEqual(Array.from({ length: 8 }, () => at))
        expect(Array.from(gradient(c)[2])).toEqual(places.map(i => (i === at ? 8 : 0)))
      }
  })
  test('a maximum that grows from block to block leaves the right sum', () => {
    const c = scored(places.map(i => i / 8), places.map(i => Math.sin(i))), right = attention.reference(c.sizes, c.q, c.k, c.v, undefined)
    close('y', forward(c)[0], right[0], 1e-6)
    close('sum', forward(c)[2], right[2], 1e-6)
  })
  test('values whose sum overflows have a mean that does not', () => {
    const c = scored(places.map(() => 0), places.map(() => 3e38)), [y] = forward(c)
    y.forEach(value => { expect(Math.abs(value / 3e38 - 1)).toBeLessThan(1e-5) })
    const alone = attention({ ...c.sizes, queries: 1 }, c.q.slice(0, 1), c.k, c.v, undefined)
    expect(bits(alone[0])).toEqual(bits(y.slice(0, 1)))
  })
  test('scores of −∞ alone have nothing to choose from', () => {
    const c = scored(places.map(() => -Infinity), places)
    expect(forward(c)[0].every(x => x === 0)).toBe(true)
    expect(gradient(c)[2].every(x => x === 0)).toBe(true)
  })
  test('and then neither values, nor queries or gradients that are infinite, matter', () => {
    // The first query has a product of −∞ with every key, the others of 0.
    const kinds = (x: Floats): readonly string[] => Array.from(x, v => (Number.isFinite(v) ? 'finite' : String(v)))
    for (const value of [Infinity, NaN]) for (const slope of [1, Infinity, NaN]) for (const causal of [false, true]) {
      const first = (x: number): Float32Array => Float32Array.from({ length: 8 }, (_, t) => (t === 0 ? x : 0))
      const c: Case = {
        sizes: { matrices: 1, heads: 1, queries: 8, keys: 200, width: 1, valueWidth: 1, causal }, q: first(-Infinity), dy: first(slope),
        k: new Float32Array(200).fill(1), v: Float32Array.from(places, i => (i === 130 ? value : i)), keep: undefined
      }
      const made = forward(c), expected = attention.reference(c.sizes, c.q, c.k, c.v, undefined)
      expect(made.map(kinds)).toEqual(expected.map(kinds))
      const slopes = gradient(c, made), [y, top, sum] = expected
      expect(slopes.map(kinds)).toEqual(attentionGradient.reference(c.sizes, c.q, c.k, c.v, y, top, sum, c.dy, undefined).map(kinds))
      expect([made[0][0], made[2][0], slopes[0][0]]).toEqual([0, 0, 0])
      expect(forward({ ...c, sizes: { ...c.sizes, queries: 1 }, q: c.q.slice(0, 1) })[0][0]).toBe(0)
    }
  })
  test('a score of NaN makes a query NaN, whatever else it sees', () => {
    for (const other of [0, Infinity, -Infinity]) {
      const c = scored(places.map(i => (i === 130 ? NaN : other)), places)
      expect(forward(c)[0].every(Number.isNaN)).toBe(true)
    }
  })
})
