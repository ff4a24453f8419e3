/**
 * Cross-entropy from logits: how surprised the softmax of a row is by the right index.
 *
 * $$\ell = \frac1N \sum_n \ell_n, \qquad \ell_n = -\ln \mathrm{softmax}(x_n)_{t_n} = \ln \sum_l e^{x_{nl}} - x_{n t_n}$$
 *
 * Shapes: logits $x$ `[..., V]`, targets $t$ `[...]`. Rows whose target is the ignored index (−100 unless given) do
 * not count: they add nothing, $N$ is the number of the others, and their gradient is zero. With $m = \max_l x_{nl}$
 * the first term is computed as $m + \ln \sum_l e^{x_{nl} - m}$, which cannot overflow. Where every logit of a row is −∞ no index
 * has a probability: the loss is ∞, and the gradient of the row 0. Logits of +∞ stand for the limit: they share the probability.
 *
 * **Derivation.** The derivative of the first term with respect to $x_{nj}$ is
 *
 * $$\frac{\partial}{\partial x_{nj}} \ln \sum_l e^{x_{nl}} = \frac{e^{x_{nj}}}{\sum_l e^{x_{nl}}} = \mathrm{softmax}(x_n)_j,$$
 *
 * the derivative of the second is $-\delta_{j t_n}$, and the rows are independent:
 *
 * $$dx_{nj} = \frac1N\big(\mathrm{softmax}(x_n)_j - \delta_{j t_n}\big) \quad\text{(without } 1/N \text{ for the sum)}.$$
 *
 * Each row of the gradient sums to zero, since the softmax sums to one.
 *
 * @module
 */
import { crossEntropyGradient, crossEntropySum } from '../kernels/crossEntropy.js'
import { trusted } from '../memory/trust.js'
import { checkOptions } from '../tensor/domain.js'
import { checkTensor, own, type Tensor, type Tokens } from '../tensor/tensor.js'
import { crossEntropyOfFactors } from './factoredCrossEntropy.js'
import { type Loss, termScale, weightFor } from './loss.js'
import { withFactoredLoss } from './shortcuts.js'
import { counted, crossEntropyFields, type CrossEntropyOptions, IGNORED, sizesOf } from './targets.js'

/**
 * The mean (or sum) of $\ln \sum_l e^{x_{nl}} - x_{n t_n}$ over the rows that count. In nats.
 * Throws `ShapeError` if the shapes do not fit and `RangeError` for a target outside the vocabulary.
 *
 * @example
 * crossEntropy().forward(tensor.of([[0, 0], [0, 9]]), tensor.tokensOf([0, 1])) // 0.3466
 *
 * @category losses
 */
export const crossEntropy = (options: CrossEntropyOptions = {}): Loss<Tensor, Tokens> => {
  checkOptions('crossEntropy', crossEntropyFields, options)
  const { reduction, ignoreIndex: ignored = IGNORED } = options
  /** Checks the arguments. */
  const sizes = (logits: Tensor, targets: Tokens) => {
    checkTensor('crossEntropy', 'logits', logits)
    return sizesOf('crossEntropy', logits.shape, targets, ignored)
  }
  return withFactoredLoss(trusted<Loss<Tensor, Tokens>>({
    forward: (logits, targets) => {
      const { width, terms } = sizes(logits, targets)
      return crossEntropySum({ rows: targets.data.length, width, ignored }, logits.data, targets.data) * termScale(reduction, terms)
    },
    gradient: (logits, targets) => {
      const { width, terms } = sizes(logits, targets)
      return own(logits.shape, crossEntropyGradient(
        { rows: targets.data.length, width, ignored, scale: termScale(reduction, terms) }, logits.data, targets.data))
    },
    weight: targets => weightFor(reduction, counted(targets, ignored))
  }), crossEntropyOfFactors('crossEntropy', { reduction, ignoreIndex: ignored }))
}
