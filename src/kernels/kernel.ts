/**
 * What a kernel is, and how one is run.
 *
 * A kernel is one entry: the lengths of what it reads and writes, its *reference* in TypeScript, which is its definition, and
 * the name of its fast version in `simd/assembly/`. Both fill the arrays that they are given. Which of the two runs, where arrays
 * live, and that nothing is read or written beyond their ends is decided here, once for all kernels.
 *
 * **The fast version** takes the places of what it writes, of what it reads, its numbers, and then which of its *pieces* it
 * shall compute, from one to before another, and a place for its own use. Pieces are parts of the results that do not depend on
 * each other, so whoever computes them, and in how many calls, gets the same bits. A product also takes whether a call is a thread's first
 * for the job: what it has packed for one call, the next one uses again.
 *
 * @module
 */
import { type Floats, type FreshFloats, type Integers, type Precision, precisionOfArray } from './floats.js'
import { fresh } from './fresh.js'
import { type Argument, call } from './simd/arena.js'
import type { Arguments, Pointer } from './simd/instance.js'
import type { Pieces } from './simd/threads.js'

/** What kernels read: numbers or ids, or something that may be left out. */
export type Reads = readonly (Floats | Integers | undefined)[]
export type Writes = readonly FreshFloats[]

/** For each array one number. */
type Lengths<A> = { readonly [I in keyof A]: number }
type Pointers<A extends readonly unknown[]> = { -readonly [I in keyof A]: Pointer }

type Fast = keyof Arguments | undefined

/** What a fast version takes behind the places of what it writes and reads; no numbers fit one that takes other places. */
type Numbers<F extends Fast, R extends Reads, W extends Writes> =
  F extends keyof Arguments ? Arguments[F] extends [...Pointers<W>, ...Pointers<R>, ...infer N] ? N : never : []

/** Fills the results; a kernel without any returns a number. */
export type Reference<S, R extends Reads, W extends Writes> = (sizes: S, reads: R, writes: W) => number | void

/** All of a kernel but its reference. */
export interface Definition<S, R extends Reads, W extends Writes, F extends Fast> {
  /** The lengths that arguments must have. */
  readonly reads: (sizes: S) => Lengths<R>
  readonly writes: (sizes: S) => Lengths<W>
  /** Throws if an argument names a place that is not there, as an id beyond a table does. */
  readonly check?: (sizes: S, reads: R) => void
  /** The name of the fast version, if there is one, and its numbers. */
  readonly fast: F
  readonly numbers: (sizes: S) => Numbers<F, R, W>
  /** Bytes that each call of the fast version needs for itself; default 0. */
  readonly scratch?: (sizes: S) => number
  /** Whether the fast version can keep the numbers; default: always. */
  readonly fits?: (sizes: S) => boolean
  /** Default: one piece. */
  readonly pieces?: (sizes: S) => Pieces
  /** So many of the first results may take the place of the arguments of the same number: no piece depends on what another one writes. */
  readonly inPlace?: number
  /** The precision of the reference's results; default: that of the first numbers that it reads. */
  readonly precision?: (sizes: S) => Precision
}

/** A number, an array, or several: what a kernel has computed. */
export type Results<W extends Writes> = W extends readonly [] ? number : W extends readonly [infer Y] ? Y : W

/** A kernel: its sizes, and then what it reads. */
export interface Kernel<S, R extends Reads, W extends Writes> {
  (sizes: S, ...reads: R): Results<W>
  /** The same, computed by the definition alone. */
  readonly reference: (sizes: S, ...reads: R) => Results<W>
}

/** What `runFast` needs to know: a definition without the types that tie it to its fast version. */
type Entry<S> = Pick<Definition<S, Reads, Writes, undefined>, 'scratch' | 'fits' | 'pieces' | 'inPlace'> & { readonly fast: Fast, readonly numbers: (sizes: S) => readonly number[] }

const onePiece: Pieces = { count: 1, work: 0 }

const checkLengths = (name: string, expected: readonly number[], reads: Reads): void => {
  for (let i = 0; i < expected.length; i++) {
    const array = reads[i]
    if (array !== undefined && array.length !== expected[i])
      throw new RangeError(`${name}: expected ${expected[i]} numbers in argument ${i + 1}, got ${array.length}`)
  }
}

/** The one array, or all of them; the number if there are none. */
const resultsOf = (arrays: readonly FreshFloats[], number: number | void): unknown =>
  arrays.length === 0 ? number : arrays.length === 1 ? arrays[0] : arrays

/** Whether an array is one of numbers: the first of those that are read has the precision of the results. */
const isFloats = (array: Floats | Integers | undefined): array is Floats => array !== undefined && !(array instanceof Int32Array)

const runReference = <S, R extends Reads, W extends Writes>(
  reference: Reference<S, R, W>, precision: Precision | undefined, sizes: S, reads: R, lengths: readonly number[]
): unknown => {
  const like = reads.find(isFloats)
  const made = lengths.map(length => fresh(precision ?? (like === undefined ? 'float64' : precisionOfArray(like)), length))
  return resultsOf(made, reference(sizes, reads, made as unknown as W)) // as many as `writes` has lengths
}

const isKernelArray = (array: unknown): array is Argument =>
  array === undefined || array instanceof Float32Array || array instanceof Int32Array

const runFast = <S>({ fast, numbers, scratch, fits, pieces, inPlace = 0 }: Entry<S>, sizes: S, reads: Reads, lengths: readonly number[]): unknown => {
  if (fast === undefined || !reads.every(isKernelArray) || fits?.(sizes) === false) return undefined
  const done = call(fast, reads, lengths, numbers(sizes), pieces?.(sizes) ?? onePiece, scratch?.(sizes) ?? 0, inPlace)
  return done === undefined ? undefined : resultsOf(done[0], done[1])
}

/** Makes a kernel of its entry in the table: its name, which errors say, its reference, and the rest. */
export const kernel = <S, R extends Reads, W extends Writes>(name: string, reference: Reference<S, R, W>) =>
  <const F extends Fast>(definition: Definition<S, R, W, F>): Kernel<S, R, W> => {
    const checked = (sizes: S, reads: R): readonly number[] => {
      checkLengths(name, definition.reads(sizes), reads)
      definition.check?.(sizes, reads)
      return definition.writes(sizes)
    }
    const entry = definition as unknown as Entry<S> // which forgets how many numbers there are
    const byReference = (sizes: S, reads: R, lengths: readonly number[]) => runReference(reference, definition.precision?.(sizes), sizes, reads, lengths)
    const run = (sizes: S, ...reads: R): unknown => {
      const lengths = checked(sizes, reads)
      return runFast(entry, sizes, reads, lengths) ?? byReference(sizes, reads, lengths)
    }
    // What TypeScript cannot show: there are as many results as `writes` has lengths.
    return Object.assign(run, { reference: (sizes: S, ...reads: R): unknown => byReference(sizes, reads, checked(sizes, reads)) }) as Kernel<S, R, W>
  }
