import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import {
  attention, attentionWeights, causalMask, crossEntropy, dropout, gpt, initGpt, initMultiHeadAttention, layerNorm, learnedPositions, linear,
  mergeHeads, multiHeadAttention, noMask, noParams, paddingMask, PrecisionError, random, randomWindows, relu, sample, ShapeError, shuffledBatches,
  softmax, softmaxAt, splitHeads, tensor, tokenEmbedding, topK, topP, tree, unembedding, windowsAt, withTemperature
} from 'pullback'

const { zeros } = tensor

describe('a shape mistake throws a ShapeError that names the operation, the shapes and what was expected', () => {
  test.each<readonly [string, () => unknown]>([
    ['linear', () => linear.forward({ weight: zeros([2, 3]), bias: zeros([3]) }, zeros([5]))],
    ['linear', () => linear.forward({ weight: zeros([2, 3]), bias: zeros([2]) }, zeros([2]))],
    ['layerNorm', () => layerNorm.forward({ weight: zeros([2]), bias: zeros([2]) }, zeros([3]))],
    ['softmax', () => softmax.forward(noParams, zeros([]))],
    ['tensor.matmul', () => tensor.matmul(zeros([3, 2]))(zeros([2, 2]))],
    ['tensor.add', () => tensor.add(zeros([2]))(zeros([3]))],
    ['tensor.reshape', () => tensor.reshape([3])(zeros([2]))],
    ['tensor.of', () => tensor.of([[1, 2], [3]])],
    ['tensor.of', () => tensor.of([[1], 2])],
    ['tensor.fromArray', () => tensor.fromArray([2], [1])],
    ['tensor.fromArray', () => tensor.fromArray([-1], [1])],
    ['attention', () => attention(noMask).forward(noParams, { query: zeros([1, 2]), key: zeros([1, 3]), value: zeros([1, 2]) })],
    ['mask', () => attention(paddingMask([1], 2)).forward(noParams, { query: zeros([2, 1, 2]), key: zeros([2, 2, 2]), value: zeros([2, 2, 2]) })],
    ['splitHeads', () => splitHeads(2).forward(noParams, zeros([1, 3]))],
    ['mergeHeads', () => mergeHeads.forward(noParams, zeros([1, 3]))],
    ['unembedding', () => unembedding.forward({ weight: zeros([4, 3]) }, zeros([1, 2]))],
    ['learnedPositions', () => learnedPositions.forward({ weight: zeros([2, 3]) }, zeros([1, 3, 3]))],
    ['learnedPositions', () => gpt({ heads: 1 }).forward(initGpt({ vocabulary: 3, context: 2, width: 2, layers: 1 })(random.key(0)), tensor.tokensOf([[0, 1, 2]]))],
    ['crossEntropy', () => crossEntropy().forward(zeros([2, 3]), tensor.tokensOf([0]))],
    ['pullback', () => relu.vjp(noParams, zeros([2]))[1](zeros([3]))]
  ])('%s', (operation, run) => {
    expect(run).toThrow(ShapeError)
    expect(run).toThrow(operation)
  })
})

test('tensors of different precision in one operation throw a PrecisionError', () => {
  expect(() => tensor.add(zeros([2]))(zeros([2], 'float64'))).toThrow(PrecisionError)
  expect(() => linear.forward({ weight: zeros([2, 2]), bias: zeros([2], 'float64') }, zeros([2]))).toThrow(PrecisionError)
})

describe('a value out of range throws a RangeError that says what was expected', () => {
  test.each<readonly [string, () => unknown]>([
    ['tokenEmbedding: expected ids from 0 to 2', () => tokenEmbedding.forward({ weight: zeros([3, 2]) }, tensor.tokensOf([3]))],
    ['tokens: expected 32-bit integers', () => tensor.tokensOf([0.5])],
    ['crossEntropy: expected targets from 0 to 1', () => crossEntropy().forward(zeros([1, 2]), tensor.tokensOf([2]))],
    ['dropout: expected a rate', () => dropout(1, random.key(0))],
    ['softmax: expected a positive temperature', () => softmaxAt(0)],
    ['withTemperature: expected a positive temperature', () => withTemperature(-1)],
    ['topK: expected a positive integer', () => topK(0)],
    ['topP: expected a probability', () => topP(0)],
    ['random.key: expected a non-negative safe integer', () => random.key(-1)],
    ['random.categorical: expected a finite logit', () => sample(tensor.of([NaN, 1]))(random.key(0))],
    ['random.categorical: expected a finite logit', () => sample(tensor.of([-Infinity]))(random.key(0))],
    ['randomWindows: expected at least 5 tokens', () => randomWindows(tensor.tokensOf([1, 2]), { batch: 1, context: 4 })(random.key(0))],
    ['windowsAt: expected windows', () => windowsAt(tensor.tokensOf([1, 2, 3]), [2], 1)],
    ['shuffledBatches: expected a positive size', () => shuffledBatches(3, 0)(random.key(0))],
    ['tensor.at: expected an index within [2]', () => tensor.at(2)(zeros([2]))],
    ['tensor.slice: expected 0 ≤ start ≤ end ≤ 2', () => tensor.slice(1, 3)(zeros([2]))]
  ])('%s', (message, run) => {
    expect(run).toThrow(RangeError)
    expect(run).toThrow(message)
  })
})

describe('sizes of 0 and 1', () => {
  test('linear without inputs is its bias', () => {
    expect(Array.from(linear.forward({ weight: zeros([0, 2]), bias: tensor.of([1, 2]) }, zeros([2, 0])).data)).toEqual([1, 2, 1, 2])
  })
  test('a batch of none has gradients of zeros', () => {
    const [y, pullback] = linear.vjp({ weight: tensor.of([[1, 2]]), bias: zeros([2]) }, zeros([0, 1]))
    expect(y.shape).toEqual([0, 2])
    expect(Array.from(pullback(y).params.weight.data)).toEqual([0, 0])
  })
  test('softmax of one score is 1, of none is empty', () => {
    expect(Array.from(softmax.forward(noParams, tensor.of([[3]])).data)).toEqual([1])
    expect(softmax.forward(noParams, zeros([2, 0])).shape).toEqual([2, 0])
  })
  test('attention over one position is its value; over none, zeros', () => {
    const one = tensor.of([[[2, 3]]])
    expect(Array.from(attention(causalMask).forward(noParams, { query: one, key: one, value: one }).data)).toEqual([2, 3])
    const y = attention(noMask).forward(noParams, { query: one, key: zeros([1, 0, 2]), value: zeros([1, 0, 2]) })
    expect(Array.from(y.data)).toEqual([0, 0])
  })
  test('a sequence that is all padding gives zeros and gradients of zeros', () => {
    const x = { query: tensor.of([[[1]]]), key: tensor.of([[[1]]]), value: tensor.of([[[1]]]) }
    const [y, pullback] = attention(paddingMask([0], 1)).vjp(noParams, x)
    expect(Array.from(y.data)).toEqual([0])
    const { input } = pullback(tensor.of([[[1]]]))
    expect([input.query, input.key, input.value].map(t => t.data[0])).toEqual([0, 0, 0])
  })
  test('a GPT without layers, and with a batch of none', () => {
    const params = initGpt({ vocabulary: 3, context: 2, width: 2, layers: 0 })(random.key(0))
    expect(gpt({ heads: 1 }).forward(params, tensor.tokensOf([[0, 1]])).shape).toEqual([1, 2, 3])
    expect(gpt({ heads: 1 }).forward(params, tensor.tokensFromArray([0, 2], [])).shape).toEqual([0, 2, 3])
  })
  test('two-dimensional input to multi-head attention', () => {
    const params = initMultiHeadAttention(4)(random.key(0))
    expect(multiHeadAttention(2, causalMask).forward(params, zeros([3, 4])).shape).toEqual([3, 4])
  })
  test('the mean loss over nothing is 0', () => expect(crossEntropy().forward(zeros([1, 2]), tensor.tokensOf([-100]))).toBe(0))
})

describe('trees', () => {
  const like = { a: tensor.of([1, 2]), b: [{ c: tensor.of([[3]]) }] }
  test('flatten names leaves by their path; unflatten is its inverse', () => {
    expect(tree.flatten(like).map(([path]) => path)).toEqual(['a', 'b.0.c'])
    const back = tree.unflatten(like)(tree.flatten(like))
    expect(E.isRight(back) && back.right).toEqual(like)
  })
  test('unflatten says in a sentence what does not fit', () => {
    const problem = (entries: readonly tree.Entry[]): string => {
      const result = tree.unflatten(like)(entries)
      return E.isLeft(result) ? result.left : 'no problem'
    }
    expect(problem([['a', tensor.of([1, 2])]])).toBe('tensor "b.0.c" is missing')
    expect(problem([['a', tensor.of([1])], ['b.0.c', tensor.of([[3]])]])).toContain('expected float32 [2]')
    expect(problem([...tree.flatten(like), ['d', tensor.of([1])]])).toContain('"d" has no place')
  })
  test('trees of different keys cannot be added', () => {
    expect(() => tree.add<object>({ a: tensor.of([1]) })({ b: tensor.of([1]) })).toThrow('same keys')
  })
  test('what is no tree is named', () => expect(() => tree.flatten({ a: 1 })).toThrow('expected a tensor, a record or an array at "a"'))
  test('weights are counted', () => expect(tree.count(like)).toBe(3))
})

test('attention with a mask of several heads gives every head the mask', () => {
  const x = { query: random.normal([1, 3, 4, 2])(random.key(1)), key: random.normal([1, 3, 4, 2])(random.key(2)) }
  const w = attentionWeights(causalMask)(x)
  for (let head = 0; head < 3; head++)
    for (let t = 0; t < 4; t++)
      for (let s = t + 1; s < 4; s++) expect(Object.is(tensor.at(0, head, t, s)(w), 0)).toBe(true)
})
