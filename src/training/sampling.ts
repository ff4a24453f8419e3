/**
 * Choosing the next token from its logits. Filters change the logits and compose in a pipe; a choice ends it:
 *
 * ```ts
 * const choose = flow(withTemperature(0.8), topK(40), topP(0.95), sample)
 * choose(logits)(key)
 * ```
 *
 * A forbidden token gets the logit −∞, so its probability is exactly 0 and the others keep their proportions.
 *
 * @module
 */
import { softmaxRows } from '../kernels/softmax.js'
import { categorical } from '../random/distributions.js'
import type { Draw, Key } from '../random/key.js'
import { trusted } from '../memory/trust.js'
import { map } from '../tensor/algebra.js'
import { rowsOf, ShapeError } from '../tensor/shape.js'
import { freshFor, own, type Tensor } from '../tensor/tensor.js'

/** Logits `[V]` to a random choice of one token. */
export type Sampler = (logits: Tensor) => Draw<number>

const checkLogits = (operation: string, logits: Tensor): void => {
  if (logits.shape.length !== 1 || logits.shape[0] === 0)
    throw new ShapeError(operation, 'logits [V] with V ≥ 1', [logits.shape])
}

/** Indices by falling logit; equal logits by rising index. */
const ranking = (logits: Tensor): readonly number[] =>
  Array.from(logits.data, (_, index) => index).sort((a, b) => logits.data[b] - logits.data[a] || a - b)

/** The logits of the given indices, −∞ elsewhere. */
const only = (indices: readonly number[], logits: Tensor): Tensor => {
  const y = freshFor(logits, logits.data.length).fill(-Infinity)
  for (const index of indices) y[index] = logits.data[index]
  return own(logits.shape, y)
}

/**
 * $x/\tau$: below 1 the likely tokens become likelier, above 1 the choice becomes more even.
 * Throws `RangeError` unless the temperature is a positive number.
 *
 * @category filters
 */
export const withTemperature = (temperature: number): ((logits: Tensor) => Tensor) => {
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new RangeError(`withTemperature: expected a positive temperature, got ${temperature}`)
  return map(x => x / temperature)
}

/**
 * Leaves the `count` largest logits; of equal ones, the first. Throws `RangeError` unless `count` is a positive
 * integer. (A. Fan et al., *Hierarchical Neural Story Generation*, 2018, § 5.4.)
 *
 * @category filters
 */
export const topK = (count: number) => {
  if (!(Number.isInteger(count) && count > 0)) throw new RangeError(`topK: expected a positive integer, got ${count}`)
  return (logits: Tensor): Tensor => {
    checkLogits('topK', logits)
    return only(ranking(logits).slice(0, count), logits)
  }
}

/**
 * Leaves the smallest set of the likeliest tokens whose probabilities add up to at least `mass`.
 * Throws `RangeError` unless 0 < mass ≤ 1. (A. Holtzman et al., *The Curious Case of Neural Text Degeneration*,
 * 2020, § 3.1.)
 *
 * @category filters
 */
export const topP = (mass: number) => {
  if (!(mass > 0 && mass <= 1)) throw new RangeError(`topP: expected a probability above 0 and at most 1, got ${mass}`)
  return (logits: Tensor): Tensor => {
    checkLogits('topP', logits)
    const { rows, width } = rowsOf('topP', logits.shape)
    const probabilities = softmaxRows(Float64Array.from(logits.data), rows, width, 1)
    const order = ranking(logits)
    let total = 0
    const cut = order.findIndex(index => (total += probabilities[index]) >= mass)
    return only(cut < 0 ? order : order.slice(0, cut + 1), logits)
  }
}

/**
 * The likeliest token; of equal ones, the first. The key is not used.
 *
 * @category choices
 */
export const greedy: Sampler = trusted((logits: Tensor) => {
  checkLogits('greedy', logits)
  const [best] = ranking(logits)
  return () => best
})

/**
 * A token drawn with the probability that the softmax gives it.
 * Throws `RangeError` for logits without a finite one, or with a NaN.
 *
 * @category choices
 */
export const sample: Sampler = trusted((logits: Tensor) => {
  checkLogits('sample', logits)
  return (key: Key) => categorical(logits)(key).data[0]
})

export interface SamplerOptions {
  /** 0 is greedy; default 1. */
  readonly temperature?: number | undefined
  readonly topK?: number | undefined
  readonly topP?: number | undefined
}

/**
 * The usual choice: temperature, then top-k, then top-p, then a draw.
 * Throws `RangeError` for options out of range.
 *
 * @category choices
 */
export const sampler = ({ temperature = 1, topK: count, topP: mass }: SamplerOptions): Sampler => {
  if (temperature === 0) return greedy
  const filters = [
    withTemperature(temperature),
    ...(count === undefined ? [] : [topK(count)]),
    ...(mass === undefined ? [] : [topP(mass)])
  ]
  return trusted((logits: Tensor) => sample(filters.reduce((x, filter) => filter(x), logits)))
}
