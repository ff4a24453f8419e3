/**
 * Gradients on several cores: `import { gradientPool, serveGradients } from 'pullback/workers'`.
 *
 * A worker runs a script of yours that says what it computes, since functions cannot be sent to a worker:
 *
 * ```ts
 * serveGradients(({ heads }: { readonly heads: number }) => lossAndGradient(gpt({ heads }), crossEntropy()))
 * ```
 *
 * Then `gradientPool` gives gradients, or whole steps of training with `step`, like `trainingStep`.
 * The parts of a batch are computed by whichever worker is free and summed in their order, so the result does not depend
 * on the number of workers; it is that of `sharded`, to the bit. Parameters and gradients lie in memory that all threads
 * share; a browser grants it to pages that are isolated from other origins.
 *
 * @module
 */
import workerpool from 'workerpool'
import type { Key } from '../random/key.js'
import type { Weight } from '../losses/loss.js'
import type { Optimizer } from '../optimizers/optimizer.js'
import type { Example, LossAndGradient, Trained, TrainedStep } from '../training/step.js'
import { combineShards, type BatchPart, type Rows, shards, applyGradient } from '../training/sharding.js'
import { checkAlike, precisionOf } from '../tensor/tensor.js'
import { region, settled } from '../memory/region.js'
import { map, zipWith } from '../tree/tree.js'

/**
 * What is computed for a part of a batch, for settings that can be sent to a worker; the key is that of the step and the
 * part.
 */
export type Work<S, P, X, T> = (settings: S) => (params: P, part: Example<X, T>, key: Key) => LossAndGradient<P>

/** What `use` gives. An error gets its name as a property of its own: one from its class is lost in a message. */
const namingErrors = <A>(use: () => A): A => {
  try {
    return use()
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { name: error.name }) : error
  }
}

/** What a worker sends back; the gradient lies in shared memory. */
interface PartResult {
  readonly loss: number
  readonly weight?: Weight | undefined
}

/**
 * Says what this worker computes. To be called once, in the script of the worker. What it throws arrives at the pool as an
 * `Error` with its name and message.
 */
export const serveGradients = <S, P, X, T>(work: Work<S, P, X, T>): void => {
  workerpool.worker({
    gradient: (settings: S, params: P, result: P, part: Example<X, T>, key: Key): PartResult =>
      // One copy for the whole step: reading shared memory is slower than reading memory of one's own.
      namingErrors(() => region(() => {
        const { gradient, loss, weight } = work(settings)(settled(params), part, key)
        write(gradient, result)
        return { loss, weight }
      }))
  })
}

type Buffer = Float32Array | Float64Array

/**
 * Copies a tree into one whose arrays are shared memory, which the pool made and nobody else sees.
 * Throws `TypeError`, `ShapeError` or `PrecisionError` if it is not like that tree.
 */
const write = <P>(from: P, to: P): void => {
  zipWith(to, (leaf, target, path) => {
    checkAlike(`gradientPool "${path}"`, target, leaf)
    const shared = target.data as Buffer
    shared.set(leaf.data)
    return target
  })(from)
}

/** A tree like the given one in shared memory. */
const sharedLike: <P>(tree: P) => P = map(leaf => {
  const bytes = new SharedArrayBuffer(leaf.data.length * leaf.data.BYTES_PER_ELEMENT)
  return { ...leaf, data: precisionOf(leaf) === 'float32' ? new Float32Array(bytes) : new Float64Array(bytes) }
})

export interface GradientPool<P, X, T> {
  /** The loss and the gradient of a batch. Calls wait for one another. */
  readonly lossAndGradient: (params: P, batch: Example<X, T>, keyOf: (part: number) => Key) => Promise<LossAndGradient<P>>
  /**
   * A step of training, like `trainingStep`. It has the bits of `applyGradient` on `lossAndGradient`, without copying the
   * gradient in between.
   */
  readonly step: <S extends string>(optimizer: Optimizer<S>) =>
    (trained: Trained<P, S>, batch: Example<X, T>, keyOf: (part: number) => Key) => Promise<TrainedStep<P, S>>
  /** Ends the workers after the calls that were made; later ones are refused with an `Error`. */
  readonly close: () => Promise<void>
}

export interface PoolOptions<S, P> {
  /** The script of the workers, which calls `serveGradients`. */
  readonly script: URL
  /** How many workers; has no influence on the result. */
  readonly workers: number
  /** Into how many parts a batch is cut; belongs to the computation. */
  readonly shards: number
  /** What the workers' `Work` gets: numbers, text and records of them. */
  readonly settings: S
  /** Parameters of the shapes that will be used. */
  readonly like: P
}

/** A file as Node wants it, or an address for a browser. */
const scriptOf = ({ protocol, href, pathname }: URL): string =>
  protocol === 'file:' ? decodeURIComponent(pathname).replace(/^\/([A-Za-z]:)/, '$1') : href

/** Starts workers that compute gradients; they run until the pool is closed. */
export const gradientPool = <S, P, X extends Rows, T extends Rows>(
  { script, workers, shards: count, settings, like }: PoolOptions<S, P>
): GradientPool<P, X, T> => {
  const pool = workerpool.pool(scriptOf(script), { minWorkers: workers, maxWorkers: workers })
  const shared = sharedLike(like)
  const results = Array.from({ length: count }, () => sharedLike(like))
  let last: Promise<unknown> = Promise.resolve()
  let closed = false
  /** What `use` makes of the parts, as new arrays: the next call overwrites the shared memory. */
  const withParts = <A>(params: P, batch: Example<X, T>, keyOf: (part: number) => Key, use: (parts: readonly BatchPart<P>[]) => A): Promise<A> => {
    if (closed) return Promise.reject(new Error('gradientPool: expected an open pool, got one that was closed'))
    const result = last.then(async () => {
      write(params, shared)
      const parts = shards(count)(batch)
      const found = parts.map(async (part, i): Promise<PartResult> =>
        // What `serveGradients` sends; the pool does not know its type.
        await pool.exec('gradient', [settings, shared, results[i], part, keyOf(i)]) as PartResult)
      // Where one fails, the others still write.
      await Promise.allSettled(found)
      return use((await Promise.all(found)).map((part, i) => ({ rows: parts[i].input.shape[0], part: { ...part, gradient: results[i] } })))
    })
    last = result.catch(() => undefined)
    return result
  }
  return {
    lossAndGradient: (params, batch, keyOf) => withParts(params, batch, keyOf, combineShards),
    step: optimizer => (trained, batch, keyOf) =>
      withParts(trained.params, batch, keyOf, parts => region(() => applyGradient(optimizer)(trained, combineShards(parts)))),
    close: async () => {
      closed = true
      await last
      await pool.terminate()
    }
  }
}
