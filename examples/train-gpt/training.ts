/**
 * Training a GPT on a sequence of tokens.
 */
import { pipe } from 'fp-ts/lib/function.js'
import {
  adamW, clipped, crossEntropy, decayMatrices, gpt, random, randomWindows, start, trainingStep, warmupCosine, type GptParams, type Key,
  type Tokens
} from 'pullback'
import type { Preset } from './options.js'

export interface TrainingRun {
  readonly preset: Preset
  readonly heads: number
  readonly context: number
  readonly steps: number
  readonly key: Key
  readonly training: Tokens
  readonly validation: Tokens
}

export interface Report {
  readonly step: number
  readonly trainingLoss: number
  /** Measured now, or the last one measured. */
  readonly validationLoss: number
}

const QUICK_BATCHES = 8
const EVALUATIONS = 12

/** The mean loss over random windows of a text, always the same ones for one key. */
export const meanLoss = (params: GptParams, tokens: Tokens, batches: number, { preset, heads, context, key }: TrainingRun): number => {
  const model = gpt({ heads })
  const losses = Array.from({ length: batches }, (_, i) => {
    const { input, target } = randomWindows(tokens, { batch: preset.batch, context })(random.foldIn(i)(key))
    return crossEntropy().forward(model.forward(params, input), target)
  })
  return losses.reduce((a, b) => a + b, 0) / batches
}

/** Trains, and reports every step. */
export const train = (run: TrainingRun, initial: GptParams, report: (progress: Report) => void): GptParams => {
  const { preset, heads, context, steps, training, validation } = run
  const [batchKey, dropoutKey] = random.split(run.key)
  const optimizer = pipe(
    adamW({
      learningRate: warmupCosine({ peak: preset.peakRate, final: preset.finalRate, warmup: preset.warmup, steps }),
      beta2: preset.beta2, weightDecay: preset.weightDecay, decays: decayMatrices
    }),
    clipped(1))
  const step = trainingStep({
    model: (key: Key) => gpt({ heads, dropout: preset.dropout === 0 ? undefined : { rate: preset.dropout, key } }),
    loss: crossEntropy(),
    optimizer
  })
  const every = Math.max(1, Math.floor(steps / EVALUATIONS))
  let current = start(optimizer, initial)
  let validationLoss = NaN
  for (let i = 0; i < steps; i++) {
    const batch = randomWindows(training, { batch: preset.batch, context })(random.foldIn(i)(batchKey))
    const { loss, params, state } = step(current, batch, random.foldIn(i)(dropoutKey))
    current = { params, state }
    if (i % every === every - 1 || i === 0) validationLoss = meanLoss(params, validation, QUICK_BATCHES, run)
    report({ step: i + 1, trainingLoss: loss, validationLoss })
  }
  return current.params
}
