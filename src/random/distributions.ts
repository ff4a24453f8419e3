/**
 * Distributions: functions of a key.
 *
 * @module
 */
import * as kernel from '../kernels/random.js'
import { softmaxRow } from '../kernels/softmax.js'
import {
  check, checkOptions, type Fields, finite, functions, integer32, natural, nonNegative, optional, precisions, records
} from '../tensor/domain.js'
import { ownShape, rowsOf, type Shape, sizeOf } from '../tensor/shape.js'
import { checkTensor, own, type Precision, type Tensor, type Tokens, tokensFromArray } from '../tensor/tensor.js'
import { checkKey, type Draw, type Key, split, splitMany } from './key.js'

/** A uniform number in [0, 1) with 53 random bits. */
const unit = ({ high, low }: Key, index: number): number => kernel.unit([high, low], index)

export interface UniformOptions {
  /** Default 0. */
  readonly min?: number | undefined
  /** Default 1. */
  readonly max?: number | undefined
  readonly precision?: Precision | undefined
}

const UNIFORM: Fields<UniformOptions> = { min: optional(finite), max: optional(finite), precision: optional(precisions) }

/**
 * Independent uniform numbers in [min, max). Throws `RangeError` unless both are finite and min ≤ max.
 *
 * @example
 * tensor.toArray(random.uniform([3], { min: -1, max: 1 })(random.key(0))) // [-0.1631, -0.5674, 0.9306]
 *
 * @category distributions
 */
export const uniform = (shape: Shape, options: UniformOptions = {}): Draw<Tensor> => {
  checkOptions('random.uniform', UNIFORM, options)
  const { min = 0, max = 1, precision = 'float32' } = options
  if (!(min <= max && Number.isFinite(max - min)))
    throw new RangeError(`random.uniform: expected min to be at most max and max − min to be finite, got ${min} and ${max}`)
  const kept = ownShape('random.uniform', shape), n = sizeOf(kept)
  return k => {
    checkKey('random.uniform', k)
    return own(kept, kernel.uniform({ n, precision, high: k.high, low: k.low, min, max }))
  }
}

export interface NormalOptions {
  /** Default 0. */
  readonly mean?: number | undefined
  /** Default 1. */
  readonly deviation?: number | undefined
  readonly precision?: Precision | undefined
}

const NORMAL: Fields<NormalOptions> = { mean: optional(finite), deviation: optional(nonNegative), precision: optional(precisions) }

/**
 * Independent normal numbers: with $u, v$ uniform, $\sqrt{-2 \ln(1 - u)}\,\cos 2\pi v$ and the same with the
 * sine are two of them. (G. Box, M. Muller, *A Note on the Generation of Random Normal Deviates*, 1958.)
 * Throws `RangeError` unless the mean is finite and the deviation finite and at least 0.
 *
 * @example
 * tensor.toArray(random.normal([3], { deviation: 0.02 })(random.key(0))) // [0.004377, 0.02036, -0.04628]
 *
 * @category distributions
 */
export const normal = (shape: Shape, options: NormalOptions = {}): Draw<Tensor> => {
  checkOptions('random.normal', NORMAL, options)
  const { mean = 0, deviation = 1, precision = 'float32' } = options
  const kept = ownShape('random.normal', shape), n = sizeOf(kept)
  return k => {
    checkKey('random.normal', k)
    return own(kept, kernel.normal({ n, precision, high: k.high, low: k.low, mean, deviation }))
  }
}

/**
 * Independent integers, uniform in min … max − 1. Throws `RangeError` unless both are integers of 32 bits and min < max.
 *
 * @example
 * tensor.toArray(random.integers([4], 0, 10)(random.key(0))) // [4, 2, 9, 5]
 *
 * @category distributions
 */
export const integers = (shape: Shape, min: number, max: number): Draw<Tokens> => {
  check('random.integers', 'min', integer32, min)
  check('random.integers', 'max', integer32, max)
  if (min >= max) throw new RangeError(`random.integers: expected min to be below max, got ${min} and ${max}`)
  const kept = ownShape('random.integers', shape)
  return k => {
    checkKey('random.integers', k)
    return tokensFromArray(kept, Array.from({ length: sizeOf(kept) }, (_, i) => min + Math.floor((max - min) * unit(k, i))))
  }
}

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
 * @example
 * tensor.toArray(random.categorical(tensor.of([[0, -Infinity], [-Infinity, 0]]))(random.key(0))) // [0, 1]
 *
 * @category distributions
 */
export const categorical = (logits: Tensor): Draw<Tokens> => k => {
  checkTensor('random.categorical', 'logits', logits)
  checkKey('random.categorical', k)
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
 * The numbers 0 … n − 1 in a uniformly random order. Throws `RangeError` unless n is a non-negative integer.
 * (R. Durstenfeld, *Algorithm 235: Random Permutation*, 1964.)
 *
 * @example
 * random.permutation(5)(random.key(0)) // [1, 0, 3, 4, 2]
 *
 * @category distributions
 */
export const permutation = (n: number): Draw<readonly number[]> => {
  check('random.permutation', 'n', natural, n)
  return k => {
    checkKey('random.permutation', k)
    const order = Array.from({ length: n }, (_, i) => i)
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(unit(k, i) * (i + 1))
      const kept = order[i]
      order[i] = order[j]
      order[j] = kept
    }
    return order
  }
}

/**
 * One draw for each field of a record, each from a key of its own. Throws `TypeError` for a field that is not a draw.
 *
 * @example
 * const init = random.struct({ hidden: initLinear(2, 8), output: initLinear(8, 1) })
 * init(random.key(0)).output.weight.shape // [8, 1]
 *
 * @category combinators
 */
export const struct = <R>(draws: { readonly [K in keyof R]: Draw<R[K]> }): Draw<R> => {
  check('random.struct', 'draws', records, draws)
  const fields = Object.entries<Draw<unknown>>(draws)
  for (const [name, draw] of fields) check('random.struct', `draws.${name}`, functions, draw)
  return k => {
    const keys = splitMany(fields.length)(k)
    // The same names, each with what its draw gives.
    return Object.fromEntries(fields.map(([name, draw], i) => [name, draw(keys[i])])) as R
  }
}

/**
 * `count` independent draws. Throws `RangeError` unless the count is a non-negative integer.
 *
 * @example
 * random.replicate(3, initLinear(4, 4))(random.key(0)).length // 3
 *
 * @category combinators
 */
export const replicate = <A>(count: number, draw: Draw<A>): Draw<readonly A[]> => {
  check('random.replicate', 'count', natural, count)
  check('random.replicate', 'draw', functions, draw)
  const keysOf = splitMany(count)
  return k => keysOf(k).map(part => draw(part))
}

/**
 * A draw as a `State` of fp-ts: it uses one half of the key and leaves the other half for the next draw.
 *
 * @example
 * const [x, next] = random.state(random.normal([2]))(random.key(0))
 * x.shape // [2]
 *
 * @category combinators
 */
export const state = <A>(draw: Draw<A>): ((k: Key) => [A, Key]) => {
  check('random.state', 'draw', functions, draw)
  return k => {
    const [now, next] = split(k)
    return [draw(now), next]
  }
}
