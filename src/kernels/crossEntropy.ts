/**
 * Cross-entropy of rows of logits with one right index each: SIMD for single precision, the reference elsewhere.
 *
 * @module
 */
import type { Floats, FreshFloats, Integers } from './floats.js'
import * as reference from './reference/crossEntropy.js'
import { call } from './simd/arena.js'

/** $\sum_n -\ln \mathrm{softmax}(x_n)_{t_n}$ over the rows whose target is not `ignored`. */
export const crossEntropySum = (x: Floats, targets: Integers, width: number, ignored: number): number => {
  const done = call({ reads: [x, targets], writes: [], scratch: 4 * width + 16 }, (kernels, [px, pt], _, spare) =>
    kernels.crossEntropy(px, pt, targets.length, width, ignored, spare))
  return done === undefined ? reference.crossEntropySum(x, targets, width, ignored) : done[1]
}

/** $dx_{nj} = s\,(\mathrm{softmax}(x_n)_j - \delta_{j t_n})$, and zeros where the target is `ignored` or every logit −∞. */
export const crossEntropyGradient = (
  x: Floats, targets: Integers, width: number, ignored: number, scale: number
): FreshFloats => {
  const done = call({ reads: [x, targets], writes: [x.length] }, (kernels, [px, pt], [dx]) =>
    kernels.crossEntropyGradient(dx, px, pt, targets.length, width, ignored, scale))
  return done === undefined ? reference.crossEntropyGradient(x, targets, width, ignored, scale) : done[0][0]
}
