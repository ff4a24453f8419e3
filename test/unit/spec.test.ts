import * as E from 'fp-ts/lib/Either.js'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  blockSpec, embeddingSpec, feedForwardSpec, gptFromTensors, gptSpec, initBlock, initEmbedding, initFeedForward, initGpt, initLayerNorm, initLinear, initMlp, initMultiHeadAttention,
  initSingleHeadAttention, initUntiedGpt, layerNormSpec, linearSpec, mlpSpec, multiHeadSpec, random, singleHeadSpec, spec, tensor, tree, untiedGptSpec,
  type Draw, type LinearParams, type Initializer, type Spec, type Tensor
} from 'pullback'

const sizes = { vocabulary: 5, context: 3, width: 4, layers: 2 }
const k = random.key(3)

/** Every spec with the initial parameters that follow from it. */
const families: Readonly<Record<string, readonly [spec: unknown, init: Draw<unknown>]>> = {
  linear: [linearSpec(3, 2), initLinear(3, 2)], embedding: [embeddingSpec(3, 2), initEmbedding(3, 2)], layerNorm: [layerNormSpec(3), initLayerNorm(3)],
  feedForward: [feedForwardSpec(3, { hidden: 5 }), initFeedForward(3, { hidden: 5 })], multiHead: [multiHeadSpec(4), initMultiHeadAttention(4)],
  singleHead: [singleHeadSpec(4, 2), initSingleHeadAttention(4, 2)], block: [blockSpec(sizes), initBlock(sizes)], mlp: [mlpSpec([3, 4, 2]), initMlp([3, 4, 2])],
  gpt: [gptSpec(sizes), initGpt(sizes)], 'untied gpt': [untiedGptSpec({ ...sizes, hidden: 7 }), initUntiedGpt({ ...sizes, hidden: 7 })]
}

describe('everything follows from the spec', () => {
  for (const [name, [described, init]] of Object.entries(families))
    test(name, () => {
      const params = init(k), leaves = tree.flatten(params)
      expect(spec.entries(described).map(([path, { shape }]) => [path, shape])).toEqual(leaves.map(([path, { shape }]) => [path, shape]))
      expect(spec.count(described)).toBe(tree.count(params))
      expect(spec.draw(described)(k)).toEqual(params)
      expect(spec.decode(described)(leaves)).toEqual(E.right(params))
      expect(spec.agree(described)(params)).toEqual(E.right(params))
      expect(tree.flatten(spec.draw(described, { precision: 'float64' })(k)).every(([, leaf]) => tensor.precisionOf(leaf) === 'float64')).toBe(true)
    })
  test('an initializer and another one for the output', () => {
    const { c_fc, c_proj } = initFeedForward(2, { initializer: (i, o) => () => tensor.full([i, o], 1), output: (i, o) => () => tensor.full([i, o], 2) })(k)
    expect([c_fc.weight.data[0], c_proj.weight.data[0], c_proj.bias.data[0]]).toEqual([1, 2, 0])
  })
  test('a composition of one\'s own is a record', () => {
    const own = { encoder: [linearSpec(2, 3), linearSpec(3, 3)], gain: spec.filled([3], 1) }
    const params = spec.draw(own)(k)
    expectTypeOf(params.encoder[1].weight).toEqualTypeOf<Tensor>()
    expect(params.encoder[1].weight.shape).toEqual([3, 3])
    expect(spec.summary(own)).toBe([
      'encoder.0.weight  [2, 3]   6', 'encoder.0.bias    [3]      3', 'encoder.1.weight  [3, 3]   9', 'encoder.1.bias    [3]      3', 'gain              [3]      3',
      'total                     24'].join('\n'))
    const same: Spec<LinearParams> = linearSpec(2, 3)
    expect(spec.count(same)).toBe(9)
  })
  test('nothing is drawn until it is asked for', () => {
    let drawn = 0
    const counting = { weight: spec.weight(2, 2, (i, o, precision) => key => { drawn++; return random.heNormal(i, o, precision)(key) }) }
    spec.count(counting)
    spec.summary(counting)
    spec.draw(counting)
    expect(drawn).toBe(0)
    spec.draw(counting)(k)
    expect(drawn).toBe(1)
  })
  test('different parameters are different draws', () => fc.assert(fc.property(fc.nat(), seed => {
    const { hidden, output } = spec.draw({ hidden: [linearSpec(3, 3), linearSpec(3, 3)], output: linearSpec(3, 3) })(random.key(seed))
    expect(new Set([...hidden, output].map(({ weight }) => tensor.toArray(weight).join())).size).toBe(3)
  })))
})

describe('what is no spec', () => {
  test('is refused with its path', () => {
    const rows: readonly (readonly [node: unknown, got: string])[] = [[null, 'null'], [undefined, 'undefined'], [3, '3'], ['Parameter', '"Parameter"']]
    for (const [node, got] of rows)
      for (const [path, whole] of [['', node], ['a', { a: node }], ['a.1.b', { a: [linearSpec(1, 1), { b: node }] }]])
        expect(() => spec.entries(whole)).toThrow(new TypeError(`spec: expected a parameter, a record or a list at "${String(path)}", got ${got}`))
  })
  test('a parameter may have any name', () => {
    const one = spec.filled([2], 3), drawn = spec.draw({ _tag: one, shape: [one] })(k)
    expect(drawn).toEqual({ _tag: tensor.of([3, 3]), shape: [tensor.of([3, 3])] })
    expect(spec.draw(one)(k)).toEqual(tensor.of([3, 3]))
    expect(spec.entries(one)).toEqual([['', one]])
  })
  test('an option that is not known, or a key that is none', () => {
    const one = spec.filled([2], 3)
    expect(() => spec.draw(one, JSON.parse('{"precison":"float64"}') as object)).toThrow(new TypeError('spec.draw: unknown option "precison", expected only precision'))
    expect(tensor.precisionOf(initLinear(1, 1, { precision: 'float64' })(k).weight)).toBe('float64')
    expect(() => spec.decode({})(5 as never)).toThrow(/^spec\.decode: expected .*, got 5$/)
    expect(() => spec.draw(one)(3 as never)).toThrow(new TypeError('spec.draw: expected key to be a key of random.key, got 3'))
    expect(() => initLinear(1, 1, JSON.parse('{"precison":1}') as object)).toThrow(new TypeError('initLinear: unknown option "precison", expected only initializer, precision'))
  })
})

describe('what is no spec is refused', () => {
  const cyclic: Record<string, unknown> = { a: {} }
  cyclic.a = { b: cyclic }
  const odd: Readonly<Record<string, readonly [spec: unknown, error: Error]>> = {
    'a Map': [{ w: new Map() }, new TypeError('spec: expected a parameter, a record or a list at "w", got a Map')],
    'a tensor': [{ w: tensor.of([1]) }, new TypeError('spec: expected a parameter, a record or a list at "w", got a tensor [1] whose data is a Float32Array of 1')],
    'half of a parameter': [[{ _tag: 'Parameter', shape: [2] }], new TypeError('spec: expected a parameter, a record or a list at "0", got a record')],
    'a cycle': [cyclic, new TypeError('spec: expected a tree, got what contains itself at "a.b"')],
    'two parameters of one path': [{ 'a.b': spec.filled([2], 1), a: { b: spec.filled([3], 2) } }, new RangeError('spec: expected each path once, got "a.b" twice')]
  }
  for (const [name, [described, error]] of Object.entries(odd))
    test(name, () => {
      for (const read of [spec.entries, spec.count, spec.summary, spec.draw, spec.decode, spec.agree]) expect(() => read(described)).toThrow(error)
    })
  test('the same parameter at two places is no cycle', () => {
    const shared = linearSpec(2, 2)
    expect(spec.count({ a: shared, b: [shared] })).toBe(12)
  })
  test('an initializer that gives something else', () => {
    const drawn = (begin: unknown, options = {}) => () => spec.draw({ w: spec.weight(2, 3, begin as Initializer) }, options)(k)
    expect(drawn(() => () => tensor.zeros([3, 2]))).toThrow('w: spec.draw: expected the shape [2, 3], got [3, 2]')
    expect(drawn(() => () => tensor.zeros([2, 3]), { precision: 'float64' })).toThrow('w: spec.draw: expected tensors of one precision')
    expect(drawn(() => () => 5)).toThrow('spec.draw: expected "w" to be a tensor, got 5')
    expect(() => spec.filled([2], '1' as never)).toThrow('spec.filled: expected value to be a number, got "1"')
  })
  test('parameters that are no tree disagree in a sentence', () => {
    const agree = spec.agree({ w: spec.filled([2], 1) })
    expect(agree(JSON.parse(JSON.stringify({ w: tensor.of([1, 2]) })))).toEqual(E.left('tree: expected a tensor, a plain record or an array at "w", got a tensor [2] whose data is a record'))
    for (const params of [undefined, null, 3, { w: 3 }, new Map()]) expect(E.isLeft(agree(params))).toBe(true)
  })
  test('entries that are none', () => {
    for (const given of [5, [5], [['w', 5]], [[5, tensor.of([1])]]]) {
      expect(() => spec.decode({})(given as never)).toThrow(TypeError)
      expect(() => gptFromTensors(given as never)).toThrow(TypeError)
    }
  })
})

describe('named tensors that are not of the spec', () => {
  const described = { a: linearSpec(2, 1), b: linearSpec(1, 2) }
  const entries = tree.flatten(spec.draw(described)(k))
  const problems: readonly (readonly [string, readonly (readonly [string, Tensor])[], string])[] = [
    ['missing', entries.slice(0, 3), 'tensor "b.bias" is missing'],
    ['extra', [...entries, ['c', tensor.of([1])]], 'tensor "c" has no place'],
    ['misshapen', entries.map(([path, t]) => [path, path === 'b.bias' ? tensor.zeros([3]) : t]), 'tensor "b.bias" has the shape [3], expected [2]'],
    ['of two precisions', entries.map(([path, t]) => [path, path === 'b.bias' ? tensor.cast('float64')(t) : t]), 'tensor "b.bias" is float64, expected float32 as the first one'],
    ['twice', [...entries, entries[0]], 'tensor "a.weight" occurs twice']
  ]
  test.each(problems)('%s', (_, given, sentence) => expect(spec.decode(described)(given)).toEqual(E.left(sentence)))
  test('other spellings and names to ignore', () => {
    const spelled = entries.map(([path, t]) => [`model.${path.replace('.', '/')}`, t] as const)
    const read = spec.decode(described, { rename: name => name.replace('model.', '').replace('/', '.'), ignore: name => name.startsWith('optimizer.') })
    expect(read([...spelled, ['optimizer.m', tensor.of([1])]])).toEqual(E.right(spec.draw(described)(k)))
  })
})
