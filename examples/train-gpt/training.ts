/**
 * Training a GPT on a sequence of tokens.
 */
import { setImmediate } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import {
  adamW, withClipping, crossEntropy, decayMatrices, gpt, initTraining, lossOf, random, randomWindows, trainingRun, warmupCosine,
  type GptParams, type Key, type Tokens
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
/** Milliseconds after which a piece of the run ends, so that progress is shown and signals are heard. */
const PIECE = 100

/** The mean loss over random windows of a text, always the same ones for one key. */
export const meanLoss = (params: GptParams, tokens: Tokens, batches: number, { preset, heads, context, key }: TrainingRun): number => {
  const loss = lossOf(gpt({ heads }), crossEntropy())
  const losses = Array.from({ length: batches }, (_, i) =>
    loss(params, randomWindows(tokens, { batch: preset.batch, context })(random.foldIn(i)(key))))
  return losses.reduce((a, b) => a + b, 0) / batches
}

/**
 * Trains, and reports every step, until all steps are done or `stopped` is true between two of them. Throws `RangeError`
 * where the loss or the gradient is not finite: from there on a training computes nothing. The run is cut into pieces, which change no bit.
 */
export const train = async (
  run: TrainingRun, initial: GptParams, report: (progress: Report) => void, stopped: () => boolean
): Promise<GptParams> => {
  const { preset, heads, context, steps, training, validation } = run
  const [batchKey, dropoutKey] = random.split(run.key)
  const optimizer = pipe(
    adamW({
      learningRate: warmupCosine({ peak: preset.peakRate, final: preset.finalRate, warmup: Math.min(preset.warmup, steps), steps }),
      beta2: preset.beta2, weightDecay: preset.weightDecay, decays: decayMatrices
    }),
    withClipping(1))
  const model = preset.dropout === 0 ? gpt({ heads }) : (key: Key) => gpt({ heads, dropout: { rate: preset.dropout, key } })
  const windows = randomWindows(training, { batch: preset.batch, context })
  const pieces = trainingRun({ model, loss: crossEntropy(), optimizer })
  const every = Math.max(1, Math.floor(steps / EVALUATIONS))
  const judges = (step: number): boolean => step === 1 || step % every === 0
  const piece = (limit: number) => {
    const ends = Date.now() + PIECE
    // The optimiser counts from 0, people from 1.
    return pieces({
      steps: limit, batch: step => windows(random.foldIn(step)(batchKey)), key: dropoutKey,
      until: step => judges(step + 1) || Date.now() > ends
    })
  }
  let current = initTraining(optimizer, initial)
  let validationLoss = NaN
  for (let done = 0; done < steps && !(done > 0 && stopped());) {
    const { params, state, losses } = piece(steps - done)(current)
    current = { params, state }
    losses.forEach((trainingLoss, i) => {
      if (judges(done + i + 1)) validationLoss = meanLoss(params, validation, QUICK_BATCHES, run)
      report({ step: done + i + 1, trainingLoss, validationLoss })
    })
    done += losses.length
    // Without a turn of the event loop no signal is heard.
    await setImmediate()
  }
  return current.params
}
