import { describe, expect, test } from 'vitest'
import { constantSchedule, gelu, linearSchedule, noParams, sinusoidalTable, tensor, warmupCosine } from 'pullback'

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
  test('constantSchedule', () => expect(constantSchedule(3)(17)).toBe(3))
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
