/**
 * One step of training, as a pure function.
 *
 * @module
 */
import { factoredForm } from '../layer/factored.js'
import { guard } from '../layer/guard.js'
import type { Layer } from '../layer/layer.js'
import { guardLoss, type Loss, type Weight } from '../losses/loss.js'
import { factoredLoss, lossWithGradient } from '../losses/shortcuts.js'
import { region, settled } from '../memory/region.js'
import { guardOptimizer, type Optimizer, type OptimizerState, optimizers } from '../optimizers/optimizer.js'
import { checkKey, type Key } from '../random/key.js'
import { check, checkOptions, either, type Fields, functions, having, show } from '../tensor/domain.js'
import { notFinite } from '../tree/finite.js'
import { examples, trainedRecords } from './records.js'

/** An input and what the model should make of it. */
export interface Example<X, T> {
  readonly input: X
  readonly target: T
}

export interface LossAndGradient<P> {
  readonly loss: number
  readonly gradient: P
  /** What it weighs beside those of other parts of a batch. Absent: as many as the part has rows. */
  readonly weight?: Weight | undefined
}

const layers = having('a layer', 'forward', 'vjp')
const losses = having('a loss', 'forward', 'gradient')

/** Throws `TypeError` unless these are a layer and a loss. */
const checkModel = (operation: string, model: unknown, loss: unknown): void => {
  check(operation, 'model', layers, model)
  check(operation, 'loss', losses, loss)
}

/** The loss of a batch and its gradient, in the region of the caller. */
export const evaluate = <P, X, Y, DX, T>(
  model: Layer<P, X, Y, DX>, loss: Loss<Y, T>, params: P, { input, target }: Example<X, T>
): LossAndGradient<P> => {
  const factors = factoredForm(model), ofFactors = factoredLoss(loss)
  // A prediction that is a product of two factors need not be there as a whole.
  return factors !== undefined && ofFactors !== undefined
    ? differentiated(factors, ofFactors, params, { input, target })
    : differentiated(model, loss, params, { input, target })
}

const differentiated = <P, X, Y, DX, T>(
  model: Layer<P, X, Y, DX>, loss: Loss<Y, T>, params: P, { input, target }: Example<X, T>
): LossAndGradient<P> => {
  const [prediction, pullback] = guard(model).vjp(params, input)
  const [value, gradient] = lossWithGradient(loss)(prediction, target)
  return { loss: value, gradient: pullback(gradient).params }
}

/**
 * The loss of a batch and its gradient with respect to the parameters: with $\hat y = f(\theta, x)$,
 * $d\theta = f^*_{\theta,x}\big(\partial\ell/\partial\hat y\big)$.
 *
 * @example
 * const params = { weight: tensor.of([[2]]), bias: tensor.of([0]) }
 * const { loss, gradient } = lossAndGradient(linear, meanSquaredError())(params, { input: tensor.of([[1]]), target: tensor.of([[5]]) })
 * loss // 9
 * tensor.toArray(gradient.bias) // [-6]
 *
 * @category training
 */
export const lossAndGradient = <P, X, Y, DX, T>(model: Layer<P, X, Y, DX>, loss: Loss<Y, T>): ((params: P, example: Example<X, T>) => LossAndGradient<P>) => {
  checkModel('lossAndGradient', model, loss)
  return (params, example) => {
    check('lossAndGradient', 'example', examples, example)
    return region(() => ({ ...evaluate(model, loss, params, example), weight: guardLoss(loss).weight?.(example.target) }))
  }
}

/**
 * The loss of an example without its gradient: $\ell(f(\theta, x), t)$, to judge a model by.
 *
 * @example
 * const params = { weight: tensor.of([[2]]), bias: tensor.of([0]) }
 * lossOf(linear, meanSquaredError())(params, { input: tensor.of([[1]]), target: tensor.of([[5]]) }) // 9
 *
 * @category training
 */
export const lossOf = <P, X, Y, DX, T>(model: Layer<P, X, Y, DX>, loss: Loss<Y, T>): ((params: P, example: Example<X, T>) => number) => {
  checkModel('lossOf', model, loss)
  return (params, example) => {
    check('lossOf', 'example', examples, example)
    const { input, target } = example, factors = factoredForm(model), ofFactors = factoredLoss(loss)
    return region(() => (factors !== undefined && ofFactors !== undefined
      ? ofFactors.forward(factors.forward(params, input), target)
      : guardLoss(loss).forward(guard(model).forward(params, input), target)))
  }
}

export interface TrainingOptions<P, X, Y, DX, T, S extends string> {
  /** The model, or the model for the key of the step if it has dropout. */
  readonly model: Layer<P, X, Y, DX> | ((key: Key) => Layer<P, X, Y, DX>)
  readonly loss: Loss<Y, T>
  readonly optimizer: Optimizer<S>
}

export const TRAINING = {
  model: either(layers, functions), loss: losses, optimizer: optimizers
} satisfies Fields<TrainingOptions<never, never, never, never, never, never>>

/** What a step of training starts from and ends with. */
export interface Trained<P, S extends string> {
  readonly params: P
  readonly state: OptimizerState<P, S>
}

export interface TrainedStep<P, S extends string> extends Trained<P, S> {
  /** The loss of the batch before the step. */
  readonly loss: number
}

/** Throws `RangeError` for a loss or a gradient that is infinite or NaN, and `TypeError` for a loss that is no number. */
export const checkFinite = (operation: string, loss: unknown, gradient: unknown): void => {
  if (!Number.isFinite(loss)) throw new (typeof loss === 'number' ? RangeError : TypeError)(`${operation}: expected a finite loss, got ${show(loss)}`)
  const wrong = notFinite(gradient)
  if (wrong !== undefined) throw new RangeError(`${operation}: expected a finite gradient, got ${wrong[1]}${wrong[0] === '' ? '' : ` in "${wrong[0]}"`}`)
}

/**
 * A step of training: $(\theta, s, \text{batch}, \text{key}) \mapsto (\theta', s', \ell)$. It changes nothing; the same
 * arguments give the same bits. Throws `RangeError` if the loss or an entry of the gradient is infinite or NaN, since nothing
 * that is learned from it can be right; to go on all the same, use `lossAndGradient` and `applyGradient`.
 *
 * @example
 * const optimizer = gradientDescent({ learningRate: 0.1 })
 * const step = trainingStep({ model: linear, loss: meanSquaredError(), optimizer })
 * const trained = initTraining(optimizer, { weight: tensor.of([[2]]), bias: tensor.of([0]) })
 * tensor.toArray(step(trained, { input: tensor.of([[1]]), target: tensor.of([[5]]) }, random.key(0)).params.bias) // [0.6]
 *
 * @category training
 */
export const trainingStep = <P, X, Y, DX, T, S extends string>(
  options: TrainingOptions<P, X, Y, DX, T, S>
) => {
  checkOptions<TrainingOptions<P, X, Y, DX, T, S>>('trainingStep', TRAINING, options)
  const { model, loss, optimizer } = options
  return (trained: Trained<P, S>, batch: Example<X, T>, key: Key): TrainedStep<P, S> => {
    check('trainingStep', 'trained', trainedRecords, trained)
    check('trainingStep', 'batch', examples, batch)
    checkKey('trainingStep', key)
    const { params, state } = trained
    const layer = typeof model === 'function' ? model(key) : model
    return region(() => {
      const near = settled(params)
      const { loss: value, gradient } = evaluate(layer, loss, near, batch)
      checkFinite('trainingStep', value, gradient)
      return { ...guardOptimizer(optimizer).step(near, gradient, state), loss: value }
    })
  }
}

/**
 * Parameters together with the optimiser's first state.
 *
 * @example
 * initTraining(adam({ learningRate: 0.01 }), initLinear(2, 1)(random.key(0))).state.step // 0
 *
 * @category training
 */
export const initTraining = <P, S extends string>(optimizer: Optimizer<S>, params: P): Trained<P, S> => {
  check('initTraining', 'optimizer', optimizers, optimizer)
  return { params, state: optimizer.init(params) }
}
