import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { laws } from 'pullback/laws'
import * as activations from '../../src/kernels/activations.js'
import * as adam from '../../src/kernels/adam.js'
import * as attention from '../../src/kernels/attention.js'
import { attentionStep } from '../../src/kernels/attentionStep.js'
import * as crossEntropy from '../../src/kernels/crossEntropy.js'
import * as entrywise from '../../src/kernels/algebra.js'
import type { Floats } from '../../src/kernels/floats.js'
import * as gemm from '../../src/kernels/gemm.js'
import * as heads from '../../src/kernels/heads.js'
import * as layerNorm from '../../src/kernels/layerNorm.js'
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
  softmax.softmaxRows({ rows: 1, width: 2, temperature: 1 }, Float32Array.of(1, 2))
  expectKernels()
})

test.each([['reference', undefined], ['simd', 'simd'], ['fused', 'fused'], ['wide', 'wide'], ['', process.execArgv.includes('--experimental-wasm-revectorize') ? 'wide' : 'fused']])('PULLBACK_KERNELS=%s is obeyed', async (choice, kind) => {
  vi.stubEnv('PULLBACK_KERNELS', choice)
  vi.resetModules()
  expect((await import('../../src/kernels/simd/instance.js')).instance?.kind).toBe(kind)
})

test('another choice of kernels is refused', async () => {
  vi.stubEnv('PULLBACK_KERNELS', 'SIMD')
  vi.resetModules()
  await expect(import('../../src/kernels/simd/instance.js')).rejects.toThrow('PULLBACK_KERNELS: expected wide, fused, simd, reference or nothing, got "SIMD"')
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
  { subject: 'sigmoid', laws: activationLaws(activations.sigmoid, activations.sigmoid.reference, '1/(1 + e) with two ulps of e and three roundings', ulps(4)) },
  { subject: 'tanh', laws: activationLaws(activations.tanh, activations.tanh.reference, 'as the sigmoid', ulps(4)) },
  { subject: 'relu', laws: activationLaws(activations.relu, activations.relu.reference, 'exact', () => 0) },
  { subject: 'leakyRelu', laws: activationLaws(x => activations.leakyRelu({ n: x.length, slope: 0.25 }, x), x => activations.leakyRelu.reference({ n: x.length, slope: 0.25 }, x), 'exact', () => 0) },
  {
    subject: 'silu', laws: activationLaws(activations.silu, activations.silu.reference, 'a sigmoid and a rounding, or |x| roundings of a subnormal sigmoid',
      (expected, x) => Math.max(ulps(5)(expected), Math.abs(x) * 2 ** -149))
  },
  {
    subject: 'geluTanh', laws: activationLaws(activations.geluTanh, activations.geluTanh.reference, 'the rounding of its cubic is in the exponent, so the bound grows with |2u|',
      (expected, x) => laws.ulp(expected) * (6 + 6.4 * Math.abs(x + 0.044715 * x ** 3)), singles(17, 12))
  },
  { subject: 'sigmoidGradient', laws: gradientLaws(activations.sigmoidGradient, activations.sigmoidGradient.reference) },
  { subject: 'tanhGradient', laws: gradientLaws(activations.tanhGradient, activations.tanhGradient.reference) },
  { subject: 'reluGradient', laws: gradientLaws(activations.reluGradient, activations.reluGradient.reference) },
  { subject: 'leakyReluGradient', laws: gradientLaws((x, dy) => activations.leakyReluGradient({ n: x.length, slope: 0.25 }, x, dy), (x, dy) => activations.leakyReluGradient.reference({ n: x.length, slope: 0.25 }, x, dy)) },
  ...([
    ['silu', activations.siluWithSlope], ['geluTanh', activations.geluTanhWithSlope]
  ] as const).map(([name, withSlope]) => ({
    subject: `slope of ${name}`,
    laws: gradientLaws((v, dy) => entrywise.multiply(withSlope(v)[1], dy), (v, dy) => entrywise.multiply.reference(withSlope.reference(v)[1], dy))
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
  /** Three blocks of the inner index: the third one is packed to the place of the first, whose panel must not be taken for its own. */
  const overThreeBlocks: gemm.Gemm = { batch: 2, m: 29, n: 261, k: 1030, transposeA: true, transposeB: true }
  const check = (shape: gemm.Gemm, seed: number): void => {
    const { batch, m, n, k } = shape
    const at = (i: number) => Math.sin(i * 12.9898 + seed) // any numbers will do
    const a = Float32Array.from({ length: batch * m * k }, (_, i) => at(i)), b = Float32Array.from({ length: batch * k * n }, (_, i) => at(i + 0.5))
    const row = Float32Array.from({ length: n }, (_, i) => at(i + 0.25))
    const absolute = gemm.gemm.reference(shape, a.map(Math.abs), b.map(Math.abs))
    const bound = (i: number) => EPSILON * (k + 2) * (absolute[i] + Math.abs(row[n === 0 ? 0 : i % n]))
    expect(relativeTo(gemm.gemm(shape, a, b), gemm.gemm.reference(shape, a, b), bound)).toBeLessThanOrEqual(1)
    expect(relativeTo(gemm.affine(shape, a, b, row), gemm.affine.reference(shape, a, b, row), bound)).toBeLessThanOrEqual(1)
    if (batch === 0) return
    const before = Float32Array.from({ length: m * n }, (_, i) => row[i % n])
    const added = [gemm.addGemm, gemm.addGemm.reference].map(product => product(shape, before, a.subarray(0, m * k), b.subarray(0, k * n)))
    expect(relativeTo(added[0], added[1], bound)).toBeLessThanOrEqual(1)
  }
  test('small, with either side transposed and sizes of 0', () => {
    fc.assert(fc.property(sizes, fc.nat(1000), check), { numRuns: 400 })
  })
  test('over the edges of cache blocks', () => {
    fc.assert(fc.property(large, fc.nat(1000), check), { numRuns: 7, examples: [[overAllEdges, 0], [overThreeBlocks, 0]] })
  })
  test('a NaN and an infinity reach exactly the entries that they belong to', () => {
    const a = Float32Array.from({ length: 9 * 9 }, (_, i) => (i === 13 ? NaN : i === 40 ? Infinity : 1)), b = a.map((_, i) => 1 + i % 3)
    const shape = { batch: 1, m: 9, n: 9, k: 9, transposeA: false, transposeB: false }
    expect(Array.from(gemm.gemm(shape, a, b))).toEqual(Array.from(gemm.gemm.reference(shape, a, b)))
  })
})

describe('rows', () => {
  const matrix = fc.record({ n: fc.integer({ min: 1, max: 6 }), d: fc.integer({ min: 1, max: 21 }) })
    .chain(({ n, d }) => fc.record({ n: fc.constant(n), d: fc.constant(d), x: singles(n * d), dy: singles(n * d), g: singles(d), b: singles(d) }))

  test('softmax: within 16 ulps, also for −∞, and zeros where all is −∞', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.constantFrom(-Infinity, 1e4, -1e4), fc.float({ noNaN: true, min: -50, max: 50 })), { minLength: 1, maxLength: 21 }), values => {
      const x = Float32Array.from(values)
      const sizes = { rows: 1, width: x.length, temperature: 2 }, y = softmax.softmaxRows(sizes, x), expected = softmax.softmaxRows.reference(sizes, x)
      // The exponent is rounded once: e^z has a relative error of |z| 2⁻²⁴, and z ≥ −104 where e^z > 0.
      expect(relativeTo(y, expected, i => laws.ulp(expected[i]) * 64)).toBeLessThanOrEqual(1)
      expect(relativeTo(y, expected, () => 16 * EPSILON)).toBeLessThanOrEqual(1)
    }))
  })
  test('softmax gradient', () => {
    fc.assert(fc.property(matrix, ({ n, d, x, dy }) => {
      const y = softmax.softmaxRows.reference({ rows: n, width: d, temperature: 1 }, x), sizes = { rows: n, width: d, temperature: 2 }
      const largest = Math.max(...dy.map(Math.abs))
      expect(relativeTo(softmax.softmaxRowsGradient(sizes, y, dy), softmax.softmaxRowsGradient.reference(sizes, y, dy), () => EPSILON * largest)).toBeLessThanOrEqual(8)
    }))
  })
  test('layer norm and its gradient: relative to the inverse deviation', () => {
    fc.assert(fc.property(matrix, ({ n, d, x, dy, g, b }) => {
      const sizes = { rows: n, width: d, epsilon: 0.01 }
      const fast = layerNorm.rowStatistics(sizes, x), slow = layerNorm.referenceStatistics(sizes, x)
      const r = Math.max(...slow.inverseDeviation), size = Math.max(...x.map(Math.abs)) * r + 1
      expect(relativeTo(Float64Array.from(fast.mean, (mu, i) => mu + fast.rest[i]), slow.mean, () => 2 ** -20 * EPSILON)).toBeLessThanOrEqual(1)
      expect(relativeTo(fast.inverseDeviation, slow.inverseDeviation, i => EPSILON * slow.inverseDeviation[i] * size * size)).toBeLessThanOrEqual(16 + d)
      const of = ({ scale, mean, rest, inverseDeviation }: layerNorm.RowStatistics) => [scale, mean, rest, inverseDeviation] as const
      const y = layerNorm.layerNormRows(sizes, x, g, b, ...of(fast)), z = layerNorm.layerNormRows.reference(sizes, x, g, b, ...of(slow))
      expect(relativeTo(y, z, () => EPSILON * 4 * size ** 3)).toBeLessThanOrEqual(16 + d)
      expect(layerNorm.normalizedRows(sizes, x, g, b)).toEqual(y)
      expect(layerNorm.normalizedRows.reference(sizes, x, g, b)).toEqual(z)
      const dx = layerNorm.layerNormGradient(sizes, x, g, ...of(fast), dy), expected = layerNorm.layerNormGradient.reference(sizes, x, g, ...of(slow), dy)
      expect(relativeTo(dx, expected, () => EPSILON * 16 * r * size ** 3)).toBeLessThanOrEqual(32 + d)
      const [dGamma, dBeta] = layerNorm.layerNormParamsGradient(sizes, x, ...of(fast), dy)
      const [gammas, betas] = layerNorm.layerNormParamsGradient.reference(sizes, x, ...of(slow), dy)
      expect(relativeTo(dGamma, gammas, () => EPSILON * 4 * size ** 3)).toBeLessThanOrEqual(8 * (16 + d + n))
      expect(relativeTo(dBeta, betas, () => EPSILON * 4 * n)).toBeLessThanOrEqual(n)
    }))
  })
  test('cross-entropy and its gradient', () => {
    fc.assert(fc.property(matrix, fc.infiniteStream(fc.nat()), ({ n, d, x }, stream) => {
      const targets = Int32Array.from(Array.from({ length: n }, () => { const t = stream.next().value % (d + 1); return t === d ? -100 : t }))
      const sizes = { rows: n, width: d, ignored: -100, scale: 0.5 }, loss = crossEntropy.crossEntropySum.reference(sizes, x, targets)
      expect(Math.abs(crossEntropy.crossEntropySum(sizes, x, targets) - loss)).toBeLessThanOrEqual(EPSILON * (16 + d) * n)
      expect(relativeTo(crossEntropy.crossEntropyGradient(sizes, x, targets), crossEntropy.crossEntropyGradient.reference(sizes, x, targets), () => EPSILON * (16 + d))).toBeLessThanOrEqual(1)
    }))
  })
  test('sums, gathers and scatters', () => {
    fc.assert(fc.property(matrix, fc.infiniteStream(fc.nat()), ({ n, d, x }, stream) => {
      expect(relativeTo(rows.sumRows({ rows: n, width: d }, x), rows.sumRows.reference({ rows: n, width: d }, x), () => EPSILON * 4 * n * n)).toBeLessThanOrEqual(1)
      const ids = Int32Array.from(Array.from({ length: 5 }, () => stream.next().value % n))
      const table = { rows: n, width: d, count: 5 }, dy = rows.gatherRows(table, x, ids)
      expect(Array.from(dy)).toEqual(Array.from(rows.gatherRows.reference(table, x, ids)))
      expect(Array.from(rows.scatterAddRows(table, dy, ids))).toEqual(Array.from(rows.scatterAddRows.reference(table, dy, ids)))
    }))
  })
  test('rows are appended alike', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 3 }), size, size, (batch, first, second) => {
      const a = Float32Array.from({ length: batch * first }, (_, i) => i), b = Float32Array.from({ length: batch * second }, (_, i) => -i)
      expect(Array.from(rows.appendRows({ batch, first, second }, a, b))).toEqual(Array.from(rows.appendRows.reference({ batch, first, second }, a, b)))
    }))
  })
  test('heads are split and merged alike', () => {
    fc.assert(fc.property(fc.record({ batch: fc.integer({ min: 0, max: 2 }), heads: fc.integer({ min: 1, max: 3 }), time: size, width: fc.integer({ min: 1, max: 5 }), parts: fc.constantFrom<1 | 3>(1, 3) }), layout => {
      const length = layout.batch * layout.heads * layout.time * layout.width
      const merged = Float32Array.from({ length: length * layout.parts }, (_, i) => i)
      const [first, second, third] = heads.splitHeads(layout, merged)
      expect([first, second, third]).toEqual(heads.splitHeads.reference(layout, merged))
      expect(layout.parts === 1 ? heads.mergeHeads(layout, first) : heads.mergeHeads(layout, first, second, third)).toEqual(merged)
    }))
  })
})

describe('entry by entry', () => {
  test('add, subtract, multiply, divide and scale are exact, for special numbers too', () => {
    fc.assert(fc.property(anything, x => {
      const y = x.map((_, i) => x[x.length - 1 - i])
      expect(Array.from(entrywise.add(x, y))).toEqual(Array.from(entrywise.add.reference(x, y)))
      expect(Array.from(entrywise.subtract(x, y))).toEqual(Array.from(entrywise.subtract.reference(x, y)))
      expect(Array.from(entrywise.divide(x, y))).toEqual(Array.from(entrywise.divide.reference(x, y)))
      expect(Array.from(entrywise.multiply(x, y))).toEqual(Array.from(entrywise.multiply.reference(x, y)))
      expect(Array.from(entrywise.scale({ n: x.length, factor: 0.375 }, x))).toEqual(Array.from(entrywise.scale.reference({ n: x.length, factor: 0.375 }, x)))
    }))
  })
  test('descent, running means and Adam: a few roundings', () => {
    fc.assert(fc.property(size.chain(n => fc.tuple(singles(n), singles(n), singles(n))), ([a, b, c]) => {
      expect(relativeTo(entrywise.descend({ n: a.length, rate: 0.3 }, a, b), entrywise.descend.reference({ n: a.length, rate: 0.3 }, a, b), () => EPSILON * 8)).toBeLessThanOrEqual(2)
      const v = c.map(x => x * x + 0.01), g = a.map((x, i) => x - 2 * b[i])
      const step = { n: a.length, rate: 0.1, beta1: 0.9, beta2: 0.99, firstCorrection: 0.1, secondCorrection: 0.01, epsilon: 1e-8, decay: 0.1 }
      const [theta, mean, square] = adam.adam(step, a, b, v, g), [theta0, mean0, square0] = adam.adam.reference(step, a, b, v, g)
      expect(relativeTo(mean, mean0, i => EPSILON * (Math.abs(b[i]) + Math.abs(g[i])))).toBeLessThanOrEqual(4)
      expect(relativeTo(square, square0, i => EPSILON * (v[i] + g[i] ** 2))).toBeLessThanOrEqual(6)
      // The mean may be the small difference of two larger numbers, whose roundings are those of the update.
      const update = (i: number) => (Math.abs(b[i]) + Math.abs(g[i])) / Math.sqrt(square0[i] / 0.01)
      expect(relativeTo(theta, theta0, i => EPSILON * (Math.abs(a[i]) + update(i)))).toBeLessThanOrEqual(8)
    }))
  })
  test('inner products in double precision', () => {
    fc.assert(fc.property(size.chain(n => fc.tuple(singles(n), singles(n))), ([a, b]) => {
      expect(Math.abs(entrywise.dot({ n: a.length }, a, b) - entrywise.dot.reference({ n: a.length }, a, b))).toBeLessThanOrEqual(1e-13)
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
      const sizes = { matrices, heads: count, queries, keys, width, valueWidth, causal }
      const made = (length: number, from: number) => Float32Array.from({ length }, (_, i) => 2 * Math.sin(i * 7.13 + seed + from))
      const q = made(matrices * queries * width, 0.1), k = made(matrices * keys * width, 0.2), v = made(matrices * keys * valueWidth, 0.3)
      const dy = made(matrices * queries * valueWidth, 0.4)
      const keep = padded ? Int32Array.from({ length: items * keys }, (_, i) => ((i + seed) % 3 === 0 ? 0 : 1)) : undefined
      const w = attention.attentionWeights(sizes, q, k, keep), expected = attention.attentionWeights.reference(sizes, q, k, keep)
      expect(relativeTo(w, expected, () => EPSILON * 32 * (1 + width))).toBeLessThanOrEqual(1)
      expect(Array.from(w, x => x === 0)).toEqual(Array.from(expected, x => x === 0))
      const [y, top, sum] = attention.attention(sizes, q, k, v, keep), [z, m, l] = attention.attention.reference(sizes, q, k, v, keep)
      expect(relativeTo(y, z, () => EPSILON * 64 * (1 + width + keys))).toBeLessThanOrEqual(1)
      const a = attention.attentionGradient(sizes, q, k, v, y, top, sum, dy, keep), b = attention.attentionGradient.reference(sizes, q, k, v, z, m, l, dy, keep)
      const bound = EPSILON * 64 * (1 + width + valueWidth) * (queries + keys)
      a.forEach((part, i) => { expect(relativeTo(part, b[i], () => bound)).toBeLessThanOrEqual(1) })
    }), { numRuns: 300 })
  })
  test('of new positions to all that were read', () => {
    fc.assert(fc.property(cases, ({ items, heads: count, queries, extra, width, valueWidth, seed }) => {
      const sizes = { heads: items * count, queries: 1 + queries % 4, keys: Math.max(1, 3 * queries + extra + 90 * (seed % 3)), width, valueWidth }
      const made = (length: number, from: number) => Float32Array.from({ length }, (_, i) => 2 * Math.sin(i * 7.13 + seed + from))
      const q = made(sizes.heads * sizes.queries * width, 0.1), k = made(sizes.heads * sizes.keys * width, 0.2), v = made(sizes.heads * sizes.keys * valueWidth, 0.3)
      // Those of attention, with heads outside.
      const inside = (x: Float32Array, d: number) => heads.splitHeads.reference({ batch: 1, heads: sizes.heads, time: sizes.keys, width: d, parts: 1 }, x)[0]
      const whole = { ...sizes, matrices: sizes.heads, causal: true }, reads = [q, inside(k, width), inside(v, valueWidth), undefined] as const
      expect(attentionStep(sizes, q, k, v)).toEqual(attention.attention(whole, ...reads)[0])
      expect(attentionStep.reference(sizes, q, k, v)).toEqual(attention.attention.reference(whole, ...reads)[0])
    }), { numRuns: 300 })
  })
})
