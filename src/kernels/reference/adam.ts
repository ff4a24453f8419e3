/**
 * The update of Adam and AdamW for one array of parameters.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'
import { freshLike } from '../fresh.js'

/** $\beta x + (1 - \beta)\,g^p$: the running mean of the gradient (p = 1) or of its square (p = 2). */
export const runningMean = (x: Floats, g: Floats, beta: number, power: 1 | 2): FreshFloats => {
  const y = freshLike(x, x.length)
  for (let i = 0; i < y.length; i++) y[i] = beta * x[i] + (1 - beta) * (power === 1 ? g[i] : g[i] * g[i])
  return y
}

export interface AdamStep {
  readonly rate: number
  /** $1 - \beta_1^s$ and $1 - \beta_2^s$, which correct the bias of means that began at zero. */
  readonly firstCorrection: number
  readonly secondCorrection: number
  readonly epsilon: number
  readonly decay: number
}

/** $\theta - \eta\lambda\theta - \eta\,\hat m/(\sqrt{\hat v} + \varepsilon)$ */
export const adamUpdate = (
  theta: Floats, m: Floats, v: Floats, { rate, firstCorrection, secondCorrection, epsilon, decay }: AdamStep
): FreshFloats => {
  const y = freshLike(theta, theta.length)
  for (let i = 0; i < y.length; i++) {
    const update = m[i] / firstCorrection / (Math.sqrt(v[i] / secondCorrection) + epsilon)
    y[i] = theta[i] - rate * decay * theta[i] - rate * update
  }
  return y
}
