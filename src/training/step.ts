/**
 * One step of training, as a pure function.
 *
 * @module
 */
import { guard } from '../layer/guard.js'
import type { Layer } from '../layer/layer.js'
import { guardLoss, type Loss } from '../losses/loss.js'
import { guardOptimizer, type Optimizer, type OptimizerState } from '../optimizers/optimizer.js'
import type { Key } from '../random/key.js'
import { region, settled } from '../memory/region.js'

/** An input and what the model should make of it. */
export interface Example<X, T> {
  readonly input: X
  readonly target: T
}

export interface LossAndGradient<P> {
  readonly loss: number
  readonly gradient: P
}

/** The loss of a batch and its gradient, in the region of the caller. */
export const evaluate = <P, X, Y, DX, T>(
  model: Layer<P, X, Y, DX>, loss: Loss<Y, T>, params: P, { input, target }: Example<X, T>
): LossAndGradient<P> => {
  const [prediction, pullback] = guard(model).vjp(params, input)
  const { forward, gradient } = guardLoss(loss)
  return { loss: forward(prediction, target), gradient: pullback(gradient(prediction, target)).params }
}

/**
 * The loss of a batch and its gradient by the parameters: with $\hat y = f(\theta, x)$,
 * $d\theta = f^*_{\theta,x}\big(\partial\ell/\partial\hat y\big)$.
 *
 * @category training
 */
export const lossAndGradient = <P, X, Y, DX, T>(model: Layer<P, X, Y, DX>, loss: Loss<Y, T>) =>
  (params: P, example: Example<X, T>): LossAndGradient<P> => region(() => evaluate(model, loss, params, example))

/**
 * The loss of an example without its gradient: $\ell(f(\theta, x), t)$, to judge a model by.
 *
 * @category training
 */
export const lossOf = <P, X, Y, DX, T>(model: Layer<P, X, Y, DX>, loss: Loss<Y, T>) =>
  (params: P, { input, target }: Example<X, T>): number => region(() =>
    guardLoss(loss).forward(guard(model).forward(params, input), target))

export interface TrainingOptions<P, X, Y, DX, T, S extends string> {
  /** The model, or the model for the key of the step where it has dropout. */
  readonly model: Layer<P, X, Y, DX> | ((key: Key) => Layer<P, X, Y, DX>)
  readonly loss: Loss<Y, T>
  readonly optimizer: Optimizer<S>
}

/** What a step of training starts from and ends with. */
export interface Trained<P, S extends string> {
  readonly params: P
  readonly state: OptimizerState<P, S>
}

export interface TrainedStep<P, S extends string> extends Trained<P, S> {
  /** The loss of the batch before the step. */
  readonly loss: number
}

/**
 * A step of training: $(\theta, s, \text{batch}, \text{key}) \mapsto (\theta', s', \ell)$. It changes nothing; the same
 * arguments give the same bits.
 *
 * @category training
 */
export const trainingStep = <P, X, Y, DX, T, S extends string>(
  { model, loss, optimizer }: TrainingOptions<P, X, Y, DX, T, S>
) =>
  ({ params, state }: Trained<P, S>, batch: Example<X, T>, key: Key): TrainedStep<P, S> => {
    const layer = typeof model === 'function' ? model(key) : model
    return region(() => {
      const near = settled(params)
      const { loss: value, gradient } = evaluate(layer, loss, near, batch)
      return { ...guardOptimizer(optimizer).step(near, gradient, state), loss: value }
    })
  }

/**
 * Parameters together with the optimiser's first state.
 *
 * @category training
 */
export const start = <P, S extends string>(optimizer: Optimizer<S>, params: P): Trained<P, S> =>
  ({ params, state: optimizer.init(params) })
