/**
 * Dropout: in training, each entry is kept with probability $1 - p$ and otherwise set to zero.
 *
 * $$y_i = \frac{m_i}{1 - p}\,x_i, \qquad m_i \sim \mathrm{Bernoulli}(1 - p)$$
 *
 * The division keeps the mean: $\mathbb E[y_i] = x_i$, so the model for inference simply has no dropout.
 * Shapes: any, entry by entry. (N. Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from
 * Overfitting*, 2014.)
 *
 * The mask is a function of the key and the shape. One layer value always drops the same entries; a training
 * step builds its model from the key of that step.
 *
 * **Derivation.** For a fixed mask the function is linear and diagonal: $dx_i = \frac{m_i}{1 - p}\,dy_i$, the same
 * function applied to $dy$.
 *
 * @module
 */
import { type Layer, layerKeeping, type NoParams, noParams } from '../layer/layer.js'
import { trusted } from '../memory/trust.js'
import { uniform } from '../random/distributions.js'
import { checkKey, type Key } from '../random/key.js'
import { map, multiply } from '../tensor/algebra.js'
import { check, fraction } from '../tensor/domain.js'
import { checkTensor, precisionOf, type Tensor } from '../tensor/tensor.js'

/** $m_i / (1 - p)$ for a tensor of the shape and precision of `x`. */
const scaledMask = (rate: number, key: Key, x: Tensor): Tensor => {
  const kept = 1 / (1 - rate)
  return map(u => (u < rate ? 0 : kept))(uniform(x.shape, { precision: precisionOf(x) })(key))
}

/**
 * Drops entries at random with probability `rate`, by the key.
 * Throws `RangeError` unless 0 ≤ rate < 1.
 *
 * @category layers
 */
export const dropout = (rate: number, key: Key): Layer<NoParams, Tensor, Tensor> => {
  check('dropout', 'rate', fraction, rate)
  checkKey('dropout', key)
  return trusted(layerKeeping({
    forward: (_, x) => {
      checkTensor('dropout', 'x', x)
      const mask = scaledMask(rate, key, x)
      return [multiply(mask)(x), mask]
    },
    gradient: (_, __, mask, dy) => ({ params: noParams, input: multiply(mask)(dy) })
  }))
}
