import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  adam, adamW, clipByGlobalNorm, withClipping, crossEntropy, gelu, geluTanh, globalNorm, gradientDescent, greedySampler, layerNorm, logSoftmax, noParams, random, relu,
  categoricalSampler, sampler, sigmoid, silu, softmax, softmaxWith, tanh, tensor, topK, topP, tree, withTemperature, type Tensor
} from 'pullback'
import { arbitrary } from 'pullback/laws'
import { normalDensity, normalDistribution } from '../../src/kernels/reference/erf.js'

const precisions = ['float32', 'float64'] as const
const numbers = (x: Tensor): readonly number[] => Array.from(x.data)
const keys = Array.from({ length: 20 }, (_, seed) => random.key(seed))

describe.each(precisions)('activations in %s', precision => {
  const largest = precision === 'float32' ? 2 ** 128 - 2 ** 104 : Number.MAX_VALUE
  const slopes = { tanh: [0, 0], sigmoid: [0, 0], relu: [0, 1], silu: [0, 1], gelu: [0, 1], geluTanh: [0, 1] }
  const values = { tanh: () => [-1, 1], sigmoid: () => [0, 1], relu: (x: number) => [0, x], silu: (x: number) => [0, x], gelu: (x: number) => [0, x], geluTanh: (x: number) => [0, x] }
  const layers = { tanh, sigmoid, relu, silu, gelu, geluTanh }
  test.each(['tanh', 'sigmoid', 'relu', 'silu', 'gelu', 'geluTanh'] as const)('%s and its slope have their limits, and NaN stays NaN', name => {
    for (const x of [2e19, 1e30, largest, Infinity]) {
      const [y, pullback] = layers[name].vjp(noParams, tensor.of([-x, x], precision))
      const [below, above] = values[name](x), single = tensor.of([below, above], precision)
      expect(numbers(y).map(v => v + 0)).toEqual(numbers(single))
      expect(numbers(pullback(tensor.of([1, 1], precision)).input).map(v => v + 0)).toEqual(slopes[name])
    }
    const [y, pullback] = layers[name].vjp(noParams, tensor.of([NaN], precision))
    expect([...numbers(y), ...numbers(pullback(tensor.of([1], precision)).input)]).toEqual([NaN, NaN])
  })
})

describe('the normal distribution', () => {
  const ONE = 10n ** 90n
  /** e^{−q} for a rational q ≥ 0 with denominator ONE, by halving the argument until its series is short. */
  const exponential = (q: bigint): bigint => {
    const halvings = 16n
    let term = ONE, total = ONE
    for (let n = 1n; term !== 0n; n++) {
      term = term * -(q >> halvings) / ONE / n
      total += term
    }
    for (let i = 0n; i < halvings; i++) total = total * total / ONE
    return total
  }
  const fixed = (x: number): bigint => {
    const scaled = 2 ** 52 * x
    return BigInt(Math.round(scaled)) * ONE / 2n ** 52n
  }
  const ROOT_TWO_PI = 250662827463100050241576528481104525300698674060993831662992357634229365460784n * 10n ** 13n
  /** Φ(x) for a multiple of 2⁻⁵² with |x| ≤ 9, by its series; e^{−40} leaves seventy digits of ninety. */
  const exact = (x: number): number => {
    const z = fixed(Math.abs(x)), square = z * z / ONE
    let term = z, total = z
    for (let n = 1n; term !== 0n; n++) {
      term = term * square / ONE / (2n * n + 1n)
      total += term
    }
    const tail = ONE / 2n - exponential(square / 2n) * total / ROOT_TWO_PI
    return Number(x < 0 ? tail : ONE - tail) / Number(ONE)
  }
  test('has a relative error below 1e-15, also in its lower tail', () => {
    fc.assert(fc.property(fc.integer({ min: -9 * 2 ** 20, max: 9 * 2 ** 20 }), k => {
      const x = k / 2 ** 20, expected = exact(x)
      expect(Math.abs(normalDistribution(x) / expected - 1), `at ${x}`).toBeLessThanOrEqual(1e-15)
    }), { examples: [[-3.4 * 2 ** 20 | 0], [0], [-9 * 2 ** 20], [Math.round(-0.1768 * 2 ** 20)], [-4.06 * 2 ** 20 | 0]] })
  })
  test('has a density with a relative error below 1e-15, where its exponent is large, too', () => {
    // e^{−450} / √(2π)
    expect(Math.abs(normalDensity(30) / 1.4736461348785476e-196 - 1)).toBeLessThanOrEqual(1e-15)
    expect(normalDensity(-30)).toBe(normalDensity(30))
  })
  test('gelu near −3.4', () => {
    const x = -3.400000095367432
    expect(Math.abs(gelu.forward(noParams, tensor.of([x], 'float64')).data[0] / (x * exact(x)) - 1)).toBeLessThanOrEqual(1e-15)
  })
})

describe.each(precisions)('softmax in %s', precision => {
  test('a small temperature is greedy in the limit, a large one even', () => {
    const x = tensor.of([1, 3, 3, -Infinity, 2], precision)
    for (const temperature of [1e-38, 1e-40, 1e-45, 1e-320]) {
      const [y, pullback] = softmaxWith(temperature).vjp(noParams, x)
      expect(numbers(y)).toEqual([0, 0.5, 0.5, 0, 0])
      expect(numbers(pullback(tensor.of([1, 1, 1, 1, 1], precision)).input).map(v => v + 0)).toEqual([0, 0, 0, 0, 0])
    }
    expect(numbers(softmaxWith(1e300).forward(noParams, x))).toEqual(numbers(tensor.of([0.25, 0.25, 0.25, 0, 0.25], precision)))
  })
  test('logits of ∞ share the whole', () => {
    const x = tensor.of([[Infinity, 0, Infinity], [1e4, Infinity, -Infinity], [NaN, Infinity, 0]], precision)
    expect(numbers(softmax.forward(noParams, x))).toEqual([0.5, 0, 0.5, 0, 1, 0, NaN, NaN, NaN])
    const half = Math.log(0.5), rounded = precision === 'float32' ? Math.fround(half) : half
    expect(numbers(logSoftmax.forward(noParams, x)).map(v => v + 0)).toEqual([rounded, -Infinity, rounded, -Infinity, 0, -Infinity, NaN, NaN, NaN])
  })
  test('a wide row of equal logits has equal parts', () => {
    const y = softmax.forward(noParams, tensor.full([50257], 0.7, precision))
    expect(Math.abs(tensor.sum(y) - 1)).toBeLessThan(1e-7)
  })
  test('cross-entropy of rows with infinities, and of huge logits', () => {
    const loss = (row: readonly number[], target: number) => {
      const x = tensor.of([row], precision), t = tensor.tokensOf([target])
      return [crossEntropy().forward(x, t), ...numbers(crossEntropy().gradient(x, t)).map(v => v + 0)]
    }
    const none = -Infinity
    expect(loss([none, none], 1)).toEqual([Infinity, 0, 0])
    expect(loss([0, none], 1)).toEqual([Infinity, 1, -1])
    expect(loss([0, Infinity], 1)).toEqual([0, 0, 0])
    expect(loss([0, Infinity], 0)).toEqual([Infinity, -1, 1])
    expect(loss([Infinity, Infinity], 0)).toEqual([Math.log(2), -0.5, 0.5])
    expect(loss([1e30, 1e30], 0)).toEqual([Math.log(2), -0.5, 0.5])
    expect(loss([3e38, -3e38], 0)).toEqual([0, 0, 0])
  })
})

describe('layer norm as a layer', () => {
  test.each(precisions)('a constant row gives its bias, and no gradient to the weight, in %s', precision => {
    const x = tensor.full([1, 768], 1234.567, precision)
    const params = { weight: tensor.full([768], 2, precision), bias: tensor.full([768], 0.5, precision) }
    const [y, pullback] = layerNorm.vjp(params, x)
    expect(new Set(numbers(y))).toEqual(new Set([0.5]))
    expect(new Set(numbers(pullback(tensor.full([1, 768], 1, precision)).params.weight).map(v => v + 0))).toEqual(new Set([0]))
  })
})

describe('clipping', () => {
  test('the norm neither overflows nor vanishes', () => {
    expect(globalNorm({ a: tensor.of([3e200], 'float64'), b: tensor.of([4e200], 'float64') }) / 5e200).toBeCloseTo(1, 15)
    expect(globalNorm(tensor.of([3e-200, 4e-200], 'float64')) / 5e-200).toBeCloseTo(1, 15)
    expect(globalNorm(tensor.of([3e38, 3e38]))).toBeCloseTo(Math.hypot(Math.fround(3e38), Math.fround(3e38)), -25)
    expect(globalNorm(tensor.of([0, 0]))).toBe(0)
    expect(globalNorm({})).toBe(0)
  })
  test.each([[[3e200, 4e200], 'float64'], [[1.2e308, 1.6e308], 'float64'], [[3e37, 4e37], 'float32'], [[3, 4], 'float64']] as const)('%j is clipped to 0.6, 0.8', (gradient, precision) => {
    const y = numbers(clipByGlobalNorm(1)(tensor.of(gradient, precision)))
    expect(y[0]).toBeCloseTo(0.6, 6)
    expect(y[1]).toBeCloseTo(0.8, 6)
  })
  test('a gradient that is not finite is refused, by the name of its leaf', () => {
    const gradient = { a: tensor.of([1]), b: { weight: tensor.of([1, Infinity]), bias: tensor.of([NaN]) } }
    expect(() => clipByGlobalNorm(1)(gradient)).toThrow(new RangeError('clipByGlobalNorm: expected a gradient with a finite norm, got Infinity in "b.weight"'))
    const o = withClipping(1)(gradientDescent({ learningRate: 0.1 })), params = tree.zeros(gradient)
    expect(() => o.step(params, gradient, o.init(params))).toThrow(RangeError)
    expect(() => clipByGlobalNorm(1)(tensor.of([NaN], 'float64'))).toThrow('got NaN')
    expect(globalNorm(gradient)).not.toBeLessThan(Infinity)
  })
})

describe.each(precisions)('adam in %s', precision => {
  const after = (steps: number, gradient: number, options: Parameters<typeof adam>[0]): number => {
    const o = adam(options), g = tensor.of([gradient], precision)
    let params = tensor.of([1], precision), state = o.init(params)
    for (let i = 0; i < steps; i++) ({ params, state } = o.step(params, g, state))
    return params.data[0]
  }
  test.each([0.9, 0.99999999, 1 - 1e-10, 1 - 2 ** -53])('a constant gradient moves by the rate in each step, whatever β₂ is: %d', beta2 => {
    for (const gradient of [1, -1e-3, 1e4, 1e19])
      for (const beta1 of [0, 0.9, 0.999999])
        for (const steps of [1, 2, 5]) {
          const moved = 1 - after(steps, gradient, { learningRate: 0.1, beta1, beta2 })
          expect(Math.abs(moved - 0.1 * steps * Math.sign(gradient)), `${gradient}, ${beta1}, ${steps}: ${moved}`).toBeLessThan(1e-5)
        }
  })
  test('a mean forgets at the rate of its β', () => {
    const o = adamW({ learningRate: 1e-6, beta1: 0.9999, beta2: 0.99999 }), one = tensor.of([1], precision)
    let { state } = o.step(one, one, o.init(one))
    for (let i = 1; i < 20000; i++) ({ state } = o.step(one, one, state))
    expect(Math.abs(state.slots.m.data[0] / (1 - 0.9999 ** 20000) - 1)).toBeLessThan(precision === 'float32' ? 1e-3 : 1e-10)
  })
})

describe('choices', () => {
  const nan = tensor.of([1, NaN, 2])
  test('NaN is refused by name', () => {
    expect(() => greedySampler(nan)).toThrow(new RangeError('greedySampler: expected logits that are numbers, got NaN for token 1'))
    expect(() => topK(1)(nan)).toThrow(new RangeError('topK: expected logits that are numbers, got NaN for token 1'))
    expect(() => topP(0.5)(nan)).toThrow(new RangeError('topP: expected logits that are numbers, got NaN for token 1'))
    for (const options of [{ temperature: 0 }, { temperature: 0.5 }, { topK: 2 }, { topP: 0.5 }, {}])
      expect(() => sampler(options)(nan)(random.key(0))).toThrow(RangeError)
    expect(() => greedySampler(tensor.of([-Infinity, -Infinity]))).toThrow(new RangeError('greedySampler: expected a logit above −∞, got none'))
  })
  test('options are looked at even where the temperature makes them idle', () => {
    expect(() => sampler({ temperature: 0, topK: -3 })).toThrow('sampler: expected topK to be a positive integer, got -3')
  })
  test.each(precisions)('a small temperature is greedy, in %s', precision => {
    const logits = tensor.of([1, 5, 5 + 1e-6, -3], precision)
    for (const temperature of [1e-38, 1e-300])
      for (const key of keys) expect(sampler({ temperature })(logits)(key)).toBe(2)
    expect(numbers(withTemperature(1e-300)(tensor.of([Infinity, 1, -Infinity], precision)))).toEqual([0, -Infinity, -Infinity])
    expect(() => categoricalSampler(withTemperature(0.5)(tensor.of([-Infinity, -Infinity], precision)))(random.key(0))).toThrow(RangeError)
  })
  test('partial selection leaves what a full ranking leaves, ties included', () => {
    const rank = (x: readonly number[]) => x.map((_, i) => i).sort((a, b) => x[b] - x[a] || a - b)
    const logits = fc.array(fc.oneof(fc.constantFrom(-Infinity, 0, 1, 2), arbitrary.hardNumber()), { minLength: 1, maxLength: 40 })
    fc.assert(fc.property(logits, fc.integer({ min: 1, max: 45 }), fc.integer({ min: 1, max: 64 }), (x, count, share) => {
      const t = tensor.of(x, 'float64'), order = rank(x)
      const kept = (indices: readonly number[]) => x.map((v, i) => (indices.includes(i) ? v : -Infinity))
      expect(numbers(topK(count)(t))).toEqual(kept(order.slice(0, count)))
      const p = softmax.forward(noParams, t).data
      let total = 0
      const cut = order.findIndex(i => (total += p[i]) >= share / 64)
      expect(numbers(topP(share / 64)(t))).toEqual(kept(cut < 0 ? order : order.slice(0, cut + 1)))
      if (x[order[0]] > -Infinity) expect(greedySampler(t)(random.key(0))).toBe(order[0])
    }))
  })
})
