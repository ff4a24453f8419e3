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
import { map, reduce } from '../tree/tree.js'
import type { Optimizer } from './optimizer.js'

/**
 * $\lVert g \rVert$ over all leaves of a tree.
 *
 * @category gradients
 */
export const globalNorm = (gradient: unknown): number =>
  Math.sqrt(reduce(0, (total, leaf) => total + dot(leaf)(leaf))(gradient))

/**
 * The gradient itself where its norm is at most `maxNorm` $- 10^{-6}$, and scaled down otherwise.
 *
 * @category gradients
 */
export const clipByGlobalNorm = (maxNorm: number) => <P>(gradient: P): P => {
  const factor = maxNorm / (globalNorm(gradient) + 1e-6)
  return factor >= 1 ? gradient : map(scale(factor))(gradient)
}

/**
 * An optimiser that clips every gradient before it uses it: `pipe(adamW(options), clipped(1))`.
 *
 * @category optimisers
 */
export const clipped = (maxNorm: number) => <S extends string>({ init, step }: Optimizer<S>): Optimizer<S> => ({
  init,
  step: (params, gradient, state) => step(params, clipByGlobalNorm(maxNorm)(gradient), state)
})
