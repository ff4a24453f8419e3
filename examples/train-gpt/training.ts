/**
 * Training a GPT on a sequence of tokens.
 */
import { setImmediate } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import {
  adamW, withClipping, combineShards, crossEntropy, decayMatrices, gpt, lossAndGradient, lossOf, random, randomWindows, shards, initTraining, applyGradient, warmupCosine,
  type Example, type GptParams, type Key, type LossAndGradient, type Tokens
} from 'pullback'
import { gradientPool, type GradientPool } from 'pullback/workers'
import type { Preset } from './options.js'

export interface TrainingRun {
  readonly preset: Preset
  readonly heads: number
  readonly context: number
  readonly steps: number
  readonly workers: number
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
  const loss = lossOf(gpt({ heads }), crossEntropy())
  const losses = Array.from({ length: batches }, (_, i) =>
    loss(params, randomWindows(tokens, { batch: preset.batch, context })(random.foldIn(i)(key))))
  return losses.reduce((a, b) => a + b, 0) / batches
}

/** What training a GPT computes for a part of a batch, here or in a worker. */
export interface ModelSettings {
  readonly heads: number
  readonly dropout: number
}

export const gradientOf = ({ heads, dropout }: ModelSettings) =>
  (params: GptParams, part: Example<Tokens, Tokens>, key: Key): LossAndGradient<GptParams> =>
    lossAndGradient(gpt({ heads, dropout: dropout === 0 ? undefined : { rate: dropout, key } }), crossEntropy())(params, part)

type Trainer = Pick<GradientPool<GptParams, Tokens, Tokens>, 'step' | 'close'>

/** A batch is always cut into so many parts, whoever computes them. */
const SHARDS = 2

/** Steps with several workers, or without any; the bits are the same. */
const trainerWith = (settings: ModelSettings, workers: number, like: GptParams): Trainer => {
  if (workers > 1)
    return gradientPool({ script: new URL('./worker.js', import.meta.url), workers, shards: SHARDS, settings, like })
  const here = gradientOf(settings)
  return {
    step: optimizer => (trained, batch, keyOf) => Promise.resolve(applyGradient(optimizer)(trained, combineShards(shards(SHARDS)(batch).map((part, i) =>
      ({ rows: part.input.shape[0], part: here(trained.params, part, keyOf(i)) }))))),
    close: () => Promise.resolve()
  }
}

/**
 * Trains, and reports every step, until all steps are done or `stopped` is true after one of them. Throws `RangeError`
 * where the loss is not finite: from there on a training computes nothing.
 */
export const train = async (
  run: TrainingRun, initial: GptParams, report: (progress: Report) => void, stopped: () => boolean
): Promise<GptParams> => {
  const { preset, heads, context, steps, workers, training, validation } = run
  const [batchKey, dropoutKey] = random.split(run.key)
  const optimizer = pipe(
    adamW({
      learningRate: warmupCosine({ peak: preset.peakRate, final: preset.finalRate, warmup: Math.min(preset.warmup, steps), steps }),
      beta2: preset.beta2, weightDecay: preset.weightDecay, decays: decayMatrices
    }),
    withClipping(1))
  const trainer = trainerWith({ heads, dropout: preset.dropout }, workers, initial)
  const every = Math.max(1, Math.floor(steps / EVALUATIONS))
  try {
    let current = initTraining(optimizer, initial)
    let validationLoss = NaN
    for (let i = 0; i < steps && !(i > 0 && stopped()); i++) {
      const batch = randomWindows(training, { batch: preset.batch, context })(random.foldIn(i)(batchKey))
      const keyOf = (part: number): Key => pipe(dropoutKey, random.foldIn(i), random.foldIn(part))
      const next = await trainer.step(optimizer)(current, batch, keyOf)
      if (!Number.isFinite(next.loss)) throw new RangeError(`the loss of step ${i + 1} is ${next.loss}, expected a finite one`)
      current = next
      if (i % every === every - 1 || i === 0) validationLoss = meanLoss(next.params, validation, QUICK_BATCHES, run)
      report({ step: i + 1, trainingLoss: next.loss, validationLoss })
      // Without a turn of the event loop no signal is heard.
      await setImmediate()
    }
    return current.params
  } finally {
    await trainer.close()
  }
}
