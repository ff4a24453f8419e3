import { describe, expect, test } from 'vitest'
import {
  adam, attention, attentionWeights, binaryCrossEntropy, binaryCrossEntropyWithLogits, causalMask, crossEntropy, dropout, factoredCrossEntropy, gpt, gradientDescent, initGpt,
  initMultiHeadAttention, layerNorm, learnedPositions, linear, logSoftmax, masked, meanSquaredError, mergeHeads, momentum, MonoidMask, multiHeadAttention,
  noMask, noParams, paddingMask, PrecisionError, random, randomWindows, relu, categoricalSampler, ShapeError, shuffledBatches, sinusoidalPositions, softmax,
  softmaxWith, splitHeads, tensor, tokenEmbedding, topK, topP, unembedding, windowsAt, withTemperature, type Mask, type Optimizer, type Tensor
} from 'pullback'

const { zeros } = tensor

const embedding = { weight: zeros([3, 2]) }
const qkv = (query: readonly number[], key: readonly number[], value: readonly number[]) => ({ query: zeros(query), key: zeros(key), value: zeros(value) })
const attend = (input: ReturnType<typeof qkv>, mask: Mask = noMask) => () => attention(mask).forward(noParams, input)
const linearOn = (weight: readonly number[], bias: readonly number[], x: readonly number[]) => () =>
  linear.forward({ weight: zeros(weight), bias: zeros(bias) }, zeros(x))
const normOn = (weight: readonly number[], bias: readonly number[], x: readonly number[]) => () =>
  layerNorm.forward({ weight: zeros(weight), bias: zeros(bias) }, zeros(x))
const stepOn = <S extends string>(optimizer: Optimizer<S>, a: Tensor, gradient: Tensor) => optimizer.step({ a }, { a: gradient }, optimizer.init({ a }))
const positionsOn = (weight: readonly number[], x: readonly number[]) => () => learnedPositions.forward({ weight: zeros(weight) }, zeros(x))

describe('a shape mistake throws a ShapeError that names the operation, what was expected and the shapes', () => {
  const linearWants = 'linear: expected x [..., I], weight [I, O] and bias [O], got'
  const normWants = 'layerNorm: expected x [..., D], weight [D] and bias [D], got'
  const attentionWants = 'attention: expected query [..., T, d], key [..., S, d] and value [..., S, e], got'
  const positionsWant = 'learnedPositions: expected x [..., T, D] and weight [C, D] with T ≤ C, got'
  test.each<readonly [string, () => unknown]>([
    [`${linearWants} [5] and [2, 3] and [3]`, linearOn([2, 3], [3], [5])],
    [`${linearWants} [2] and [2, 3] and [2]`, linearOn([2, 3], [2], [2])],
    [`${linearWants} [2] and [2] and [3]`, linearOn([2], [3], [2])],
    [`${linearWants} [2] and [2, 3, 1] and [3]`, linearOn([2, 3, 1], [3], [2])],
    [`${linearWants} [2] and [2, 3] and [3, 1]`, linearOn([2, 3], [3, 1], [2])],
    ['linear: expected at least one axis, got []', linearOn([2, 3], [3], [])],
    [`${normWants} [3] and [2] and [2]`, normOn([2], [2], [3])],
    [`${normWants} [2] and [2] and [3]`, normOn([2], [3], [2])],
    [`${normWants} [2] and [3] and [2]`, normOn([3], [2], [2])],
    [`${normWants} [2] and [2, 1] and [2]`, normOn([2, 1], [2], [2])],
    [`${normWants} [2] and [2] and [2, 1]`, normOn([2], [2, 1], [2])],
    ['layerNorm: expected at least one axis, got []', normOn([2], [2], [])],
    ['softmax: expected at least one axis, got []', () => softmax.forward(noParams, zeros([]))],
    ['softmax: expected at least one axis, got []', () => softmax.vjp(noParams, zeros([]))],
    ['logSoftmax: expected at least one axis, got []', () => logSoftmax.forward(noParams, zeros([]))],
    ['tensor.matmul: expected equal leading axes and equal inner axes, got [2, 2] and [3, 2]', () => tensor.matmul(zeros([3, 2]))(zeros([2, 2]))],
    ['tensor.add: ', () => tensor.add(zeros([2]))(zeros([3]))],
    ['tensor.reshape: ', () => tensor.reshape([3])(zeros([2]))],
    ['tensor.of: ', () => tensor.of([[1, 2], [3]])],
    ['tensor.of: ', () => tensor.of([[1], 2])],
    ['tensor.fromArray: ', () => tensor.fromArray([2], [1])],
    ['tensor.fromArray: ', () => tensor.fromArray([-1], [1])],
    [`${attentionWants} [1, 2] and [1, 3] and [1, 2]`, attend(qkv([1, 2], [1, 3], [1, 2]))],
    [`${attentionWants} [1, 2] and [1, 2] and [2, 2]`, attend(qkv([1, 2], [1, 2], [2, 2]))],
    [`${attentionWants} [2, 1, 2] and [3, 1, 2] and [2, 1, 2]`, attend(qkv([2, 1, 2], [3, 1, 2], [2, 1, 2]))],
    [`${attentionWants} [2, 1, 2] and [2, 1, 2] and [3, 1, 2]`, attend(qkv([2, 1, 2], [2, 1, 2], [3, 1, 2]))],
    ['attention: expected at least two axes, got [2]', attend(qkv([2], [1, 2], [1, 2]))],
    ['attention: expected at least two axes, got [1]', attend(qkv([1, 2], [1], [1, 2]))],
    ['attention: expected at least two axes, got [3]', attend(qkv([1, 2], [1, 2], [3]))],
    ['mask: expected a padding [B, S] = [2, 2], got [1, 2]', attend(qkv([2, 1, 2], [2, 2, 2], [2, 2, 2]), paddingMask([1], 2))],
    ['mask: expected a padding [B, S] = [1, 2], got [2, 2]', () => masked(paddingMask([1, 2], 2)).forward(noParams, zeros([1, 2]))],
    ['mask: expected at least two axes, got [2]', () => masked(causalMask).forward(noParams, zeros([2]))],
    ['mask: expected paddings of one shape, got [1, 2] and [1, 3]', () => MonoidMask.concat(paddingMask([1], 2), paddingMask([1], 3))],
    ['splitHeads: expected a width of 3 · 2 heads · d, got [1, 3]', () => splitHeads(2).forward(noParams, zeros([1, 3]))],
    ['splitHeads: expected at least two axes, got [6]', () => splitHeads(2).forward(noParams, zeros([6]))],
    ['mergeHeads: expected [..., H, T, d], got [1, 3]', () => mergeHeads.forward(noParams, zeros([1, 3]))],
    ['unembedding: expected x [..., D] and weight [V, D], got [1, 2] and [4, 3]', () => unembedding.forward({ weight: zeros([4, 3]) }, zeros([1, 2]))],
    ['unembedding: expected x [..., D] and weight [V, D], got [2] and [4, 2, 1]', () => unembedding.forward({ weight: zeros([4, 2, 1]) }, zeros([2]))],
    ['unembedding: expected at least one axis, got []', () => unembedding.forward({ weight: zeros([4, 2]) }, zeros([]))],
    ['tokenEmbedding: expected weight [V, D], got [3]', () => tokenEmbedding.forward({ weight: zeros([3]) }, tensor.tokensOf([0]))],
    [`${positionsWant} [1, 3, 3] and [2, 3]`, positionsOn([2, 3], [1, 3, 3])],
    [`${positionsWant} [1, 3] and [2, 2]`, positionsOn([2, 2], [1, 3])],
    [`${positionsWant} [1, 2] and [2, 2, 1]`, positionsOn([2, 2, 1], [1, 2])],
    ['learnedPositions: expected at least two axes, got [2]', positionsOn([2, 2], [2])],
    ['sinusoidalPositions: expected at least two axes, got [2]', () => sinusoidalPositions.forward(noParams, zeros([2]))],
    [positionsWant, () => gpt({ heads: 1 }).forward(initGpt({ vocabulary: 3, context: 2, width: 2, layers: 1 })(random.key(0)), tensor.tokensOf([[0, 1, 2]]))],
    ['crossEntropy: expected logits [..., V] and targets [...], got [2, 3] and [1]', () => crossEntropy().forward(zeros([2, 3]), tensor.tokensOf([0]))],
    ['crossEntropy: expected at least one axis, got []', () => crossEntropy().gradient(zeros([]), tensor.tokensOf([0]))],
    ['factoredCrossEntropy: expected hidden [..., D] and weight [V, D], got [1, 2] and [4, 3]', () => factoredCrossEntropy().forward({ hidden: zeros([1, 2]), weight: zeros([4, 3]) }, tensor.tokensOf([0]))],
    ['factoredCrossEntropy: expected logits [..., V] and targets [...], got [1, 4] and [2]', () => factoredCrossEntropy().gradient({ hidden: zeros([1, 3]), weight: zeros([4, 3]) }, tensor.tokensOf([0, 1]))],
    ['factoredCrossEntropy: expected at least one axis, got []', () => factoredCrossEntropy().forward({ hidden: zeros([]), weight: zeros([4, 3]) }, tensor.tokensOf([0]))],
    ['meanSquaredError: ', () => meanSquaredError().forward(zeros([2]), zeros([3]))],
    ['meanSquaredError: ', () => meanSquaredError().gradient(zeros([2]), zeros([3]))],
    ['binaryCrossEntropy: ', () => binaryCrossEntropy().forward(zeros([2]), zeros([3]))],
    ['binaryCrossEntropyWithLogits: ', () => binaryCrossEntropyWithLogits().forward(zeros([2]), zeros([3]))],
    ['pullback: expected dy with the shape [2, 1] of y, got [1, 2]', () => relu.vjp(noParams, zeros([2, 1]))[1](zeros([1, 2]))],
    ['adam "a": expected two tensors of one shape, got [2] and [3]', () => stepOn(adam({ learningRate: 1 }), zeros([2]), zeros([3]))],
    ['adam "a": expected two tensors of one shape, got [2, 1] and [1, 2]', () => stepOn(adam({ learningRate: 1 }), zeros([2, 1]), zeros([1, 2]))],
    ['gradient "a": expected two tensors of one shape, got [2] and [1]', () => stepOn(gradientDescent({ learningRate: 1 }), zeros([2]), zeros([1]))],
    ['tensor.add: expected two tensors of one shape, got [2] and [1]', () => stepOn(momentum({ learningRate: 1 }), zeros([2]), zeros([1]))],
    // A caller without types may give anything.
    ['pullback: expected dy with the shape [2] of y, got', () => relu.vjp(noParams, zeros([2]))[1](Object.create(null) as Tensor)]
  ])('%s', (message, run) => {
    expect(run).toThrow(ShapeError)
    expect(run).toThrow(message)
  })
})

describe('tensors of different precision in one operation throw a PrecisionError', () => {
  const double = (shape: readonly number[]) => zeros(shape, 'float64')
  test.each<readonly [string, () => unknown]>([
    ['tensor.add', () => tensor.add(zeros([2]))(double([2]))],
    ['linear', () => linear.forward({ weight: zeros([2, 2]), bias: double([2]) }, zeros([2]))],
    ['layerNorm', () => layerNorm.forward({ weight: zeros([2]), bias: zeros([2]) }, double([2]))],
    ['unembedding', () => unembedding.forward(embedding, double([2]))],
    ['factoredCrossEntropy', () => factoredCrossEntropy().forward({ hidden: zeros([1, 2]), weight: double([2, 2]) }, tensor.tokensOf([0]))],
    ['attention', () => attention(noMask).forward(noParams, { query: zeros([1, 2]), key: double([1, 2]), value: zeros([1, 2]) })],
    ['learnedPositions', () => learnedPositions.forward({ weight: zeros([2, 2]) }, double([1, 2]))],
    ['pullback', () => relu.vjp(noParams, zeros([2]))[1](double([2]))],
    ['adam "a"', () => stepOn(adam({ learningRate: 1 }), zeros([2]), double([2]))],
    ['gradient "a"', () => stepOn(gradientDescent({ learningRate: 1 }), double([2]), zeros([2]))]
  ])('%s', (operation, run) => {
    expect(run).toThrow(PrecisionError)
    expect(run).toThrow(operation)
  })
})

describe('a value out of range throws a RangeError that says what was expected', () => {
  test.each<readonly [string, () => unknown]>([
    ['tokenEmbedding: expected ids from 0 to 2, got 3 at position 1', () => tokenEmbedding.forward(embedding, tensor.tokensOf([2, 3]))],
    ['tokenEmbedding: expected ids from 0 to 2, got -1 at position 0', () => tokenEmbedding.forward(embedding, tensor.tokensOf([-1, 0]))],
    ['tensor.tokensFromArray: expected ids[0] to be an integer of 32 bits, got 0.5', () => tensor.tokensOf([0.5])],
    ['crossEntropy: expected targets from 0 to 1, got 2 in row 1', () => crossEntropy().forward(zeros([2, 2]), tensor.tokensOf([1, 2]))],
    ['crossEntropy: expected targets from 0 to 1, got -1 in row 0', () => crossEntropy().gradient(zeros([1, 2]), tensor.tokensOf([-1]))],
    ['dropout: expected rate to be a number of at least 0 and below 1, got 1', () => dropout(1, random.key(0))],
    ['dropout: expected rate to be a number of at least 0 and below 1, got -0.1', () => dropout(-0.1, random.key(0))],
    ['dropout: expected rate to be a number of at least 0 and below 1, got NaN', () => dropout(NaN, random.key(0))],
    ['softmaxWith: expected temperature to be a finite number above 0, got 0', () => softmaxWith(0)],
    ['softmaxWith: expected temperature to be a finite number above 0, got Infinity', () => softmaxWith(Infinity)],
    ['withTemperature: expected temperature to be a finite number above 0, got -1', () => withTemperature(-1)],
    ['topK: expected count to be a positive integer, got 0', () => topK(0)],
    ['topP: expected mass to be a probability above 0 and at most 1, got 0', () => topP(0)],
    ['random.key: expected seed to be a non-negative safe integer, got -1', () => random.key(-1)],
    ['random.key: expected seed to be a non-negative safe integer, got 0.5', () => random.key(0.5)],
    ['random.foldIn: expected index to be an integer from 0 to 2^32 − 1, got -1', () => random.foldIn(-1)(random.key(0))],
    ['random.foldIn: expected index to be an integer from 0 to 2^32 − 1, got 4294967296', () => random.foldIn(2 ** 32)(random.key(0))],
    ['random.foldIn: expected index to be an integer from 0 to 2^32 − 1, got 0.5', () => random.foldIn(0.5)(random.key(0))],
    ['random.categorical: expected a finite logit', () => categoricalSampler(tensor.of([NaN, 1]))(random.key(0))],
    ['random.categorical: expected a finite logit', () => categoricalSampler(tensor.of([-Infinity]))(random.key(0))],
    ['randomWindows: expected at least 5 tokens', () => randomWindows(tensor.tokensOf([1, 2]), { batch: 1, context: 4 })(random.key(0))],
    ['windowsAt: expected starts[0] to be an integer from 0 to 1, got 2', () => windowsAt(tensor.tokensOf([1, 2, 3]), [2], 1)],
    ['shuffledBatches: expected size to be a positive integer, got 0', () => shuffledBatches(3, 0)(random.key(0))],
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

test('attention with a mask of several heads gives every head the mask', () => {
  const x = { query: random.normal([1, 3, 4, 2])(random.key(1)), key: random.normal([1, 3, 4, 2])(random.key(2)) }
  const w = attentionWeights(causalMask)(x)
  for (let head = 0; head < 3; head++)
    for (let t = 0; t < 4; t++)
      for (let s = t + 1; s < 4; s++) expect(Object.is(tensor.at(0, head, t, s)(w), 0)).toBe(true)
})
