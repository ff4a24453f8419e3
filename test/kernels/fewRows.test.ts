/** A row of a product has the same bits alone, among few rows, and among many. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { affine, gemm } from '../../src/kernels/gemm.js'

const numbers = (length: number, seed: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + seed) * 2 ** (i % 7))

/** Lengths around the blocks in which products are summed. */
const lengths = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(511, 512, 513, 520, 1024, 1031))

const cases = fc.record({
  k: lengths, n: fc.integer({ min: 1, max: 90 }), first: fc.nat(20), count: fc.integer({ min: 1, max: 6 }), seed: fc.nat(1000),
  transposeA: fc.boolean(), transposeB: fc.boolean(), withRow: fc.boolean()
})

const MANY = 30

/** Rows of a matrix `[m, k]`, stored as `[k, m]` if it is transposed. */
const rowsOf = (a: Float32Array, k: number, first: number, count: number, transposed: boolean): Float32Array =>
  Float32Array.from({ length: count * k }, (_, i) => {
    const [row, p] = transposed ? [i % count, Math.floor(i / count)] : [Math.floor(i / k), i % k]
    return a[transposed ? p * MANY + first + row : (first + row) * k + p]
  })

describe('products of few rows', () => {
  test('have the bits of the same rows among many', () => {
    fc.assert(fc.property(cases, ({ k, n, first, count, seed, transposeA, transposeB, withRow }) => {
      const a = numbers(MANY * k, seed), b = numbers(k * n, seed + 1), row = numbers(n, seed + 2)
      const product = (m: number, from: Float32Array) => {
        const sizes = { batch: 1, m, n, k, transposeA, transposeB }
        return withRow ? affine(sizes, from, b, row) : gemm(sizes, from, b)
      }
      const many = product(MANY, a), few = product(count, rowsOf(a, k, first, count, transposeA))
      expect(Array.from(few)).toEqual(Array.from(many.subarray(first * n, (first + count) * n)))
    }))
  })

  test('of wide matrices, too', () => {
    for (const transposeB of [false, true]) {
      const k = 40, n = 9001, a = numbers(MANY * k, 1), b = numbers(k * n, 2)
      const many = gemm({ batch: 1, m: MANY, n, k, transposeA: false, transposeB }, a, b)
      const few = gemm({ batch: 1, m: 2, n, k, transposeA: false, transposeB }, a.subarray(k, 3 * k), b)
      expect(Array.from(few)).toEqual(Array.from(many.subarray(n, 3 * n)))
    }
  })

  test('of a batch stand in their places', () => {
    const sizes = { batch: 3, m: 2, n: 70, k: 9, transposeA: false, transposeB: false }
    const a = numbers(3 * 2 * 9, 3), b = numbers(3 * 9 * 70, 4), all = gemm(sizes, a, b)
    for (const item of [0, 1, 2])
      expect(Array.from(all.subarray(item * 140, (item + 1) * 140)))
        .toEqual(Array.from(gemm({ ...sizes, batch: 1 }, a.subarray(item * 18, (item + 1) * 18), b.subarray(item * 630, (item + 1) * 630))))
  })
})
