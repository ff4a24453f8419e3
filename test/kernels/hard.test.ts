import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { arbitrary, laws } from 'pullback/laws'
import * as activations from '../../src/kernels/activations.js'
import * as adam from '../../src/kernels/adam.js'
import * as crossEntropy from '../../src/kernels/crossEntropy.js'
import * as entrywise from '../../src/kernels/algebra.js'
import { type Floats, zerosLike } from '../../src/kernels/floats.js'
import * as layerNorm from '../../src/kernels/layerNorm.js'
import * as softmax from '../../src/kernels/softmax.js'
import { claim } from '../catalogue/claim.js'
import { expectKernels } from './counted.js'

vi.mock(import('../../src/kernels/simd/arena.js'), async original => (await import('./counted.js')).counted(await original()))
afterEach(expectKernels)

const EPSILON = 2 ** -24
const LEAST = 2 ** -149

const ulps = (n: number) => (expected: number): number => n * laws.ulp(expected)
/** A few roundings of numbers of at most (1 + |x|)², where the slope is not yet constant. */
const slope = (_: number, x: number): number => 64 * EPSILON * (1 + Math.min(Math.abs(x), 16)) ** 2
const ones = (x: Floats): Float32Array => new Float32Array(x.length).fill(1)

/** A gate's rounding of the exponent, and |x| roundings of a subnormal gate. */
const gated = (n: number) => (expected: number, x: number): number =>
  Math.max(laws.ulp(expected) * (n + 6.4 * Math.min(Math.abs(x + 0.044715 * x ** 3), 80)), Math.min(Math.abs(x), 110) * LEAST)

claim(([
  ['sigmoid', activations.sigmoid, activations.sigmoid.reference, ulps(4)],
  ['tanh', activations.tanh, activations.tanh.reference, ulps(4)],
  ['relu', activations.relu, activations.relu.reference, () => 0],
  ['leakyRelu', x => activations.leakyRelu({ n: x.length, slope: 0.01 }, x), x => activations.leakyRelu.reference({ n: x.length, slope: 0.01 }, x), ulps(2)],
  ['silu', activations.silu, activations.silu.reference, gated(5)],
  ['geluTanh', activations.geluTanh, activations.geluTanh.reference, gated(8)],
  ['slope of silu', x => activations.siluWithSlope(x)[1], x => activations.siluWithSlope.reference(x)[1], slope],
  ['slope of geluTanh', x => activations.geluTanhWithSlope(x)[1], x => activations.geluTanhWithSlope.reference(x)[1], slope],
  ['gradient of relu', x => activations.reluGradient(x, ones(x)), x => activations.reluGradient.reference(x, ones(x)), () => 0],
  ['gradient of leakyRelu', x => activations.leakyReluGradient({ n: x.length, slope: 0.01 }, x, ones(x)), x => activations.leakyReluGradient.reference({ n: x.length, slope: 0.01 }, x, ones(x)), ulps(1)],
  ['gradient of tanh', x => activations.tanhGradient(activations.tanh(x), ones(x)), x => activations.tanhGradient.reference(activations.tanh(x), ones(x)), () => 2 * EPSILON],
  ['gradient of sigmoid', x => activations.sigmoidGradient(activations.sigmoid(x), ones(x)), x => activations.sigmoidGradient.reference(activations.sigmoid(x), ones(x)), ulps(3)],
  ['scale', x => entrywise.scale({ n: x.length, factor: 0.1 }, x), x => entrywise.scale.reference({ n: x.length, factor: 0.1 }, x), ulps(2)]
] as const satisfies readonly (readonly [string, (x: Float32Array) => Floats, (x: Floats) => Floats, (expected: number, x: number) => number])[]).map(([subject, fast, definition, bound]) => ({
  subject: `${subject} of hard numbers`, laws: laws.entryKernels(fast, definition, { bound, reason: 'a few units in the last place' })
})))

/** The exponent z is rounded twice, and 64 terms are added in each lane. */
const softmaxBound = (expected: number): number => laws.ulp(expected) * (96 + 2 * Math.abs(Math.log(Math.max(expected, LEAST))))
const row = (x: Floats) => ({ rows: 1, width: x.length, ignored: -1, scale: 0.5 })
const first = (x: Floats): Int32Array => Int32Array.of(x.length - 1)

type Row = (x: Floats, dy: Floats) => Floats

/** The row itself; the two gradients of its parameters; and the gradient with respect to it, by the fast kernels or the references. */
const layerNormOf = (fast: boolean) => {
  const statistics = fast ? layerNorm.rowStatistics : layerNorm.referenceStatistics
  const [rows, gradient, ofParams] = [layerNorm.layerNormRows, layerNorm.layerNormGradient, layerNorm.layerNormParamsGradient]
  const sizes = (x: Floats, epsilon = 1e-5) => ({ rows: 1, width: x.length, epsilon })
  const of = (x: Floats, epsilon?: number) => {
    const { scale, mean, rest, inverseDeviation } = statistics(sizes(x, epsilon), x)
    return [scale, mean, rest, inverseDeviation] as const
  }
  const like = (x: Floats, value: number): Floats => zerosLike(x, x.length).fill(value)
  const normalized = (x: Floats, epsilon?: number): Floats => (fast ? rows : rows.reference)(sizes(x), x, like(x, 1), like(x, 0), ...of(x, epsilon))
  const dx: Row = (x, dy) => (fast ? gradient : gradient.reference)(sizes(x), x, like(x, 1), ...of(x), dy)
  const dParams = (x: Floats, dy: Floats) => (fast ? ofParams : ofParams.reference)(sizes(x), x, ...of(x), dy)
  return { normalized, dx, dParams }
}
const fast = layerNormOf(true), slow = layerNormOf(false)

claim([
  ...[1, 0.3, 1e-3, 1000].map(temperature => ({
    subject: `softmax of hard rows at ${temperature}`,
    laws: laws.rowKernels(
      x => softmax.softmaxRows({ rows: 1, width: x.length, temperature }, x), x => softmax.softmaxRows.reference({ rows: 1, width: x.length, temperature }, x), { reason: 'rounded exponents', bound: softmaxBound })
  })),
  {
    subject: 'cross-entropy of hard rows',
    laws: laws.rowKernels(
      x => [crossEntropy.crossEntropySum(row(x), x, first(x))], x => [crossEntropy.crossEntropySum.reference(row(x), x, first(x))],
      { reason: 'a sum of exponentials with a relative error of 80 roundings', bound: expected => 80 * EPSILON + Math.abs(expected) * 2 ** -50 })
  },
  {
    subject: 'gradient of cross-entropy of hard rows',
    laws: laws.rowKernels(
      x => crossEntropy.crossEntropyGradient(row(x), x, first(x)), x => crossEntropy.crossEntropyGradient.reference(row(x), x, first(x)),
      { reason: 'as the softmax, absolute', bound: () => 300 * EPSILON })
  },
  {
    subject: 'layer norm of hard rows',
    laws: laws.rowKernels(x => fast.normalized(x), x => slow.normalized(x), { reason: 'six roundings', bound: expected => 8 * EPSILON * Math.abs(expected) + 4 * EPSILON * EPSILON + LEAST })
  }
])

describe('layer norm', () => {
  const close = (a: Floats, b: ArrayLike<number>, bound: number): void => {
    Array.from(a).forEach((value, i) => { expect(Math.abs(value - b[i]), `entry ${i}: ${value} against ${b[i]}`).toBeLessThanOrEqual(bound) })
  }

  test('gradients of hard rows', () => {
    fc.assert(fc.property(arbitrary.hardRow({ precision: 'float32' }), row => {
      const x = Float32Array.from(row), n = row.length, dy = Float32Array.from(row, (_, j) => Math.sin(j + 1))
      const statistics = layerNorm.referenceStatistics({ rows: 1, width: n, epsilon: 1e-5 }, x), r = statistics.inverseDeviation[0] * statistics.scale[0]
      const xHat = Math.max(...Array.from(slow.normalized(x), Math.abs))
      const [dGamma, dBeta] = fast.dParams(x, dy), [gammas, betas] = slow.dParams(x, dy)
      close(fast.dx(x, dy), slow.dx(x, dy), (16 + n / 4) * EPSILON * r * (1 + xHat * xHat) + LEAST)
      close(dGamma, gammas, 8 * EPSILON * xHat + 4 * EPSILON * EPSILON + LEAST)
      close(dBeta, betas, 0)
    }))
  })

  const known: readonly (readonly [string, readonly number[], readonly number[]])[] = [
    ['a constant row', Array<number>(768).fill(Math.fround(1234.567)), Array<number>(768).fill(0)],
    ['an offset of 1e7', [1e7, 1e7 + 1, 1e7 + 2, 1e7 + 3], [-1.3416354, -0.4472118, 0.4472118, 1.3416354]],
    ['1e30', [1e30, 2e30, -1e30, 0], [0.4472136, 1.3416408, -1.3416408, -0.4472136]],
    ['3e38', [3e38, -3e38, 3e38, 3e38, -3e38, -3e38], [1, -1, 1, 1, -1, -1]]
  ]
  test.each(known)('%s', (_, row, expected) => {
    close(fast.normalized(Float32Array.from(row)), expected, 1e-6)
    close(fast.dParams(Float32Array.from(row), ones(Float32Array.from(row)))[0], expected, 1e-6)
  })

  test('numbers whose sums and squares overflow double precision', () => {
    for (const size of [1e300, 1e-300, 1.7e308]) {
      const x = Float64Array.of(size, -size, size, -size)
      close(slow.normalized(x, size < 1 ? 0 : 1e-5), [1, -1, 1, -1], 4e-16)
      expect(Array.from(slow.normalized(x.map(() => size)))).toEqual([0, 0, 0, 0])
    }
  })
})

describe('adam', () => {
  const rowOf = (n: number) => arbitrary.hardRow({ precision: 'float32', widths: fc.constant(n) }).map(row => Float32Array.from(row))
  const settings = fc.record({
    beta1: fc.constantFrom(0, 0.9, 0.9999999), beta2: fc.constantFrom(0, 0.999, 0.99999999, 1 - 1e-10), taken: fc.constantFrom(1, 2, 1000)
  })
  test('hard numbers and constants: a few roundings of what is added', () => {
    fc.assert(fc.property(arbitrary.axis(21).chain(n => fc.tuple(rowOf(n), rowOf(n), rowOf(n), rowOf(n))), settings, ([theta, m, v, g], { beta1, beta2, taken }) => {
      const squares = v.map(Math.abs), step = {
        n: theta.length, rate: 0.1, beta1, beta2, epsilon: 1e-8, decay: 0.1,
        firstCorrection: -Math.expm1(taken * Math.log1p(beta1 - 1)), secondCorrection: -Math.expm1(taken * Math.log1p(beta2 - 1))
      }
      const named = ([nextTheta, nextM, nextV]: readonly Floats[]) => ({ theta: nextTheta, m: nextM, v: nextV })
      const moved = named(adam.adam(step, theta, m, squares, g)), expected = named(adam.adam.reference(step, theta, m, squares, g))
      for (let i = 0; i < g.length; i++) {
        const size = Math.abs(beta1 * m[i]) + Math.abs((1 - beta1) * g[i])
        const update = 0.1 * size / step.firstCorrection / (Math.sqrt(expected.v[i] / step.secondCorrection) + 1e-8)
        const within = (a: number, b: number, bound: number, what: string): void => {
          if (a !== b) expect(Math.abs(a - b), `${what} ${i}: ${a} against ${b}`).toBeLessThanOrEqual(bound)
        }
        within(moved.m[i], expected.m[i], 4 * EPSILON * size + 2 * LEAST, 'm')
        within(moved.v[i], expected.v[i], 8 * EPSILON * expected.v[i] + 3 * LEAST, 'v')
        // Not where the step alone leaves the range of single precision, though its difference to θ may not.
        if (update < 2 ** 127) within(moved.theta[i], expected.theta[i], 8 * EPSILON * (Math.abs(theta[i]) + update) + 2e8 * LEAST, 'θ')
      }
    }))
  })
})
