/**
 * Cross-entropy of rows of logits with one right index each.
 *
 * @module
 */
import type { Floats, Integers } from './floats.js'
import { kernel } from './kernel.js'
import * as reference from './reference/crossEntropy.js'

type Sizes = reference.CrossEntropySizes

/** Throws unless every target is an index of a row, or ignored. */
const checkTargets = ({ width, ignored }: Sizes, [, targets]: readonly [Floats, Integers]): void => {
  for (let row = 0; row < targets.length; row++)
    if (targets[row] !== ignored && !(targets[row] >= 0 && targets[row] < width))
      throw new RangeError(`crossEntropy: expected targets from 0 to ${width - 1}, got ${targets[row]} in row ${row}`)
}

/** $\sum_n -\ln \mathrm{softmax}(x_n)_{t_n}$ over the rows whose target is not `ignored`. */
export const crossEntropySum = kernel('crossEntropy', (sizes: Sizes, reads: readonly [Floats, Integers], _: readonly []) => reference.crossEntropySum(sizes, reads))({
  reads: ({ rows, width }) => [rows * width, rows], check: checkTargets, writes: () => [], numbers: ({ rows, width, ignored }) => [rows, width, ignored], scratch: ({ width }) => 4 * width + 16,
  fast: 'crossEntropy'
})

/** $dx_{nj} = s\,(\mathrm{softmax}(x_n)_j - \delta_{j t_n})$, and zeros where the target is `ignored` or every logit −∞. */
export const crossEntropyGradient = kernel('crossEntropy', reference.crossEntropyGradient)({
  reads: ({ rows, width }) => [rows * width, rows], check: checkTargets, writes: ({ rows, width }) => [rows * width],
  numbers: ({ width, ignored, scale }) => [width, ignored, scale], pieces: ({ rows, width }) => ({ count: rows, work: rows * width * 25 }),
  inPlace: 1, fast: 'crossEntropyGradient'
})
