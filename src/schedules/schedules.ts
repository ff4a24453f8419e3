/**
 * Learning-rate schedules: functions of the step number, which begins at 0.
 *
 * @module
 */
import { check, checkOptions, type Fields, natural, nonNegative } from '../tensor/domain.js'

/** The learning rate of a step. */
export type Schedule = (step: number) => number

/** A schedule whose steps are non-negative integers; throws `RangeError` for others. */
const schedule = (operation: string, rateAt: Schedule): Schedule => step => {
  check(operation, 'step', natural, step)
  return rateAt(step)
}

/**
 * The same rate at every step. Throws `RangeError` unless it is finite and at least 0.
 *
 * @example
 * constantSchedule(0.1)(1000) // 0.1
 *
 * @category schedules
 */
export const constantSchedule = (rate: number): Schedule => {
  check('constantSchedule', 'rate', nonNegative, rate)
  return schedule('constantSchedule', () => rate)
}

export interface LinearOptions {
  readonly from: number
  readonly to: number
  /** The step that reaches `to`; later ones stay there. */
  readonly steps: number
}

const LINEAR: Fields<LinearOptions> = { from: nonNegative, to: nonNegative, steps: natural }

/**
 * $\eta_s = a + (b - a)\,\min(1, s/S)$ from $a$ to $b$ in $S$ steps.
 * Throws `RangeError` unless rates are finite and at least 0 and steps a non-negative integer.
 *
 * @example
 * [0, 5, 10, 20].map(linearSchedule({ from: 1, to: 0, steps: 10 })) // [1, 0.5, 0, 0]
 *
 * @category schedules
 */
export const linearSchedule = (options: LinearOptions): Schedule => {
  checkOptions('linearSchedule', LINEAR, options)
  const { from, to, steps } = options
  return schedule('linearSchedule', step => (step >= steps ? to : from + (to - from) * (step / steps)))
}

export interface WarmupCosineOptions {
  readonly peak: number
  readonly final: number
  /** Steps of linear growth. */
  readonly warmup: number
  /** The step that reaches `final`; later ones stay there. */
  readonly steps: number
}

const WARMUP_COSINE: Fields<WarmupCosineOptions> = { peak: nonNegative, final: nonNegative, warmup: natural, steps: natural }

/**
 * With $w$ warm-up steps and $S$ steps in all, from the peak $a$ to the final rate $b$:
 *
 * $$\eta_s = \begin{cases} a\,\frac{s + 1}{w + 1} & s < w \\
 *   b + \tfrac12 (a - b)\big(1 + \cos \pi \tfrac{s - w}{S - w}\big) & w \le s < S \\ b & s \ge S \end{cases}$$
 *
 * (I. Loshchilov, F. Hutter, *SGDR*, 2017, eq. 5, without restarts; the warm-up of nanoGPT.) Throws `RangeError` unless rates
 * are finite and at least 0, and $w \le S$ are non-negative integers.
 *
 * @example
 * [0, 1, 2, 6, 10].map(warmupCosine({ peak: 1, final: 0.1, warmup: 2, steps: 10 })) // [0.3333, 0.6667, 1, 0.55, 0.1]
 *
 * @category schedules
 */
export const warmupCosine = (options: WarmupCosineOptions): Schedule => {
  checkOptions('warmupCosine', WARMUP_COSINE, options)
  const { peak, final, warmup, steps } = options
  if (warmup > steps) throw new RangeError(`warmupCosine: expected warmup to be at most steps, got ${warmup} and ${steps}`)
  return schedule('warmupCosine', step => {
    if (step < warmup) return peak * (step + 1) / (warmup + 1)
    if (step >= steps) return final
    return final + 0.5 * (peak - final) * (1 + Math.cos(Math.PI * (step - warmup) / (steps - warmup)))
  })
}
