/**
 * Clipping of gradients by their global norm.
 *
 * $$g \mapsto g \cdot \min\Big(1, \frac{c}{\lVert g\rVert + 10^{-6}}\Big), \qquad
 *   \lVert g\rVert = \Big(\sum_{\text{leaves}} \sum_i g_i^2\Big)^{1/2}$$
 *
 * One factor for the whole tree, so the direction stays. (R. Pascanu et al., *On the Difficulty of Training Recurrent
 * Neural Networks*, 2013, algorithm 1; the small number in the denominator is PyTorch's.)
 *
 * @module
 */
import { dot, scale } from '../tensor/algebra.js'
import { check, limit } from '../tensor/domain.js'
import { map, reduce } from '../tree/tree.js'
import { type Optimizer, optimizers } from './optimizer.js'

/**
 * $\lVert g \rVert$ over all leaves of a tree.
 *
 * @category gradients
 */
export const globalNorm = (gradient: unknown): number =>
  Math.sqrt(reduce(0, (total, leaf) => total + dot(leaf)(leaf))(gradient))

/**
 * The gradient itself where its norm is below `maxNorm`, and scaled down to it otherwise.
 * Throws `RangeError` unless `maxNorm` is above 0.
 *
 * @category gradients
 */
export const clipByGlobalNorm = (maxNorm: number): (<P>(gradient: P) => P) => {
  check('clipByGlobalNorm', 'maxNorm', limit, maxNorm)
  return gradient => {
    const factor = maxNorm / (globalNorm(gradient) + 1e-6)
    return factor >= 1 ? gradient : map(scale(factor))(gradient)
  }
}

/**
 * An optimiser that clips every gradient before it uses it: `pipe(adamW(options), clipped(1))`.
 * Throws `RangeError` unless `maxNorm` is above 0.
 *
 * @category optimisers
 */
export const clipped = (maxNorm: number): (<S extends string>(optimizer: Optimizer<S>) => Optimizer<S>) => {
  check('clipped', 'maxNorm', limit, maxNorm)
  return <S extends string>(optimizer: Optimizer<S>): Optimizer<S> => {
    check('clipped', 'optimizer', optimizers, optimizer)
    const { init, step } = optimizer
    return { init, step: (params, gradient, state) => step(params, clipByGlobalNorm(maxNorm)(gradient), state) }
  }
}
