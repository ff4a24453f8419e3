/**
 * The update of Adam and AdamW for one array of parameters: SIMD for single precision, the reference elsewhere.
 *
 * @module
 */
import { type Floats, type FreshFloats, isSingle } from './floats.js'
import * as reference from './reference/adam.js'
import { call } from './simd/arena.js'

/** One step for one array of parameters, its two running means, and its gradient. */
export const adam = (
  { theta, m, v }: reference.AdamArrays<Floats>, g: Floats, step: reference.AdamStep
): reference.AdamArrays<FreshFloats> => {
  const { rate, beta1, beta2, firstCorrection, secondCorrection, epsilon, decay } = step, n = theta.length
  // The kernel divides by the rate; a rate of 0 is for the reference.
  const fits = [epsilon * firstCorrection / rate, firstCorrection / (rate * Math.sqrt(secondCorrection)), rate * decay].every(isSingle)
  const done = !fits ? undefined : call({ reads: [theta, m, v, g], writes: [n, n, n] }, (kernels, [pt, pm, pv, pg], [nextT, nextM, nextV]) =>
    kernels.adam(nextT, nextM, nextV, pt, pm, pv, pg, rate, beta1, beta2, firstCorrection, secondCorrection, epsilon, decay, n))
  return done === undefined ? reference.adam({ theta, m, v }, g, step) : { theta: done[0][0], m: done[0][1], v: done[0][2] }
}
