/**
 * Adam, and AdamW, which separates the decay of the weights from the gradient.
 *
 * $$m_s = \beta_1 m_{s-1} + (1 - \beta_1)\,g_s, \qquad v_s = \beta_2 v_{s-1} + (1 - \beta_2)\,g_s^2, \qquad m_0 = v_0 = 0$$
 *
 * $$\hat m_s = \frac{m_s}{1 - \beta_1^s}, \qquad \hat v_s = \frac{v_s}{1 - \beta_2^s}, \qquad
 *   \theta_s = \theta_{s-1} - \eta_s \Big(\frac{\hat m_s}{\sqrt{\hat v_s} + \varepsilon} + \lambda\,\theta_{s-1}\Big)$$
 *
 * for $s = 1, 2, \dots$ and every parameter on its own; $\lambda = 0$ is Adam. (D. Kingma, J. Ba, *Adam*, 2015,
 * algorithm 1; I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, 2019, algorithm 2, with the decay
 * scaled by the learning rate as in PyTorch.)
 *
 * **Why the corrections.** Unrolled, $m_s = (1 - \beta_1) \sum_{k=1}^{s} \beta_1^{s-k} g_k$. If all $g_k$ have the mean
 * $\bar g$, then $\mathbb E[m_s] = \bar g\,(1 - \beta_1) \sum_{k=0}^{s-1} \beta_1^k = \bar g\,(1 - \beta_1^s)$, so dividing by
 * $1 - \beta_1^s$ removes the bias towards zero; likewise for $v_s$.
 *
 * The constants are numbers of double precision whatever the precision of the parameters.
 *
 * @module
 */
import * as kernel from '../kernels/adam.js'
import { guarded, trusted } from '../memory/trust.js'
import { checkOptions, type Fields, fraction, functions, nonNegative, optional, positive } from '../tensor/domain.js'
import { checkAlike, own, type Tensor } from '../tensor/tensor.js'
import { zeros, zipInto } from '../tree/tree.js'
import { type LearningRate, learningRates, type Optimizer, rateAt } from './optimizer.js'

export interface AdamOptions {
  readonly learningRate: LearningRate
  /** $\beta_1$, default 0.9. */
  readonly beta1?: number | undefined
  /** $\beta_2$, default 0.999. */
  readonly beta2?: number | undefined
  /** $\varepsilon$, default 1e-8. */
  readonly epsilon?: number | undefined
}

/** Which parameters decay. */
export type DecayMask = (path: string, parameter: Tensor) => boolean

/**
 * The mask that GPT-2's descendants use: matrices and tables decay; biases and layer norms, which have one axis, do
 * not.
 *
 * @example
 * decayMatrices('h.0.mlp.c_fc.weight', tensor.zeros([4, 16])) // true
 * decayMatrices('h.0.mlp.c_fc.bias', tensor.zeros([16])) // false
 *
 * @category decay masks
 */
export const decayMatrices: DecayMask = trusted((_: string, { shape }: Tensor) => shape.length >= 2)

const everywhere: DecayMask = trusted(() => true)

export interface AdamWOptions extends AdamOptions {
  /** $\lambda$, default 0.01. */
  readonly weightDecay?: number | undefined
  /** Default: every parameter decays. */
  readonly decays?: DecayMask | undefined
}

const ADAM: Fields<AdamOptions> = {
  learningRate: learningRates, beta1: optional(fraction), beta2: optional(fraction), epsilon: optional(positive)
}
const ADAM_W: Fields<AdamWOptions> = { ...ADAM, weightDecay: optional(nonNegative), decays: optional(functions) }

/** $1 - \beta^s = -(e^{s \ln(1 - (1 - \beta))} - 1)$, which keeps its digits where $\beta$ is so near to 1 that $\beta^s$ is, too. */
const correction = (beta: number, taken: number): number => -Math.expm1(taken * Math.log1p(-(1 - beta)))

/** Both optimisers, for options that have been looked at. */
const decayingAdam = (operation: string, {
  learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01, decays = everywhere
}: AdamWOptions): Optimizer<'m' | 'v'> => trusted<Optimizer<'m' | 'v'>>({
  init: params => ({ step: 0, slots: { m: zeros(params), v: zeros(params) } }),
  step: (params, gradient, { step, slots }) => {
    const taken = step + 1
    const constants = {
      rate: rateAt(operation, learningRate, step), beta1, beta2, epsilon,
      firstCorrection: correction(beta1, taken), secondCorrection: correction(beta2, taken)
    }
    const next = zipInto(['theta', 'm', 'v'], [params, slots.m, slots.v, gradient], ([theta, m, v, g], path) => {
      for (const other of [m, v, g]) checkAlike(`adam "${path}"`, theta, other)
      const sizes = { ...constants, n: theta.data.length, decay: guarded(decays)(path, theta) ? weightDecay : 0 }
      const [nextTheta, nextM, nextV] = kernel.adam(sizes, theta.data, m.data, v.data, g.data)
      return { theta: own(theta.shape, nextTheta), m: own(theta.shape, nextM), v: own(theta.shape, nextV) }
    })
    return { params: next.theta, state: { step: taken, slots: { m: next.m, v: next.v } } }
  }
})

/**
 * Adam with decoupled weight decay. Throws `RangeError` unless the learning rate and $\lambda$ are finite and at least 0,
 * $0 \le \beta_1, \beta_2 < 1$ and $\varepsilon > 0$. A step does not look at the gradient's entries: one that is not finite
 * leaves parameters and means that are not finite. `withClipping` and `trainingStep` refuse such a gradient.
 *
 * @example
 * const { init, step } = adamW({ learningRate: 0.1, weightDecay: 0.1, decays: decayMatrices }), params = { w: tensor.of([[1]]) }
 * tensor.toArray(step(params, { w: tensor.of([[2]]) }, init(params)).params.w) // [0.89]
 *
 * @category optimisers
 */
export const adamW = (options: AdamWOptions): Optimizer<'m' | 'v'> => {
  checkOptions('adamW', ADAM_W, options)
  return decayingAdam('adamW', options)
}

/**
 * Adam: `adamW` without decay. Throws as `adamW` does.
 *
 * @example
 * const { init, step } = adam({ learningRate: 0.1 }), params = { w: tensor.of([1]) }
 * tensor.toArray(step(params, { w: tensor.of([2]) }, init(params)).params.w) // [0.9]
 *
 * @category optimisers
 */
export const adam = (options: AdamOptions): Optimizer<'m' | 'v'> => {
  checkOptions('adam', ADAM, options)
  return decayingAdam('adam', { ...options, weightDecay: 0 })
}
