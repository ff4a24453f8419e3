import { pipe } from 'fp-ts/lib/function.js'
import { describe, expect, test } from 'vitest'
import {
  andThen, gradientDescent, initLinear, linear, lossAndGradient, meanSquaredError, named, parameterless, random, initTraining, applyGradient, tensor, trainingRun, trainingStep, type Key, type Layer, type Loss, type Tensor
} from 'pullback'

const model = pipe(linear, named('hidden'), andThen('output', linear))
const params = random.struct({ hidden: initLinear(2, 2), output: initLinear(2, 1) })(random.key(0))
const optimizer = gradientDescent({ learningRate: 0.1 })
const batch = { input: tensor.of([[1, 2]]), target: tensor.of([[1]]) }
const stepFor = (loss: Loss<Tensor, Tensor>) => () => trainingStep({ model, loss, optimizer })(initTraining(optimizer, params), batch, random.key(0))

describe('training does not go on with numbers that are none', () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    test(`a loss of ${value}`, () =>
      expect(stepFor({ ...meanSquaredError(), forward: () => value })).toThrow(new RangeError(`trainingStep: expected a finite loss, got ${value}`)))
    test(`a gradient of ${value}`, () =>
      expect(stepFor({ ...meanSquaredError(), gradient: p => tensor.map(() => value)(p) })).toThrow(/^trainingStep: expected a finite gradient, got (NaN|-?Infinity) in "hidden\.weight"$/))
  }
  test('a gradient that is large, but finite, in both precisions', () => {
    for (const [precision, value] of [['float32', 3e38], ['float64', 1e300]] as const) {
      const large = parameterless((x: Tensor) => x, (_, dy: Tensor) => tensor.map(() => value)(dy))
      const one = { weight: tensor.of([[1]], precision), bias: tensor.of([0], precision) }
      const step = trainingStep({ model: pipe(linear, andThen(large)), loss: meanSquaredError(), optimizer: gradientDescent({ learningRate: 0 }) })
      const example = { input: tensor.of([[1]], precision), target: tensor.of([[1]], precision) }
      expect(step(initTraining(gradientDescent({ learningRate: 0 }), one), example, random.key(0)).loss).toBe(0)
    }
  })
  test('who wants to go on can', () => {
    const wild: Loss<Tensor, Tensor> = { ...meanSquaredError(), forward: () => Infinity }
    expect(applyGradient(optimizer)(initTraining(optimizer, params), lossAndGradient(model, wild)(params, batch)).loss).toBe(Infinity)
  })
})

describe('a step of training', () => {
  test('names no path where the parameters are one tensor', () => {
    const scaling: Layer<Tensor, Tensor, Tensor> = { forward: (_, x) => x, vjp: (_, x) => [x, dy => ({ params: tensor.of([NaN]), input: dy })] }
    expect(() => trainingStep({ model: scaling, loss: meanSquaredError(), optimizer })(initTraining<Tensor, never>(optimizer, tensor.of([1])), { input: tensor.of([2]), target: tensor.of([1]) }, random.key(0)))
      .toThrow(new RangeError('trainingStep: expected a finite gradient, got NaN'))
  })
  test('tells a loss that is no number from one that is none', () => {
    expect(stepFor({ ...meanSquaredError(), forward: () => '1' as never })).toThrow(new TypeError('trainingStep: expected a finite loss, got "1"'))
  })
  test('or many of them: the sentence begins with what was called, and where', () => {
    const run = trainingRun({ model, loss: { ...meanSquaredError(), forward: () => NaN }, optimizer })
    expect(() => run({ steps: 2, batch: () => batch, key: random.key(0) })(initTraining(optimizer, params))).toThrow(new RangeError('trainingRun, step 0: expected a finite loss, got NaN'))
  })
  test('makes its model with its key, if the model has one', () => {
    const keys: Key[] = []
    const by = (key: Key) => {
      keys.push(key)
      return model
    }
    const begin = initTraining(optimizer, params), key = random.key(5), loss = meanSquaredError()
    expect(trainingStep({ model: by, loss, optimizer })(begin, batch, key)).toEqual(trainingStep({ model, loss, optimizer })(begin, batch, key))
    expect(keys).toEqual([key])
    expect(() => trainingStep({ model, loss, optimizer })(begin, batch, 3 as never)).toThrow(new TypeError('trainingStep: expected key to be a key of random.key, got 3'))
  })
})
