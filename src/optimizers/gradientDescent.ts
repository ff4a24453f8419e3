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
import { checkOptions, type Fields, fraction, optional } from '../tensor/domain.js'
import { checkAlike, own } from '../tensor/tensor.js'
import { zeros, zipWith } from '../tree/tree.js'
import { type LearningRate, learningRates, type Optimizer, rateAt } from './optimizer.js'

/** $\theta - \eta g$ for every leaf. */
const descend = <P>(rate: number, gradient: P, params: P): P =>
  zipWith(gradient, (p, g, path) => {
    checkAlike(`gradient "${path}"`, p, g)
    return own(p.shape, descendArray({ n: p.data.length, rate }, p.data, g.data))
  })(params)

export interface GradientDescentOptions {
  readonly learningRate: LearningRate
}

const GRADIENT_DESCENT: Fields<GradientDescentOptions> = { learningRate: learningRates }

/**
 * $\theta \leftarrow \theta - \eta g$. Throws `RangeError` unless the learning rate is finite and at least 0.
 *
 * @example
 * const { init, step } = gradientDescent({ learningRate: 0.1 }), params = { w: tensor.of([1]) }
 * tensor.toArray(step(params, { w: tensor.of([2]) }, init(params)).params.w) // [0.8]
 *
 * @category optimisers
 */
export const gradientDescent = (options: GradientDescentOptions): Optimizer<never> => {
  checkOptions('gradientDescent', GRADIENT_DESCENT, options)
  const { learningRate } = options
  return trusted<Optimizer<never>>({
    init: () => ({ step: 0, slots: {} }),
    step: (params, gradient, { step, slots }) => ({
      params: descend(rateAt('gradientDescent', learningRate, step), gradient, params),
      state: { step: step + 1, slots }
    })
  })
}

export interface MomentumOptions extends GradientDescentOptions {
  /** $\mu$, default 0.9. */
  readonly momentum?: number | undefined
}

const MOMENTUM: Fields<MomentumOptions> = { learningRate: learningRates, momentum: optional(fraction) }

/**
 * $u \leftarrow \mu u + g,\ \theta \leftarrow \theta - \eta u$.
 * Throws `RangeError` unless the learning rate is finite and at least 0, and $0 \le \mu < 1$.
 *
 * @example
 * const { init, step } = momentum({ learningRate: 0.1, momentum: 0.9 }), params = { w: tensor.of([1]) }
 * tensor.toArray(step(params, { w: tensor.of([2]) }, init(params)).state.slots.velocity.w) // [2]
 *
 * @category optimisers
 */
export const momentum = (options: MomentumOptions): Optimizer<'velocity'> => {
  checkOptions('momentum', MOMENTUM, options)
  const { learningRate, momentum: mu = 0.9 } = options
  return trusted<Optimizer<'velocity'>>({
    init: params => ({ step: 0, slots: { velocity: zeros(params) } }),
    step: (params, gradient, { step, slots }) => {
      const velocity = zipWith(gradient, (u, g) => add(g)(scale(mu)(u)))(slots.velocity)
      return {
        params: descend(rateAt('momentum', learningRate, step), velocity, params),
        state: { step: step + 1, slots: { velocity } }
      }
    }
  })
}
