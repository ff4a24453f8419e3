/**
 * Softmax and its Jacobian at a few scores.
 */
import { noParams, softmaxWith, tensor } from 'pullback'

/** The probabilities, and the Jacobian: row j is what the library pulls back from the output j alone. */
export const softmaxAt = (scores: readonly number[], temperature: number) => {
  const [y, pullback] = softmaxWith(temperature).vjp(noParams, tensor.of(scores, 'float64'))
  const jacobian = scores.map((_, j) =>
    tensor.toArray(pullback(tensor.of(scores.map((_score, i) => (i === j ? 1 : 0)), 'float64')).input))
  return { probabilities: tensor.toArray(y), jacobian, sums: jacobian.map(row => row.reduce((sum, entry) => sum + entry, 0)) }
}
