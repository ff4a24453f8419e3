/**
 * What another thread does: it waits for a job, and takes chunks of it until none is left.
 *
 * @module
 */

/** Bits of a chunk's number in the word that holds it behind the number of its job. */
export const CHUNK_BITS = 10

/** Places in the words that threads share, and how many there are. */
export const CONTROL = {
  /** The number of the last job, which threads wait for. */
  job: 0,
  /** The number of the job that is open, and the next of its chunks. */
  claim: 16,
  /** Chunks that others than the caller have computed, and whether one failed. */
  done: 32,
  failed: 33,
  /** Chunks of the job. */
  count: 48,
  length: 64,
  /** Numbers of double precision behind the words: kernel, arguments, pieces, scratch, its bytes, threads; the arguments. */
  numbers: 64,
  /** Bytes of all of it. */
  bytes: 1024
} as const

/** How often a thread looks for the next job before it sleeps. */
const SPINS = 20_000

/**
 * A thread's program, which knows nothing but what it is told: the module, the memory, where the control words begin, and its own
 * number. A function's own text would not do, since tools that compile programs add to it.
 */
export const workerSource = `(({ module, memory, begin, id }) => {
  const control = new Int32Array(memory.buffer, begin, ${CONTROL.length})
  const numbers = new Float64Array(memory.buffer, begin + ${4 * CONTROL.length}, ${CONTROL.numbers})
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort: () => undefined } })
  const kernels = Object.values(exports)
  let seen = Atomics.load(control, ${CONTROL.job})
  for (;;) {
    for (let spin = 0; spin < ${SPINS} && Atomics.load(control, ${CONTROL.job}) === seen; spin++);
    while (Atomics.load(control, ${CONTROL.job}) === seen) Atomics.wait(control, ${CONTROL.job}, seen)
    const job = seen = Atomics.load(control, ${CONTROL.job})
    const chunks = Atomics.load(control, ${CONTROL.count})
    const [kernel, length, count, scratch, bytes, threads] = numbers
    const args = Array.from(numbers.subarray(6, 6 + length)), part = chunks / threads
    // There is no place for the scratch of more threads.
    for (let first = 1; id < threads;) {
      const word = Atomics.load(control, ${CONTROL.claim}), chunk = word & ${(1 << CHUNK_BITS) - 1}
      if (word >>> ${CHUNK_BITS} !== job || chunk >= chunks) break
      if (Atomics.compareExchange(control, ${CONTROL.claim}, word, word + 1) !== word) continue
      try {
        const place = chunk % threads * part + Math.floor(chunk / threads)
        const from = Math.floor(place * count / chunks), to = Math.floor((place + 1) * count / chunks)
        if (from < to) {
          kernels[kernel](...args, from, to, scratch + id * bytes, first)
          first = 0
        }
      } catch {
        Atomics.store(control, ${CONTROL.failed}, 1)
      }
      Atomics.add(control, ${CONTROL.done}, 1)
      Atomics.notify(control, ${CONTROL.done})
    }
  }
})`
