/**
 * Squared error.
 *
 * $$\ell = \frac1N \sum_i (p_i - t_i)^2 \quad\text{(mean)}, \qquad \ell = \sum_i (p_i - t_i)^2 \quad\text{(sum)}$$
 *
 * Shapes: prediction $p$ and target $t$ any, the same; $N$ is the number of entries.
 *
 * **Derivation.** By the chain rule $\partial (p_i - t_i)^2/\partial p_i = 2(p_i - t_i)$, and no other term has $p_i$:
 *
 * $$dp_i = \frac2N\,(p_i - t_i) \quad\text{(mean)}, \qquad dp_i = 2\,(p_i - t_i) \quad\text{(sum)}.$$
 *
 * @module
 */
import { squaredError } from '../kernels/losses.js'
import type { Tensor } from '../tensor/tensor.js'
import { entrywise, type Loss, type LossOptions } from './loss.js'

/**
 * The mean (or sum) of $(p_i - t_i)^2$ over all entries. Throws `ShapeError` if the shapes differ.
 *
 * @example
 * meanSquaredError().forward(tensor.of([1, 2]), tensor.of([1, 4])) // 2
 *
 * @category losses
 */
export const meanSquaredError = (options: LossOptions = {}): Loss<Tensor, Tensor> =>
  entrywise('meanSquaredError', squaredError, options)
