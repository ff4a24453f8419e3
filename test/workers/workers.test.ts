import { describe, expect, test } from 'vitest'
import { pipe } from 'fp-ts/lib/function.js'
import {
  adamW, withClipping, combineShards, crossEntropy, gpt, initGpt, lossAndGradient, random, sharded, shards, initTraining, applyGradient, tensor, tree, type Example, type GptParams, type LossAndGradient,
  type Tokens
} from 'pullback'
import { gradientPool, type GradientPool } from 'pullback/workers'

const params = initGpt({ vocabulary: 7, context: 8, width: 16, layers: 2 })(random.key(0))
/** Nothing counts in the first of three parts, and not everything in the others. */
const targets = Array.from(random.integers([5, 8], 0, 7)(random.key(2)).data, (id, i) => (i < 8 || i % 3 === 0 ? -100 : id))
const batch: Example<Tokens, Tokens> = {
  input: random.integers([5, 8], 0, 7)(random.key(1)), target: tensor.tokensFromArray([5, 8], targets)
}
const keyOf = (part: number) => random.foldIn(part)(random.key(3))
const doubled = tree.map(tensor.scale(2))(params)
const numbers = ({ loss, gradient }: LossAndGradient<GptParams>) => [loss, ...tree.flatten(gradient).map(([, leaf]) => Array.from(leaf.data))]

type Pool = GradientPool<GptParams, Tokens, Tokens>

const withPool = async <A>(workers: number, use: (pool: Pool) => Promise<A>, fails = false): Promise<A> => {
  const pool = gradientPool<{ heads: number, fails: boolean }, GptParams, Tokens, Tokens>({
    script: new URL('./script.js', import.meta.url), workers, shards: 3, settings: { heads: 2, fails }, like: params
  })
  try {
    return await use(pool)
  } finally {
    await pool.close()
  }
}

const pooled = (workers: number, fails = false) => withPool(workers, async pool => {
  const first = await pool.lossAndGradient(params, batch, keyOf)
  // A second call overwrites the shared memory; what the first gave must not change.
  await pool.lossAndGradient(doubled, batch, keyOf)
  return numbers(first)
}, fails)

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
    const here = numbers(combineShards(shards(3)(batch).map((part, i) => ({
      rows: part.input.shape[0], part: lossAndGradient(gpt({ heads: 2, dropout: { rate: 0.1, key: keyOf(i) } }), crossEntropy())(params, part)
    }))))
    expect(await pooled(1)).toEqual(here)
    expect(await pooled(2)).toEqual(here)
  }, 60_000)

  test('calls at the same time wait for one another', () => withPool(2, async pool => {
    const together = await Promise.all([params, doubled, params].map(at => pool.lossAndGradient(at, batch, keyOf)))
    expect(numbers(together[0])).toEqual(numbers(together[2]))
    expect(numbers(together[1])).toEqual(numbers(await pool.lossAndGradient(doubled, batch, keyOf)))
    expect(together[0].loss).not.toBe(together[1].loss)
  }), 60_000)

  test('a step has the bits of a gradient and then a step', () => withPool(2, async pool => {
    const optimizer = pipe(adamW({ learningRate: 0.1 }), withClipping(0.5)), begin = initTraining(optimizer, params)
    const expected = applyGradient(optimizer)(begin, await pool.lossAndGradient(params, batch, keyOf))
    const taken = await pool.step(optimizer)(begin, batch, keyOf)
    expect(taken).toEqual(expected)
    const before = JSON.stringify(taken)
    await pool.step(optimizer)(taken, batch, keyOf)
    expect(JSON.stringify(taken)).toBe(before)
  }), 60_000)

  test('parameters of another shape are refused, and the pool goes on', () => withPool(1, async pool => {
    const other = initGpt({ vocabulary: 7, context: 9, width: 16, layers: 2 })(random.key(0))
    await expect(pool.lossAndGradient(other, batch, keyOf)).rejects.toThrow('gradientPool "wpe.weight": expected two tensors of one shape, got [8, 16] and [9, 16]')
    await expect(pool.lossAndGradient({ ...params, h: [] }, batch, keyOf)).rejects.toThrow(TypeError)
    expect(Number.isFinite((await pool.lossAndGradient(params, batch, keyOf)).loss)).toBe(true)
  }), 60_000)

  test('after a part that failed, the others of its batch do not reach the next call', () => withPool(2, async pool => {
    // Named in script.ts: a key that fails, one that takes 0.4 s and one that takes 0.9 s.
    const [failing, slow, slower] = [1_000_000, 1_000_001, 1_000_002].map(low => ({ ...random.key(0), low }))
    const usual = keyOf(0), keys = [usual, usual, slower]
    const first = pool.lossAndGradient(doubled, batch, part => [failing, slow, usual][part])
    const second = pool.lossAndGradient(params, batch, part => keys[part])
    await expect(first).rejects.toThrow('a worker failed on purpose')
    expect(numbers(await second)).toEqual(numbers(combineShards(shards(3)(batch).map((part, i) => ({
      rows: part.input.shape[0], part: lossAndGradient(gpt({ heads: 2, dropout: { rate: 0.1, key: keys[i] } }), crossEntropy())(params, part)
    })))))
  }), 60_000)

  test('an error in a worker arrives, and nothing hangs', async () => {
    await expect(pooled(1, true)).rejects.toThrow('a worker failed on purpose')
  }, 60_000)

  test('an error in a worker has its name and sentence', () => withPool(1, async pool => {
    const input = tensor.tokensFromArray([5, 8], Array.from({ length: 40 }, () => 7))
    await expect(pool.lossAndGradient(params, { ...batch, input }, keyOf)).rejects.toMatchObject({
      name: 'RangeError', message: 'wte: tokenEmbedding: expected ids from 0 to 6, got 7 at position 0'
    })
    const long = tensor.tokensFromArray([5, 9], Array.from({ length: 45 }, () => 0))
    await expect(pool.lossAndGradient(params, { input: long, target: long }, keyOf)).rejects.toMatchObject({ name: 'ShapeError' })
  }), 60_000)

  test('closing waits for calls that were made, and refuses later ones', async () => {
    await withPool(2, async pool => {
      const called = pool.lossAndGradient(params, batch, keyOf)
      await pool.close()
      expect(Number.isFinite((await called).loss)).toBe(true)
      await expect(pool.lossAndGradient(params, batch, keyOf)).rejects.toThrow('gradientPool: expected an open pool, got one that was closed')
    })
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
    const target = tensor.tokensFromArray([4, 8], Array.from({ length: 32 }, () => 0))
    expect(() => shards(2)({ ...batch, target })).toThrow('shards: expected as many rows of the target as of the input, got [4, 8] and [5, 8]')
  })
})
