/**
 * A run of training: many steps as one fold.
 *
 * @module
 */
import type { Layer } from '../layer/layer.js'
import { guardOptimizer } from '../optimizers/optimizer.js'
import { overwriting, region, regionLoop, settled, settledValue } from '../memory/region.js'
import { guarded, isTrusted, outside, trusted } from '../memory/trust.js'
import { mapTensors } from '../memory/values.js'
import { foldIn, type Key, keys } from '../random/key.js'
import { check, checkOptions, type Fields, functions, natural, optional } from '../tensor/domain.js'
import { ended, examples as records, trainedRecords } from './records.js'
import { checkFinite, type Example, evaluate, type Trained, TRAINING, type TrainingOptions } from './step.js'

const never = trusted((): boolean => false)

export interface TrainingRunOptions<X, T> {
  /** How many steps to take at most. */
  readonly steps: number
  /** The batch of a step, by its number: that of the optimiser's state, so that a run goes on where another ended. */
  readonly batch: (step: number) => Example<X, T>
  /** Step i has the key `foldIn(i)`. */
  readonly key: Key
  /**
   * Is asked after every step, the last one too, with the step's number and the loss of its batch before it, so it can also show how
   * training goes; ends the run if it is true; default never.
   */
  readonly until?: ((step: number, loss: number) => boolean) | undefined
}

const RUN = { steps: natural, batch: functions, key: keys, until: optional(functions) } satisfies Fields<TrainingRunOptions<never, never>>

/** What a run ends with. */
export interface TrainedRun<P, S extends string> extends Trained<P, S> {
  /** The loss of each batch before its step. */
  readonly losses: readonly number[]
}

/**
 * A run of training from a first state: what repeated `trainingStep`s give, to the bit, however the run is cut into several. It changes
 * nothing that it is given. States between its steps are seen by nobody, so they stay in the memory of kernels and are written over,
 * which saves copying them at every step.
 *
 * Options: `steps`; `batch`, from the step's number to its example; `key`; `until`, which is asked after every step, with its number and loss,
 * and ends the run if it is true. A run that throws gives no state: whoever needs one cuts a long run into several.
 *
 * Throws `RangeError` unless the number of steps is a non-negative integer, `TypeError` unless `until` gives a boolean, and what
 * `trainingStep` throws.
 *
 * @example
 * const optimizer = gradientDescent({ learningRate: 0.5 }), target = tensor.of([[3]])
 * const run = trainingRun({ model: linear, loss: meanSquaredError(), optimizer })({ steps: 20, batch: () => ({ input: tensor.of([[1]]), target }), key: random.key(0) })
 * run(initTraining(optimizer, { weight: tensor.of([[0]]), bias: tensor.of([0]) })).losses.slice(0, 3) // [9, 9, 9]
 *
 * @category training
 */
export const trainingRun = <P, X, Y, DX, T, S extends string>(training: TrainingOptions<P, X, Y, DX, T, S>) => {
  checkOptions<TrainingOptions<P, X, Y, DX, T, S>>('trainingRun', TRAINING, training)
  const { model, loss, optimizer } = training
  return (options: TrainingRunOptions<X, T>) => {
    checkOptions('trainingRun', RUN, options)
    const { steps, batch, key, until = never } = options
    return (first: Trained<P, S>): TrainedRun<P, S> => {
      check('trainingRun', 'trained', trainedRecords, first)
      const losses: number[] = [], update = guardOptimizer(optimizer).step
      const examples = guarded(batch), ends = guarded(until)
      const layerOf = (stepKey: Key): Layer<P, X, Y, DX> => (typeof model === 'function' ? outside(() => model(stepKey)) : model)
      const step = ({ params, state }: Trained<P, S>): Trained<P, S> => {
        const stepKey = foldIn(state.step)(key)
        const place = `trainingRun, step ${state.step}`, example = examples(state.step)
        check(place, 'the batch', records, example)
        const { loss: value, gradient } = evaluate(layerOf(stepKey), loss, params, example)
        // All of the gradient is there before the first parameter changes.
        const whole = mapTensors(x => x)(gradient)
        checkFinite(place, value, whole)
        losses.push(value)
        const next = (): Trained<P, S> => update(params, whole, state)
        return isTrusted(optimizer.step) ? overwriting([params, state.slots], next) : next()
      }
      const endsAt = (step: number): boolean => ended(`trainingRun, step ${step}`, ends(step, losses[losses.length - 1]))
      const goesOn = (state: number): boolean => (losses.length === 0 || !endsAt(state - 1)) && losses.length < steps
      const { params, state } = region(() => {
        // An optimiser of the user's may remember anything, also behind one of ours.
        const slots = isTrusted(optimizer.step) ? settledValue(first.state.slots) : first.state.slots
        const near = { params: settled(first.params), state: { ...first.state, slots } }
        return regionLoop<Trained<P, S>>(near, current => (goesOn(current.state.step) ? step(current) : undefined))
      })
      return { params, state, losses }
    }
  }
}
