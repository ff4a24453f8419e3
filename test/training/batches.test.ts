import { describe, expect, test } from 'vitest'
import { initMlp, random, randomWindows, recomputing, shuffledBatches, initTraining, applyGradient, adam, gpt, initGpt, mlp, lossOf, meanSquaredError, noParams, identityLayer, nextTokenLogits, tanh, tensor, windowsAt, type Tensor } from 'pullback'

const five = tensor.tokensOf([10, 11, 12, 13, 14])

describe('windows', () => {
  test('begin where they are asked to, from the first place to the last', () => {
    const { input, target } = windowsAt(five, [0, 2], 2)
    expect([input.shape, Array.from(input.data)]).toEqual([[2, 2], [10, 11, 12, 13]])
    expect([target.shape, Array.from(target.data)]).toEqual([[2, 2], [11, 12, 13, 14]])
  })
  test.each([-1, 3, NaN])('and not at %d, which leaves the sequence', begin => {
    expect(() => windowsAt(five, [0, begin], 2)).toThrow(new RangeError(`windowsAt: expected starts[1] to be an integer from 0 to 2, got ${begin}`))
  })
  test('a sequence with room for one window has that one', () => {
    expect(Array.from(randomWindows(five, { batch: 2, context: 4 })(random.key(0)).input.data)).toEqual([10, 11, 12, 13, 10, 11, 12, 13])
    expect(() => randomWindows(five, { batch: 1, context: 5 })(random.key(0))).toThrow(new RangeError('randomWindows: expected at least 6 tokens, got 5'))
  })
})

test.each([0, -1, 1.5, NaN])('batches of %d examples are refused', size => {
  expect(() => shuffledBatches(3, size)(random.key(0))).toThrow(`shuffledBatches: expected size to be a positive integer, got ${size}`)
})

test('a decoder that computes anew begins with nothing and keeps what the model sees', () => {
  const params = initGpt({ vocabulary: 4, context: 3, width: 4, layers: 1 })(random.key(0)), decoder = recomputing(gpt({ heads: 1 }), 3)
  expect(decoder.empty(params)).toEqual([])
  expect(decoder.read(params, [1, 2], [3, 0])[1]).toEqual([2, 3, 0])
  expect(() => nextTokenLogits({ decoder, params })([])).toThrow('nextTokenLogits: expected at least one token, got [0]')
  expect(Array.from(nextTokenLogits({ decoder, params })([1, 2]).data)).toEqual(Array.from(decoder.read(params, [], [1, 2])[0].data))
})

describe('a multi-layer perceptron', () => {
  test('has an activation after every hidden layer and none after the last', () => {
    const one = (weight: number, bias: number) => ({ weight: tensor.of([[weight]], 'float64'), bias: tensor.of([bias], 'float64') })
    const y = mlp(tanh).forward({ hidden: [one(2, 1), one(-3, 0.5)], output: one(10, -4) }, tensor.of([0.25], 'float64'))
    expect(y.data[0]).toBeCloseTo(10 * Math.tanh(-3 * Math.tanh(1.5) + 0.5) - 4, 12)
  })
  test('has the widths asked for', () => {
    const { hidden, output } = initMlp([2, 3, 4, 1])(random.key(0))
    expect([...hidden, output].map(({ weight, bias }) => [weight.shape, bias.shape])).toEqual([[[2, 3], [3]], [[3, 4], [4]], [[4, 1], [1]]])
    expect(initMlp([2, 3])(random.key(0)).hidden).toEqual([])
    expect(tensor.precisionOf(output.weight)).toBe('float32')
    expect(() => initMlp([2])).toThrow(new RangeError('mlpSpec: expected at least an input and an output width, got 1'))
  })
})

describe('training', () => {
  const optimizer = adam({ learningRate: 0.1 }), params: Tensor = tensor.of([1, 2], 'float64')
  test('starts with the parameters and the first state of the optimiser', () => {
    expect(initTraining(optimizer, params)).toEqual({ params, state: optimizer.init(params) })
  })
  test('a step with a gradient that is there is the optimiser’s, with its loss', () => {
    const begin = initTraining(optimizer, params), gradient: Tensor = tensor.of([0.5, -1], 'float64')
    expect(applyGradient(optimizer)(begin, { loss: 3, gradient })).toEqual({ ...optimizer.step(params, gradient, begin.state), loss: 3 })
  })
  test('the loss of an example', () => {
    expect(lossOf(identityLayer<Tensor>(), meanSquaredError())(noParams, { input: tensor.of([1, 3]), target: tensor.of([1, 1]) })).toBe(2)
  })
})
