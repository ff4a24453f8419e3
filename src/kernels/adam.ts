/**
 * The update of Adam and AdamW for one array of parameters: SIMD for single precision, the reference elsewhere.
 *
 * @module
 */
import type { Floats, FreshFloats } from './floats.js'
import * as reference from './reference/adam.js'
import { call } from './simd/arena.js'

/** $\beta x + (1 - \beta)\,g^p$: the running mean of the gradient (p = 1) or of its square (p = 2). */
export const runningMean = (x: Floats, g: Floats, beta: number, power: 1 | 2): FreshFloats => {
  const done = call({ reads: [x, g], writes: [x.length] }, ({ runningMean: first, runningMeanSquare: second }, [px, pg], [y]) =>
    (power === 1 ? first : second)(y, px, pg, beta, x.length))
  return done === undefined ? reference.runningMean(x, g, beta, power) : done[0][0]
}

/** $\theta - \eta\lambda\theta - \eta\,\hat m/(\sqrt{\hat v} + \varepsilon)$ */
export const adamUpdate = (theta: Floats, m: Floats, v: Floats, step: reference.AdamStep): FreshFloats => {
  const { rate, firstCorrection, secondCorrection, epsilon, decay } = step
  const done = call({ reads: [theta, m, v], writes: [theta.length] }, (kernels, [pt, pm, pv], [y]) =>
    kernels.adam(y, pt, pm, pv, rate, firstCorrection, secondCorrection, epsilon, decay, theta.length))
  return done === undefined ? reference.adamUpdate(theta, m, v, step) : done[0][0]
}
