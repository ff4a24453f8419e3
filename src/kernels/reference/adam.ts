/**
 * The update of Adam and AdamW for one array of parameters.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'
import { freshLike } from '../fresh.js'

export interface AdamStep {
  readonly rate: number
  readonly beta1: number
  readonly beta2: number
  /** $1 - \beta_1^s$ and $1 - \beta_2^s$, which correct the bias of means that began at zero. */
  readonly firstCorrection: number
  readonly secondCorrection: number
  readonly epsilon: number
  readonly decay: number
}

export interface AdamArrays<A> {
  readonly theta: A
  readonly m: A
  readonly v: A
}

/**
 * $m' = \beta_1 m + (1 - \beta_1)\,g$, $v' = \beta_2 v + (1 - \beta_2)\,g^2$ and
 * $\theta' = \theta - \eta\lambda\theta - \eta\,\hat m/(\sqrt{\hat v} + \varepsilon)$
 */
export const adam = (
  { theta, m, v }: AdamArrays<Floats>, g: Floats, { rate, beta1, beta2, firstCorrection, secondCorrection, epsilon, decay }: AdamStep
): AdamArrays<FreshFloats> => {
  const next = { theta: freshLike(theta, theta.length), m: freshLike(m, m.length), v: freshLike(v, v.length) }
  for (let i = 0; i < theta.length; i++) {
    next.m[i] = beta1 * m[i] + (1 - beta1) * g[i]
    next.v[i] = beta2 * v[i] + (1 - beta2) * (g[i] * g[i])
    const update = next.m[i] / firstCorrection / (Math.sqrt(next.v[i] / secondCorrection) + epsilon)
    next.theta[i] = theta[i] - rate * decay * theta[i] - rate * update
  }
  return next
}
