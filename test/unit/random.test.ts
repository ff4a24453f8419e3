import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { initGpt, random, tensor, type Initializer, type Key, type Tensor } from 'pullback'
import { arbitrary } from 'pullback/laws'
import { threefry } from '../../src/random/key.js'

/** Two words of a key's stream, of its parts (1) or of what is folded into it (2), by their definition. */
const words = ({ high, low }: Key, use: 0 | 1 | 2, index: number) => threefry([high, low], [use, index])

/** A number in [0, 1) with 53 random bits. */
const unit = (k: Key, index: number): number => {
  const [a, b] = words(k, 0, index)
  return Number((BigInt(a >>> 5) << 26n) | BigInt(b >>> 6)) / 2 ** 53
}

const numbers = ({ data }: Tensor): readonly number[] => Array.from(data)

const double = { precision: 'float64' } as const

const moments = (x: readonly number[]) => {
  const mean = x.reduce((a, b) => a + b, 0) / x.length
  return { mean, variance: x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length }
}

describe('keys', () => {
  test('Threefry-2x32 has the published known answers', () => {
    // J. Salmon et al., Random123, kat_vectors: threefry2x32, 20 rounds.
    expect(threefry([0, 0], [0, 0])).toEqual([0x6b200159, 0x99ba4efe])
    expect(threefry([0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff])).toEqual([0x1cb996fc, 0xbb002be7])
    expect(threefry([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3])).toEqual([0xc4923a9c, 0x483df7a0])
  })
  test('a seed is the two words of its key', () => {
    expect(random.key(7)).toEqual({ _tag: 'Key', high: 0, low: 7 })
    expect(random.key(5 * 2 ** 32 + 0xfffffffe)).toEqual({ _tag: 'Key', high: 5, low: 0xfffffffe })
  })
  test('parts and folds are blocks of streams of their own', () => {
    fc.assert(fc.property(arbitrary.keys, fc.nat({ max: 2 ** 31 }), (k, index) => {
      const keyOf = ([high, low]: readonly [number, number]): Key => ({ _tag: 'Key', high, low })
      expect(random.split(k)).toEqual([keyOf(words(k, 1, 0)), keyOf(words(k, 1, 1))])
      expect(random.splitMany(4)(k)).toEqual([0, 1, 2, 3].map(i => keyOf(words(k, 1, i))))
      expect(random.foldIn(index)(k)).toEqual(keyOf(words(k, 2, index)))
    }))
  })
})

describe('distributions, by their definition from the words of the key', () => {
  const sizes = fc.nat(9)
  test('uniform', () => {
    fc.assert(fc.property(arbitrary.keys, sizes, (k, n) => {
      expect(numbers(random.uniform([n], double)(k))).toEqual(Array.from({ length: n }, (_, i) => unit(k, i)))
      expect(numbers(random.uniform([n], { min: -3, max: 5, ...double })(k))).toEqual(Array.from({ length: n }, (_, i) => -3 + 8 * unit(k, i)))
      // 24 bits are what single precision holds exactly below 1.
      expect(numbers(random.uniform([n])(k))).toEqual(Array.from({ length: n }, (_, i) => (words(k, 0, i)[0] >>> 8) / 2 ** 24))
    }))
  })
  test('normal: pairs by Box and Muller, also for odd sizes', () => {
    fc.assert(fc.property(arbitrary.keys, sizes, (k, n) => {
      const expected = Array.from({ length: n }, (_, i) => {
        const first = i - i % 2, radius = Math.sqrt(-2 * Math.log(1 - unit(k, first))), angle = 2 * Math.PI * unit(k, first + 1)
        return radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle))
      })
      expect(numbers(random.normal([n], double)(k))).toEqual(expected)
      numbers(random.normal([n], { mean: 3, deviation: 2, ...double })(k)).forEach((x, i) => { expect(x).toBeCloseTo(3 + 2 * expected[i], 12) })
      expect(numbers(random.normal([n])(k))).toEqual(expected.map(Math.fround))
    }))
  })
  test('integers from min on and below max', () => {
    fc.assert(fc.property(arbitrary.keys, sizes, (k, n) => {
      expect(Array.from(random.integers([n], -2, 3)(k).data)).toEqual(Array.from({ length: n }, (_, i) => Math.floor(-2 + 5 * unit(k, i))))
    }))
  })
  test('a shape is kept', () => {
    expect(random.uniform([2, 3])(random.key(0)).shape).toEqual([2, 3])
    expect(random.normal([2, 3])(random.key(0)).shape).toEqual([2, 3])
    expect(random.integers([2, 3], 0, 2)(random.key(0)).shape).toEqual([2, 3])
    expect(random.categorical(tensor.zeros([2, 3, 4]))(random.key(0)).shape).toEqual([2, 3])
  })
  test('moments are those of the names', () => {
    // Five standard errors each, of 40000 numbers.
    const uniform = moments(numbers(random.uniform([40_000], { min: -1, max: 3, ...double })(random.key(7))))
    expect(Math.abs(uniform.mean - 1)).toBeLessThan(5 * Math.sqrt(16 / 12 / 40_000))
    expect(Math.abs(uniform.variance - 16 / 12)).toBeLessThan(5 * 16 * Math.sqrt(1 / 180 / 40_000))
    const normal = moments(numbers(random.normal([40_000], { mean: 3, deviation: 2, ...double })(random.key(7))))
    expect(Math.abs(normal.mean - 3)).toBeLessThan(0.05)
    expect(Math.abs(normal.variance - 4)).toBeLessThan(0.15)
  })
  test('uniform numbers stay below the end in both precisions', () => {
    for (const precision of ['float32', 'float64'] as const) {
      const x = random.uniform([10_000], { precision })(random.key(1))
      expect(Math.max(...x.data)).toBeLessThan(1)
      expect(Math.min(...x.data)).toBeGreaterThanOrEqual(0)
    }
  })
})

describe('choices', () => {
  test('categorical: the first index at which the running sum of the softmax passes the number of the row', () => {
    fc.assert(fc.property(arbitrary.keys, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 }), (k, width, rows) => {
      const logits = random.normal([rows, width], double)(random.foldIn(1)(k))
      const expected = Array.from({ length: rows }, (_, row) => {
        const e = Array.from({ length: width }, (__, j) => Math.exp(tensor.at(row, j)(logits))), total = e.reduce((a, b) => a + b, 0)
        let sum = 0
        return e.findIndex(p => (sum += p / total) > unit(k, row))
      })
      expect(Array.from(random.categorical(logits)(k).data)).toEqual(expected)
    }))
  })
  test('categorical never chooses −∞, wherever it stands', () => {
    fc.assert(fc.property(arbitrary.keys, fc.nat(3), (k, place) => {
      const logits = Array.from({ length: 4 }, (_, i) => (i === place ? 1 : -Infinity))
      expect(random.categorical(tensor.of([logits]))(k).data[0]).toBe(place)
    }))
  })
  test('categorical names the row in which nothing can be chosen', () => {
    expect(() => random.categorical(tensor.of([[1, 2], [-Infinity, -Infinity]]))(random.key(0)))
      .toThrow(new RangeError('random.categorical: expected a finite logit and no NaN in every row, got none in row 1'))
    expect(() => random.categorical(tensor.of(1))(random.key(0))).toThrow('random.categorical: expected at least one axis')
  })
  test('all orders of three are equally likely', () => {
    const counts = new Map<string, number>()
    for (let i = 0; i < 6000; i++) {
      const order = random.permutation(3)(random.foldIn(i)(random.key(0))).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(6)
    // Five standard errors of a count with the mean 1000.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(1000 * 5 / 6))
  })
})

describe('composed draws', () => {
  test('every field of a record and every repetition has a part of the key', () => {
    const k = random.key(3), parts = random.splitMany(3)(k), identity = (key: Key): Key => key
    expect(random.struct({ a: identity, b: identity, c: identity })(k)).toEqual({ a: parts[0], b: parts[1], c: parts[2] })
    expect(random.replicate(3, identity)(k)).toEqual(parts)
  })
  test('a state draws with one part and goes on with the other', () => {
    const [now, next] = random.split(random.key(3))
    expect(random.state((key: Key) => key)(random.key(3))).toEqual([now, next])
  })
})

describe('initialisers', () => {
  const deviation = (x: Tensor): number => Math.sqrt(numbers(x).reduce((a, v) => a + v * v, 0) / x.data.length)
  test.each<readonly [string, Initializer, number]>([
    ['xavierUniform', random.xavierUniform, Math.sqrt(2 / 400)], ['xavierNormal', random.xavierNormal, Math.sqrt(2 / 400)],
    ['heUniform', random.heUniform, Math.sqrt(2 / 100)], ['heNormal', random.heNormal, Math.sqrt(2 / 100)],
    ['gpt2Normal', random.gpt2Normal, 0.02], ['gpt2Residual', random.gpt2Residual(8), 0.02 / 4]
  ])('%s has the deviation of its formula, mean 0, the shape [fanIn, fanOut] and the precision asked for', (_, initializer, expected) => {
    const x = initializer(100, 300)(random.key(3))
    expect(x.shape).toEqual([100, 300])
    expect(tensor.precisionOf(x)).toBe('float32')
    expect(tensor.precisionOf(initializer(2, 3, 'float64')(random.key(3)))).toBe('float64')
    // Five standard errors of 30000 normal numbers; uniform ones vary less.
    expect(Math.abs(deviation(x) / expected - 1)).toBeLessThan(5 / Math.sqrt(2 * 30_000))
    expect(Math.abs(moments(numbers(x)).mean)).toBeLessThan(5 * expected / Math.sqrt(30_000))
  })
  test.each<readonly [string, Initializer, number]>([
    ['xavierUniform', random.xavierUniform, Math.sqrt(6 / 400)], ['heUniform', random.heUniform, Math.sqrt(6 / 100)]
  ])('%s reaches its limits on both sides, and not beyond', (_, initializer, limit) => {
    const x = numbers(initializer(100, 300, 'float64')(random.key(3)))
    expect(Math.max(...x)).toBeLessThan(limit)
    expect(Math.min(...x)).toBeGreaterThanOrEqual(-limit)
    expect(Math.max(...x)).toBeGreaterThan(0.99 * limit)
    expect(Math.min(...x)).toBeLessThan(-0.99 * limit)
  })
  test("GPT-2's residual projections begin smaller by the root of twice the layers", () => {
    const { h } = initGpt({ vocabulary: 5, context: 4, width: 64, layers: 8 })(random.key(0))
    const ratio = tensor.norm(h[0].mlp.c_proj.weight) / tensor.norm(h[0].mlp.c_fc.weight)
    expect(ratio).toBeCloseTo(1 / 4, 2)
    expect(tensor.norm(h[3].attn.c_proj.weight)).toBeGreaterThan(0)
  })
})
