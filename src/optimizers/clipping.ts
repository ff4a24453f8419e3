/**
 * Clipping of gradients by their global norm.
 *
 * $$g \mapsto g \cdot \min\Big(1, \frac{c}{\lVert g\rVert + 10^{-6}}\Big), \qquad
 *   \lVert g\rVert = \Big(\sum_{\text{leaves}} \sum_i g_i^2\Big)^{1/2}$$
 *
 * One factor for the whole tree, so the direction stays. (R. Pascanu et al., *On the Difficulty of Training Recurrent
 * Neural Networks*, 2013, algorithm 1; the small number in the denominator is PyTorch's.)
 *
 * With $a = \max_i |g_i|$ the norm is $a\,\lVert g/a\rVert$, whose squares neither overflow nor vanish. A gradient that is not finite
 * has no direction to keep: clipping refuses it, as PyTorch does with `error_if_nonfinite`, so a run cannot go on with NaN.
 *
 * @module
 */
import { dot, scale } from '../tensor/algebra.js'
import { trusted } from '../memory/trust.js'
import { check, limit } from '../tensor/domain.js'
import type { Tensor } from '../tensor/tensor.js'
import { notFinite } from '../tree/finite.js'
import { map, reduce } from '../tree/tree.js'
import { guardOptimizer, type Optimizer, optimizers } from './optimizer.js'

/** Sums of squares outside these may have lost digits to an overflow or an underflow. */
const LARGEST_SUM = 2 ** 1000
const SMALLEST_SUM = 2 ** -900

const largestOf = (leaf: Tensor): number => {
  let largest = 0
  for (let i = 0; i < leaf.data.length; i++) {
    const size = Math.abs(leaf.data[i])
    if (!(size <= largest)) largest = size
  }
  return largest
}

/** $\sum_i (g_i/a)^2$ */
const scaledSquares = (leaf: Tensor, a: number): number => {
  let total = 0
  for (let i = 0; i < leaf.data.length; i++) total += (leaf.data[i] / a) ** 2
  return total
}

/** The norm as a product $a r$, both finite if the gradient is. */
const normParts = (gradient: unknown): readonly [a: number, r: number] => {
  const squares = reduce(0, (total, leaf) => total + dot(leaf)(leaf))(gradient)
  if (squares >= SMALLEST_SUM && squares <= LARGEST_SUM) return [1, Math.sqrt(squares)]
  const a = reduce(0, (largest, leaf) => {
    const own = largestOf(leaf)
    return own <= largest ? largest : own
  })(gradient)
  return a > 0 && a < Infinity ? [a, Math.sqrt(reduce(0, (total, leaf) => total + scaledSquares(leaf, a))(gradient))] : [a, 1]
}

/**
 * $\lVert g \rVert$ over all leaves of a tree: ∞ or NaN if the gradient is not finite, and ∞ if no number of double precision
 * is so large.
 *
 * @example
 * globalNorm({ weight: tensor.of([3]), bias: tensor.of([4]) }) // 5
 *
 * @category gradients
 */
export const globalNorm = (gradient: unknown): number => {
  const [a, r] = normParts(gradient)
  return a * r
}

const refuse = (gradient: unknown): never => {
  const [path, entry] = notFinite(gradient) ?? ['', NaN]
  throw new RangeError(`clipByGlobalNorm: expected a gradient with a finite norm, got ${entry}${path === '' ? '' : ` in "${path}"`}`)
}

/**
 * The gradient itself if its norm is below `maxNorm`, or else scaled down to it. Throws `RangeError` unless `maxNorm` is
 * above 0, and for a gradient with an infinite entry or a NaN, naming the first leaf that has one.
 *
 * @example
 * tensor.toArray(clipByGlobalNorm(1)({ w: tensor.of([3, 4]) }).w) // [0.6, 0.8]
 *
 * @category gradients
 */
export const clipByGlobalNorm = (maxNorm: number): (<P>(gradient: P) => P) => {
  check('clipByGlobalNorm', 'maxNorm', limit, maxNorm)
  return gradient => {
    const [a, r] = normParts(gradient)
    if (!Number.isFinite(a) || !Number.isFinite(r)) return refuse(gradient)
    if (maxNorm / (a * r + 1e-6) >= 1) return gradient
    // In two factors if the norm is too large for one number; the small number in the denominator is nothing then.
    return Number.isFinite(a * r) ? map(scale(maxNorm / (a * r + 1e-6)))(gradient) : map(leaf => scale(maxNorm / r)(scale(1 / a)(leaf)))(gradient)
  }
}

/**
 * An optimiser that clips every gradient before it uses it: `pipe(adamW(options), withClipping(1))`. Throws `RangeError` unless
 * `maxNorm` is above 0; its steps throw `RangeError` for a gradient that is not finite.
 *
 * @example
 * const { init, step } = pipe(gradientDescent({ learningRate: 1 }), withClipping(1)), params = { w: tensor.of([0, 0]) }
 * tensor.toArray(step(params, { w: tensor.of([3, 4]) }, init(params)).params.w) // [-0.6, -0.8]
 *
 * @category optimisers
 */
export const withClipping = (maxNorm: number): (<S extends string>(optimizer: Optimizer<S>) => Optimizer<S>) => {
  check('withClipping', 'maxNorm', limit, maxNorm)
  const clip = clipByGlobalNorm(maxNorm)
  return <S extends string>(optimizer: Optimizer<S>): Optimizer<S> => {
    check('withClipping', 'optimizer', optimizers, optimizer)
    const { init, step } = guardOptimizer(optimizer)
    return trusted<Optimizer<S>>({ init, step: (params, gradient, state) => step(params, clip(gradient), state) })
  }
}
