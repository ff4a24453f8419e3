/**
 * Cross-entropy of one row of logits.
 */
import { crossEntropy, noParams, softmax, tensor } from 'pullback'

/** The target that does not count. */
export const IGNORED = -100

const loss = crossEntropy()

export const crossEntropyAt = (logits: readonly number[], target: number) => {
  const row = tensor.of([logits], 'float64'), targets = tensor.tokensOf([target])
  return {
    loss: loss.forward(row, targets),
    gradient: tensor.toArray(loss.gradient(row, targets)),
    probabilities: tensor.toArray(softmax.forward(noParams, row)),
    oneHot: logits.map((_, j) => (j === target ? 1 : 0))
  }
}
