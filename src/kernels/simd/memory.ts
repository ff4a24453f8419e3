/**
 * How much memory kernels have, and what came of wanting more.
 *
 * @module
 */
import { instance, refusal } from './instance.js'

/** What `memoryInUse` tells. */
export interface KernelMemory {
  /** Bytes that the kernels' memory has. It grows as it is needed, and never shrinks. */
  readonly bytes: number
  /** Bytes that it may grow to: `PULLBACK_MEMORY`, 4 GiB, or less where the system reserves less. */
  readonly limit: number
  /**
   * How many calls of kernels and arrays found no room. Such arrays, and the results of such calls, lie outside and are copied for every call, which
   * takes up to a few times as long; a call that does not fit by itself is left to the reference, which is many times slower.
   */
  readonly refused: number
  /** Why the first one found none, or why there are no kernels with a memory of their own although nobody asked for the reference. */
  readonly reason: string | undefined
}

/** State that nothing depends on but `memoryInUse`. */
const refusals: { calls: number, reason: string | undefined } = { calls: 0, reason: refusal }

/** In MiB, rounded up. */
const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`

/** Notes that there is no memory up to a place. */
export const noteNoRoom = (end: number): void => {
  if (instance === undefined || refusals.reason !== undefined) return
  refusals.reason = end > instance.limit
    ? `kernels needed at least ${mebibytes(end)} of memory, and the limit is ${mebibytes(instance.limit)}`
    : `kernels needed at least ${mebibytes(end)} of memory, and the system refused to let it grow beyond ${mebibytes(instance.memory.buffer.byteLength)}`
}

/** Notes that a call of a kernel, or an array, found no room. */
export const noteRefused = (): void => { if (instance !== undefined) refusals.calls++ }

/**
 * The memory of the kernels: what it has, what it may have, and how many calls and arrays found no room in it since the library was imported. Where
 * `refused` is above 0, work does not fit: results are right but slower, with the rounding of the reference where a single call does
 * not fit. Zeros where kernels are the reference, which has no memory of its own.
 *
 * @example
 * memoryInUse().refused // 0
 *
 * @category kernels
 */
export const memoryInUse = (): KernelMemory => ({
  bytes: instance?.memory.buffer.byteLength ?? 0, limit: instance?.limit ?? 0, refused: refusals.calls, reason: refusals.reason
})
