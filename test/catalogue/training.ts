import fc from 'fast-check'
import {
  adam, adamW, binaryCrossEntropy, binaryCrossEntropyWithLogits, clipByGlobalNorm, withClipping, crossEntropy, decayMatrices, globalNorm, gradientDescent,
  greedySampler, meanSquaredError, momentum, categoricalSampler, sampler, tensor, tree, type Tensor, type Tokens
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import type { Subject } from './subject.js'

const alike = (prediction: arbitrary.EntryOptions, target: arbitrary.EntryOptions) =>
  fc.array(arbitrary.axis(3), { maxLength: 2 }).chain(shape =>
    fc.record({ prediction: arbitrary.tensorOf(shape, prediction), target: arbitrary.tensorOf(shape, target) }))

const squared = alike({}, {})
const probabilities = alike({ min: 0.125, scale: 0.875 }, { min: 0, scale: 1 })
const logits = alike({ scale: 4 }, { min: 0, scale: 1 })

const classes: fc.Arbitrary<laws.LossPoint<Tokens>> = fc.record({ n: arbitrary.axis(3), v: arbitrary.axis(4) })
  .chain(({ n, v }) => fc.record({ prediction: arbitrary.tensorOf([n, v], { scale: 4 }), target: arbitrary.tokensOf([n], v) }))
const ignoring = classes.chain(point => fc.array(fc.boolean(), { minLength: point.target.data.length, maxLength: point.target.data.length })
  .map(ignored => ({ ...point, target: tensor.tokensFromArray(point.target.shape, Array.from(point.target.data, (id, i) => (ignored[i] ? -100 : id))) })))

const entries = ({ prediction }: { readonly prediction: Tensor }): number => prediction.data.length
const counted = ({ target }: laws.LossPoint<Tokens>): number => Array.from(target.data).filter(id => id !== -100).length

export const losses: readonly Subject[] = [
  {
    subject: 'meanSquaredError',
    laws: [...laws.loss(meanSquaredError(), squared), laws.meanIsSumOverTerms(meanSquaredError(), meanSquaredError({ reduction: 'sum' }), entries, squared)]
  },
  {
    subject: 'binaryCrossEntropy',
    laws: [...laws.loss(binaryCrossEntropy(), probabilities),
      laws.meanIsSumOverTerms(binaryCrossEntropy(), binaryCrossEntropy({ reduction: 'sum' }), entries, probabilities)]
  },
  {
    subject: 'binaryCrossEntropyWithLogits',
    laws: [...laws.loss(binaryCrossEntropyWithLogits(), logits),
      laws.meanIsSumOverTerms(binaryCrossEntropyWithLogits(), binaryCrossEntropyWithLogits({ reduction: 'sum' }), entries, logits)]
  },
  {
    subject: 'crossEntropy',
    laws: [...laws.loss(crossEntropy(), ignoring), laws.meanIsSumOverTerms(crossEntropy(), crossEntropy({ reduction: 'sum' }), counted, ignoring),
      ...laws.crossEntropyRows(crossEntropy(), -100, ignoring)]
  }
]

const settings = { learningRate: 0.1, beta1: 0.9, beta2: 0.99 }

export const optimizers: readonly Subject[] = [
  { subject: 'gradientDescent', laws: [...laws.optimizer(gradientDescent({ learningRate: 0.1 })), laws.descendsAQuadratic(learningRate => gradientDescent({ learningRate })),
      laws.readsItsSchedule(learningRate => gradientDescent({ learningRate }))] },
  { subject: 'momentum', laws: [...laws.optimizer(momentum({ learningRate: 0.1 })), laws.sumsVelocities(momentum({ learningRate: 0.1, momentum: 0.75 }), 0.1, 0.75),
      laws.readsItsSchedule(learningRate => momentum({ learningRate }))] },
  { subject: 'adam', laws: [...laws.optimizer(adam(settings)), laws.adamStepBound(adam(settings), settings), laws.adamScaleInvariance(adam(settings)),
      laws.readsItsSchedule(learningRate => adam({ learningRate }))] },
  {
    subject: 'adamW',
    laws: [...laws.optimizer(adamW(settings)),
      laws.decaysWeights(adamW({ ...settings, weightDecay: 0.25, decays: path => path === 'weight' }), 0.1, 0.25, path => path === 'weight'),
      laws.decaysWeights(adamW({ ...settings, weightDecay: 0.25 }), 0.1, 0.25, () => true),
      laws.decaysWeights(adamW({ ...settings, weightDecay: 0.25, decays: decayMatrices }), 0.1, 0.25, path => path === 'weight')]
  },
  {
    subject: 'clipByGlobalNorm',
    laws: [laws.clipsToTheNorm(clipByGlobalNorm, globalNorm), laws.clipsBeforeTheStep(withClipping(0.5)(adam(settings)), adam(settings), clipByGlobalNorm(0.5))]
  }
]

export const samplers: readonly Subject[] = [
  { subject: 'categoricalSampler', laws: laws.sampler(categoricalSampler, laws.temperatureDistribution(1)) },
  { subject: 'sampler (temperature 0.5)', laws: laws.sampler(sampler({ temperature: 0.5 }), laws.temperatureDistribution(0.5)) },
  { subject: 'sampler (top-k 3)', laws: laws.sampler(sampler({ topK: 3 }), laws.topKDistribution(3)) },
  { subject: 'sampler (top-p 0.75)', laws: laws.sampler(sampler({ topP: 0.75 }), laws.topPDistribution(0.75)) },
  { subject: 'sampler (temperature 0.75, top-k 3, top-p 0.75)', laws: laws.sampler(sampler({ temperature: 0.75, topK: 3, topP: 0.75 }), laws.filteredDistribution(0.75, 3, 0.75)) },
  { subject: 'greedySampler', laws: laws.sampler(greedySampler, laws.greedyDistribution) },
  { subject: 'sampler (temperature 0)', laws: laws.sampler(sampler({ temperature: 0 }), laws.greedyDistribution) },
  { subject: 'random', laws: [laws.permutations, laws.splitKeys] }
]

/** Sums of integers are exact; −0 + 0 is +0, so there is no −0 among them. */
const integers = arbitrary.tensorOf([2, 2]).map(tensor.map(x => Math.round(x) + 0))
const trees = fc.record({ a: integers, b: fc.array(integers, { minLength: 2, maxLength: 2 }) })

export const instances: readonly Subject[] = [
  { subject: 'tree.getMonoid', laws: [laws.monoid(tree.getMonoid, fc.tuple(trees, trees, trees))] },
  { subject: 'tensor.Eq', laws: [laws.eq(tensor.Eq, fc.constantFrom(
    tensor.of([1, 2]), tensor.of([1, 2], 'float64'), tensor.of([[1, 2]]), tensor.of([NaN, 0]), tensor.of([NaN, -0]), tensor.of([1, 3]))) ] }
]
