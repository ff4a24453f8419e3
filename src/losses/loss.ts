/**
 * What a loss is.
 *
 * @module
 */
import type { TermKernels } from '../kernels/losses.js'
import { guardedMethod, trusted } from '../memory/trust.js'
import { checkAlike, own, type Tensor } from '../tensor/tensor.js'

/** A number that says how far a prediction is from its target, and its gradient by the prediction. */
export interface Loss<Prediction, Target> {
  /** $\ell(\hat y, t)$ */
  readonly forward: (prediction: Prediction, target: Target) => number
  /** $\partial\ell/\partial\hat y$ */
  readonly gradient: (prediction: Prediction, target: Target) => Prediction
}

/** The same loss, safe to be called in a region: what is not trusted is called outside of it. */
export const guardLoss = <Prediction, Target>(loss: Loss<Prediction, Target>): Loss<Prediction, Target> => ({
  forward: guardedMethod(loss, 'forward'),
  gradient: guardedMethod(loss, 'gradient')
})

export interface LossOptions {
  /** Whether the terms are averaged (the default) or summed. The mean over no terms is 0. */
  readonly reduction?: 'mean' | 'sum'
}

/** What each term is multiplied with. */
export const termScale = (reduction: 'mean' | 'sum' | undefined, terms: number): number =>
  reduction === 'sum' ? 1 : terms === 0 ? 0 : 1 / terms

/** A loss that is a mean or a sum of one term for each entry. */
export const entrywise = (
  operation: string, { total, slopes }: TermKernels, { reduction }: LossOptions
): Loss<Tensor, Tensor> => trusted<Loss<Tensor, Tensor>>({
  forward: (prediction, target) => {
    checkAlike(operation, prediction, target)
    const n = prediction.data.length
    return total({ n }, prediction.data, target.data) * termScale(reduction, n)
  },
  gradient: (prediction, target) => {
    checkAlike(operation, prediction, target)
    const n = prediction.data.length
    return own(prediction.shape, slopes({ n, scale: termScale(reduction, n) }, prediction.data, target.data))
  }
})
