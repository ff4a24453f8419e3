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
import * as kernel from '../kernels/random.js'
import { type Layer, type NoParams, parameterless } from '../layer/layer.js'
import { trusted } from '../memory/trust.js'
import { checkKey, type Key } from '../random/key.js'
import { check, fraction } from '../tensor/domain.js'
import { checkTensor, own, type Tensor } from '../tensor/tensor.js'

/** $m_i x_i / (1 - p)$ */
const dropped = (rate: number, { high, low }: Key) => (x: Tensor): Tensor =>
  own(x.shape, kernel.dropout({ n: x.data.length, high, low, rate }, x.data))

/**
 * Drops entries at random with probability `rate`, by the key.
 * Throws `RangeError` unless 0 ≤ rate < 1.
 *
 * @example
 * tensor.toArray(dropout(0.5, random.key(0)).forward(noParams, tensor.of([1, 1, 1, 1, 1, 1]))) // [0, 0, 2, 2, 2, 2]
 *
 * @category layers
 */
export const dropout = (rate: number, key: Key): Layer<NoParams, Tensor, Tensor> => {
  check('dropout', 'rate', fraction, rate)
  checkKey('dropout', key)
  const drop = dropped(rate, key)
  return trusted(parameterless(x => {
    checkTensor('dropout', 'x', x)
    return drop(x)
  }, (_, dy) => drop(dy)))
}
