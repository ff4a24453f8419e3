import { describe, expect, test } from 'vitest'
import { decoding, generate, gpt, greedySampler, initGpt, random, recomputing, categoricalSampler } from 'pullback'
import { catalogue } from '../catalogue/index.js'
import { claim } from '../catalogue/claim.js'

claim(catalogue.decoding)

const sizes = { vocabulary: 6, context: 5, width: 8, layers: 2 }

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
  const options = { decoder: decoding(gpt({ heads: 2 }), { context: sizes.context }), params, sampler: categoricalSampler }
  test('a longer generation begins with the shorter one', () => {
    const short = generate({ ...options, count: 4 })([1], random.key(2)), long = generate({ ...options, count: 30 })([1], random.key(2))
    expect(long.slice(0, 4)).toEqual(short)
    expect(long).toHaveLength(30)
  })
  test('greedy generation is the same with and without a cache', () => {
    const anew = generate({ decoder: recomputing(gpt({ heads: 2 }), sizes.context), params, sampler: greedySampler, count: 20 })([1, 2], random.key(0))
    expect(generate({ ...options, sampler: greedySampler, count: 20 })([1, 2], random.key(0))).toEqual(anew)
  })
  test('ends after the token that `until` names', () => {
    const all = generate({ ...options, count: 30 })([1], random.key(2))
    const end = all[3]
    expect(generate({ ...options, count: 30, until: token => token === end })([1], random.key(2))).toEqual(all.slice(0, all.indexOf(end) + 1))
  })
  test('`until` hears every token, the last one too, and must say true or false', () => {
    const heard: number[] = []
    const all = generate({ ...options, count: 5, until: token => {
      heard.push(token)
      return false
    } })([1], random.key(2))
    expect(heard).toEqual(all)
    const until = (): boolean => Promise.resolve(false) as never // which no type check stops in JavaScript
    expect(() => generate({ ...options, count: 5, until })([1], random.key(2))).toThrow('generate: expected what until gives to be true or false, got a Promise')
  })
  test('nothing to start from throws', () => expect(() => generate({ ...options, count: 1 })([], random.key(0))).toThrow('at least one token'))
})
