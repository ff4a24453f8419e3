import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decoding, generate, gpt, greedy, initGpt, random, recomputing, sample, tensor, type Precision, type Tensor } from 'pullback'
import { arbitrary } from 'pullback/laws'

const sizes = { vocabulary: 6, context: 5, width: 8, layers: 2 }

/** The logits after every token, as a decoder reads them one by one, or in pieces. */
const readAll = <P, C>(decoder: { readonly empty: (params: P) => C, readonly read: (params: P, cache: C, tokens: readonly number[]) => readonly [Tensor, C] }, params: P, pieces: readonly (readonly number[])[]): readonly Tensor[] => {
  let cache = decoder.empty(params)
  return pieces.map(piece => {
    const [logits, next] = decoder.read(params, cache, piece)
    cache = next
    return logits
  })
}

const pieces = fc.array(fc.array(fc.nat(sizes.vocabulary - 1), { minLength: 1, maxLength: 7 }), { minLength: 1, maxLength: 9 })

describe('decoding with a cache equals computing everything anew, at every position, also when the window slides', () => {
  const check = (precision: Precision, tolerance: number) => fc.assert(fc.property(arbitrary.drawnGeneric(initGpt(sizes, precision)), pieces, (params, tokens) => {
    const cached = readAll(decoding(gpt({ heads: 2 }), { context: sizes.context }), params, tokens), anew = readAll(recomputing(gpt({ heads: 2 }), sizes.context), params, tokens)
    cached.forEach((logits, i) => {
      expect(logits.shape).toEqual([sizes.vocabulary])
      expect(tensor.norm(tensor.subtract(anew[i])(logits)) / (1 + tensor.norm(anew[i]))).toBeLessThanOrEqual(tolerance)
    })
  }))
  // A few hundred roundings; other kernels work on one row than on many.
  test('in double precision', () => check('float64', 1e-13))
  test('in single precision', () => check('float32', 1e-4))
})

describe('a cache is a value', () => {
  const params = initGpt(sizes)(random.key(1))
  test('two continuations of one cache do not disturb each other', () => {
    const decoder = decoding(gpt({ heads: 2 }), { context: sizes.context })
    const [, cache] = decoder.read(params, decoder.empty(params), [1, 2])
    const before = JSON.stringify(cache)
    const [a] = decoder.read(params, cache, [3])
    decoder.read(params, cache, [4])
    const [again] = decoder.read(params, cache, [3])
    expect(Array.from(again.data)).toEqual(Array.from(a.data))
    expect(JSON.stringify(cache)).toBe(before)
  })
})

describe('generation', () => {
  const params = initGpt(sizes)(random.key(1))
  const options = { decoder: decoding(gpt({ heads: 2 }), { context: sizes.context }), params, sampler: sample }
  test('a longer generation begins with the shorter one', () => {
    const short = generate({ ...options, count: 4 })([1], random.key(2)), long = generate({ ...options, count: 30 })([1], random.key(2))
    expect(long.slice(0, 4)).toEqual(short)
    expect(long).toHaveLength(30)
  })
  test('greedy generation is the same with and without a cache', () => {
    const anew = generate({ decoder: recomputing(gpt({ heads: 2 }), sizes.context), params, sampler: greedy, count: 20 })([1, 2], random.key(0))
    expect(generate({ ...options, sampler: greedy, count: 20 })([1, 2], random.key(0))).toEqual(anew)
  })
  test('ends after the token that `until` names', () => {
    const all = generate({ ...options, count: 30 })([1], random.key(2))
    const end = all[3]
    expect(generate({ ...options, count: 30, until: token => token === end })([1], random.key(2))).toEqual(all.slice(0, all.indexOf(end) + 1))
  })
  test('nothing to start from throws', () => expect(() => generate({ ...options, count: 1 })([], random.key(0))).toThrow('at least one token'))
})
