/**
 * Random bits: a function of a key and a counter.
 *
 * @module
 */
import type { Floats, FreshFloats, Precision } from '../floats.js'

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

export interface DrawSizes {
  readonly n: number
  readonly precision: Precision
  /** The two halves of a key. */
  readonly high: number
  readonly low: number
}

/** A uniform number in [0, 1) with 53 random bits. */
export const unit = (key: Words, index: number): number => {
  const [a, b] = threefry(key, [0, index])
  return ((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53
}

/** The same number cut to the 24 bits that single precision holds, so that it stays below 1. */
const unit24 = (key: Words, index: number): number => (threefry(key, [0, index])[0] >>> 8) / 2 ** 24

/** $a + (b - a)\,u_i$ */
export const uniform = (
  { precision, high, low, min, max }: DrawSizes & { readonly min: number, readonly max: number }, _: readonly [], [y]: readonly [y: FreshFloats]
): void => {
  const draw = precision === 'float32' ? unit24 : unit
  for (let i = 0; i < y.length; i++) y[i] = min + (max - min) * draw([high, low], i)
}

/** Pairs $\mu + \sigma \sqrt{-2 \ln(1 - u)}\,(\cos 2\pi v, \sin 2\pi v)$ */
export const normal = (
  { high, low, mean, deviation }: DrawSizes & { readonly mean: number, readonly deviation: number }, _: readonly [], [y]: readonly [y: FreshFloats]
): void => {
  for (let i = 0; i < y.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - unit([high, low], i)))
    const angle = 2 * Math.PI * unit([high, low], i + 1)
    y[i] = mean + radius * Math.cos(angle)
    if (i + 1 < y.length) y[i + 1] = mean + radius * Math.sin(angle)
  }
}
