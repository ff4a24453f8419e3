import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { describe, expect, test } from 'vitest'
import {
  adam, adamW, binaryCrossEntropyWithLogits, characterTokenizer, withClipping, completeSentence, crossEntropy, decoding, gpt, gradientDescent, greedySampler, initGpt,
  initMlp, meanSquaredError, mlp, random, initTraining, tanh, tensor, trainingStep, tree, type Key, type Tensor
} from 'pullback'

describe('a multi-layer perceptron', () => {
  test('learns XOR by gradient descent', () => {
    const batch = { input: tensor.of([[0, 0], [0, 1], [1, 0], [1, 1]]), target: tensor.of([[0], [1], [1], [0]]) }
    const optimizer = gradientDescent({ learningRate: 0.1 })
    const step = trainingStep({ model: mlp(tanh), loss: meanSquaredError(), optimizer })
    let current = initTraining(optimizer, initMlp([2, 8, 1], { initializer: random.xavierUniform })(random.key(0)))
    for (let i = 0; i < 3000; i++) current = step(current, batch, random.foldIn(i)(random.key(1)))
    const y = mlp(tanh).forward(current.params, batch.input)
    Array.from(y.data).forEach((value, i) => expect(Math.abs(value - batch.target.data[i])).toBeLessThan(0.05))
  })

  test('tells two spirals apart', () => {
    const points = 100
    const at = (i: number): readonly number[] => {
      const arm = i % 2, t = 0.5 + 2.5 * Math.floor(i / 2) / points
      const angle = t * Math.PI + arm * Math.PI
      return [t / 3 * Math.cos(angle), t / 3 * Math.sin(angle)]
    }
    const input = tensor.of(Array.from({ length: 2 * points }, (_, i) => at(i)))
    const target = tensor.of(Array.from({ length: 2 * points }, (_, i) => [i % 2]))
    const optimizer = adam({ learningRate: 0.01 })
    const step = trainingStep({ model: mlp(tanh), loss: binaryCrossEntropyWithLogits(), optimizer })
    let current = initTraining(optimizer, initMlp([2, 24, 24, 1])(random.key(1)))
    for (let i = 0; i < 1500; i++) current = step(current, { input, target }, random.key(2))
    const logits = mlp(tanh).forward(current.params, input)
    const right = Array.from(logits.data).filter((x, i) => (x > 0 ? 1 : 0) === target.data[i]).length
    expect(right).toBeGreaterThan(195)
  })
})

describe('a tiny GPT', () => {
  const sentence = 'the quick brown fox jumps over the lazy dog.'
  const made = characterTokenizer()(sentence)
  if (E.isLeft(made)) throw new Error(made.left)
  const tokenizer = made.right
  const encoded = tokenizer.encode(sentence)
  if (E.isLeft(encoded)) throw new Error(encoded.left)
  const ids = encoded.right
  const context = ids.length - 1
  const batch = {
    input: tensor.tokensFromArray([1, context], ids.slice(0, -1)), target: tensor.tokensFromArray([1, context], ids.slice(1))
  }
  const optimizer = pipe(adamW({ learningRate: 3e-3 }), withClipping(1))
  const initial = initGpt({ vocabulary: tokenizer.symbols.length, context, width: 32, layers: 2 })(random.key(0))
  const train = (steps: number, rate: number) => {
    const step = trainingStep({
      model: (key: Key) => gpt({ heads: 4, dropout: rate === 0 ? undefined : { rate, key } }), loss: crossEntropy(), optimizer
    })
    let current = { ...initTraining(optimizer, initial), loss: NaN }
    const losses: number[] = []
    for (let i = 0; i < steps; i++) {
      current = step(current, batch, random.foldIn(i)(random.key(1)))
      losses.push(current.loss)
    }
    return { params: current.params, losses }
  }

  test('learns one sentence by heart and completes it exactly', () => {
    const { params, losses } = train(200, 0)
    expect(losses[losses.length - 1]).toBeLessThan(0.05)
    const complete = completeSentence({ decoder: decoding(gpt({ heads: 4 }), { context: ids.length }), params, tokenizer, sampler: greedySampler, count: ids.length - 4 })
    expect(complete('the ', random.key(0))).toEqual(E.right(sentence.slice(4)))
  })

  test('the same key gives the same losses to the last bit, with dropout too', () => {
    expect(train(5, 0.2).losses).toEqual(train(5, 0.2).losses)
    expect(train(5, 0.2).losses).not.toEqual(train(5, 0).losses)
  })

  test('a step changes nothing that it was given', () => {
    const copy: readonly (readonly number[])[] = tree.flatten(initial).map(([, leaf]: readonly [string, Tensor]) => Array.from(leaf.data))
    train(3, 0)
    tree.flatten(initial).forEach(([, leaf], i) => expect(Array.from(leaf.data)).toEqual(copy[i]))
  })
})
