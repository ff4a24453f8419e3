import { describe, expect, test } from 'vitest'
import {
  applyGradient, combineShards, crossEntropy, gradientDescent, identityLayer, initTraining, lossAndGradient, meanSquaredError, parameterless, random, sharded, shards, tensor, type Example, type LossAndGradient, type Tensor,
  type Tokens
} from 'pullback'

/** The logits are the parameters: row by row. */
const logits = { weight: tensor.of([[0, 2], [3, 0], [1, 1], [0, 5]], 'float64') }
const table = {
  forward: ({ weight }: typeof logits, rows: Tokens) => tensor.fromArray([rows.data.length, 2], Array.from(rows.data).flatMap(row => [weight.data[2 * row], weight.data[2 * row + 1]]), 'float64'),
  vjp: (params: typeof logits, rows: Tokens) => [table.forward(params, rows), (dy: Tensor) => ({
    params: { weight: tensor.fromArray([4, 2], Array.from({ length: 8 }, (_, i) => {
      const at = Array.from(rows.data).indexOf(Math.floor(i / 2))
      return at < 0 ? 0 : dy.data[2 * at + i % 2]
    }), 'float64') },
    input: undefined
  })] as const
}
const ids = (...entries: readonly number[]): Tokens => tensor.tokensFromArray([entries.length], entries)
const rows = ids(0, 1, 2, 3)

const part = (loss: number, weight?: number | 'sum', entries = [loss]): { readonly rows: number, readonly part: LossAndGradient<Tensor> } =>
  ({ rows: 1, part: { loss, gradient: tensor.of(entries, 'float64'), ...(weight === undefined ? {} : { weight }) } })

describe('a batch in parts weighs them by what counts', () => {
  test('one target of four: the loss and gradient of the whole', () => {
    const whole = lossAndGradient(table, crossEntropy()), batch = { input: rows, target: ids(0, -100, -100, -100) }
    for (const count of [1, 2, 3, 4]) {
      const found = sharded(count, whole)(logits, batch)
      expect(found.loss).toBeCloseTo(Math.log(1 + Math.exp(2)), 12)
      expect(found).toEqual(whole(logits, batch))
    }
  })
  test('nothing counts: loss and gradient are 0, and the weight too', () => {
    const nothing = { input: rows, target: ids(-100, -100, -100, -100) }
    expect(sharded(3, lossAndGradient(table, crossEntropy()))(logits, nothing)).toEqual({ loss: 0, gradient: { weight: tensor.zeros([4, 2], 'float64') }, weight: 0 })
  })
  test('a part in which nothing counts is left out, whatever it says', () => {
    const { loss, gradient, weight } = combineShards([part(NaN, 0), part(2, 3), part(Infinity, 0, [NaN]), part(6, 1)])
    expect([loss, Array.from(gradient.data), weight]).toEqual([3, [3], 4])
  })
  test('sums add up', () => {
    const { loss, gradient, weight } = combineShards([part(2, 'sum'), part(3, 'sum')])
    expect([loss, Array.from(gradient.data), weight]).toEqual([5, [5], 'sum'])
  })
  test('parts that say nothing weigh their rows', () => {
    const { loss, weight } = combineShards([{ ...part(1), rows: 3 }, part(5)])
    expect([loss, weight]).toEqual([2, 4])
  })
  test('parts of parts: the weight of a whole is that of its parts together', () => {
    const one = combineShards([part(1, 1), part(4, 2)])
    expect(combineShards([{ rows: 1, part: one }, part(0, 3)]).loss).toBeCloseTo(1.5, 12)
  })
  test('what cannot be put together is refused', () => {
    expect(() => combineShards([])).toThrow('combineShards: expected at least one part, got none')
    expect(() => combineShards([part(1, 'sum'), part(1, 2)])).toThrow(new TypeError('combineShards: expected parts that are all sums or all means, got both'))
    for (const weight of [-1, NaN, Infinity])
      expect(() => combineShards([part(1, weight), part(1, 1)])).toThrow(new RangeError(`combineShards: expected each weight to be a finite number of at least 0, got ${weight}`))
  })
  test('what a loss weighs', () => {
    expect(crossEntropy().weight?.(ids(1, -100, 0))).toBe(2)
    expect(crossEntropy({ ignoreIndex: 1 }).weight?.(ids(1, 2, 0))).toBe(2)
    expect(crossEntropy({ reduction: 'sum' }).weight?.(ids(1, -100, 0))).toBe('sum')
    expect(meanSquaredError().weight?.(tensor.zeros([3, 2]))).toBe(6)
    expect(meanSquaredError({ reduction: 'sum' }).weight?.(tensor.zeros([3, 2]))).toBe('sum')
  })
})

describe('shards', () => {
  const batch: Example<Tensor, Tokens> = { input: random.normal([5, 2])(random.key(0)), target: ids(1, 2, 3, 4, 5) }
  test('hold the rows in their order, with kind and precision, as evenly as possible', () => {
    const parts = shards(3)(batch)
    expect(parts.map(({ target }) => Array.from(target.data))).toEqual([[1], [2, 3], [4, 5]])
    expect(parts.map(({ input }) => input.shape)).toEqual([[1, 2], [2, 2], [2, 2]])
    expect(parts.flatMap(({ input }) => Array.from(input.data))).toEqual(Array.from(batch.input.data))
    expect(new Set(parts.map(({ input }) => tensor.precisionOf(input)))).toEqual(new Set(['float32']))
  })
  test('as many as there are rows, and no more', () => {
    expect(shards(5)(batch).map(({ target }) => Array.from(target.data))).toEqual([[1], [2], [3], [4], [5]])
    for (const count of [0, -1, 1.5, NaN])
      expect(() => shards(count)).toThrow(new RangeError(`shards: expected count to be a positive integer, got ${count}`))
    expect(() => shards(6)(batch)).toThrow(new RangeError('shards: expected from 1 to 5 parts of a batch of 5, got 6'))
  })
  test('input and target need as many rows', () => {
    expect(() => shards(2)({ ...batch, target: ids(1, 2, 3, 4) })).toThrow('shards: expected as many rows of the target as of the input, got [4] and [5, 2]')
  })
})

test('what is no batch, and no gradient, is refused by the name of what was called', () => {
  const batch = { input: ids(1), target: ids(2) }, trained = initTraining(gradientDescent({ learningRate: 1 }), tensor.of([1]))
  expect(() => shards(1)(3 as never)).toThrow(/^shards: expected batch to be .*, got 3$/)
  expect(() => shards(1)({ ...batch, input: [1] } as never)).toThrow(/^shards: expected input to be a tensor or tokens of tensor.tokensOf, got an array of 1$/)
  expect(() => shards(1)({ ...batch, target: undefined } as never)).toThrow(/^shards: expected target to be a tensor or tokens of tensor.tokensOf, got undefined$/)
  expect(() => applyGradient(gradientDescent({ learningRate: 1 }))(trained, 3 as never)).toThrow(/^applyGradient: expected computed to be .*, got 3$/)
  expect(() => applyGradient(gradientDescent({ learningRate: 1 }))(3 as never, { loss: 1, gradient: tensor.of([1]) })).toThrow(/^applyGradient: expected trained to be .*, got 3$/)
})

test('a loss that a user gives no weight is a mean over rows', () => {
  const { weight: _, ...plain } = meanSquaredError()
  const model = parameterless((x: Tensor) => x, (__: Tensor, dy: Tensor) => dy)
  const whole = lossAndGradient(model, plain), batch = { input: tensor.of([[1], [2], [6]], 'float64'), target: tensor.of([[0], [0], [0]], 'float64') }
  expect(sharded(2, whole)({}, batch).loss).toBeCloseTo(whole({}, batch).loss, 12)
  expect(whole({}, batch).weight).toBeUndefined()
  expect(lossAndGradient(identityLayer<Tensor>(), meanSquaredError())({}, batch).weight).toBe(3)
})
