/**
 * Distributions: functions of a key.
 *
 * @module
 */
import * as kernel from '../kernels/random.js'
import { softmaxRow } from '../kernels/softmax.js'
import { rowsOf, type Shape, sizeOf } from '../tensor/shape.js'
import { own, type Precision, type Tensor, type Tokens, tokensFromArray } from '../tensor/tensor.js'
import { type Draw, type Key, split, splitMany } from './key.js'

/** A uniform number in [0, 1) with 53 random bits. */
const unit = ({ high, low }: Key, index: number): number => kernel.unit([high, low], index)

export interface UniformOptions {
  /** Default 0. */
  readonly min?: number
  /** Default 1. */
  readonly max?: number
  readonly precision?: Precision
}

/**
 * Independent uniform numbers in [min, max).
 *
 * @category distributions
 */
export const uniform = (shape: Shape, { min = 0, max = 1, precision = 'float32' }: UniformOptions = {}): Draw<Tensor> =>
  ({ high, low }) => own(shape, kernel.uniform({ n: sizeOf(shape), precision, high, low, min, max }))

export interface NormalOptions {
  /** Default 0. */
  readonly mean?: number
  /** Default 1. */
  readonly deviation?: number
  readonly precision?: Precision
}

/**
 * Independent normal numbers: with $u, v$ uniform, $\sqrt{-2 \ln(1 - u)}\,\cos 2\pi v$ and the same with the
 * sine are two of them. (G. Box, M. Muller, *A Note on the Generation of Random Normal Deviates*, 1958.)
 *
 * @category distributions
 */
export const normal = (shape: Shape, { mean = 0, deviation = 1, precision = 'float32' }: NormalOptions = {}): Draw<Tensor> =>
  ({ high, low }) => own(shape, kernel.normal({ n: sizeOf(shape), precision, high, low, mean, deviation }))

/**
 * Independent integers, uniform in min … max − 1.
 *
 * @category distributions
 */
export const integers = (shape: Shape, min: number, max: number): Draw<Tokens> => k =>
  tokensFromArray(shape, Array.from({ length: sizeOf(shape) }, (_, i) => min + Math.floor((max - min) * unit(k, i))))

/** The first index at which the running sum of the weights exceeds `u` times their total. */
const invert = (weights: ArrayLike<number>, u: number): number => {
  let total = 0
  for (let i = 0; i < weights.length; i++) total += weights[i]
  let running = 0, last = -1
  for (let i = 0; i < weights.length; i++) {
    if (!(weights[i] > 0)) continue
    last = i
    running += weights[i]
    if (running > u * total) return i
  }
  return last
}

/**
 * One index per row, drawn with probability $\mathrm{softmax}(\text{logits})$. An index whose logit is −∞ is
 * never drawn.
 *
 * Shapes: logits `[..., V]`, result `[...]`. Throws `RangeError` for a row without a finite logit or with a
 * NaN or +∞.
 *
 * @category distributions
 */
export const categorical = (logits: Tensor): Draw<Tokens> => k => {
  const { rows, width } = rowsOf('random.categorical', logits.shape)
  const weights = new Float64Array(width)
  const indices = Array.from({ length: rows }, (_, row) => {
    softmaxRow(weights, 0, logits.data, row * width, width, 1)
    const index = invert(weights, unit(k, row))
    if (index < 0)
      throw new RangeError(`random.categorical: expected a finite logit and no NaN in every row, got none in row ${row}`)
    return index
  })
  return tokensFromArray(logits.shape.slice(0, -1), indices)
}

/**
 * The numbers 0 … n − 1 in a uniformly random order.
 * (R. Durstenfeld, *Algorithm 235: Random Permutation*, 1964.)
 *
 * @category distributions
 */
export const permutation = (n: number): Draw<readonly number[]> => k => {
  const order = Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(unit(k, i) * (i + 1))
    const kept = order[i]
    order[i] = order[j]
    order[j] = kept
  }
  return order
}

/**
 * One draw for each field of a record, each from a key of its own.
 *
 * @category combinators
 */
export const struct = <R>(draws: { readonly [K in keyof R]: Draw<R[K]> }): Draw<R> => k => {
  const names = Object.keys(draws) as (keyof R)[] // the keys of a record are the names of its fields
  const keys = splitMany(names.length)(k)
  return Object.fromEntries(names.map((name, i) => [name, draws[name](keys[i])])) as R
}

/**
 * `count` independent draws.
 *
 * @category combinators
 */
export const replicate = <A>(count: number, draw: Draw<A>): Draw<readonly A[]> => k => splitMany(count)(k).map(draw)

/**
 * A draw as a `State` of fp-ts: it uses one half of the key and leaves the other half for the next draw.
 *
 * @category combinators
 */
export const state = <A>(draw: Draw<A>) => (k: Key): [A, Key] => {
  const [now, next] = split(k)
  return [draw(now), next]
}
