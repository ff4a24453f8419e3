import { readFileSync } from 'node:fs'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { describe, expect, test } from 'vitest'
import {
  adam, adamW, attention, binaryCrossEntropy, binaryCrossEntropyWithLogits, causalAttention, causalMask, clipByGlobalNorm, crossEntropy, gelu,
  geluTanh, globalNorm, gpt, gptFromTensors, gradientDescent, layerNorm, leakyRelu, linear, logSoftmax, meanSquaredError, momentum,
  multiHeadAttention, noMask, noParams, paddingMask, relu, sigmoid, silu, softmax, softmaxWith, tanh, tensor, tokenEmbedding, unembedding,
  warmupCosine, type Gradient, type Layer, type Loss, type Optimizer, type QueryKeyValue, type Tensor, type Tokens
} from 'pullback'

interface Stored {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

type Leaves = Readonly<Record<string, Stored>>

interface LayerCase {
  readonly name: string
  readonly mirrors: string
  readonly params: Leaves
  readonly input: Leaves
  readonly output: Stored
  readonly dy: Stored
  readonly dParams: Leaves
  readonly dInput: Leaves
}

interface Golden {
  readonly layers: readonly LayerCase[]
  readonly losses: readonly { readonly name: string, readonly mirrors: string, readonly prediction: Stored, readonly target: Stored, readonly loss: number, readonly gradient: Stored }[]
  readonly optimizers: readonly { readonly name: string, readonly mirrors: string, readonly start: Leaves, readonly steps: readonly { readonly gradient: Leaves, readonly params: Leaves }[] }[]
  readonly clipping: { readonly mirrors: string, readonly gradient: Leaves, readonly norm: number, readonly clipped: Leaves }
  readonly schedule: { readonly mirrors: string, readonly rates: readonly number[] }
}

const golden = JSON.parse(readFileSync(new URL('./golden.json', import.meta.url), 'utf8')) as Golden

const of = ({ shape, data }: Stored): Tensor => tensor.fromArray(shape, data, 'float64')
const ids = ({ shape, data }: Stored): Tokens => tensor.tokensFromArray(shape, data)
const pair = (leaves: Leaves) => ({ weight: of(leaves.weight), bias: of(leaves.bias) })
const weight = (leaves: Leaves) => ({ weight: of(leaves.weight) })
const heads = (leaves: Leaves): QueryKeyValue => ({ query: of(leaves.query), key: of(leaves.key), value: of(leaves.value) })

/** Relative to the largest number: 1e-10. */
const close = (what: string, found: Tensor, expected: Stored): void => {
  expect([what, found.shape]).toEqual([what, expected.shape])
  const largest = Math.max(1e-3, ...expected.data.map(Math.abs))
  const worst = Math.max(...Array.from(found.data, (v, i) => Math.abs(v - expected.data[i])))
  expect([what, worst / largest <= 1e-10]).toEqual([what, true])
}

/** How a case of the fixtures is run with a layer of ours. */
const run = <P, X, DX>(
  layer: Layer<P, X, Tensor, DX>, params: (leaves: Leaves) => P, input: (leaves: Leaves) => X,
  gradients: (gradient: Gradient<P, DX>) => { readonly params: Readonly<Record<string, Tensor>>, readonly input: Readonly<Record<string, Tensor>> }
) => (stored: LayerCase): void => {
  const [y, pullback] = layer.vjp(params(stored.params), input(stored.input))
  close('output', y, stored.output)
  const found = gradients(pullback(of(stored.dy)))
  expect(Object.keys(found.params).sort()).toEqual(Object.keys(stored.dParams).sort())
  for (const [path, expected] of Object.entries(stored.dParams)) close(path, found.params[path], expected)
  for (const [path, expected] of Object.entries(stored.dInput)) close(path, found.input[path], expected)
}

const entrywise = (layer: Layer<typeof noParams, Tensor, Tensor>) =>
  run(layer, () => noParams, leaves => of(leaves.x), ({ input }) => ({ params: {}, input: { x: input } }))
const attended = (layer: Layer<typeof noParams, QueryKeyValue, Tensor>) =>
  run(layer, () => noParams, heads, ({ input }) => ({ params: {}, input: { query: input.query, key: input.key, value: input.value } }))

const flat = (value: object): Readonly<Record<string, Tensor>> => Object.fromEntries(
  Object.entries(value).flatMap(([key, child]: [string, object]) =>
    (tensor.isTensor(child) ? [[key, child]] : Object.entries(flat(child)).map(([path, leaf]) => [`${key}.${path}`, leaf]))))

const two = (leaves: Leaves, path: string) => ({ weight: of(leaves[`${path}.weight`]), bias: of(leaves[`${path}.bias`]) })

const layers: Readonly<Record<string, (stored: LayerCase) => void>> = {
  sigmoid: entrywise(sigmoid), tanh: entrywise(tanh), relu: entrywise(relu), leakyRelu: entrywise(leakyRelu(0.01)), gelu: entrywise(gelu),
  geluTanh: entrywise(geluTanh), silu: entrywise(silu), softmax: entrywise(softmax), softmaxWith: entrywise(softmaxWith(0.7)), logSoftmax: entrywise(logSoftmax),
  linear: run(linear, pair, leaves => of(leaves.x), ({ params, input }) => ({ params: flat(params), input: { x: input } })),
  layerNorm: run(layerNorm, pair, leaves => of(leaves.x), ({ params, input }) => ({ params: flat(params), input: { x: input } })),
  tokenEmbedding: run(tokenEmbedding, weight, leaves => ids(leaves.tokens), ({ params }) => ({ params: flat(params), input: {} })),
  unembedding: run(unembedding, weight, leaves => of(leaves.x), ({ params, input }) => ({ params: flat(params), input: { x: input } })),
  attention: attended(attention(noMask)), causalAttention: attended(causalAttention), paddedAttention: attended(attention(paddingMask([3, 1], 4))),
  multiHeadAttention: run(multiHeadAttention(2, causalMask), leaves => ({ c_attn: two(leaves, 'c_attn'), c_proj: two(leaves, 'c_proj') }),
    leaves => of(leaves.x), ({ params, input }) => ({ params: flat(params), input: { x: input } })),
  gpt: run(gpt({ heads: 2 }), leaves => {
    const params = gptFromTensors(Object.entries(leaves).map(([path, stored]) => [path, of(stored)] as const))
    if (E.isLeft(params)) throw new Error(params.left)
    return params.right
  }, leaves => ids(leaves.tokens), ({ params }) => ({ params: flat(params), input: {} }))
}

describe('layers equal PyTorch, outputs and every gradient', () => {
  test.each(golden.layers.map(stored => [stored.name, stored.mirrors, stored] as const))('%s: %s', (name, _, stored) => layers[name](stored))
  test('every case is there', () => expect(golden.layers.map(({ name }) => name).sort()).toEqual(Object.keys(layers).sort()))
})

const options = (name: string) => (name.endsWith('sum') ? { reduction: 'sum' as const } : {})
const continuous = (name: string): Loss<Tensor, Tensor> | undefined => ({
  meanSquaredError, binaryCrossEntropy, binaryCrossEntropyWithLogits
} as Readonly<Record<string, typeof meanSquaredError>>)[name.split(' ')[0]]?.(options(name))

describe('losses equal PyTorch', () => {
  test.each(golden.losses.map(stored => [stored.name, stored.mirrors, stored] as const))('%s: %s', (name, _, stored) => {
    const loss = continuous(name)
    const prediction = of(stored.prediction)
    const [value, gradient] = loss === undefined
      ? [crossEntropy(options(name)).forward(prediction, ids(stored.target)), crossEntropy(options(name)).gradient(prediction, ids(stored.target))]
      : [loss.forward(prediction, of(stored.target)), loss.gradient(prediction, of(stored.target))]
    expect(Math.abs(value - stored.loss) / Math.abs(stored.loss)).toBeLessThanOrEqual(1e-10)
    close('gradient', gradient, stored.gradient)
  })
})

const rates = { learningRate: 0.1, beta1: 0.8, beta2: 0.95 }
const optimizers: Readonly<Record<string, Optimizer<string>>> = {
  gradientDescent: gradientDescent({ learningRate: 0.1 }),
  momentum: momentum({ learningRate: 0.1, momentum: 0.8 }),
  adam: adam(rates),
  adamW: adamW({ ...rates, weightDecay: 0.2, decays: path => path === 'weight' })
}

describe('optimisers equal PyTorch over five steps', () => {
  test.each(golden.optimizers.map(stored => [stored.name, stored.mirrors, stored] as const))('%s: %s', (name, _, { start, steps }) => {
    const optimizer = optimizers[name]
    let params = pair(start), state = optimizer.init(params)
    for (const { gradient, params: expected } of steps) {
      ({ params, state } = optimizer.step(params, pair(gradient), state))
      close('weight', params.weight, expected.weight)
      close('bias', params.bias, expected.bias)
    }
  })
})

test(`clipping equals ${golden.clipping.mirrors}`, () => {
  const gradient = pair(golden.clipping.gradient)
  expect(Math.abs(globalNorm(gradient) / golden.clipping.norm - 1)).toBeLessThanOrEqual(1e-10)
  const clipped = pipe(gradient, clipByGlobalNorm(0.7))
  close('weight', clipped.weight, golden.clipping.clipped.weight)
  close('bias', clipped.bias, golden.clipping.clipped.bias)
})

test(`the schedule equals ${golden.schedule.mirrors}`, () => {
  const rate = warmupCosine({ peak: 1e-3, final: 1e-4, warmup: 5, steps: 20 })
  golden.schedule.rates.forEach((expected, step) => expect(Math.abs(rate(step) / expected - 1)).toBeLessThanOrEqual(1e-10))
})
