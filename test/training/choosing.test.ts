import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { flow } from 'fp-ts/lib/function.js'
import {
  categoricalSampler, decoding, generate, gpt, greedySampler, initGpt, initMlp, initUntiedGpt, mlpSpec, nextTokenLogits, random, randomWindows, recomputing, sampler, ShapeError, shuffledBatches,
  spec, tensor, topK, topP, windowsAt, withTemperature, type Decoder, type Sampler, type Tensor
} from 'pullback'

const numbers = (x: Tensor): readonly number[] => Array.from(x.data)
const draws = (choose: Sampler, logits: Tensor): readonly number[] => Array.from({ length: 40 }, (_, i) => choose(logits)(random.key(i)))
/** Logits with many that are equal. */
const some = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(-Infinity, Infinity)), { minLength: 1, maxLength: 24 })
const ranked = (x: readonly number[]): readonly number[] => Array.from(x.keys()).sort((a, b) => (x[a] === x[b] ? a - b : x[a] > x[b] ? -1 : 1))
const keep = (x: readonly number[], kept: readonly number[]): readonly number[] => x.map((v, i) => (kept.includes(i) ? v : -Infinity))

describe('filters of logits', () => {
  test('top-k leaves the k largest, of equal ones the first', () => {
    fc.assert(fc.property(some, fc.integer({ min: 1, max: 26 }), (x, count) => {
      expect(numbers(topK(count)(tensor.of(x)))).toEqual(keep(x, ranked(x).slice(0, count)))
    }), { numRuns: 200 })
    const three = tensor.of([1, 2, 3])
    expect([topK(3)(three), topK(4)(three)].every(y => y === three)).toBe(true)
    expect(three).toEqual(tensor.of([1, 2, 3]))
  })
  test('top-p leaves the likeliest until their probabilities reach the mass', () => {
    const finite = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 24 })
    fc.assert(fc.property(finite, fc.double({ min: 0.01, max: 1, noNaN: true }), (x, mass) => {
      const sum = x.reduce((total, v) => total + Math.exp(v), 0), order = ranked(x)
      let reached = 0
      const enough = order.findIndex(i => (reached += Math.exp(x[i]) / sum) >= mass)
      fc.pre(Math.abs(reached - mass) > 1e-9)
      expect(numbers(topP(mass)(tensor.of(x)))).toEqual(keep(x, order.slice(0, enough < 0 ? x.length : enough + 1)))
    }), { numRuns: 200 })
    // Powers of two add up without rounding.
    const logits = tensor.of([4, 2, 1, 1].map(Math.log), 'float64'), left = (mass: number) => numbers(topP(mass)(logits)).filter(Number.isFinite).length
    expect([0.01, 0.49, 0.51, 0.74, 0.76, 0.99].map(left)).toEqual([1, 1, 2, 2, 3, 4])
    // Exactly reached is enough.
    expect([0.25, 0.5, 0.75, 1].map(mass => numbers(topP(mass)(tensor.zeros([4]))).filter(Number.isFinite).length)).toEqual([1, 2, 3, 4])
  })
  test('a temperature divides the distance from the largest logit, row by row', () => {
    expect(withTemperature(0.5)(tensor.of([[1, 3, 2], [-Infinity, 5, 4], [Infinity, 7, Infinity], [-Infinity, -Infinity, -Infinity]])))
      .toEqual(tensor.of([[-4, 0, -2], [-Infinity, 0, -2], [0, -Infinity, 0], [-Infinity, -Infinity, -Infinity]]))
    expect(withTemperature(4)(tensor.of([1, 3, -1], 'float64'))).toEqual(tensor.of([-0.5, 0, -1], 'float64'))
    expect(withTemperature(1e-300)(tensor.of([1, 3]))).toEqual(tensor.of([-Infinity, 0]))
    expect(withTemperature(1)(tensor.zeros([2, 0])).shape).toEqual([2, 0])
    expect(() => withTemperature(1)(tensor.of(3))).toThrow('withTemperature: ')
  })
  test('options out of range are refused', () => {
    for (const count of [0, -1, 1.5, NaN, Infinity]) expect(() => topK(count)).toThrow(new RangeError(`topK: expected count to be a positive integer, got ${count}`))
    for (const mass of [0, -1, 1.01, NaN]) expect(() => topP(mass)).toThrow(new RangeError(`topP: expected mass to be a probability above 0 and at most 1, got ${mass}`))
    for (const temperature of [0, -1, NaN, Infinity])
      expect(() => withTemperature(temperature)).toThrow(new RangeError(`withTemperature: expected temperature to be a finite number above 0, got ${temperature}`))
    expect(numbers(topP(1)(tensor.of([1, 2])))).toEqual([1, 2])
  })
  test('logits of another shape, or that are no numbers', () => {
    const choices: Readonly<Record<string, (logits: Tensor) => unknown>> = {
      topK: topK(1), topP: topP(0.5), greedySampler, categoricalSampler: logits => categoricalSampler(logits)(random.key(0))
    }
    for (const [name, choose] of Object.entries(choices)) {
      for (const shape of [[], [0], [1, 2], [2, 0]]) expect(() => choose(tensor.zeros(shape))).toThrow(new ShapeError(name, 'logits [V] with V ≥ 1', [shape]))
      if (name !== 'categoricalSampler')
        for (const [at, x] of [[0, [NaN, 1, 2]], [2, [0, 1, NaN]]] as const)
          expect(() => choose(tensor.of(x))).toThrow(new RangeError(`${name}: expected logits that are numbers, got NaN for token ${at}`))
    }
  })
})

describe('samplers', () => {
  test('greedy is the likeliest, of equal ones the first', () => {
    fc.assert(fc.property(some.filter(x => x.some(v => v > -Infinity)), x => { expect(greedySampler(tensor.of(x))(random.key(0))).toBe(ranked(x)[0]) }), { numRuns: 100 })
    expect(() => greedySampler(tensor.of([-Infinity, -Infinity]))).toThrow(new RangeError('greedySampler: expected a logit above −∞, got none'))
  })
  test('the usual choice is temperature, then top-k, then top-p, then a draw', () => {
    const logits = tensor.of([0.1, 2, 1.9, -1, 1.2, 0.7])
    expect(draws(sampler({}), logits)).toEqual(draws(categoricalSampler, logits))
    expect(draws(sampler({ temperature: 1, topK: undefined, topP: undefined }), logits)).toEqual(draws(categoricalSampler, logits))
    expect(new Set(draws(categoricalSampler, logits)).size).toBeGreaterThan(3)
    expect(draws(sampler({ temperature: 3 }), logits)).toEqual(draws(flow(withTemperature(3), categoricalSampler), logits))
    expect(draws(sampler({ topK: 2 }), logits)).toEqual(draws(flow(topK(2), categoricalSampler), logits))
    expect(draws(sampler({ topP: 0.6 }), logits)).toEqual(draws(flow(topP(0.6), categoricalSampler), logits))
    const all = draws(sampler({ temperature: 0.4, topK: 4, topP: 0.95 }), logits)
    expect(all).toEqual(draws(flow(withTemperature(0.4), topK(4), topP(0.95), categoricalSampler), logits))
    expect(draws(sampler({ temperature: 3 }), logits)).not.toEqual(draws(categoricalSampler, logits))
    expect(sampler({ temperature: 0, topK: 3 })).toBe(greedySampler)
    for (const options of [{ temperature: -1 }, { topK: 0 }, { topP: 0 }, { temperature: 0, topK: 0 }]) expect(() => sampler(options)).toThrow(RangeError)
  })
})

describe('batches', () => {
  const five = tensor.tokensOf([10, 11, 12, 13, 14])
  test('are all indices, each once, in another order for another key', () => {
    for (const [count, size] of [[7, 3], [6, 3], [3, 7], [0, 2], [5, 1]] as const) {
      const draw = shuffledBatches(count, size), batches = draw(random.key(1))
      expect(batches.map(batch => batch.length)).toEqual(Array.from({ length: Math.ceil(count / size) }, (_, i) => Math.min(size, count - i * size)))
      expect(batches.flat()).toEqual(random.permutation(count)(random.key(1)))
    }
    expect(shuffledBatches(20, 20)(random.key(1))).not.toEqual(shuffledBatches(20, 20)(random.key(2)))
  })
  test('of what are no tokens, or in no number', () => {
    expect(() => windowsAt(tensor.of([1, 2]) as never, [0], 1)).toThrow('windowsAt: expected tokens to be tokens of tensor.tokensOf, got')
    expect(() => randomWindows(tensor.of([1, 2]) as never, { batch: 1, context: 1 })).toThrow('randomWindows: expected tokens to be tokens of tensor.tokensOf, got')
    for (const context of [0, -1, 0.5]) {
      expect(() => windowsAt(five, [0], context)).toThrow(new RangeError(`windowsAt: expected context to be a positive integer, got ${context}`))
      expect(() => randomWindows(five, { batch: 1, context })).toThrow(new RangeError(`randomWindows: expected context to be a positive integer, got ${context}`))
    }
    expect(() => randomWindows(five, { batch: 0, context: 1 })).toThrow(new RangeError('randomWindows: expected batch to be a positive integer, got 0'))
    for (const count of [-1, 0.5]) expect(() => shuffledBatches(count, 1)).toThrow(new RangeError(`shuffledBatches: expected count to be a non-negative safe integer, got ${count}`))
  })
})

describe('generation', () => {
  const sizes = { vocabulary: 5, context: 4, width: 4, layers: 1 }
  const made = () => ({ params: initGpt(sizes)(random.key(7)), model: gpt({ heads: 2 }) })
  const full = (prompt: readonly number[]) => {
    const { params, model } = made()
    return Array.from({ length: 6 }, (_, i) => i).reduce<readonly number[]>((tokens, i) => {
      const seen = tokens.slice(-sizes.context)
      return [...tokens, categoricalSampler(tensor.lastRow(model.forward(params, tensor.tokensFromArray([1, seen.length], seen))))(random.foldIn(i)(random.key(5)))]
    }, prompt).slice(prompt.length)
  }
  /** A decoder of the user's that is made of one of the library's. */
  const own = (read: boolean, empty: boolean): Decoder<ReturnType<typeof made>['params'], readonly number[]> => {
    const inner = recomputing(made().model, sizes.context)
    return { read: read ? (params, cache, tokens) => inner.read(params, cache, tokens) : inner.read, empty: empty ? params => inner.empty(params) : inner.empty }
  }
  test('chooses every token after those before it, with any decoder', () => {
    const { params, model } = made()
    for (const prompt of [[1], [3, 2], [0, 1, 2, 3], [4, 3, 2, 1, 0, 1]]) {
      const expected = full(prompt)
      for (const decoder of [recomputing(model, 4), own(true, true), own(true, false), own(false, true)])
        for (const chosen of [categoricalSampler, (logits: Tensor) => categoricalSampler(logits)])
          expect(generate({ decoder, params, sampler: chosen, count: 6 })(prompt, random.key(5))).toEqual(expected)
      expect(generate({ decoder: decoding(model, { context: 4 }), params, sampler: categoricalSampler, count: 6 })(prompt, random.key(5))).toEqual(expected)
    }
  })
  test('what a decoder of the user keeps stays as it was', () => {
    const { params, model } = made(), kept: (readonly [Tensor, readonly number[]])[] = []
    for (const trusts of [true, false]) {
      const inner = recomputing(model, 4)
      const decoder: typeof inner = { empty: trusts ? inner.empty : () => [], read: (p, cache, tokens) => {
        const [logits, next] = inner.read(p, cache, tokens)
        kept.push([logits, numbers(logits)])
        return [logits, next]
      } }
      generate({ decoder, params, sampler: greedySampler, count: 5 })([1], random.key(0))
      nextTokenLogits({ decoder, params })([1, 2])
    }
    for (let i = 0; i < 20; i++) nextTokenLogits({ decoder: recomputing(model, 4), params })([1, 2, 3])
    expect(kept).toHaveLength(12)
    for (const [logits, then] of kept) expect(numbers(logits)).toEqual(then)
  })
  test('ends after a token, and asks about tokens alone', () => {
    const { params, model } = made(), decoder = recomputing(model, 4), asked: number[] = []
    const options = { decoder, params, sampler: categoricalSampler, count: 6 }, tokens = full([1])
    const ended = generate({ ...options, until: token => {
      asked.push(token)
      return asked.length === 3
    } })([1], random.key(5))
    expect([ended, asked]).toEqual([tokens.slice(0, 3), tokens.slice(0, 3)])
    expect(generate({ ...options, count: 0 })([1], random.key(5))).toEqual([])
    expect(generate({ ...options, until: () => true })([1], random.key(5))).toEqual(tokens.slice(0, 1))
  })
  test('refuses what it cannot begin with', () => {
    const { params, model } = made(), decoder = recomputing(model, 4)
    for (const count of [0, 2]) {
      const from = generate({ decoder, params, sampler: greedySampler, count })
      expect(() => from([], random.key(0))).toThrow(new ShapeError('generate', 'at least one token', [[0]]))
      expect(() => from('ab' as never, random.key(0))).toThrow(new TypeError('generate: expected prompt to be an array, got "ab"'))
      expect(() => from([1], 3 as never)).toThrow(new TypeError('generate: expected key to be a key of random.key, got 3'))
    }
    expect(() => nextTokenLogits({ decoder: { empty: decoder.empty } as never, params })([1])).toThrow(new TypeError('nextTokenLogits: expected decoder to be a decoder with empty and read, got a record'))
    expect(() => nextTokenLogits({ decoder, params })('ab' as never)).toThrow(new TypeError('nextTokenLogits: expected tokens to be an array, got "ab"'))
    expect(() => nextTokenLogits({ decoder, params })([])).toThrow(new ShapeError('nextTokenLogits', 'at least one token', [[0]]))
    const { read } = decoder
    expect(() => generate({ decoder: { read } as never, params, sampler: greedySampler, count: 1 })).toThrow('generate: expected decoder to be a decoder with empty and read, got a record')
  })
  test('a full window slides unless it is to be halved', () => {
    const { params, model } = made()
    const seen = (options: object) => {
      const { empty, read } = decoding(model, { context: 4, ...options })
      return read(params, read(params, empty(params), [1, 2, 3, 4])[1], [0])[1].tokens
    }
    expect([seen({}), seen({ whenFull: 'slide' }), seen({ whenFull: undefined }), seen({ whenFull: 'halve' })]).toEqual([[2, 3, 4, 0], [2, 3, 4, 0], [2, 3, 4, 0], [4, 0]])
  })
})

describe('the parameters of models', () => {
  test('refuse an option by the name of the function that was called', () => {
    const wrong = JSON.parse('{"precison":1}') as object, sizes = { vocabulary: 2, context: 2, width: 2, layers: 1 }
    expect(() => initGpt(sizes, wrong)).toThrow(new TypeError('initGpt: unknown option "precison", expected only precision'))
    expect(() => initUntiedGpt(sizes, wrong)).toThrow(new TypeError('initUntiedGpt: unknown option "precison", expected only precision'))
    expect(() => initMlp([2, 1], wrong)).toThrow(new TypeError('initMlp: unknown option "precison", expected only initializer, precision'))
  })
  test('of a perceptron are drawn with the initializer that is given', () => {
    const { hidden, output } = spec.draw(mlpSpec([2, 3, 1], { initializer: (inputs, outputs, precision) => () => tensor.full([inputs, outputs], 7, precision) }))(random.key(0))
    expect([...hidden, output].map(({ weight }) => weight)).toEqual([tensor.full([2, 3], 7), tensor.full([3, 1], 7)])
  })
})
