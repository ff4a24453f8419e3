import { describe, expect, test } from 'vitest'
import { constant, gelu, initGpt, linearSchedule, noParams, random, sinusoidalTable, tensor, warmupCosine } from 'pullback'
import { threefry } from '../../src/random/key.js'

describe('random', () => {
  test('Threefry-2x32 has the published known answers', () => {
    // J. Salmon et al., Random123, kat_vectors: threefry2x32, 20 rounds.
    expect(threefry([0, 0], [0, 0])).toEqual([0x6b200159, 0x99ba4efe])
    expect(threefry([0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff])).toEqual([0x1cb996fc, 0xbb002be7])
    expect(threefry([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3])).toEqual([0xc4923a9c, 0x483df7a0])
  })
  test('a key always gives the same numbers', () => {
    expect(tensor.toArray(random.uniform([3])(random.key(42)))).toEqual(tensor.toArray(random.uniform([3])(random.key(42))))
  })
  test('normal numbers have the mean and the deviation asked for', () => {
    const x = tensor.toArray(random.normal([40_000], { mean: 3, deviation: 2, precision: 'float64' })(random.key(7)))
    const mean = x.reduce((a, b) => a + b, 0) / x.length
    const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length
    // Five standard errors: 5 · 2/√40000 and 5 · 4 √(2/40000).
    expect(Math.abs(mean - 3)).toBeLessThan(0.05)
    expect(Math.abs(variance - 4)).toBeLessThan(0.15)
  })
  test('uniform numbers stay below the end in both precisions', () => {
    for (const precision of ['float32', 'float64'] as const) {
      const x = random.uniform([10_000], { precision })(random.key(1))
      expect(Math.max(...x.data)).toBeLessThan(1)
      expect(Math.min(...x.data)).toBeGreaterThanOrEqual(0)
    }
  })
  test('initialisers have the deviations of their formulae', () => {
    const deviation = (x: { readonly data: Iterable<number> }): number => {
      const values = Array.from(x.data)
      return Math.sqrt(values.reduce((a, v) => a + v * v, 0) / values.length)
    }
    const at = (initializer: random.Initializer) => deviation(initializer(100, 300)(random.key(3)))
    expect(at(random.xavierUniform)).toBeCloseTo(Math.sqrt(2 / 400), 3)
    expect(at(random.xavierNormal)).toBeCloseTo(Math.sqrt(2 / 400), 3)
    expect(at(random.heUniform)).toBeCloseTo(Math.sqrt(2 / 100), 2)
    expect(at(random.heNormal)).toBeCloseTo(Math.sqrt(2 / 100), 2)
    expect(at(random.gpt2Normal)).toBeCloseTo(0.02, 3)
    expect(at(random.gpt2Residual(8))).toBeCloseTo(0.02 / 4, 3)
  })
  test("GPT-2's residual projections begin smaller by the root of twice the layers", () => {
    const { h } = initGpt({ vocabulary: 5, context: 4, width: 64, layers: 8 })(random.key(0))
    const ratio = tensor.norm(h[0].mlp.c_proj.weight) / tensor.norm(h[0].mlp.c_fc.weight)
    expect(ratio).toBeCloseTo(1 / 4, 2)
    expect(tensor.norm(h[3].attn.c_proj.weight)).toBeGreaterThan(0)
  })
})

describe('positions', () => {
  test('the sine and the cosine of a pair share one frequency', () => {
    const table = sinusoidalTable(5, 6, 'float64')
    for (let t = 0; t < 5; t++)
      for (let i = 0; i < 3; i++) {
        const angle = t / 10000 ** (2 * i / 6)
        expect(tensor.at(t, 2 * i)(table)).toBeCloseTo(Math.sin(angle), 14)
        expect(tensor.at(t, 2 * i + 1)(table)).toBeCloseTo(Math.cos(angle), 14)
      }
  })
})

describe('gelu', () => {
  test('has the values of x Φ(x)', () => {
    // Φ(1) = 0.841344746068543, Φ(2) = 0.977249868051821, Φ(−3) = 0.001349898031630 (Abramowitz and Stegun 1964, table 26.1).
    const y = gelu.forward(noParams, tensor.of([0, 1, -1, 2, -3], 'float64'))
    const expected = [0, 0.841344746068543, -0.158655253931457, 1.954499736103642, -0.00404969409489]
    expected.forEach((value, i) => expect(y.data[i]).toBeCloseTo(value, 12))
  })
})

describe('schedules', () => {
  test('constant', () => expect(constant(3)(17)).toBe(3))
  test('linear', () => expect([0, 5, 10, 11].map(linearSchedule({ from: 1, to: 0, steps: 10 }))).toEqual([1, 0.5, 0, 0]))
  test('warm-up and cosine', () => {
    const rate = warmupCosine({ peak: 1, final: 0.1, warmup: 9, steps: 109 })
    expect(rate(0)).toBeCloseTo(0.1, 12)
    expect(rate(8)).toBeCloseTo(0.9, 12)
    expect(rate(9)).toBeCloseTo(1, 12)
    expect(rate(59)).toBeCloseTo(0.55, 12)
    expect(rate(109)).toBe(0.1)
    expect(rate(1000)).toBe(0.1)
  })
})
