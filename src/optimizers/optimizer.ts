/**
 * What an optimiser is.
 *
 * @module
 */
import { guarded, guardedMethod } from '../memory/trust.js'
import type { Schedule } from '../schedules/schedules.js'
import { type Domain, either, functions, having, nonNegative, show } from '../tensor/domain.js'

/** What an optimiser remembers: the number of steps taken, and trees like the parameters under the names `S`. */
export interface OptimizerState<P, S extends string> {
  readonly step: number
  readonly slots: { readonly [slot in S]: P }
}

export interface Updated<P, S extends string> {
  readonly params: P
  readonly state: OptimizerState<P, S>
}

/**
 * A pure rule that turns parameters and their gradient into better parameters. `step` throws `TypeError` if the trees
 * differ in their keys, `ShapeError` or `PrecisionError` if their tensors are not alike.
 */
export interface Optimizer<S extends string> {
  readonly init: <P>(params: P) => OptimizerState<P, S>
  readonly step: <P>(params: P, gradient: P, state: OptimizerState<P, S>) => Updated<P, S>
}

export const optimizers = having('an optimiser', 'init', 'step')

/** A learning rate: one for all steps, or a schedule. */
export type LearningRate = number | Schedule

export const learningRates: Domain<LearningRate> = either(nonNegative, functions)

/** The rate of a step. Throws `RangeError` or `TypeError` if a schedule gives none. */
export const rateAt = (operation: string, rate: LearningRate, step: number): number => {
  if (typeof rate === 'number') return rate
  const now: unknown = guarded(rate)(step)
  if (typeof now === 'number' && nonNegative.contains(now)) return now
  const Kind = typeof now === 'number' ? RangeError : TypeError
  throw new Kind(`${operation}: expected learningRate(${step}) to be ${nonNegative.expected}, got ${show(now)}`)
}

/** The same optimiser, safe to be called in a region: what is not trusted is called outside it. */
export const guardOptimizer = <S extends string>(optimizer: Optimizer<S>): Optimizer<S> => ({
  init: guardedMethod(optimizer, 'init'),
  step: guardedMethod(optimizer, 'step')
})
