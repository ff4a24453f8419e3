/**
 * The update of Adam and AdamW for one array of parameters.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'

export interface AdamStep {
  /** How many parameters there are. */
  readonly n: number
  readonly rate: number
  readonly beta1: number
  readonly beta2: number
  /** $1 - \beta_1^s$ and $1 - \beta_2^s$, which correct the bias of means that began at zero. */
  readonly firstCorrection: number
  readonly secondCorrection: number
  readonly epsilon: number
  readonly decay: number
}

/**
 * $m' = \beta_1 m + (1 - \beta_1)\,g$, $v' = \beta_2 v + (1 - \beta_2)\,g^2$ and
 * $\theta' = \theta - \eta\lambda\theta - \eta\,\hat m/(\sqrt{\hat v} + \varepsilon)$
 */
export const adam = (
  { rate, beta1, beta2, firstCorrection, secondCorrection, epsilon, decay }: AdamStep,
  [theta, m, v, g]: readonly [theta: Floats, m: Floats, v: Floats, g: Floats],
  [nextTheta, nextM, nextV]: readonly [nextTheta: FreshFloats, nextM: FreshFloats, nextV: FreshFloats]
): void => {
  for (let i = 0; i < theta.length; i++) {
    nextM[i] = beta1 * m[i] + (1 - beta1) * g[i]
    nextV[i] = beta2 * v[i] + (1 - beta2) * (g[i] * g[i])
    const update = nextM[i] / firstCorrection / (Math.sqrt(nextV[i] / secondCorrection) + epsilon)
    nextTheta[i] = theta[i] - rate * decay * theta[i] - rate * update
  }
}
