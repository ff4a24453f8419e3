/**
 * Gradients on several cores: `import { gradientPool, serveGradients } from 'pullback/workers'`.
 *
 * A worker runs a script of yours that says what it computes, since functions cannot be sent to a worker:
 *
 * ```ts
 * serveGradients(({ heads }: { readonly heads: number }) => lossAndGradient(gpt({ heads }), crossEntropy()))
 * ```
 *
 * The parts of a batch are computed by whichever worker is free and summed in their order, so the result does not depend
 * on the number of workers; it is that of `sharded`, to the bit. Parameters and gradients lie in memory that all threads
 * share; a browser grants it to pages that are isolated from other origins.
 *
 * @module
 */
import workerpool from 'workerpool'
import type { Key } from '../random/key.js'
import { type Example, type LossAndGradient } from '../training/step.js'
import { combined, type Rows, shards } from '../training/sharding.js'
import { precisionOf } from '../tensor/tensor.js'
import { region, settled } from '../tree/region.js'
import { flatten, map } from '../tree/tree.js'

/**
 * What is computed for a part of a batch, for settings that can be sent to a worker; the key is that of the step and the
 * part.
 */
export type Work<S, P, X, T> = (settings: S) => (params: P, part: Example<X, T>, key: Key) => LossAndGradient<P>

/** Says what this worker computes. To be called once, in the script of the worker. */
export const serveGradients = <S, P, X, T>(work: Work<S, P, X, T>): void => {
  workerpool.worker({
    gradient: (settings: S, params: P, result: P, part: Example<X, T>, key: Key): number => {
      // One copy for the whole step: reading shared memory is slower than reading memory of one's own.
      return region(() => {
        const { loss, gradient } = work(settings)(settled(params), part, key)
        write(gradient, result)
        return loss
      })
    }
  })
}

type Buffer = Float32Array | Float64Array

/** Copies a tree into one whose arrays are shared memory. The pool made them, and nobody else sees them. */
const write = (from: unknown, to: unknown): void => {
  const targets = new Map(flatten(to))
  for (const [path, leaf] of flatten(from)) (targets.get(path)?.data as Buffer).set(leaf.data)
}

/** A tree like the given one in shared memory. */
const sharedLike: <P>(tree: P) => P = map(leaf => {
  const bytes = new SharedArrayBuffer(leaf.data.length * leaf.data.BYTES_PER_ELEMENT)
  return { ...leaf, data: precisionOf(leaf) === 'float32' ? new Float32Array(bytes) : new Float64Array(bytes) }
})

export interface GradientPool<P, X, T> {
  /** The loss and the gradient of a batch. One call at a time. */
  readonly lossAndGradient: (params: P, batch: Example<X, T>, keyOf: (part: number) => Key) => Promise<LossAndGradient<P>>
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
  return {
    lossAndGradient: async (params, batch, keyOf) => {
      write(params, shared)
      const parts = shards(count)(batch)
      const losses = await Promise.all(parts.map(async (part, i) => Number(await pool.exec('gradient', [settings, shared, results[i], part, keyOf(i)]))))
      // `combined` makes new arrays, so nothing of the shared memory reaches the caller.
      return combined(parts.map(({ input }, i) => ({ rows: input.shape[0], part: { loss: losses[i], gradient: results[i] } })))
    },
    close: async () => { await pool.terminate() }
  }
}
