/**
 * Cross-entropy of rows of logits with one right index each.
 *
 * @module
 */
import type { Floats, FreshFloats, Integers } from '../floats.js'
import { freshLike } from '../fresh.js'
import { softmaxRow } from './softmax.js'

/** $\sum_n \big(\ln \sum_l e^{x_{nl}} - x_{n t_n}\big)$ over the rows whose target is not `ignored`. */
export const crossEntropySum = (x: Floats, targets: Integers, width: number, ignored: number): number => {
  let total = 0
  for (let row = 0, start = 0; row < targets.length; row++, start += width) {
    if (targets[row] === ignored) continue
    let max = -Infinity
    for (let j = start; j < start + width; j++) if (x[j] > max) max = x[j]
    let sum = 0
    for (let j = start; j < start + width; j++) sum += Math.exp(x[j] - max)
    total += Math.log(sum) + max - x[start + targets[row]]
  }
  return total
}

/** $dx_{nj} = s\,(\mathrm{softmax}(x_n)_j - \delta_{j t_n})$, and zeros where the target is `ignored`. */
export const crossEntropyGradient = (
  x: Floats, targets: Integers, width: number, ignored: number, scale: number
): FreshFloats => {
  const dx = freshLike(x, x.length)
  for (let row = 0, start = 0; row < targets.length; row++, start += width) {
    if (targets[row] === ignored) continue
    softmaxRow(dx, start, x, start, width, 1)
    dx[start + targets[row]] -= 1
    for (let j = start; j < start + width; j++) dx[j] *= scale
  }
  return dx
}
