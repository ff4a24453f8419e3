/**
 * What an optimiser is.
 *
 * @module
 */
import { guarded, guardedMethod } from '../memory/trust.js'
import type { Schedule } from '../schedules/schedules.js'

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
 * A pure rule that turns parameters and their gradient into better parameters. `step` throws `TypeError` where the trees
 * differ in their keys, `ShapeError` or `PrecisionError` where their tensors are not alike.
 */
export interface Optimizer<S extends string> {
  readonly init: <P>(params: P) => OptimizerState<P, S>
  readonly step: <P>(params: P, gradient: P, state: OptimizerState<P, S>) => Updated<P, S>
}

/** A learning rate: one for all steps, or a schedule. */
export type LearningRate = number | Schedule

export const rateAt = (rate: LearningRate, step: number): number => (typeof rate === 'number' ? rate : guarded(rate)(step))

/** The same optimiser, safe to be called in a region: what is not trusted is called outside of it. */
export const guardOptimizer = <S extends string>(optimizer: Optimizer<S>): Optimizer<S> => ({
  init: guardedMethod(optimizer, 'init'),
  step: guardedMethod(optimizer, 'step')
})
