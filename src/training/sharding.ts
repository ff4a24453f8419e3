/**
 * The gradient of a batch as a sum over its parts. A loss is a mean $\ell = \frac1N \sum_n \ell_n$ over the terms that count:
 * the targets that are not ignored, the entries of a prediction. With $N_i$ of the $N$ terms in part $i$, the sum of that
 * part's terms is $N_i \ell_i$, so
 *
 * $$\ell = \frac1N \sum_i N_i\,\ell_i, \qquad d\theta = \sum_i \frac{N_i}{N}\,d\theta_i.$$
 *
 * A loss says what counts in a target (`weight`); one that does not is taken for a mean over rows. In a part with $N_i = 0$
 * nothing counts: it is left out, whatever the mean over no terms may be, and if $N = 0$ loss and gradient are 0. A loss
 * that is a sum of its terms is the sum over its parts: $\ell = \sum_i \ell_i$, $d\theta = \sum_i d\theta_i$.
 *
 * The number of parts belongs to the computation: other parts round differently. Who computes a part does not: the sum
 * is taken in the order of the parts, so one process and many give the same bits.
 *
 * @module
 */
import type { Weight } from '../losses/loss.js'
import { region } from '../memory/region.js'
import { guardOptimizer, type Optimizer, optimizers } from '../optimizers/optimizer.js'
import { scale } from '../tensor/algebra.js'
import { arrays, check, either, functions, nonNegative, positiveInteger, recordOf } from '../tensor/domain.js'
import { slice } from '../tensor/matrices.js'
import { ShapeError, sizeOf } from '../tensor/shape.js'
import { isTensor, type Tensor, tensors, type Tokens, tokens, tokensFromArray, zerosLike } from '../tensor/tensor.js'
import { add, map } from '../tree/tree.js'
import { examples, gradients, trainedRecords } from './records.js'
import type { Example, LossAndGradient, Trained, TrainedStep } from './step.js'

/** What can be cut along its first axis. */
export type Rows = Tensor | Tokens

const cut = <A extends Rows>(x: A, from: number, to: number): A => {
  const width = sizeOf(x.shape.slice(1)), shape = [to - from, ...x.shape.slice(1)]
  // The same kind of value; TypeScript does not follow the kind of a generic value.
  return (isTensor(x) ? slice(from, to)(x) : tokensFromArray(shape, Int32Array.from(x.data).subarray(from * width, to * width))) as A
}

/**
 * A batch cut along its first axis into `count` parts whose sizes differ by at most one.
 * Throws `RangeError` unless there is at least one row for each part, `ShapeError` if input and target differ in rows.
 *
 * @example
 * const batch = { input: tensor.of([[1], [2], [3]]), target: tensor.of([[1], [4], [9]]) }
 * shards(2)(batch).map(({ input }) => tensor.toNested(input)) // [[[1]], [[2], [3]]]
 *
 * @category sharding
 */
export const shards = (count: number): (<X extends Rows, T extends Rows>(batch: Example<X, T>) => readonly Example<X, T>[]) => {
  check('shards', 'count', positiveInteger, count)
  return batch => shardsOf(count, batch)
}

const shardsOf = <X extends Rows, T extends Rows>(count: number, batch: Example<X, T>): readonly Example<X, T>[] => {
  check('shards', 'batch', examples, batch)
  const { input, target } = batch
  check('shards', 'input', either(tensors, tokens), input)
  check('shards', 'target', either(tensors, tokens), target)
  const [rows = 0] = input.shape
  if (count > rows) throw new RangeError(`shards: expected from 1 to ${rows} parts of a batch of ${rows}, got ${count}`)
  if (target.shape[0] !== rows) throw new ShapeError('shards', 'as many rows of the target as of the input', [target.shape, input.shape])
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor(i * rows / count), to = Math.floor((i + 1) * rows / count)
    return { input: cut(input, from, to), target: cut(target, from, to) }
  })
}

/** The loss and the gradient of a part of a batch, and how many rows it has: its weight, if the part has none of its own. */
export interface BatchPart<P> {
  readonly rows: number
  readonly part: LossAndGradient<P>
}

const partRecords = recordOf('rows', 'part')

/** With what each part is multiplied, 0 if nothing counts, and what the whole weighs. */
const sharesOf = (weights: readonly Weight[]): { readonly shares: readonly number[], readonly weight: Weight } => {
  const terms = weights.filter(weight => weight !== 'sum')
  if (terms.length === 0) return { shares: weights.map(() => 1), weight: 'sum' }
  for (const weight of terms) check('combineShards', 'each weight', nonNegative, weight)
  if (terms.length < weights.length) throw new TypeError('combineShards: expected parts that are all sums or all means, got both')
  const total = terms.reduce((sum, weight) => sum + weight, 0)
  if (total === Infinity) throw new RangeError('combineShards: expected weights with a finite sum')
  return { shares: terms.map(weight => (weight === 0 ? 0 : weight / total)), weight: total }
}

const scaled = <P>(share: number, { loss, gradient }: LossAndGradient<P>): LossAndGradient<P> =>
  ({ loss: loss * share, gradient: map(scale(share))(gradient) })

/**
 * The loss and the gradient of a whole from those of its parts, in proportion to what counts in each.
 * Throws `RangeError` if there is no part or a weight is negative or not finite, `TypeError` if some parts are means
 * and others sums.
 *
 * @example
 * const part = (loss: number) => ({ loss, gradient: { w: tensor.of([loss]) } })
 * combineShards([{ rows: 1, part: part(1) }, { rows: 3, part: part(5) }]).loss // 4
 *
 * @category sharding
 */
export const combineShards = <P>(parts: readonly BatchPart<P>[]): LossAndGradient<P> => {
  check('combineShards', 'parts', arrays, parts)
  for (const part of parts) check('combineShards', 'each of parts', partRecords, part)
  if (parts.length === 0) throw new RangeError('combineShards: expected at least one part, got none')
  const { shares, weight } = sharesOf(parts.map(({ rows, part }) => part.weight ?? rows))
  return region(() => {
    const counting = parts.flatMap(({ part }, i) => (shares[i] === 0 ? [] : [scaled(shares[i], part)]))
    const [first = { loss: 0, gradient: map(zerosLike)(parts[0].part.gradient) }, ...others] = counting
    const whole = others.reduce((a, b) => ({ loss: a.loss + b.loss, gradient: add(b.gradient)(a.gradient) }), first)
    return { ...whole, weight }
  })
}

/**
 * The loss and the gradient of a batch, part by part: the same bits whoever computes a part, and in which order.
 *
 * @example
 * const gradientOf = sharded(2, lossAndGradient(linear, meanSquaredError()))
 * const batch = { input: tensor.of([[1], [2], [3]]), target: tensor.of([[1], [4], [9]]) }
 * gradientOf({ weight: tensor.of([[1]]), bias: tensor.of([0]) }, batch).loss // 13.33
 *
 * @category sharding
 */
export const sharded = <P, X extends Rows, T extends Rows>(
  count: number, lossAndGradient: (params: P, example: Example<X, T>) => LossAndGradient<P>
): ((params: P, batch: Example<X, T>) => LossAndGradient<P>) => {
  check('sharded', 'lossAndGradient', functions, lossAndGradient)
  const cutUp = shards(count)
  return (params, batch) => combineShards(cutUp(batch).map(part => ({ rows: part.input.shape[0], part: lossAndGradient(params, part) })))
}

/**
 * A step of training with a gradient that is already there.
 *
 * @example
 * const optimizer = gradientDescent({ learningRate: 0.1 }), params = { w: tensor.of([1]) }
 * tensor.toArray(applyGradient(optimizer)(initTraining(optimizer, params), { loss: 1, gradient: { w: tensor.of([2]) } }).params.w) // [0.8]
 *
 * @category training
 */
export const applyGradient = <S extends string>(
  optimizer: Optimizer<S>
): (<P>(trained: Trained<P, S>, computed: LossAndGradient<P>) => TrainedStep<P, S>) => {
  check('applyGradient', 'optimizer', optimizers, optimizer)
  const { step } = guardOptimizer(optimizer)
  return (trained, computed) => {
    check('applyGradient', 'trained', trainedRecords, trained)
    check('applyGradient', 'computed', gradients, computed)
    return region(() => ({ ...step(trained.params, computed.gradient, trained.state), loss: computed.loss }))
  }
}
