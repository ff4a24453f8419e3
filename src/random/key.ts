/**
 * Keys: randomness as a value. A function that needs random numbers takes a key, and the same key gives the
 * same numbers on every machine. Two independent streams come from splitting one key.
 *
 * @module
 */

import { threefry as block, type Words } from '../kernels/random.js'

/** 64 bits that name a stream of random numbers. */
export interface Key {
  readonly _tag: 'Key'
  /** The upper and the lower half, each an unsigned integer of 32 bits. */
  readonly high: number
  readonly low: number
}

/** A random value is a function of a key. */
export type Draw<A> = (key: Key) => A

/**
 * Threefry-2x32 with 20 rounds: a bijection of 64-bit counters for each 64-bit key, whose outputs at counters
 * 0, 1, 2, … pass as random. (J. Salmon et al., *Parallel Random Numbers: As Easy as 1, 2, 3*, 2011, § 3.3.)
 */
export const threefry: (key: Words, counter: Words) => Words = block

/** The upper word of a counter says what it is for, so that no two uses of one key ever meet. */
const USE = { bits: 0, split: 1, fold: 2 } as const

const derive = (key: Key, use: number, index: number): Key => {
  const [high, low] = threefry([key.high, key.low], [use, index])
  return { _tag: 'Key', high, low }
}

const isWord = (n: number): boolean => Number.isInteger(n) && n >= 0 && n < 2 ** 32

/**
 * The key of a seed. Throws `RangeError` unless the seed is a non-negative safe integer.
 *
 * @category constructors
 */
export const key = (seed: number): Key => {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`random.key: expected a non-negative safe integer, got ${seed}`)
  return { _tag: 'Key', high: Math.floor(seed / 2 ** 32), low: seed >>> 0 }
}

/**
 * Two keys whose streams are independent of each other and of the given key's.
 *
 * @category splitting
 */
export const split = (k: Key): readonly [Key, Key] => [derive(k, USE.split, 0), derive(k, USE.split, 1)]

/**
 * `count` keys with independent streams; the first ones do not depend on `count`.
 *
 * @category splitting
 */
export const splitMany = (count: number) => (k: Key): readonly Key[] =>
  Array.from({ length: count }, (_, index) => derive(k, USE.split, index))

/**
 * The key for item `index` of an unbounded family, such as the steps of a training run.
 * Throws `RangeError` unless the index is an unsigned integer of 32 bits.
 *
 * @category splitting
 */
export const foldIn = (index: number) => (k: Key): Key => {
  if (!isWord(index)) throw new RangeError(`random.foldIn: expected an integer from 0 to 2^32 − 1, got ${index}`)
  return derive(k, USE.fold, index)
}
