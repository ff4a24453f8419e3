import fc from 'fast-check'
import {
  adam, adamW, binaryCrossEntropy, binaryCrossEntropyWithLogits, clipByGlobalNorm, crossEntropy, globalNorm, gradientDescent,
  meanSquaredError, momentum, random, categoricalSampler, sampler, tensor, tree, withTemperature, type Loss, type Optimizer, type Sampler, type Tensor,
  type Tokens
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import type { Bug } from './bug.js'

const squared = arbitrary.axis(3).chain(n => fc.record({ prediction: arbitrary.tensorOf([n]), target: arbitrary.tensorOf([n]) }))
const probabilities = arbitrary.axis(3).chain(n =>
  fc.record({ prediction: arbitrary.tensorOf([n], { min: 0.125, scale: 0.875 }), target: arbitrary.tensorOf([n], { min: 0, scale: 1 }) }))
const classes: fc.Arbitrary<laws.LossPoint<Tokens>> = fc.record({ n: arbitrary.axis(3), v: arbitrary.axis(4) })
  .chain(({ n, v }) => fc.record({ prediction: arbitrary.tensorOf([n, v], { scale: 4 }), target: arbitrary.tokensOf([n], v) }))

const lossBug = <T>(bug: string, points: fc.Arbitrary<laws.LossPoint<T>>, right: Loss<Tensor, T>, gradient: (p: Tensor, t: T) => Tensor): Bug =>
  ({ bug, caughtBy: 'gradient', laws: laws.loss({ forward: right.forward, gradient }, points) })

const settings = { learningRate: 0.1, beta1: 0.9, beta2: 0.99 }

/** An optimiser that sees a changed gradient. */
const seeing = <S extends string>(o: Optimizer<S>, change: <P>(gradient: P, params: P) => P): Optimizer<S> =>
  ({ init: o.init, step: (params, gradient, state) => o.step(params, change(gradient, params), state) })

/** An optimiser that believes every step is the first one. */
const forgetful = <S extends string>(o: Optimizer<S>, at: (step: number) => number): Optimizer<S> => ({
  init: o.init,
  step: (params, gradient, state) => {
    const next = o.step(params, gradient, { ...state, step: at(state.step) })
    return { ...next, state: { ...next.state, step: state.step + 1 } }
  }
})

const adamBug = (bug: string, caughtBy: string, o: Optimizer<string>): Bug =>
  ({ bug, caughtBy, laws: [...laws.optimizer(o), laws.adamStepBound(o, settings), laws.adamScaleInvariance(o)] })

const uniformTopK = (count: number): Sampler => logits => {
  const order = Array.from(logits.data, (_, i) => i).sort((a, b) => logits.data[b] - logits.data[a] || a - b).slice(0, count)
  return key => order[random.integers([1], 0, order.length)(key).data[0]]
}

const samplerBug = (bug: string, caughtBy: string, choose: Sampler, distribution: laws.Distribution): Bug =>
  ({ bug, caughtBy, laws: laws.sampler(choose, distribution) })

let hidden = 0

export const trainingBugs: readonly Bug[] = [
  lossBug('squared error: the factor 2 is forgotten', squared, meanSquaredError(), (p, t) => tensor.scale(0.5)(meanSquaredError().gradient(p, t))),
  lossBug('squared error: 1/N is forgotten', squared, meanSquaredError(), meanSquaredError({ reduction: 'sum' }).gradient),
  lossBug('squared error: the sign', squared, meanSquaredError(), (p, t) => tensor.scale(-1)(meanSquaredError().gradient(p, t))),
  lossBug('binary cross-entropy: the gradient by the logits for that by the probabilities', probabilities, binaryCrossEntropy(),
    (p, t) => tensor.scale(1 / p.data.length)(tensor.subtract(t)(p))),
  lossBug('binary cross-entropy with logits: the sigmoid is forgotten', squared, binaryCrossEntropyWithLogits(),
    (p, t) => tensor.scale(1 / p.data.length)(tensor.subtract(t)(p))),
  lossBug('cross-entropy: 1/N is forgotten', classes, crossEntropy(), crossEntropy({ reduction: 'sum' }).gradient),
  {
    bug: 'cross-entropy: the one-hot target is not subtracted', caughtBy: 'gradient rows sum to zero',
    laws: laws.crossEntropyRows({
      forward: crossEntropy().forward,
      gradient: (x, t) => tensor.map(g => g + 0.1)(crossEntropy().gradient(x, t))
    }, -100, classes)
  },
  {
    bug: 'cross-entropy: ignored rows count in the mean', caughtBy: 'ignored targets',
    laws: laws.crossEntropyRows({
      forward: (x, t) => crossEntropy({ reduction: 'sum' }).forward(x, t) / t.data.length,
      gradient: (x, t) => tensor.scale(1 / t.data.length)(crossEntropy({ reduction: 'sum' }).gradient(x, t))
    }, -100, classes)
  },
  {
    bug: 'a mean that divides by the rows instead of the entries', caughtBy: 'mean and sum',
    laws: [laws.meanIsSumOverTerms(
      { forward: (p, t) => meanSquaredError({ reduction: 'sum' }).forward(p, t) / 2, gradient: meanSquaredError().gradient },
      meanSquaredError({ reduction: 'sum' }), ({ prediction }) => prediction.data.length, squared)]
  },
  { bug: 'gradient descent: ascent', caughtBy: 'descent', laws: laws.optimizer(seeing(gradientDescent({ learningRate: 0.1 }), tree.map(tensor.scale(-1)))) },
  { bug: 'gradient descent: half the rate', caughtBy: 'gradient descent on a quadratic', laws: [laws.descendsAQuadratic(learningRate => gradientDescent({ learningRate: learningRate / 2 }))] },
  {
    bug: 'momentum: an average instead of a sum', caughtBy: 'momentum adds up',
    laws: [laws.sumsVelocities(seeing(momentum({ learningRate: 0.1, momentum: 0.75 }), tree.map(tensor.scale(0.25))), 0.1, 0.75)]
  },
  {
    bug: 'gradient descent: the steps are not counted', caughtBy: 'steps are counted',
    laws: laws.optimizer({ ...gradientDescent({ learningRate: 0.1 }), step: (params, gradient, state) => ({
      ...gradientDescent({ learningRate: 0.1 }).step(params, gradient, state), state }) })
  },
  {
    bug: 'momentum: the schedule is read one step late', caughtBy: 'the schedule is read at the step',
    laws: [laws.readsItsSchedule(rate => momentum({ learningRate: typeof rate === 'number' ? rate : step => rate(step + 1) }))]
  },
  {
    bug: 'clipping: nothing is clipped', caughtBy: 'clips every gradient',
    laws: [laws.clipsBeforeTheStep(gradientDescent({ learningRate: 0.1 }), gradientDescent({ learningRate: 0.1 }), clipByGlobalNorm(0.5))]
  },
  { bug: 'momentum: the velocity is forgotten', caughtBy: 'momentum adds up', laws: [laws.sumsVelocities(momentum({ learningRate: 0.1, momentum: 0 }), 0.1, 0.75)] },
  adamBug('adam: no correction of the bias', 'step bound', forgetful(adam(settings), () => 1e6)),
  adamBug('adam: the step is counted from zero one too late', 'step bound', forgetful(adam(settings), step => step + 1)),
  adamBug('adam: the mean is not divided by the root of the square', 'invariance to the scale of the gradient', gradientDescent({ learningRate: settings.learningRate })),
  adamBug('adam: ε so large that it decides', 'invariance to the scale of the gradient', adam({ ...settings, epsilon: 0.1 })),
  {
    bug: 'adamW: decay inside the gradient (L2)', caughtBy: 'decoupled decay',
    laws: [laws.decaysWeights(seeing(adam(settings), (gradient, params) => tree.add(tree.map(tensor.scale(0.25))(params))(gradient)), 0.1, 0.25, () => true)]
  },
  {
    bug: 'adamW: biases decay although the mask says no', caughtBy: 'decoupled decay',
    laws: [laws.decaysWeights(adamW({ ...settings, weightDecay: 0.25 }), 0.1, 0.25, path => path === 'weight')]
  },
  {
    bug: 'an optimiser with hidden state', caughtBy: 'purity',
    laws: laws.optimizer(seeing(gradientDescent({ learningRate: 0.1 }), tree.map(leaf => tensor.scale(1 + (hidden++ % 7))(leaf))))
  },
  {
    bug: 'clipping: every leaf by its own norm', caughtBy: 'clipping by the global norm',
    laws: [laws.clipsToTheNorm(maxNorm => tree.map(leaf => clipByGlobalNorm(maxNorm)(leaf)), globalNorm)]
  },
  {
    bug: 'clipping: small gradients are scaled up', caughtBy: 'clipping by the global norm',
    laws: [laws.clipsToTheNorm(maxNorm => gradient => tree.map(tensor.scale(maxNorm / (globalNorm(gradient) + 1e-6)))(gradient), globalNorm)]
  },
  samplerBug('top-k: uniform among the k', 'distribution', uniformTopK(3), laws.topKDistribution(3)),
  samplerBug('top-k: one token too many', 'support', sampler({ topK: 4 }), laws.topKDistribution(3)),
  samplerBug('top-p: the token that crosses the mass is dropped', 'distribution', sampler({ topP: 0.5 }), laws.topPDistribution(0.9)),
  samplerBug('temperature: multiplied instead of divided', 'distribution', logits => categoricalSampler(withTemperature(2)(logits)), laws.temperatureDistribution(0.5)),
  samplerBug('sampling: the logits are taken for probabilities', 'distribution', logits => categoricalSampler(tensor.map(x => Math.log(Math.abs(x) + 1))(logits)), laws.temperatureDistribution(1)),
  samplerBug('sampling: a hidden generator', 'determinism', logits => () => categoricalSampler(logits)(random.key(hidden++)), laws.temperatureDistribution(1)),
  {
    bug: 'gradient monoid: the zero is one', caughtBy: 'Monoid',
    laws: [laws.monoid(like => ({ ...tree.getMonoid(like), empty: tree.map(tensor.map(() => 1))(like) }),
      arbitrary.tensorOf([2]).map(x => [x, x, x] as const))]
  }
]
