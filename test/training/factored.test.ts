/** Training on logits that are not there as a whole: extremes, default blocks, and who is left alone. */
import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import { describe, expect, test } from 'vitest'
import {
  andThen, andThenTied, crossEntropy, factored, factoredCrossEntropy, gpt, gradientDescent, initEmbedding, initGpt, initTraining, linear, lossAndGradient, lossOf, named,
  random, tensor, tokenEmbedding, trainingRun, trainingStep, tree, unembedding, type Factors, type Layer, type Loss, type Tensor, type Tokens
} from 'pullback'

const numbers = (x: Tensor): readonly number[] => Array.from(x.data)

/** The factors as what is learned. */
const itself: Layer<Factors, unknown, Factors, void> = { forward: params => params, vjp: params => [params, params => ({ params, input: undefined })] }

const inBlocks = (rows: number | undefined, factors: Factors, target: Tokens, options: object = {}) => {
  const { loss, gradient } = lossAndGradient(itself, factoredCrossEntropy({ rows, ...options }))(factors, { input: undefined, target })
  return { loss, hidden: gradient.hidden, weight: gradient.weight }
}

/** The same by the two parts that it is made of. */
const plain = ({ hidden, weight }: Factors, target: Tokens, options: object = {}) => {
  const [logits, pullback] = unembedding.vjp({ weight }, hidden), loss = crossEntropy(options)
  const { params, input } = pullback(loss.gradient(logits, target))
  return { loss: loss.forward(logits, target), hidden: input, weight: params.weight }
}

const largest = (x: Tensor): number => numbers(x).reduce((most, v) => Math.max(most, Math.abs(v)), 0)
const differ = (a: Tensor, b: Tensor): number => numbers(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b.data[i])), 0)

const drawn = (n: number, d: number, v: number, scale = 1, precision: 'float32' | 'float64' = 'float32'): Factors => ({
  hidden: random.normal([n, d], { precision, deviation: scale })(random.key(1)), weight: random.normal([v, d], { precision })(random.key(2))
})
const targets = (n: number, v: number, ignoring = (_: number): boolean => false): Tokens =>
  tensor.tokensFromArray([n], Array.from({ length: n }, (_, i) => (ignoring(i) ? -100 : (i * 7919) % v)))

describe('in single precision', () => {
  test('blocks of any size are the whole, within the roundings of its sums', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 70 }), (n, d, v, rows) => {
      const factors = drawn(n, d, v), ids = targets(n, v, i => i % 5 === 3), found = inBlocks(rows, factors, ids), expected = plain(factors, ids)
      // An entry of the gradient sums at most n or v products, each off by a few roundings of the logits that it came from.
      const bound = (x: Tensor) => 2 ** -24 * (64 + 8 * d + n + v) * (1e-3 + largest(x))
      expect(Math.abs(found.loss - expected.loss)).toBeLessThanOrEqual(2 ** -24 * (64 + 8 * d) * (1 + expected.loss))
      expect(differ(found.hidden, expected.hidden)).toBeLessThanOrEqual(bound(expected.hidden))
      expect(differ(found.weight, expected.weight)).toBeLessThanOrEqual(bound(expected.weight))
    }), { numRuns: 60, examples: [[48, 16, 261, 24], [49, 16, 261, 24], [50, 9, 1, 3]] })
  })

  test('a batch whose logits are one block has the bits of the whole', () => {
    for (const n of [1, 3, 40]) {
      const factors = drawn(n, 24, 70), ids = targets(n, 70)
      const [found, expected] = [inBlocks(undefined, factors, ids), plain(factors, ids)]
      expect([found.loss, ...numbers(found.hidden), ...numbers(found.weight)]).toEqual([expected.loss, ...numbers(expected.hidden), ...numbers(expected.weight)])
    }
  })

  test('a large vocabulary is cut by itself, in training and in judging', () => {
    const v = 40_000, n = 600 // more than twice as many rows as take 64 MB
    const model = pipe(tokenEmbedding, named('in'), andThen('out', unembedding)), changed = { ...crossEntropy() }
    const params = { in: initEmbedding(n, 4)(random.key(1)), out: initEmbedding(v, 4)(random.key(2)) }
    const batch = { input: tensor.tokensFromArray([n], Array.from({ length: n }, (_, i) => i)), target: targets(n, v) }
    const [found, expected] = [crossEntropy(), changed].map(loss => lossAndGradient(model, loss)(params, batch))
    expect(Math.abs(found.loss - expected.loss)).toBeLessThan(1e-6 * expected.loss)
    expect(lossOf(model, crossEntropy())(params, batch)).toBe(found.loss)
    expect(found.weight).toBe(n)
    for (const [path, leaf] of tree.flatten(found.gradient)) {
      const [, whole] = tree.flatten(expected.gradient).find(([other]) => other === path) ?? ['', leaf]
      expect(differ(leaf, whole), path).toBeLessThan(1e-5 * largest(whole))
      expect(largest(leaf), path).toBeGreaterThan(0)
    }
  })
})

describe.each(['float32', 'float64'] as const)('extremes in %s', precision => {
  const of = (hidden: readonly (readonly number[])[], weight: readonly (readonly number[])[]): Factors => ({ hidden: tensor.of(hidden, precision), weight: tensor.of(weight, precision) })
  const all = ({ loss, hidden, weight }: ReturnType<typeof plain>): readonly number[] => [loss, ...numbers(hidden), ...numbers(weight)].map(x => x + 0)

  test.each<readonly [string, Factors, Tokens]>([
    ['logits of ±10⁴', of([[1e4], [-1e4], [1e4]], [[1], [-1], [0]]), tensor.tokensOf([0, 0, 2])],
    ['logits near the largest number', of([[3e38], [-3e38]], [[1], [-1], [0.5]]), tensor.tokensOf([1, 1])],
    ['logits beyond it', of([[1e30], [2]], [[1e30], [-1e30]]), tensor.tokensOf([0, 1])],
    ['denormal hidden states', of([[1e-40], [1e-44]], [[1], [2]]), tensor.tokensOf([0, 1])],
    ['equal logits', of([[1], [1], [1]], [[1], [1]]), tensor.tokensOf([0, 1, 0])],
    ['one symbol', of([[1], [2], [3]], [[1e4]]), tensor.tokensOf([0, 0, 0])],
    ['a NaN that counts', of([[NaN], [2]], [[1], [2]]), tensor.tokensOf([0, 1])],
    ['nothing that counts', of([[1], [2]], [[1], [2]]), tensor.tokensOf([-100, -100])]
  ])('%s, row by row', (_, factors, ids) => {
    for (const reduction of ['mean', 'sum'] as const) {
      const found = all(inBlocks(1, factors, ids, { reduction })), expected = all(plain(factors, ids, { reduction }))
      // A sum over blocks rounds once more for each; what is no finite number is the same.
      expect(found.map((v, i) => (Math.abs(v - expected[i]) <= 2 ** -22 * Math.abs(expected[i]) + 2 ** -149 ? expected[i] : v))).toEqual(expected)
    }
  })

  test('no rows at all: no loss, and a gradient of zeros', () => {
    const factors = { hidden: tensor.zeros([2, 0, 3], precision), weight: tensor.full([4, 3], 1, precision) }
    const { loss, hidden, weight } = inBlocks(2, factors, tensor.tokensFromArray([2, 0], []))
    expect([loss, hidden.shape, numbers(weight), tensor.precisionOf(weight)]).toEqual([0, [2, 0, 3], Array<number>(12).fill(0), precision])
  })

  test('an ignored row may hold NaN', () => {
    const clean = drawn(5, 3, 7, 1, precision), ids = targets(5, 7, i => i === 1 || i === 4)
    const spoiled = { ...clean, hidden: tensor.fromArray([5, 3], numbers(clean.hidden).map((v, i) => ([1, 4].includes(Math.floor(i / 3)) ? NaN : v)), precision) }
    expect(all(inBlocks(2, spoiled, ids))).toEqual(all(inBlocks(2, clean, ids)))
    expect(all(inBlocks(2, clean, ids)).every(Number.isFinite)).toBe(true)
  })
})

describe('training', () => {
  const sizes = { vocabulary: 7, context: 4, width: 4, layers: 1 }, params = initGpt(sizes)(random.key(0)), optimizer = gradientDescent({ learningRate: 0.1 })
  const batch = { input: tensor.tokensOf([[1, 2, 3]]), target: tensor.tokensOf([[2, 3, 4]]) }
  const model = gpt({ heads: 2 })
  const numbersOf = (trained: typeof params) => tree.flatten(trained).map(([path, leaf]) => [path, numbers(leaf)])

  test('with the factored model and loss by name, in steps and in a run, is training', () => {
    const first = initTraining(optimizer, params), key = random.key(1)
    const long = trainingStep({ model, loss: { ...crossEntropy() }, optimizer })(first, batch, key)
    const ways = [
      trainingStep({ model, loss: crossEntropy(), optimizer })(first, batch, key),
      trainingStep({ model: factored(model), loss: factoredCrossEntropy(), optimizer })(first, batch, key),
      trainingRun({ model, loss: crossEntropy(), optimizer })({ steps: 1, batch: () => batch, key })(first)
    ]
    for (const way of ways) expect(numbersOf(way.params)).toEqual(numbersOf(long.params))
  })

  test('its weight is that of cross-entropy: ignored rows weigh nothing', () => {
    const ids = tensor.tokensOf([1, -100, 3, -100, -100])
    for (const reduction of ['mean', 'sum'] as const)
      expect(factoredCrossEntropy({ reduction }).weight?.(ids)).toBe(crossEntropy({ reduction }).weight?.(ids))
    expect(factoredCrossEntropy().weight?.(ids)).toBe(2)
  })
  test('a model whose last part is not an unembedding has no factored form', () => {
    const changed = { ...model, vjp: model.vjp.bind(undefined) }
    for (const other of [linear, pipe(unembedding, named('out'), andThen('next', linear)), changed, { ...model, forward: model.forward.bind(undefined) }])
      expect(() => factored(other as unknown as typeof model)).toThrow(new TypeError('factored: expected a model that ends in unembedding, got another one'))
    expect(factored({ ...model }).forward(params, batch.input).hidden.shape).toEqual([1, 3, 4])
  })

  test('errors are those of the whole, and name the same place', () => {
    const tied = pipe(tokenEmbedding, named('wte'), andThenTied('wte', unembedding))
    const broken = { in: initEmbedding(3, 2)(random.key(0)), out: initEmbedding(3, 4)(random.key(0)) }
    const twoTables = pipe(tokenEmbedding, named('in'), andThen('out', unembedding))
    const thrown = (f: () => unknown): unknown => {
      try {
        return f()
      } catch (error) {
        return error
      }
    }
    const both = (f: (loss: Loss<Tensor, Tokens>) => unknown): void => {
      const [short, long] = [crossEntropy(), { ...crossEntropy() }].map(loss => thrown(() => f(loss)))
      expect(long).toBeInstanceOf(Error)
      expect(short).toEqual(long)
    }
    const wte = { wte: initEmbedding(3, 2)(random.key(0)) }, input = tensor.tokensOf([0, 1])
    for (const target of [tensor.tokensOf([0, 3]), tensor.tokensOf([-1, 0]), tensor.tokensOf([0]), tensor.tokensOf([[0, 1]])]) {
      both(loss => lossAndGradient(tied, loss)(wte, { input, target }))
      both(loss => lossOf(tied, loss)(wte, { input, target }))
    }
    both(loss => lossAndGradient(twoTables, loss)(broken, { input, target: input }))
  })
})
