import { describe, expect, test } from 'vitest'
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, crossEntropy, gpt, initGpt, initLinear, kernelsInUse, layer, linear, lossAndGradient, meanSquaredError, named, random, recompute, relu, residual, stack,
  tensor, tree, type Layer, type LinearParams, type Tensor
} from 'pullback'
import { resident } from '../../src/kernels/simd/arena.js'
import { region } from '../../src/memory/region.js'

type Block = { readonly a: LinearParams, readonly b: LinearParams }
const block: Layer<Block, Tensor, Tensor> = residual(pipe(linear, named('a'), andThen(relu), andThen('b', linear)))
const width = 32, params = random.replicate(6, random.struct({ a: initLinear(width, 4 * width), b: initLinear(4 * width, width) }))(random.key(1))
const x = random.normal([16, width])(random.key(2)), dy = random.normal([16, width])(random.key(3))
const bits = (value: unknown): readonly (readonly [string, readonly number[]])[] => tree.flatten(value).map(([path, { data }]) => [path, Array.from(data)] as const)

describe('recompute', () => {
  test('has the bits of its layer, in a region and outside', () => {
    for (const around of [<A>(f: () => A): A => f(), region]) {
      const of = (model: Layer<readonly Block[], Tensor, Tensor>) => around(() => {
        const [y, pullback] = model.vjp(params, x), { params: dParams, input } = pullback(dy)
        return { forward: model.forward(params, x), y, dParams, input }
      })
      expect(bits(of(stack(recompute(block))))).toEqual(bits(of(stack(block))))
      expect(bits(of(recompute(stack(block))))).toEqual(bits(of(stack(block))))
    }
    const example = { input: x, target: dy }
    expect(lossAndGradient(stack(recompute(block)), meanSquaredError())(params, example)).toEqual(lossAndGradient(stack(block), meanSquaredError())(params, example))
  })

  test('is an option of a GPT, which has the same bits with it, dropout included', () => {
    const sizes = { vocabulary: 11, context: 16, width: 16, layers: 3 }, gptParams = initGpt(sizes)(random.key(0))
    const ids = (seed: number) => tensor.tokensFromArray([4, 16], Array.from({ length: 64 }, (_, i) => (i * i + seed) % 11))
    const example = { input: ids(0), target: ids(1) }, options = { heads: 2, dropout: { rate: 0.1, key: random.key(5) } }
    const plain = lossAndGradient(gpt(options), crossEntropy())(gptParams, example)
    expect(lossAndGradient(gpt({ ...options, recompute: true }), crossEntropy())(gptParams, example)).toEqual(plain)
    expect(lossAndGradient(gpt({ ...options, recompute: false }), crossEntropy())(gptParams, example)).toEqual(plain)
  })

  test('computes its inside a second time, and only then', () => {
    let forwards = 0, pullbacks = 0
    const counted = layer({
      forward: (p: LinearParams, v: Tensor) => {
        forwards++
        return linear.forward(p, v)
      },
      gradient: (p: LinearParams, v: Tensor, d: Tensor) => {
        pullbacks++
        return linear.vjp(p, v)[1](d)
      }
    })
    const [, pullback] = recompute(counted).vjp(initLinear(width, 3)(random.key(0)), x)
    expect([forwards, pullbacks]).toEqual([1, 0])
    pullback(tensor.full([16, 3], 1))
    expect([forwards, pullbacks]).toEqual([2, 1])
  })

  /** Bytes that are in use at the end of a forward pass and were not before. */
  const kept = (forward: () => unknown): number => region(() => {
    const place = (): number => {
      const { data } = tensor.scale(1)(tensor.of([1, 2, 3, 4]))
      return data instanceof Float32Array && resident(data) ? data.byteOffset : NaN
    }
    const before = place()
    forward()
    return place() - before
  })

  test.skipIf(kernelsInUse() === 'reference')('keeps the inputs of its blocks and nothing else', () => {
    const input = 4 * 16 * width
    expect(kept(() => stack(recompute(block)).vjp(params, x))).toBeLessThanOrEqual(6 * input + 64)
    expect(kept(() => stack(block).vjp(params, x))).toBeGreaterThan(6 * 9 * input)
  })

  test.skipIf(kernelsInUse() === 'reference')('saves what the blocks of a GPT keep: about 25 numbers for each of its width, for each token', () => {
    const sizes = { vocabulary: 11, context: 64, width: 64, layers: 4 }, gptParams = initGpt(sizes)(random.key(0))
    const tokens = tensor.tokensFromArray([4, 64], Array.from({ length: 256 }, (_, i) => i % 11)), number = 4 * 256 * sizes.width
    const [plain, again] = [false, true].map(recompute => kept(() => gpt({ heads: 4, recompute }).vjp(gptParams, tokens)))
    const saved = (plain - again) / number / sizes.layers
    expect(saved).toBeGreaterThan(23)
    expect(saved).toBeLessThan(27)
  })
})
