/**
 * Threads inside of kernels.
 *
 * All threads instantiate the same module on one shared memory. A kernel's pieces are cut into *chunks*, and whoever is free takes the
 * next: the thread that called the kernel always does, the others if they are there. Pieces do not depend on each other, so the
 * number of threads, and who takes what, changes time and nothing else. The caller returns when every chunk is done, so no thread ever
 * works outside of a kernel's call.
 *
 * A chunk is taken by exchanging the word that holds the number of the job and the next chunk, so a thread that comes late takes
 * nothing of a job that has ended. A thread that dies while it waits takes nothing more; one that fails with a chunk, or is never
 * heard of again, leaves it to the caller. Threads that were ended may still run for a while, so those that follow them have words of
 * their own: what looks for jobs in the old ones finds none.
 *
 * @module
 */
import { type Arguments, ARENA_BEGIN, CONTROL_BEGIN, instance, isShared, type Kernels } from './instance.js'
import { countSetting } from './environment.js'
import { cores, type Host, startHost } from './host.js'
import { CHUNK_BITS, CONTROL, workerSource } from './worker.js'

/** How many pieces a kernel may be cut into. */
export interface Pieces {
  readonly count: number
  /** About how many multiplications of a matrix product take as long. */
  readonly work: number
}

/** Below this much work a hand-over takes longer than it saves. */
const LEAST_WORK = 2 ** 20
/** Chunks for each thread: more of them balance better what does not take the same time. */
const CHUNKS = 4
/** Work that a chunk should not exceed, some milliseconds: nobody waits longer for one, and no thread that is still at one is taken for lost. */
const MOST_WORK = 2 ** 26
/** The number of a chunk that no job has. */
const NONE_LEFT = 2 ** CHUNK_BITS - 1
const MOST_CHUNKS = NONE_LEFT
const MOST_THREADS = 64
/** How often the caller looks for the end of a chunk before it sleeps. */
const SPINS = 4000
/** Milliseconds after which a thread that has not finished its chunk counts as lost. No chunk takes a second. */
const PATIENCE = 10_000
/** It is counted in so many waits, so that a process that was stopped for an hour has lost one of them and not its threads. */
const WAITS = 100

const memory = instance !== undefined && isShared(instance.memory) ? instance.memory : undefined
const buffer = memory?.buffer ?? new ArrayBuffer(ARENA_BEGIN)

/** The words of a generation of threads; there is room for those of 32. */
const wordsOf = (generation: number) => {
  const begin = CONTROL_BEGIN + generation * CONTROL.bytes % (ARENA_BEGIN - CONTROL_BEGIN)
  return { begin, control: new Int32Array(buffer, begin, CONTROL.length), numbers: new Float64Array(buffer, begin + 4 * CONTROL.length, CONTROL.numbers) }
}

const names = Object.keys(instance?.kernels ?? {})
const indexOf = new Map(names.map((name, i) => [name, i]))

/** The pool: state that changes time and nothing else. */
interface Pool {
  wanted: number | undefined
  hosts: readonly Host[]
  generation: number
  words: ReturnType<typeof wordsOf>
  job: number
  /** Whether a job has been begun and not ended, how many of its chunks the caller has taken, and how many had been taken when it was closed. */
  open: boolean
  own: number
  taken: number
}

const pool: Pool = {
  wanted: countSetting('PULLBACK_THREADS', 'threads', 1, MOST_THREADS), hosts: [], generation: 0, words: wordsOf(0), job: 0, open: false, own: 0, taken: 0
}

const wanted = (): number => {
  if (memory === undefined) return 1
  return pool.wanted ??= Math.min(MOST_THREADS, cores())
}

const stop = (): void => {
  for (const host of pool.hosts) host.end()
  pool.hosts = []
  pool.words = wordsOf(++pool.generation)
}

const start = (): void => {
  if (instance === undefined) return
  const hosts: Host[] = []
  for (let id = 1; id < wanted(); id++) {
    const host = startHost(workerSource, { module: instance.module, memory: instance.memory, begin: pool.words.begin, id })
    if (host === undefined) break
    hosts.push(host)
  }
  pool.hosts = hosts
  if (hosts.length < wanted() - 1) pool.wanted = hosts.length + 1
}

/**
 * Says how many threads kernels shall use, the caller's included; 1 ends the others. Results do not depend on it.
 * Throws `RangeError` unless it is an integer from 1 to 64.
 *
 * @example
 * useThreads(1)
 * threadsInUse() // 1
 *
 * @category kernels
 */
export const useThreads = (count: number): void => {
  if (!Number.isInteger(count) || count < 1 || count > MOST_THREADS)
    throw new RangeError(`useThreads: expected a number of threads from 1 to ${MOST_THREADS}, got ${count}`)
  if (pool.hosts.length > 0) stop()
  pool.wanted = memory === undefined ? 1 : count
}

/**
 * How many threads kernels use at most, the caller's included: the number that was asked for with `useThreads`, `PULLBACK_THREADS` in the
 * environment or a global of that name when the library was imported; else as many as there are cores. 1 if the engine has no shared
 * memory, or refuses threads.
 *
 * @example
 * threadsInUse() >= 1 // true
 *
 * @category kernels
 */
export const threadsInUse = (): number => wanted()

/** How many threads a kernel with these pieces uses at most. */
export const threadsFor = ({ count, work }: Pieces): number => (work < LEAST_WORK || count < 2 ? 1 : wanted())

/**
 * How many chunks each thread has in its own part of the pieces. The chunk of number c belongs to the part of c mod threads: threads that take
 * turns stay in their own, where they find what they have prepared and what is in their cache.
 */
const chunksEach = ({ count, work }: Pieces, threads: number): number => {
  const most = Math.min(Math.floor(MOST_CHUNKS / threads), Math.ceil(count / threads))
  return Math.min(most, Math.max(CHUNKS, Math.ceil(work / MOST_WORK / threads)))
}

/** Takes the next chunk of a job; −1 if none is left. */
const take = (job: number, chunks: number): number => {
  const { control } = pool.words
  for (;;) {
    const word = Atomics.load(control, CONTROL.claim), chunk = word & ((1 << CHUNK_BITS) - 1)
    if (word >>> CHUNK_BITS !== job || chunk >= chunks) return -1
    if (Atomics.compareExchange(control, CONTROL.claim, word, word + 1) !== word) continue
    pool.own++
    return chunk
  }
}

/** Waits until something is done that was not yet; false if nothing is for a long time. */
const progress = (done: number): boolean => {
  const { control } = pool.words
  for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(control, CONTROL.done) !== done) return true
  try {
    for (let wait = 0; wait < WAITS; wait++) if (Atomics.wait(control, CONTROL.done, done, PATIENCE / WAITS) !== 'timed-out') return true
    return false
  } catch {
    // A browser's main thread may not wait, but look again.
    for (let look = 0; look < 2 ** 33; look++) if (Atomics.load(control, CONTROL.done) !== done) return true
    return false
  }
}

/** Waits until all chunks that others have taken are done, so that so many are; false if that lasts too long. */
const waitFor = (others: number): boolean => {
  for (let done = Atomics.load(pool.words.control, CONTROL.done); done < others; done = Atomics.load(pool.words.control, CONTROL.done))
    if (!progress(done)) return false
  return true
}

/**
 * Ends a job whose caller was interrupted, by an exception in the middle of a kernel or by an engine that ends a script that lasts too long:
 * nobody takes more of it, and what others have taken is waited for. Before anything else is written to the memory this must be done.
 */
export const endInterrupted = (): void => {
  if (!pool.open) return
  const { control } = pool.words, closed = (pool.job << CHUNK_BITS) | NONE_LEFT
  for (let word = Atomics.load(control, CONTROL.claim); word !== closed; word = Atomics.load(control, CONTROL.claim)) {
    pool.taken = word & NONE_LEFT
    Atomics.compareExchange(control, CONTROL.claim, word, closed)
  }
  if (!waitFor(pool.taken - pool.own)) {
    stop()
    pool.wanted = 1
  }
  Atomics.store(control, CONTROL.failed, 0)
  pool.open = false
}

/**
 * Runs a kernel on all its pieces. `scratch` is the first of as many places as so many threads need, each of so many bytes; `again` says
 * whether a piece may be computed twice, which it may not if it writes over what it reads.
 * Throws `Error` if it may not and a thread was lost.
 */
export const run = (name: keyof Arguments, args: number[], pieces: Pieces, scratch: number, bytes: number, threads: number, again: boolean): number | void => {
  const kernels: Kernels | undefined = instance?.kernels
  if (kernels === undefined) return
  const f = kernels[name], { count } = pieces
  if (threads === 1) return f(...args, 0, count, scratch, 1)
  if (pool.hosts.length === 0) start()
  const part = chunksEach(pieces, threads), chunks = part * threads, { control, numbers } = pool.words
  const job = pool.job = (pool.job + 1) % (1 << (32 - CHUNK_BITS))
  // Nobody may take anything while the job is written: a thread that is still at the last one could meet the new number of chunks.
  Atomics.store(control, CONTROL.claim, (job << CHUNK_BITS) | NONE_LEFT)
  pool.own = pool.taken = 0
  pool.open = true
  numbers.set([indexOf.get(name) ?? 0, args.length, count, scratch, bytes, threads, ...args])
  Atomics.store(control, CONTROL.done, 0)
  Atomics.store(control, CONTROL.count, chunks)
  Atomics.store(control, CONTROL.claim, job << CHUNK_BITS)
  Atomics.store(control, CONTROL.job, job)
  Atomics.notify(control, CONTROL.job)
  let first = 1
  const compute = (chunk: number): void => {
    const place = chunk % threads * part + Math.floor(chunk / threads)
    const from = Math.floor(place * count / chunks), to = Math.floor((place + 1) * count / chunks)
    if (from === to) return
    f(...args, from, to, scratch, first)
    first = 0
  }
  for (let chunk = take(job, chunks); chunk >= 0; chunk = take(job, chunks)) compute(chunk)
  const lost = !waitFor(chunks - pool.own)
  pool.open = false
  if (lost || Atomics.load(control, CONTROL.failed) !== 0) {
    Atomics.store(control, CONTROL.failed, 0)
    repair(chunks, pool.own, again ? compute : undefined, lost)
  }
}

/** Computes what other threads have not: chunks that failed, or that a lost thread has taken. */
const repair = (chunks: number, own: number, compute: ((chunk: number) => void) | undefined, lost: boolean): void => {
  if (lost) {
    stop()
    pool.wanted = 1
  }
  if (compute === undefined) throw new Error('kernels: a thread was lost while it wrote over its arguments, which cannot be computed again')
  // Every chunk again, since nobody noted which are the caller's own: results do not depend on who computes them, or how often.
  if (own < chunks) for (let chunk = 0; chunk < chunks; chunk++) compute(chunk)
}
