/**
 * Learning-rate schedules: functions of the step number, which begins at 0.
 *
 * @module
 */

/** The learning rate of a step. */
export type Schedule = (step: number) => number

/**
 * The same rate at every step.
 *
 * @category schedules
 */
export const constant = (rate: number): Schedule => () => rate

export interface LinearOptions {
  readonly from: number
  readonly to: number
  /** The step that reaches `to`; later ones stay there. */
  readonly steps: number
}

/**
 * $\eta_s = a + (b - a)\,\min(1, s/S)$ from $a$ to $b$ in $S$ steps.
 *
 * @category schedules
 */
export const linearSchedule = ({ from, to, steps }: LinearOptions): Schedule => step =>
  step >= steps ? to : from + (to - from) * (step / steps)

export interface WarmupCosineOptions {
  readonly peak: number
  readonly final: number
  /** Steps of linear growth. */
  readonly warmup: number
  /** The step that reaches `final`; later ones stay there. */
  readonly steps: number
}

/**
 * With $w$ warm-up steps and $S$ steps in all, from the peak $a$ to the final rate $b$:
 *
 * $$\eta_s = \begin{cases} a\,\frac{s + 1}{w + 1} & s < w \\
 *   b + \tfrac12 (a - b)\big(1 + \cos \pi \tfrac{s - w}{S - w}\big) & w \le s < S \\ b & s \ge S \end{cases}$$
 *
 * (I. Loshchilov, F. Hutter, *SGDR*, 2017, eq. 5, without restarts; the warm-up of nanoGPT.)
 *
 * @category schedules
 */
export const warmupCosine = ({ peak, final, warmup, steps }: WarmupCosineOptions): Schedule => step => {
  if (step < warmup) return peak * (step + 1) / (warmup + 1)
  if (step >= steps) return final
  return final + 0.5 * (peak - final) * (1 + Math.cos(Math.PI * (step - warmup) / (steps - warmup)))
}
