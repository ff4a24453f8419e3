/**
 * The update of Adam and AdamW for one array of parameters.
 *
 * @module
 */
import { vectors } from './entries.js'
import { isSingle } from './floats.js'
import { kernel } from './kernel.js'
import * as reference from './reference/adam.js'

/** One step for one array of parameters, its two running means, and its gradient: the next three. */
export const adam = kernel('adam', reference.adam)({
  reads: ({ n }: reference.AdamStep) => [n, n, n, n],
  writes: ({ n }) => [n, n, n],
  numbers: ({ rate, beta1, beta2, firstCorrection, secondCorrection, epsilon, decay }) =>
    [rate, beta1, beta2, firstCorrection, secondCorrection, epsilon, decay],
  // The fast version divides by the rate; a rate of 0 is for the reference.
  fits: ({ rate, firstCorrection, secondCorrection, epsilon, decay }) =>
    [epsilon * firstCorrection / rate, firstCorrection / (rate * Math.sqrt(secondCorrection)), rate * decay].every(isSingle),
  // Nine constants, four times each.
  scratch: () => 144,
  pieces: sizes => vectors(sizes, 20),
  inPlace: 3,
  fast: 'adam'
})
