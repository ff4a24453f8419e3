/**
 * Cross-entropy of rows of logits with one right index each.
 *
 * @module
 */
import type { Floats, FreshFloats, Integers } from '../floats.js'
import { infinities, largest, softmaxRow } from './softmax.js'

export interface CrossEntropySizes {
  readonly rows: number
  readonly width: number
  /** The target of rows that do not count. */
  readonly ignored: number
}

/**
 * $-\ln \mathrm{softmax}(x)_t$ of one row. Where every logit is −∞ no index has a probability, so the surprise is ∞; a logit of
 * +∞ stands for the limit, as in `softmaxRow`.
 */
const surprise = (x: Floats, start: number, width: number, target: number): number => {
  const max = largest(x, start, width)
  if (max === -Infinity) return Infinity
  if (max === Infinity) return x[start + target] === Infinity ? Math.log(infinities(x, start, width)) : Infinity
  let sum = 0
  for (let j = start; j < start + width; j++) sum += Math.exp(x[j] - max)
  // The difference first: the logarithm would vanish beside a large logit.
  return Math.log(sum) + (max - x[start + target])
}

/** $\sum_n -\ln \mathrm{softmax}(x_n)_{t_n}$ over the rows whose target is not `ignored`. */
export const crossEntropySum = ({ width, ignored }: CrossEntropySizes, [x, targets]: readonly [x: Floats, targets: Integers]): number => {
  let total = 0
  for (let row = 0, start = 0; row < targets.length; row++, start += width)
    if (targets[row] !== ignored) total += surprise(x, start, width, targets[row])
  return total
}

/**
 * $dx_{nj} = s\,(\mathrm{softmax}(x_n)_j - \delta_{j t_n})$, and zeros where the target is `ignored` or every logit −∞: there the loss is
 * ∞ whatever finite number is added to one of them.
 */
export const crossEntropyGradient = (
  { width, ignored, scale }: CrossEntropySizes & { readonly scale: number },
  [x, targets]: readonly [x: Floats, targets: Integers], [dx]: readonly [dx: FreshFloats]
): void => {
  for (let row = 0, start = 0; row < targets.length; row++, start += width) {
    if (targets[row] === ignored || largest(x, start, width) === -Infinity) {
      dx.fill(0, start, start + width)
      continue
    }
    softmaxRow(dx, start, x, start, width, 1)
    dx[start + targets[row]] -= 1
    for (let j = start; j < start + width; j++) dx[j] *= scale
  }
}
