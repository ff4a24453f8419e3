/**
 * The gradient of a batch as a sum over its parts. For a mean over rows, with $N_i$ of the $N$ rows in part $i$,
 *
 * $$\ell = \sum_i \frac{N_i}{N}\,\ell_i, \qquad d\theta = \sum_i \frac{N_i}{N}\,d\theta_i.$$
 *
 * The number of parts belongs to the computation: other parts round otherwise. Who computes a part does not: the sum
 * is taken in the order of the parts, so one worker and many give the same bits.
 *
 * @module
 */
import { guardOptimizer, type Optimizer } from '../optimizers/optimizer.js'
import { isTensor, type Tensor, type Tokens, tokensFromArray } from '../tensor/tensor.js'
import { scale } from '../tensor/algebra.js'
import { slice } from '../tensor/matrices.js'
import { ShapeError, sizeOf } from '../tensor/shape.js'
import { add, map } from '../tree/tree.js'
import { region } from '../memory/region.js'
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
 * Throws `RangeError` unless there is at least one row for each part, `ShapeError` where input and target differ in rows.
 *
 * @category sharding
 */
export const shards = (count: number) => <X extends Rows, T extends Rows>({ input, target }: Example<X, T>): readonly Example<X, T>[] => {
  const [rows = 0] = input.shape
  if (!(Number.isInteger(count) && count > 0 && count <= rows))
    throw new RangeError(`shards: expected from 1 to ${rows} parts of a batch of ${rows}, got ${count}`)
  if (target.shape[0] !== rows) throw new ShapeError('shards', 'as many rows of the target as of the input', [target.shape, input.shape])
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor(i * rows / count), to = Math.floor((i + 1) * rows / count)
    return { input: cut(input, from, to), target: cut(target, from, to) }
  })
}

/** The loss and the gradient of a part of a batch, and how many rows it has. */
export interface BatchPart<P> {
  readonly rows: number
  readonly part: LossAndGradient<P>
}

/**
 * The loss and the gradient of a whole from those of its parts, each with the number of rows that it has.
 * Throws `RangeError` where there is no part.
 *
 * @category sharding
 */
export const combined = <P>(parts: readonly BatchPart<P>[]): LossAndGradient<P> => {
  if (parts.length === 0) throw new RangeError('combined: expected at least one part, got none')
  const total = parts.reduce((sum, { rows }) => sum + rows, 0)
  return region(() => parts
    .map(({ rows, part: { loss, gradient } }) => ({ loss: loss * rows / total, gradient: map(scale(rows / total))(gradient) }))
    .reduce((a, b) => ({ loss: a.loss + b.loss, gradient: add(b.gradient)(a.gradient) })))
}

/**
 * The loss and the gradient of a batch, part by part: what `gradientPool` computes with several workers, to the bit.
 *
 * @category sharding
 */
export const sharded = <P, X extends Rows, T extends Rows>(
  count: number, lossAndGradient: (params: P, example: Example<X, T>) => LossAndGradient<P>
) => (params: P, batch: Example<X, T>): LossAndGradient<P> =>
  combined(shards(count)(batch).map(part => ({ rows: part.input.shape[0], part: lossAndGradient(params, part) })))

/**
 * A step of training with a gradient that is already there.
 *
 * @category training
 */
export const stepWith = <S extends string>(optimizer: Optimizer<S>) =>
  <P>({ params, state }: Trained<P, S>, { loss, gradient }: LossAndGradient<P>): TrainedStep<P, S> =>
    region(() => ({ ...guardOptimizer(optimizer).step(params, gradient, state), loss }))
