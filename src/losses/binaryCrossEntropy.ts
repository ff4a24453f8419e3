/**
 * Binary cross-entropy, from probabilities and from logits.
 *
 * $$\ell_i = -t_i \ln p_i - (1 - t_i) \ln(1 - p_i), \qquad p_i = \sigma(x_i) \text{ for logits } x_i$$
 *
 * Shapes: prediction and target $t$ any, the same; $0 \le t_i \le 1$; the loss is the mean or the sum of all $\ell_i$.
 *
 * **Derivation, from probabilities.** With $(\ln p)' = 1/p$ and $(\ln(1 - p))' = -1/(1 - p)$,
 *
 * $$\frac{\partial\ell_i}{\partial p_i} = -\frac{t_i}{p_i} + \frac{1 - t_i}{1 - p_i}
 *   = \frac{-t_i(1 - p_i) + (1 - t_i)\,p_i}{p_i(1 - p_i)} = \frac{p_i - t_i}{p_i(1 - p_i)}.$$
 *
 * At $p = 0$ and $p = 1$ a logarithm is infinite. As in PyTorch, logarithms are cut off at −100 and the denominator
 * at $10^{-12}$, so loss and gradient stay finite.
 *
 * **Derivation, from logits.** By $1 - \sigma(x) = \sigma(-x)$ and $-\ln\sigma(x) = \ln(1 + e^{-x})$,
 *
 * $$\ell_i = t_i \ln(1 + e^{-x_i}) + (1 - t_i) \ln(1 + e^{x_i})
 *   = t_i \ln(1 + e^{-x_i}) + (1 - t_i)\big(x_i + \ln(1 + e^{-x_i})\big) = (1 - t_i)\,x_i + \ln(1 + e^{-x_i}).$$
 *
 * For $x_i < 0$ the exponential may overflow; there $\ln(1 + e^{-x}) = -x + \ln(1 + e^{x})$. Both cases together:
 *
 * $$\ell_i = \max(x_i, 0) - t_i x_i + \ln(1 + e^{-|x_i|}).$$
 *
 * Its derivative, from the form before, is $1 - t_i - \frac{e^{-x_i}}{1 + e^{-x_i}} = 1 - t_i - (1 - \sigma(x_i))$:
 *
 * $$dx_i = \sigma(x_i) - t_i \quad\text{(times } 1/N \text{ for the mean)}.$$
 *
 * @module
 */
import * as kernel from '../kernels/losses.js'
import type { Tensor } from '../tensor/tensor.js'
import { entrywise, type Loss, type LossOptions } from './loss.js'

/** Throws `RangeError` if a target is no probability. */
const checkTargets = (operation: string) => ({ data }: Tensor): void => {
  for (let i = 0; i < data.length; i++)
    if (!(data[i] >= 0 && data[i] <= 1)) throw new RangeError(`${operation}: expected targets from 0 to 1, got ${data[i]} at position ${i}`)
}

/**
 * The mean (or sum) of $-t \ln p - (1 - t) \ln(1 - p)$, with logarithms cut off at −100.
 * Throws `ShapeError` if the shapes differ, and `RangeError` for a target that is not from 0 to 1.
 *
 * @example
 * binaryCrossEntropy().forward(tensor.of([0.5, 0.9]), tensor.of([0, 1])) // 0.3993
 *
 * @category losses
 */
export const binaryCrossEntropy = (options: LossOptions = {}): Loss<Tensor, Tensor> =>
  entrywise('binaryCrossEntropy', kernel.binaryCrossEntropy, options, checkTargets('binaryCrossEntropy'))

/**
 * The mean (or sum) of $\max(x, 0) - t x + \ln(1 + e^{-|x|})$ for logits $x$: finite for every finite logit.
 * Throws `ShapeError` if the shapes differ, and `RangeError` for a target that is not from 0 to 1.
 *
 * @example
 * binaryCrossEntropyWithLogits().forward(tensor.of([0, 1000]), tensor.of([0, 1])) // 0.3466
 *
 * @category losses
 */
export const binaryCrossEntropyWithLogits = (options: LossOptions = {}): Loss<Tensor, Tensor> =>
  entrywise('binaryCrossEntropyWithLogits', kernel.binaryCrossEntropyWithLogits, options, checkTargets('binaryCrossEntropyWithLogits'))
