import { describe, expect, test } from 'vitest'
import {
  combined, crossEntropy, gpt, initGpt, lossAndGradient, random, sharded, shards, tensor, tree, type Example, type GptParams, type LossAndGradient,
  type Tokens
} from 'pullback'
import { gradientPool } from 'pullback/workers'

const params = initGpt({ vocabulary: 7, context: 8, width: 16, layers: 2 })(random.key(0))
const batch: Example<Tokens, Tokens> = {
  input: random.integers([5, 8], 0, 7)(random.key(1)), target: random.integers([5, 8], 0, 7)(random.key(2))
}
const keyOf = (part: number) => random.foldIn(part)(random.key(3))
const numbers = ({ loss, gradient }: LossAndGradient<GptParams>) => [loss, ...tree.flatten(gradient).map(([, leaf]) => Array.from(leaf.data))]

const pooled = async (workers: number, fails = false) => {
  const pool = gradientPool<{ heads: number, fails: boolean }, GptParams, Tokens, Tokens>({
    script: new URL('./script.js', import.meta.url), workers, shards: 3, settings: { heads: 2, fails }, like: params
  })
  try {
    const first = await pool.lossAndGradient(params, batch, keyOf)
    // A second call overwrites the shared memory; what the first gave must not change.
    await pool.lossAndGradient(tree.map(tensor.scale(2))(params), batch, keyOf)
    return numbers(first)
  } finally {
    await pool.close()
  }
}

describe('gradients of a batch in parts', () => {
  test('are those of the whole, up to rounding', () => {
    const model = lossAndGradient(gpt({ heads: 2 }), crossEntropy())
    const whole = model(params, batch), parts = sharded(3, model)(params, batch)
    expect(Math.abs(parts.loss - whole.loss)).toBeLessThan(1e-6)
    tree.flatten(parts.gradient).forEach(([path, leaf], i) => {
      const expected = tree.flatten(whole.gradient)[i][1]
      expect([path, tensor.norm(tensor.subtract(expected)(leaf)) <= 1e-5 * (1e-3 + tensor.norm(expected))]).toEqual([path, true])
    })
  })

  test('one worker, two workers and none give the same bits, with dropout too', async () => {
    const here = numbers(combined(shards(3)(batch).map((part, i) => ({
      rows: part.input.shape[0], part: lossAndGradient(gpt({ heads: 2, dropout: { rate: 0.1, key: keyOf(i) } }), crossEntropy())(params, part)
    }))))
    expect(await pooled(1)).toEqual(here)
    expect(await pooled(2)).toEqual(here)
  }, 60_000)

  test('an error in a worker arrives, and nothing hangs', async () => {
    await expect(pooled(1, true)).rejects.toThrow('a worker failed on purpose')
  }, 60_000)

  test('a script that does not exist is an error, and nothing hangs', async () => {
    const pool = gradientPool({ script: new URL('./nothing.js', import.meta.url), workers: 1, shards: 1, settings: {}, like: params })
    await expect(pool.lossAndGradient(params, batch, keyOf)).rejects.toThrow(/nothing\.js/)
    await pool.close()
  }, 60_000)

  test('shards are even, and more shards than rows are refused', () => {
    expect(shards(3)(batch).map(({ input }) => input.shape)).toEqual([[1, 8], [2, 8], [2, 8]])
    expect(() => shards(6)(batch)).toThrow('from 1 to 5 parts')
    expect(() => shards(0)(batch)).toThrow(RangeError)
  })
})
