/**
 * Gradient descent, plain and with momentum.
 *
 * $$\theta_{s+1} = \theta_s - \eta_s\, g_s$$
 *
 * $$u_{s+1} = \mu\, u_s + g_s, \qquad \theta_{s+1} = \theta_s - \eta_s\, u_{s+1}, \qquad u_0 = 0$$
 *
 * with parameters $\theta$, gradient $g$, learning rate $\eta$, momentum $\mu$ and velocity $u$.
 * (B. Polyak, *Some Methods of Speeding up the Convergence of Iteration Methods*, 1964, in PyTorch's form.)
 *
 * @module
 */
import { descend as descendArray } from '../kernels/algebra.js'
import { trusted } from '../memory/trust.js'
import { add, scale } from '../tensor/algebra.js'
import { checkAlike, own } from '../tensor/tensor.js'
import { zeros, zipWith } from '../tree/tree.js'
import { type LearningRate, type Optimizer, rateAt } from './optimizer.js'

/** $\theta - \eta g$ for every leaf. */
const descend = <P>(rate: number, gradient: P, params: P): P =>
  zipWith(gradient, (p, g, path) => {
    checkAlike(`gradient "${path}"`, p, g)
    return own(p.shape, descendArray({ n: p.data.length, rate }, p.data, g.data))
  })(params)

/**
 * $\theta \leftarrow \theta - \eta g$.
 *
 * @category optimisers
 */
export const gradientDescent = ({ learningRate }: { readonly learningRate: LearningRate }): Optimizer<never> => trusted<Optimizer<never>>({
  init: () => ({ step: 0, slots: {} }),
  step: (params, gradient, { step, slots }) => ({
    params: descend(rateAt(learningRate, step), gradient, params),
    state: { step: step + 1, slots }
  })
})

export interface MomentumOptions {
  readonly learningRate: LearningRate
  /** $\mu$, default 0.9. */
  readonly momentum?: number
}

/**
 * $u \leftarrow \mu u + g,\ \theta \leftarrow \theta - \eta u$.
 *
 * @category optimisers
 */
export const momentum = ({ learningRate, momentum: mu = 0.9 }: MomentumOptions): Optimizer<'velocity'> => trusted<Optimizer<'velocity'>>({
  init: params => ({ step: 0, slots: { velocity: zeros(params) } }),
  step: (params, gradient, { step, slots }) => {
    const velocity = zipWith(gradient, (u, g) => add(g)(scale(mu)(u)))(slots.velocity)
    return {
      params: descend(rateAt(learningRate, step), velocity, params),
      state: { step: step + 1, slots: { velocity } }
    }
  }
})
