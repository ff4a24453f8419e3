/**
 * Keys: randomness as a value. A function that needs random numbers takes a key, and the same key gives the
 * same numbers on every machine. Two independent streams come from splitting one key.
 *
 * @module
 */
import { check, type Domain, natural } from '../tensor/domain.js'

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

/** A key, whoever made it. */
export const keys: Domain<Key> = {
  expected: 'a key of random.key',
  isKind: value => typeof value === 'object' && value !== null && '_tag' in value && value._tag === 'Key',
  contains: ({ high, low }) => isWord(high) && isWord(low)
}

/** Throws `TypeError` for anything that is not a key. */
export const checkKey = (operation: string, k: Key): void => check(operation, 'key', keys, k)

/**
 * The key of a seed. Throws `RangeError` unless the seed is a non-negative safe integer.
 *
 * @example
 * random.key(42) // { _tag: 'Key', high: 0, low: 42 }
 *
 * @category constructors
 */
export const key = (seed: number): Key => {
  check('random.key', 'seed', natural, seed)
  return { _tag: 'Key', high: Math.floor(seed / 2 ** 32), low: seed >>> 0 }
}

/**
 * Two keys whose streams are independent of each other and of the given key's.
 *
 * @example
 * const [initKey, trainKey] = random.split(random.key(0))
 * initKey.low === trainKey.low // false
 *
 * @category splitting
 */
export const split = (k: Key): readonly [Key, Key] => {
  checkKey('random.split', k)
  return [derive(k, USE.split, 0), derive(k, USE.split, 1)]
}

/**
 * `count` keys with independent streams; the first ones do not depend on `count`.
 * Throws `RangeError` unless the count is a non-negative integer.
 *
 * @example
 * random.splitMany(3)(random.key(0)).length // 3
 *
 * @category splitting
 */
export const splitMany = (count: number): ((k: Key) => readonly Key[]) => {
  check('random.splitMany', 'count', natural, count)
  return k => {
    checkKey('random.splitMany', k)
    return Array.from({ length: count }, (_, index) => derive(k, USE.split, index))
  }
}

const words: Domain<number> = { expected: 'an integer from 0 to 2^32 − 1', isKind: natural.isKind, contains: isWord }

/**
 * The key for item `index` of an unbounded family, such as the steps of a training run.
 * Throws `RangeError` unless the index is an unsigned integer of 32 bits.
 *
 * @example
 * const keyOfStep = (step: number) => random.foldIn(step)(random.key(0))
 * tensor.Eq.equals(random.normal([2])(keyOfStep(1)), random.normal([2])(keyOfStep(2))) // false
 *
 * @category splitting
 */
export const foldIn = (index: number): ((k: Key) => Key) => {
  check('random.foldIn', 'index', words, index)
  return k => {
    checkKey('random.foldIn', k)
    return derive(k, USE.fold, index)
  }
}
