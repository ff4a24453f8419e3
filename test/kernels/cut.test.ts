/** However the pieces of a kernel are cut, and whoever computes them in which order, the bits are the same. */
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as activations from '../../src/kernels/activations.js'
import { adam } from '../../src/kernels/adam.js'
import * as algebra from '../../src/kernels/algebra.js'
import * as attention from '../../src/kernels/attention.js'
import { attentionStep } from '../../src/kernels/attentionStep.js'
import { crossEntropyGradient } from '../../src/kernels/crossEntropy.js'
import type { Floats } from '../../src/kernels/floats.js'
import * as gemm from '../../src/kernels/gemm.js'
import * as heads from '../../src/kernels/heads.js'
import * as layerNorm from '../../src/kernels/layerNorm.js'
import * as losses from '../../src/kernels/losses.js'
import { dropout, normal, uniform } from '../../src/kernels/random.js'
import * as rows from '../../src/kernels/rows.js'
import { instance } from '../../src/kernels/simd/instance.js'
import type * as threads from '../../src/kernels/simd/threads.js'
import * as softmax from '../../src/kernels/softmax.js'

/** Pieces of a call, the last ones first; 0: all at once. */
const cut = vi.hoisted(() => ({ each: 0, calls: 0, most: 0 }))

vi.mock(import('../../src/kernels/simd/threads.js'), async original => {
  const { instance: loaded } = await import('../../src/kernels/simd/instance.js')
  const run: typeof threads.run = (name, args, { count }, scratch) => {
    const f = loaded?.kernels[name]
    if (f === undefined) return
    if (cut.each === 0 || count < 2) return f(...args, 0, count, scratch, 1)
    cut.calls++
    cut.most = Math.max(cut.most, Math.ceil(count / cut.each))
    const last = Math.floor((count - 1) / cut.each) * cut.each
    for (let from = last; from >= 0; from -= cut.each) f(...args, from, Math.min(count, from + cut.each), scratch, from === last ? 1 : 0)
  }
  return { ...await original(), run }
})

afterEach(() => { cut.each = 0 })

const numbers = (length: number, seed: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + seed) * 2)
const ids = (length: number, below: number, seed: number): Int32Array => Int32Array.from({ length }, (_, i) => (i * 7 + seed) % below)

type Case = { readonly n: number, readonly d: number, readonly seed: number }
const cases = fc.record({ n: fc.integer({ min: 1, max: 120 }), d: fc.integer({ min: 1, max: 70 }), seed: fc.nat(1000) })
const some = (result: Floats | readonly Floats[]): readonly (readonly number[])[] =>
  (result instanceof Float32Array ? [result] : result as readonly Floats[]).map(x => Array.from(x))

const stats = ({ n, d, seed }: Case) => {
  const sizes = { rows: n, width: d, epsilon: 1e-5 }, x = numbers(n * d, seed), { scale, mean, rest, inverseDeviation } = layerNorm.rowStatistics(sizes, x)
  return { sizes, x, of: [scale, mean, rest, inverseDeviation] as const }
}

const product = (transposeA: boolean, transposeB: boolean) => ({ n, d, seed }: Case) => {
  const sizes = { batch: 2, m: n, n: 5 * d, k: d, transposeA, transposeB }
  return gemm.affine(sizes, numbers(2 * n * d, seed), numbers(2 * 5 * d * d, seed + 1), numbers(5 * d, seed + 2))
}

/** One whose inner index has several blocks, which are packed one after the other. */
const longProduct = (transposeA: boolean, transposeB: boolean) => ({ n, d, seed }: Case) => {
  const sizes = { batch: 2, m: n, n: 40, k: 20 * d, transposeA, transposeB }
  return gemm.gemm(sizes, numbers(40 * n * d, seed), numbers(1600 * d, seed + 1))
}

const sumOfProducts = (transposeA: boolean, transposeB: boolean) => ({ n, d, seed }: Case) =>
  gemm.addGemm({ m: n, n: 5 * d, k: d, transposeA, transposeB }, numbers(5 * n * d, seed + 2), numbers(n * d, seed), numbers(5 * d * d, seed + 1))

const attentionOf = (matrices: number, most: number, causal: boolean) => ({ n, d, seed }: Case) => {
  const sizes = { matrices, heads: 2, queries: 1 + n % 13 * most, keys: 1 + d % 17 * most, width: 5, valueWidth: 7, causal }
  const { queries, keys, width, valueWidth } = sizes
  const q = numbers(matrices * queries * width, seed), k = numbers(matrices * keys * width, seed + 1), v = numbers(matrices * keys * valueWidth, seed + 2)
  const keep = ids(Math.ceil(matrices / 2) * keys, 3, seed), [y, top, sum] = attention.attention(sizes, q, k, v, keep)
  const gradients = attention.attentionGradient(sizes, q, k, v, y, top, sum, numbers(matrices * queries * valueWidth, seed + 3), keep)
  return [attention.attentionWeights(sizes, q, k, keep), y, top, sum, ...gradients]
}

const kernels: Readonly<Record<string, (c: Case) => Floats | readonly Floats[]>> = {
  'a product': product(false, false), 'a product with Aᵀ': product(true, false), 'a product with Bᵀ': product(false, true), 'a product with both': product(true, true),
  'a product with a long inner index': longProduct(false, false), 'a product with Aᵀ and a long inner index': longProduct(true, false),
  'a product with few rows': ({ d, seed }) => product(false, false)({ n: 3, d, seed }), 'a product with few rows and Bᵀ': ({ d, seed }) => product(false, true)({ n: 2, d, seed }),
  'a product that is added': sumOfProducts(false, false), 'a product with Aᵀ that is added': sumOfProducts(true, false), 'a product with both that is added': sumOfProducts(true, true),
  attention: attentionOf(6, 1, false), 'causal attention': attentionOf(6, 1, true), 'attention of one long matrix': attentionOf(1, 31, false), 'causal attention of one long matrix': attentionOf(1, 31, true),
  'attention to what was read': ({ n, d, seed }) =>
    attentionStep({ heads: 6, queries: Math.min(n, 2), keys: n, width: d, valueWidth: 5 }, numbers(6 * Math.min(n, 2) * d, seed), numbers(n * 6 * d, seed + 1), numbers(n * 6 * 5, seed + 2)),
  softmax: ({ n, d, seed }) => softmax.softmaxRows({ rows: n, width: d, temperature: 0.7 }, numbers(n * d, seed)),
  'gradient of softmax': ({ n, d, seed }) => softmax.softmaxRowsGradient({ rows: n, width: d, temperature: 0.7 }, numbers(n * d, seed), numbers(n * d, seed + 1)),
  'gradient of cross-entropy': ({ n, d, seed }) => crossEntropyGradient({ rows: n, width: d, ignored: 0, scale: 0.3 }, numbers(n * d, seed), ids(n, d, seed)),
  'row statistics': c => stats(c).of,
  'layer norm from x alone': ({ n, d, seed }) => layerNorm.normalizedRows({ rows: n, width: d, epsilon: 1e-5 }, numbers(n * d, seed), numbers(d, 1), numbers(d, 2)),
  'layer norm': c => {
    const { sizes, x, of } = stats(c)
    return layerNorm.layerNormRows(sizes, x, numbers(c.d, 1), numbers(c.d, 2), ...of)
  },
  'gradients of layer norm': c => {
    const { sizes, x, of } = stats(c), dy = numbers(c.n * c.d, c.seed + 5)
    return [layerNorm.layerNormGradient(sizes, x, numbers(c.d, 1), ...of, dy), ...layerNorm.layerNormParamsGradient(sizes, x, ...of, dy)]
  },
  ...Object.fromEntries(([
    ['sigmoid', activations.sigmoid], ['tanh', activations.tanh], ['relu', activations.relu], ['silu', activations.silu], ['geluTanh', activations.geluTanh],
    ['slope of silu', activations.siluWithSlope], ['slope of geluTanh', activations.geluTanhWithSlope]
  ] as const).map(([name, f]) => [name, ({ n, d, seed }: Case) => f(numbers(n * d, seed))])),
  ...Object.fromEntries(([
    ['add', algebra.add], ['subtract', algebra.subtract], ['multiply', algebra.multiply], ['divide', algebra.divide], ['gradient of sigmoid', activations.sigmoidGradient],
    ['gradient of tanh', activations.tanhGradient], ['gradient of relu', activations.reluGradient]
  ] as const).map(([name, f]) => [name, ({ n, d, seed }: Case) => f(numbers(n * d, seed), numbers(n * d, seed + 1))])),
  'scale and descend': ({ n, seed }) => [algebra.scale({ n, factor: 0.3 }, numbers(n, seed)), algebra.descend({ n, rate: 0.1 }, numbers(n, seed), numbers(n, seed + 1))],
  'leaky ReLU': ({ n, seed }) => [
    activations.leakyRelu({ n, slope: 0.1 }, numbers(n, seed)), activations.leakyReluGradient({ n, slope: 0.1 }, numbers(n, seed), numbers(n, seed + 1))
  ],
  'gradient of the squared error': ({ n, seed }) => losses.squaredError.slopes({ n, scale: 0.5 }, numbers(n, seed), numbers(n, seed + 1)),
  adam: ({ n, seed }) => adam(
    { n, rate: 0.1, beta1: 0.9, beta2: 0.99, firstCorrection: 0.1, secondCorrection: 0.01, epsilon: 1e-8, decay: 0.1 },
    numbers(n, seed), numbers(n, seed + 1), numbers(n, seed + 2).map(Math.abs), numbers(n, seed + 3)),
  dropout: ({ n, d, seed }) => dropout({ n: n * d, high: seed, low: 7, rate: 0.4 }, numbers(n * d, seed)),
  'random numbers': ({ n, seed }) => {
    const sizes = { n, precision: 'float32' as const, high: seed, low: 3 }
    return [uniform({ ...sizes, min: -1, max: 2 }), normal({ ...sizes, mean: 1, deviation: 2 })]
  },
  'sums of rows': ({ n, d, seed }) => rows.sumRows({ rows: n, width: d }, numbers(n * d, seed)),
  positions: ({ n, d, seed }) => rows.addRepeated({ n: 4 * n * d, begin: d, length: 4 * d, total: 6 * d }, numbers(4 * n * d, seed), numbers(6 * d, seed)),
  'rows by id': ({ n, d, seed }) => {
    const sizes = { rows: 9, width: d, count: n }, at = ids(n, 9, seed)
    return [rows.gatherRows(sizes, numbers(9 * d, seed), at), rows.scatterAddRows(sizes, numbers(n * d, seed), at)]
  },
  copies: ({ n, d, seed }) => [
    rows.transpose({ batch: 3, rows: n, columns: d }, numbers(3 * n * d, seed)), rows.copyRows({ batch: n, stride: d + 2, begin: 1, width: d }, numbers(n * (d + 2), seed)),
    rows.appendRows({ batch: n, first: d, second: 3 }, numbers(n * d, seed), numbers(3 * n, seed))
  ],
  heads: ({ n, d, seed }) => {
    const layout = { batch: 2, heads: 3, time: n % 9, width: 1 + d % 5, parts: 3 as const }, x = numbers(18 * layout.time * layout.width, seed)
    const [first, second, third] = heads.splitHeads(layout, x)
    return [first, second, third, heads.mergeHeads(layout, first, second, third)]
  }
}

describe.skipIf(instance === undefined)('however a kernel is cut, the bits are the same', () => {
  test.each(Object.entries(kernels))('%s', (_, kernel) => {
    Object.assign(cut, { calls: 0, most: 0 })
    fc.assert(fc.property(cases, fc.integer({ min: 1, max: 9 }), (c, each) => {
      cut.each = 0
      const whole = some(kernel(c))
      cut.each = each
      expect(some(kernel(c))).toEqual(whole)
    }), { numRuns: 40, examples: [[{ n: 117, d: 61, seed: 3 }, 1], [{ n: 117, d: 61, seed: 3 }, 3]] })
    expect(cut.calls, 'calls that were cut').toBeGreaterThan(0)
    expect(cut.most).toBeGreaterThan(1)
  })
})

describe.skipIf(instance === undefined)('a call that draws some pieces', () => {
  /** Numbers in the middle of the memory, where nothing else is while no kernel runs: results, what is read, and scratch. */
  const AT = 2 ** 20, X = 1024, SCRATCH = 2048, ALL = 4096, UNTOUCHED = 7
  const draws = {
    uniform: { each: 4, bytes: () => 0, args: [1, 2, -2, 1] },
    normal: { each: 4, bytes: () => instance?.kernels.normalScratchBytes.value ?? 0, args: [1, 2, 0, 1] },
    dropout: { each: 8, bytes: () => 0, args: [1, 2, 2 ** 31, 2] }
  } as const
  test.each(Object.keys(draws) as (keyof typeof draws)[])('%s fills these, and touches nothing around them and behind its scratch', name => {
    const { each, bytes, args } = draws[name]
    fc.assert(fc.property(fc.nat(40), fc.nat(80), fc.boolean(), (from, count, half) => {
      if (instance === undefined) return
      const to = from + count, end = each * to - (half && each === 8 && count > 0 ? 4 : 0)
      const floats = new Float32Array(instance.memory.buffer, AT, ALL).fill(UNTOUCHED)
      instance.kernels[name](...(name === 'dropout' ? [AT, AT + 4 * X, ...args, end] : [AT, ...args]), from, to, AT + 4 * SCRATCH)
      const touched = Array.from(floats.keys()).filter(i => floats[i] !== UNTOUCHED && !(i >= SCRATCH && i < SCRATCH + bytes() / 4))
      expect(touched).toEqual(Array.from({ length: Math.max(0, end - each * from) }, (_, i) => each * from + i))
    }), { examples: [[0, 31, false], [0, 32, false], [1, 33, true]] })
  })
})
