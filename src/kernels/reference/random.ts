/**
 * Random bits: a function of a key and a counter.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'

export type Words = readonly [number, number]

const ROTATIONS: readonly number[] = [13, 15, 26, 6, 17, 29, 16, 24]
const ROUNDS = 20
const PARITY = 0x1bd11bda

/** The block cipher Threefry-2x32 with 20 rounds; the layer above explains it. */
export const threefry = (key: Words, counter: Words): Words => {
  const schedule = [key[0], key[1], key[0] ^ key[1] ^ PARITY]
  let x = (counter[0] + schedule[0]) | 0, y = (counter[1] + schedule[1]) | 0
  for (let round = 0; round < ROUNDS; round++) {
    const r = ROTATIONS[round % 8]
    x = (x + y) | 0
    y = ((y << r) | (y >>> (32 - r))) ^ x
    if (round % 4 === 3) {
      const injection = (round + 1) / 4
      x = (x + schedule[injection % 3]) | 0
      y = (y + schedule[(injection + 1) % 3] + injection) | 0
    }
  }
  return [x >>> 0, y >>> 0]
}

export interface DropoutSizes {
  readonly n: number
  /** The two halves of a key. */
  readonly high: number
  readonly low: number
  /** The probability of being dropped, from 0 on and below 1. */
  readonly rate: number
}

/** The words below this are those of entries that are dropped. */
export const dropoutThreshold = (rate: number): number => Math.ceil(rate * 2 ** 32)

/**
 * $y_i = x_i/(1 - p)$ where the key keeps entry i, else 0, be $x_i$ what it may. Of every eight entries, the first four take the first
 * words of four blocks, and the others the second.
 */
export const dropout = ({ n, high, low, rate }: DropoutSizes, [x]: readonly [x: Floats], [y]: readonly [y: FreshFloats]): void => {
  const threshold = dropoutThreshold(rate), kept = 1 / (1 - rate)
  for (let i = 0; i < n; i++) {
    const block = 4 * Math.floor(i / 8) + i % 4
    y[i] = threefry([high, low], [0, block])[i % 8 < 4 ? 0 : 1] >= threshold ? kept * x[i] : 0
  }
}
