/**
 * Choosing the next token from its logits. Filters change the logits and compose in a pipe; a choice ends it:
 *
 * ```ts
 * const choose = flow(withTemperature(0.8), topK(40), topP(0.95), categoricalSampler)
 * choose(logits)(key)
 * ```
 *
 * A forbidden token gets the logit −∞, so its probability is exactly 0 and the others keep their proportions.
 *
 * @module
 */
import { largest, softmaxRows } from '../kernels/softmax.js'
import { categorical } from '../random/distributions.js'
import type { Draw, Key } from '../random/key.js'
import { trusted } from '../memory/trust.js'
import { check, checkOptions, type Fields, nonNegative, optional, positive, positiveInteger, probability } from '../tensor/domain.js'
import { rowsOf, ShapeError } from '../tensor/shape.js'
import { checkTensor, freshFor, own, type Tensor } from '../tensor/tensor.js'

/** Logits `[V]` to a random choice of one token. */
export type Sampler = (logits: Tensor) => Draw<number>

const checkLogits = (operation: string, logits: Tensor): void => {
  checkTensor(operation, 'logits', logits)
  if (logits.shape.length !== 1 || logits.shape[0] === 0)
    throw new ShapeError(operation, 'logits [V] with V ≥ 1', [logits.shape])
}

/** A choice among logits has no meaning if one is not a number. */
const checkNumbers = (operation: string, { data }: Tensor): void => {
  for (let i = 0; i < data.length; i++)
    if (Number.isNaN(data[i])) throw new RangeError(`${operation}: expected logits that are numbers, got NaN for token ${i}`)
}

/**
 * Indices by descending logit, equal logits by ascending index, up to and including the first for which `enough` is true. They come from
 * a heap (J. Williams, *Algorithm 232: Heapsort*, 1964), since of a large vocabulary a few are asked for.
 */
const likeliest = ({ data }: Tensor, enough: (index: number) => boolean): readonly number[] => {
  const heap = Int32Array.from(data, (_, index) => index)
  const before = (a: number, b: number): boolean => data[a] > data[b] || (data[a] === data[b] && a < b)
  const sink = (from: number, size: number): void => {
    const moved = heap[from]
    let hole = from
    for (let child = 2 * hole + 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && before(heap[child + 1], heap[child])) child++
      if (!before(heap[child], moved)) break
      heap[hole] = heap[child]
      hole = child
    }
    heap[hole] = moved
  }
  for (let i = Math.floor(heap.length / 2) - 1; i >= 0; i--) sink(i, heap.length)
  const taken: number[] = []
  for (let size = heap.length; size > 0; size--) {
    const first = heap[0]
    taken.push(first)
    if (enough(first)) break
    heap[0] = heap[size - 1]
    sink(0, size - 1)
  }
  return taken
}

/** The logits of the given indices, −∞ elsewhere. */
const only = (indices: readonly number[], logits: Tensor): Tensor => {
  const y = freshFor(logits, logits.data.length).fill(-Infinity)
  for (const index of indices) y[index] = logits.data[index]
  return own(logits.shape, y)
}

/**
 * $(x - \max x)/\tau$ on the last axis, which has the softmax of $x/\tau$: below 1 the likely tokens become likelier, above 1 the choice
 * becomes more even. Nothing overflows however small the temperature: in the limit the largest logits are 0 and all others −∞.
 * The filter throws `ShapeError` for a scalar. Throws `RangeError` unless the temperature is a positive number.
 *
 * @example
 * tensor.toArray(withTemperature(0.5)(tensor.of([0, 1, 2]))) // [-4, -2, 0]
 *
 * @category filters
 */
export const withTemperature = (temperature: number): ((logits: Tensor) => Tensor) => {
  check('withTemperature', 'temperature', positive, temperature)
  return logits => {
    checkTensor('withTemperature', 'logits', logits)
    const { rows, width } = rowsOf('withTemperature', logits.shape)
    const y = freshFor(logits, logits.data.length)
    for (let row = 0; row < rows; row++) {
      const max = largest(logits.data, row * width, width)
      for (let i = row * width; i < (row + 1) * width; i++) {
        const x = logits.data[i]
        // Not ∞ − ∞: a largest logit of ∞ is 0, too, and a row of −∞ stays what it is.
        y[i] = x === -Infinity ? x : x === max ? 0 : (x - max) / temperature
      }
    }
    return own(logits.shape, y)
  }
}

/**
 * Leaves the `count` largest logits; of equal ones, the first. Throws `RangeError` unless `count` is a positive
 * integer, and the filter does for a NaN. (A. Fan et al., *Hierarchical Neural Story Generation*, 2018, § 5.4.)
 *
 * @example
 * tensor.toArray(topK(2)(tensor.of([0, 1, 2]))) // [-Infinity, 1, 2]
 *
 * @category filters
 */
export const topK = (count: number) => {
  check('topK', 'count', positiveInteger, count)
  return (logits: Tensor): Tensor => {
    checkLogits('topK', logits)
    checkNumbers('topK', logits)
    let left = count
    return count >= logits.data.length ? logits : only(likeliest(logits, () => --left === 0), logits)
  }
}

/**
 * Leaves the smallest set of the likeliest tokens whose probabilities add up to at least `mass`.
 * Throws `RangeError` unless 0 < mass ≤ 1, and the filter does for a NaN. (A. Holtzman et al., *The Curious Case of Neural Text
 * Degeneration*, 2020, § 3.1.)
 *
 * @example
 * tensor.toArray(topP(0.6)(tensor.of([0, 1, 2]))) // [-Infinity, -Infinity, 2]
 *
 * @category filters
 */
export const topP = (mass: number) => {
  check('topP', 'mass', probability, mass)
  return (logits: Tensor): Tensor => {
    checkLogits('topP', logits)
    checkNumbers('topP', logits)
    const probabilities = softmaxRows({ rows: 1, width: logits.data.length, temperature: 1 }, Float64Array.from(logits.data))
    let total = 0
    return only(likeliest(logits, index => (total += probabilities[index]) >= mass), logits)
  }
}

/**
 * The likeliest token; of equal ones, the first. The key is not used. Throws `RangeError` if every logit is −∞, or one is NaN.
 *
 * @example
 * greedySampler(tensor.of([0, 2, 1]))(random.key(0)) // 1
 *
 * @category choices
 */
export const greedySampler: Sampler = trusted((logits: Tensor) => {
  checkLogits('greedySampler', logits)
  checkNumbers('greedySampler', logits)
  let best = 0
  for (let i = 1; i < logits.data.length; i++) if (logits.data[i] > logits.data[best]) best = i
  if (logits.data[best] === -Infinity) throw new RangeError('greedySampler: expected a logit above −∞, got none')
  return () => best
})

/**
 * A token drawn with the probability that the softmax gives it; logits of ∞ share it in equal parts.
 * Throws `RangeError` if every logit is −∞, or one is NaN.
 *
 * @example
 * const choose = flow(withTemperature(0.8), topK(2), categoricalSampler)
 * choose(tensor.of([-9, 0, 9]))(random.key(0)) // 2
 *
 * @category choices
 */
export const categoricalSampler: Sampler = trusted((logits: Tensor) => {
  checkLogits('categoricalSampler', logits)
  return (key: Key) => categorical(logits)(key).data[0]
})

export interface SamplerOptions {
  /** 0 is greedy; default 1. */
  readonly temperature?: number | undefined
  readonly topK?: number | undefined
  readonly topP?: number | undefined
}

const SAMPLER: Fields<SamplerOptions> = { temperature: optional(nonNegative), topK: optional(positiveInteger), topP: optional(probability) }

/**
 * The usual choice: temperature, then top-k, then top-p, then a draw.
 * Throws `RangeError` for options out of range.
 *
 * @example
 * sampler({ temperature: 0.8, topK: 40, topP: 0.95 })(tensor.of([-9, 0, 9]))(random.key(0)) // 2
 *
 * @category choices
 */
export const sampler = (options: SamplerOptions): Sampler => {
  checkOptions('sampler', SAMPLER, options)
  const { temperature = 1, topK: count, topP: mass } = options
  const filters = [
    ...(temperature === 0 || temperature === 1 ? [] : [withTemperature(temperature)]),
    ...(count === undefined ? [] : [topK(count)]),
    ...(mass === undefined ? [] : [topP(mass)])
  ]
  // The likeliest token passes every filter.
  return temperature === 0 ? greedySampler : trusted((logits: Tensor) => categoricalSampler(filters.reduce((x, filter) => filter(x), logits)))
}
