/**
 * What a loss is.
 *
 * @module
 */
import type { TermKernels } from '../kernels/losses.js'
import { guardedMethod, trusted } from '../memory/trust.js'
import { checkOptions, type Fields, oneOf, optional } from '../tensor/domain.js'
import { checkAlike, own, type Tensor } from '../tensor/tensor.js'

/**
 * What a loss weighs beside those of other targets when they are put together: the number of terms that it is the mean of,
 * or `'sum'` if losses simply add up.
 */
export type Weight = number | 'sum'

/** A number that says how far a prediction is from its target, and its gradient with respect to the prediction. */
export interface Loss<Prediction, Target> {
  /** $\ell(\hat y, t)$ */
  readonly forward: (prediction: Prediction, target: Target) => number
  /** $\partial\ell/\partial\hat y$ */
  readonly gradient: (prediction: Prediction, target: Target) => Prediction
  /** What the loss of a target weighs. Absent: the loss is a mean over the rows of the target's first axis. */
  readonly weight?: ((target: Target) => Weight) | undefined
}

/** The same loss, safe to be called in a region: what is not trusted is called outside it. */
export const guardLoss = <Prediction, Target>(loss: Loss<Prediction, Target>): Loss<Prediction, Target> => ({
  forward: guardedMethod(loss, 'forward'),
  gradient: guardedMethod(loss, 'gradient'),
  weight: loss.weight && guardedMethod(loss, 'weight')
})

export interface LossOptions {
  /** Whether the terms are averaged (the default) or summed. The mean over no terms is 0. */
  readonly reduction?: 'mean' | 'sum' | undefined
}

export const reductions = optional(oneOf('mean', 'sum'))

const OPTIONS: Fields<LossOptions> = { reduction: reductions }

/** What each term is multiplied with. */
export const termScale = (reduction: 'mean' | 'sum' | undefined, terms: number): number =>
  reduction === 'sum' ? 1 : terms === 0 ? 0 : 1 / terms

/** What a loss of so many terms weighs. */
export const weightFor = (reduction: 'mean' | 'sum' | undefined, terms: number): Weight => (reduction === 'sum' ? 'sum' : terms)

/** A loss that is a mean or a sum of one term for each entry; `checkTarget` throws for an entry that cannot be a target. */
export const entrywise = (
  operation: string, { total, slopes }: TermKernels, options: LossOptions, checkTarget: (target: Tensor) => void = () => undefined
): Loss<Tensor, Tensor> => {
  checkOptions(operation, OPTIONS, options)
  const { reduction } = options
  const checkBoth = (prediction: Tensor, target: Tensor): void => {
    checkAlike(operation, prediction, target)
    checkTarget(target)
  }
  return trusted<Loss<Tensor, Tensor>>({
    forward: (prediction, target) => {
      checkBoth(prediction, target)
      const n = prediction.data.length
      return total({ n }, prediction.data, target.data) * termScale(reduction, n)
    },
    gradient: (prediction, target) => {
      checkBoth(prediction, target)
      const n = prediction.data.length
      return own(prediction.shape, slopes({ n, scale: termScale(reduction, n) }, prediction.data, target.data))
    },
    weight: target => weightFor(reduction, target.data.length)
  })
}
