/**
 * What the library knows of its own losses besides: shorter ways to the same numbers.
 *
 * A loss is known by its identity. One that a user made of it (`{ ...crossEntropy(), gradient }`) is another loss, which goes the
 * long way, through the functions that it has.
 *
 * @module
 */
import type { Factors } from '../layer/factored.js'
import { guardLoss, type Loss } from './loss.js'

/** $(\ell, \partial\ell/\partial\hat y)$ */
type WithGradient<Prediction, Target> = (prediction: Prediction, target: Target) => readonly [loss: number, gradient: Prediction]

// They grow only by what the library itself makes, and asking changes nothing.
const together = new WeakMap<object, unknown>(), factored = new WeakMap<object, unknown>()

/** The same loss, known to find its gradient on the way to its value. */
export const withGradient = <Prediction, Target>(loss: Loss<Prediction, Target>, both: WithGradient<Prediction, Target>): Loss<Prediction, Target> => {
  together.set(loss, both)
  return loss
}

/** The loss and its gradient, by the shortest way. */
export const lossWithGradient = <Prediction, Target>(loss: Loss<Prediction, Target>): WithGradient<Prediction, Target> => {
  // What `withGradient` was given for a loss of this type.
  const both = together.get(loss) as WithGradient<Prediction, Target> | undefined
  const { forward, gradient } = guardLoss(loss)
  return both ?? ((prediction, target) => [forward(prediction, target), gradient(prediction, target)])
}

/** The same loss, known to be another one of the factors of its prediction. */
export const withFactoredLoss = <Prediction, Target>(loss: Loss<Prediction, Target>, ofFactors: Loss<Factors, Target>): Loss<Prediction, Target> => {
  factored.set(loss, ofFactors)
  return loss
}

/** The same loss of a prediction that is not multiplied out, if there is one. */
export const factoredLoss = <Prediction, Target>(loss: Loss<Prediction, Target>): Loss<Factors, Target> | undefined =>
  factored.get(loss) as Loss<Factors, Target> | undefined // what `withFactoredLoss` was given for a loss of this type
