import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { laws } from 'pullback/laws'
import * as activations from '../../src/kernels/activations.js'
import * as adam from '../../src/kernels/adam.js'
import * as attention from '../../src/kernels/attention.js'
import * as crossEntropy from '../../src/kernels/crossEntropy.js'
import * as entrywise from '../../src/kernels/entrywise.js'
import type { Floats } from '../../src/kernels/floats.js'
import * as gemm from '../../src/kernels/gemm.js'
import * as heads from '../../src/kernels/heads.js'
import * as layerNorm from '../../src/kernels/layerNorm.js'
import * as referenceActivations from '../../src/kernels/reference/activations.js'
import * as referenceAdam from '../../src/kernels/reference/adam.js'
import * as referenceAttention from '../../src/kernels/reference/attention.js'
import * as referenceCrossEntropy from '../../src/kernels/reference/crossEntropy.js'
import * as referenceEntrywise from '../../src/kernels/reference/entrywise.js'
import * as referenceGemm from '../../src/kernels/reference/gemm.js'
import * as referenceHeads from '../../src/kernels/reference/heads.js'
import * as referenceLayerNorm from '../../src/kernels/reference/layerNorm.js'
import * as referenceRows from '../../src/kernels/reference/rows.js'
import * as referenceSoftmax from '../../src/kernels/reference/softmax.js'
import * as rows from '../../src/kernels/rows.js'
import { instance } from '../../src/kernels/simd/instance.js'
import * as softmax from '../../src/kernels/softmax.js'
import { claim } from '../catalogue/claim.js'
import { expectKernels, wantedKernels } from './counted.js'

vi.mock(import('../../src/kernels/simd/arena.js'), async original => (await import('./counted.js')).counted(await original()))

const EPSILON = 2 ** -24

const singles = (length: number, scale = 4): fc.Arbitrary<Float32Array> =>
  fc.array(fc.integer({ min: -(2 ** 15), max: 2 ** 15 }), { minLength: length, maxLength: length })
    .map(values => Float32Array.from(values, v => v / 2 ** 15 * scale))

const special = fc.constantFrom(0, -0, Infinity, -Infinity, NaN, 1e-45, -1e-40, 2 ** -126, 88, -88, 89, -104, -150, 1e4, -1e4, 0.625, 1, -1, 3.4e38)
const anything: fc.Arbitrary<Float32Array> =
  fc.array(fc.oneof(special, fc.float({ noNaN: true, min: -100, max: 100 })), { minLength: 1, maxLength: 19 }).map(values => Float32Array.from(values))

const size = fc.integer({ min: 0, max: 21 })

/** The largest |a − b| relative to a bound for each entry. */
const relativeTo = (a: Floats, b: Floats, bound: (index: number) => number): number => {
  expect(a.length).toBe(b.length)
  return Array.from(a).reduce((most, x, i) => {
    const difference = Math.abs(x - b[i])
    return difference === 0 ? most : Math.max(most, Number.isNaN(difference) ? Infinity : difference / bound(i))
  }, 0)
}

afterEach(() => { vi.unstubAllEnvs() })
afterEach(expectKernels)

test(`the kernels under test are the ones that were asked for: ${wantedKernels}`, () => {
  expect(instance?.kind ?? 'reference').toBe(wantedKernels)
  softmax.softmaxRows(Float32Array.of(1, 2), 1, 2, 1)
  expectKernels()
})

test.each([['reference', undefined], ['simd', 'simd'], ['fused', 'fused'], ['', 'fused']])('PULLBACK_KERNELS=%s is obeyed', async (choice, kind) => {
  vi.stubEnv('PULLBACK_KERNELS', choice)
  vi.resetModules()
  expect((await import('../../src/kernels/simd/instance.js')).instance?.kind).toBe(kind)
})

test('another choice of kernels is refused', async () => {
  vi.stubEnv('PULLBACK_KERNELS', 'SIMD')
  vi.resetModules()
  await expect(import('../../src/kernels/simd/instance.js')).rejects.toThrow('PULLBACK_KERNELS: expected fused, simd, reference or nothing, got "SIMD"')
})

const both = size.chain(n => fc.record({ v: singles(n, 6), dy: singles(n) }))

type Gradient = (v: Floats, dy: Floats) => Floats

/** A gradient is a product of dy with numbers of at most (1 + |v|)². */
const gradientLaws = (fast: Gradient, reference: Gradient) => laws.kernels(
  ({ v, dy }: { readonly v: Float32Array, readonly dy: Float32Array }) => fast(v, dy), ({ v, dy }) => reference(v, dy), {
    cases: both, reason: '32 roundings of a number of at most |dy| (1 + |v|)²',
    bound: (_, i, { v, dy }) => 32 * EPSILON * Math.abs(dy[i]) * (1 + Math.abs(v[i])) ** 2
  })

const activationLaws = (
  fast: (x: Floats) => Floats, reference: (x: Floats) => Floats, reason: string,
  bound: (expected: number, x: number) => number, cases: fc.Arbitrary<Float32Array> = anything
) => laws.kernels((x: Float32Array) => fast(x), reference, { cases, reason, bound: (expected, i, x) => bound(expected, x[i]) })

const ulps = (n: number) => (expected: number): number => n * laws.ulp(expected)

claim([
  { subject: 'sigmoid', laws: activationLaws(activations.sigmoid, referenceActivations.sigmoid, '1/(1 + e) with two ulps of e and three roundings', ulps(4)) },
  { subject: 'tanh', laws: activationLaws(activations.tanh, referenceActivations.tanh, 'as the sigmoid', ulps(4)) },
  { subject: 'relu', laws: activationLaws(activations.relu, referenceActivations.relu, 'exact', () => 0) },
  { subject: 'leakyRelu', laws: activationLaws(activations.leakyRelu(0.25), referenceActivations.leakyRelu(0.25), 'exact', () => 0) },
  {
    subject: 'silu', laws: activationLaws(activations.silu, referenceActivations.silu, 'a sigmoid and a rounding, or |x| roundings of a subnormal sigmoid',
      (expected, x) => Math.max(ulps(5)(expected), Math.abs(x) * 2 ** -149))
  },
  {
    subject: 'geluTanh', laws: activationLaws(activations.geluTanh, referenceActivations.geluTanh, 'the rounding of its cubic is in the exponent, so the bound grows with |2u|',
      (expected, x) => laws.ulp(expected) * (6 + 6.4 * Math.abs(x + 0.044715 * x ** 3)), singles(17, 12))
  },
  { subject: 'sigmoidGradient', laws: gradientLaws(activations.sigmoidGradient, referenceActivations.sigmoidGradient) },
  { subject: 'tanhGradient', laws: gradientLaws(activations.tanhGradient, referenceActivations.tanhGradient) },
  { subject: 'reluGradient', laws: gradientLaws(activations.reluGradient, referenceActivations.reluGradient) },
  { subject: 'leakyReluGradient', laws: gradientLaws(activations.leakyReluGradient(0.25), referenceActivations.leakyReluGradient(0.25)) },
  ...([
    ['silu', activations.siluWithSlope, referenceActivations.siluSlope], ['geluTanh', activations.geluTanhWithSlope, referenceActivations.geluTanhSlope]
  ] as const).map(([name, withSlope, slope]) => ({
    subject: `slope of ${name}`, laws: gradientLaws((v, dy) => entrywise.multiply(withSlope(v)[1], dy), (v, dy) => referenceEntrywise.multiply(slope(v), dy))
  }))
])

test('a value that comes with its slope has the bits of the value alone', () => {
  fc.assert(fc.property(anything, x => {
    expect(activations.siluWithSlope(x)[0]).toEqual(activations.silu(x))
    expect(activations.geluTanhWithSlope(x)[0]).toEqual(activations.geluTanh(x))
  }))
})

describe('matrix products: every entry within k + 2 roundings of Σ |a| |b|', () => {
  const sizes = fc.record({
    batch: fc.integer({ min: 0, max: 3 }), m: size, n: size, k: size, transposeA: fc.boolean(), transposeB: fc.boolean()
  })
  const large = fc.record({
    batch: fc.constant(1), m: fc.integer({ min: 1, max: 90 }), n: fc.integer({ min: 250, max: 290 }), k: fc.integer({ min: 500, max: 530 }),
    transposeA: fc.boolean(), transposeB: fc.boolean()
  })
  /** More than one block in each direction, and tiles at the edges that are not whole. */
  const overAllEdges: gemm.Gemm = { batch: 1, m: 53, n: 261, k: 515, transposeA: false, transposeB: false }
  const check = (shape: gemm.Gemm, seed: number): void => {
    const { batch, m, n, k } = shape
    const at = (i: number) => Math.sin(i * 12.9898 + seed) // any numbers will do
    const a = Float32Array.from({ length: batch * m * k }, (_, i) => at(i)), b = Float32Array.from({ length: batch * k * n }, (_, i) => at(i + 0.5))
    const row = Float32Array.from({ length: n }, (_, i) => at(i + 0.25))
    const absolute = referenceGemm.gemm(shape, a.map(Math.abs), b.map(Math.abs))
    const bound = (i: number) => EPSILON * (k + 2) * (absolute[i] + Math.abs(row[n === 0 ? 0 : i % n]))
    expect(relativeTo(gemm.gemm(shape, a, b), referenceGemm.gemm(shape, a, b), bound)).toBeLessThanOrEqual(1)
    expect(relativeTo(gemm.affine(shape, a, b, row), referenceRows.affine(shape, a, b, row), bound)).toBeLessThanOrEqual(1)
  }
  test('small, with either side transposed and sizes of 0', () => {
    fc.assert(fc.property(sizes, fc.nat(1000), check), { numRuns: 400 })
  })
  test('over the edges of cache blocks', () => {
    fc.assert(fc.property(large, fc.nat(1000), check), { numRuns: 6, examples: [[overAllEdges, 0]] })
  })
  test('a NaN and an infinity reach exactly the entries that they belong to', () => {
    const a = Float32Array.from({ length: 9 * 9 }, (_, i) => (i === 13 ? NaN : i === 40 ? Infinity : 1)), b = a.map((_, i) => 1 + i % 3)
    const shape = { batch: 1, m: 9, n: 9, k: 9, transposeA: false, transposeB: false }
    expect(Array.from(gemm.gemm(shape, a, b))).toEqual(Array.from(referenceGemm.gemm(shape, a, b)))
  })
})

describe('rows', () => {
  const matrix = fc.record({ n: fc.integer({ min: 1, max: 6 }), d: fc.integer({ min: 1, max: 21 }) })
    .chain(({ n, d }) => fc.record({ n: fc.constant(n), d: fc.constant(d), x: singles(n * d), dy: singles(n * d), g: singles(d), b: singles(d) }))

  test('softmax: within 16 ulps, also for −∞, and zeros where all is −∞', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.constantFrom(-Infinity, 1e4, -1e4), fc.float({ noNaN: true, min: -50, max: 50 })), { minLength: 1, maxLength: 21 }), values => {
      const x = Float32Array.from(values)
      const y = softmax.softmaxRows(x, 1, x.length, 2), expected = referenceSoftmax.softmaxRows(x, 1, x.length, 2)
      // The exponent is rounded once: e^z has a relative error of |z| 2⁻²⁴, and z ≥ −104 where e^z > 0.
      expect(relativeTo(y, expected, i => laws.ulp(expected[i]) * 64)).toBeLessThanOrEqual(1)
      expect(relativeTo(y, expected, () => 16 * EPSILON)).toBeLessThanOrEqual(1)
    }))
  })
  test('softmax gradient', () => {
    fc.assert(fc.property(matrix, ({ n, d, x, dy }) => {
      const y = referenceSoftmax.softmaxRows(x, n, d, 1)
      const largest = Math.max(...dy.map(Math.abs))
      expect(relativeTo(softmax.softmaxRowsGradient(y, dy, n, d, 2), referenceSoftmax.softmaxRowsGradient(y, dy, n, d, 2), () => EPSILON * largest)).toBeLessThanOrEqual(8)
    }))
  })
  test('layer norm and its gradient: relative to the inverse deviation', () => {
    fc.assert(fc.property(matrix, ({ n, d, x, dy, g, b }) => {
      const fast = layerNorm.rowStatistics(x, n, d, 0.01), slow = referenceLayerNorm.rowStatistics(x, n, d, 0.01)
      const r = Math.max(...slow.inverseDeviation), size = Math.max(...x.map(Math.abs)) * r + 1
      expect(relativeTo(Float64Array.from(fast.mean, (mu, i) => mu + fast.rest[i]), slow.mean, () => 2 ** -20 * EPSILON)).toBeLessThanOrEqual(1)
      expect(relativeTo(fast.inverseDeviation, slow.inverseDeviation, i => EPSILON * slow.inverseDeviation[i] * size * size)).toBeLessThanOrEqual(16 + d)
      const y = layerNorm.layerNormRows(x, g, b, fast), z = referenceLayerNorm.layerNormRows(x, g, b, slow)
      expect(relativeTo(y, z, () => EPSILON * 4 * size ** 3)).toBeLessThanOrEqual(16 + d)
      const a = layerNorm.layerNormRowsGradient(x, g, fast, dy), c = referenceLayerNorm.layerNormRowsGradient(x, g, slow, dy)
      expect(relativeTo(a.dx, c.dx, () => EPSILON * 16 * r * size ** 3)).toBeLessThanOrEqual(32 + d)
      expect(relativeTo(a.dGamma, c.dGamma, () => EPSILON * 4 * size ** 3)).toBeLessThanOrEqual(8 * (16 + d + n))
      expect(relativeTo(a.dBeta, c.dBeta, () => EPSILON * 4 * n)).toBeLessThanOrEqual(n)
    }))
  })
  test('cross-entropy and its gradient', () => {
    fc.assert(fc.property(matrix, fc.infiniteStream(fc.nat()), ({ n, d, x }, stream) => {
      const targets = Int32Array.from(Array.from({ length: n }, () => { const t = stream.next().value % (d + 1); return t === d ? -100 : t }))
      const loss = referenceCrossEntropy.crossEntropySum(x, targets, d, -100)
      expect(Math.abs(crossEntropy.crossEntropySum(x, targets, d, -100) - loss)).toBeLessThanOrEqual(EPSILON * (16 + d) * n)
      expect(relativeTo(crossEntropy.crossEntropyGradient(x, targets, d, -100, 0.5), referenceCrossEntropy.crossEntropyGradient(x, targets, d, -100, 0.5), () => EPSILON * (16 + d))).toBeLessThanOrEqual(1)
    }))
  })
  test('sums, gathers and scatters', () => {
    fc.assert(fc.property(matrix, fc.infiniteStream(fc.nat()), ({ n, d, x }, stream) => {
      expect(relativeTo(rows.sumRows(x, n, d), referenceRows.sumRows(x, n, d), () => EPSILON * 4 * n * n)).toBeLessThanOrEqual(1)
      const ids = Int32Array.from(Array.from({ length: 5 }, () => stream.next().value % n))
      expect(Array.from(rows.gatherRows(x, ids, d))).toEqual(Array.from(referenceRows.gatherRows(x, ids, d)))
      const dy = rows.gatherRows(x, ids, d)
      expect(Array.from(rows.scatterAddRows(dy, ids, n, d))).toEqual(Array.from(referenceRows.scatterAddRows(dy, ids, n, d)))
    }))
  })
  test('rows are appended alike', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 3 }), size, size, (batch, first, second) => {
      const a = Float32Array.from({ length: batch * first }, (_, i) => i), b = Float32Array.from({ length: batch * second }, (_, i) => -i)
      expect(Array.from(rows.appendRows(a, b, batch))).toEqual(Array.from(referenceRows.appendRows(a, b, batch)))
    }))
  })
  test('heads are split and merged alike', () => {
    fc.assert(fc.property(fc.record({ batch: fc.integer({ min: 0, max: 2 }), heads: fc.integer({ min: 1, max: 3 }), time: size, width: fc.integer({ min: 1, max: 5 }), parts: fc.constantFrom(1, 3) }), layout => {
      const length = layout.batch * layout.heads * layout.time * layout.width
      const merged = Float32Array.from({ length: length * layout.parts }, (_, i) => i)
      const parts = heads.splitHeads(merged, layout)
      parts.forEach((part, index) => {
        const expected = new Float32Array(length)
        referenceHeads.splitPart(expected, merged, layout, index)
        expect(Array.from(part)).toEqual(Array.from(expected))
      })
      expect(Array.from(heads.mergeHeads(parts, layout))).toEqual(Array.from(merged))
    }))
  })
})

describe('entry by entry', () => {
  test('add, multiply and scale are exact, for special numbers too', () => {
    fc.assert(fc.property(anything, x => {
      const y = x.map((_, i) => x[x.length - 1 - i])
      expect(Array.from(entrywise.add(x, y))).toEqual(Array.from(referenceEntrywise.add(x, y)))
      expect(Array.from(entrywise.multiply(x, y))).toEqual(Array.from(referenceEntrywise.multiply(x, y)))
      expect(Array.from(entrywise.scale(x, 0.375))).toEqual(Array.from(referenceEntrywise.scale(x, 0.375)))
    }))
  })
  test('descent, running means and Adam: a few roundings', () => {
    fc.assert(fc.property(size.chain(n => fc.tuple(singles(n), singles(n), singles(n))), ([a, b, c]) => {
      expect(relativeTo(entrywise.descend(a, b, 0.3), referenceEntrywise.descend(a, b, 0.3), () => EPSILON * 8)).toBeLessThanOrEqual(2)
      const arrays = { theta: a, m: b, v: c.map(x => x * x + 0.01) }, g = a.map((x, i) => x - 2 * b[i])
      const step = { rate: 0.1, beta1: 0.9, beta2: 0.99, firstCorrection: 0.1, secondCorrection: 0.01, epsilon: 1e-8, decay: 0.1 }
      const moved = adam.adam(arrays, g, step), expected = referenceAdam.adam(arrays, g, step)
      expect(relativeTo(moved.m, expected.m, i => EPSILON * (Math.abs(b[i]) + Math.abs(g[i])))).toBeLessThanOrEqual(4)
      expect(relativeTo(moved.v, expected.v, i => EPSILON * (arrays.v[i] + g[i] ** 2))).toBeLessThanOrEqual(6)
      // The mean may be the small difference of two larger numbers, whose roundings are those of the update.
      const update = (i: number) => (Math.abs(b[i]) + Math.abs(g[i])) / Math.sqrt(expected.v[i] / 0.01)
      expect(relativeTo(moved.theta, expected.theta, i => EPSILON * (Math.abs(a[i]) + update(i)))).toBeLessThanOrEqual(8)
    }))
  })
  test('inner products in double precision', () => {
    fc.assert(fc.property(size.chain(n => fc.tuple(singles(n), singles(n))), ([a, b]) => {
      expect(Math.abs(entrywise.dot(a, b) - referenceEntrywise.dot(a, b))).toBeLessThanOrEqual(1e-13)
    }))
  })
})

describe('attention', () => {
  const cases = fc.record({
    items: fc.integer({ min: 1, max: 2 }), heads: fc.integer({ min: 1, max: 2 }), queries: fc.integer({ min: 1, max: 19 }), extra: fc.integer({ min: -2, max: 5 }),
    width: fc.integer({ min: 1, max: 9 }), valueWidth: fc.integer({ min: 1, max: 9 }), causal: fc.boolean(), padded: fc.boolean(), seed: fc.nat(1000)
  })
  test('weights, outputs and gradients, with causal masks, padding and more keys than queries', () => {
    fc.assert(fc.property(cases, ({ items, heads: count, queries, extra, width, valueWidth, causal, padded, seed }) => {
      const keys = Math.max(1, queries + extra), matrices = items * count
      const sizes = { matrices, heads: count, queries, keys, width, valueWidth }
      const made = (length: number, from: number) => Float32Array.from({ length }, (_, i) => 2 * Math.sin(i * 7.13 + seed + from))
      const q = made(matrices * queries * width, 0.1), k = made(matrices * keys * width, 0.2), v = made(matrices * keys * valueWidth, 0.3)
      const dy = made(matrices * queries * valueWidth, 0.4)
      const keep = padded ? Int32Array.from({ length: items * keys }, (_, i) => ((i + seed) % 3 === 0 ? 0 : 1)) : undefined
      const mask = { causal, keep }
      const w = attention.attentionWeights(sizes, mask, q, k), expected = referenceAttention.attentionWeights(sizes, mask, q, k)
      expect(relativeTo(w, expected, () => EPSILON * 32 * (1 + width))).toBeLessThanOrEqual(1)
      expect(Array.from(w, x => x === 0)).toEqual(Array.from(expected, x => x === 0))
      expect(relativeTo(attention.attend(sizes, mask, w, v), referenceAttention.attend(sizes, mask, expected, v), () => EPSILON * 64 * (1 + width + keys))).toBeLessThanOrEqual(1)
      const a = attention.attentionGradient(sizes, mask, q, k, v, w, dy), b = referenceAttention.attentionGradient(sizes, mask, q, k, v, expected, dy)
      const bound = EPSILON * 64 * (1 + width + valueWidth) * (queries + keys)
      for (const part of ['dq', 'dk', 'dv'] as const) expect(relativeTo(a[part], b[part], () => bound)).toBeLessThanOrEqual(1)
    }), { numRuns: 300 })
  })
})
