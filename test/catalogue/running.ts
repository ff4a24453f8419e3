import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import {
  adam, crossEntropy, decodeCheckpoint, decodeSafetensors, decoding as decodingOf, encodeCheckpoint, encodeSafetensors, generate, gpt, initGpt, initMlp, linearSchedule,
  meanSquaredError, mlp, random, recomputing, tanh, tokenizerFrom, trainingStep, warmupCosine, words, andThen, dropout, type Key, type Precision, type Tokenizer
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import type { Subject } from './subject.js'

const sizes = { vocabulary: 6, context: 5, width: 8, layers: 2 }

const decoders = (precision: Precision, tolerance: number): readonly Subject[] => {
  const options = {
    params: arbitrary.drawnGeneric(initGpt(sizes, { precision })), vocabulary: sizes.vocabulary, context: sizes.context, tolerance,
    reason: 'a few hundred roundings; other kernels work on one row than on many'
  }
  return [
    { subject: `decoding (${precision})`, laws: [laws.decoding(decodingOf(gpt({ heads: 2 }), { context: sizes.context }), gpt({ heads: 2 }), options)] },
    { subject: `recomputing (${precision})`, laws: [laws.decoding(recomputing(gpt({ heads: 2 }), sizes.context), gpt({ heads: 2 }), options)] }
  ]
}

export const gptTokens = (key: Key) => random.integers([2, 3], 0, sizes.vocabulary)(key)

export const decoding: readonly Subject[] = [
  ...decoders('float64', 1e-13), ...decoders('float32', 1e-4),
  { subject: 'generate', laws: laws.generation(generate) }
]

export const schedules: readonly Subject[] = [
  { subject: 'linearSchedule', laws: [laws.linearRate(linearSchedule)] },
  { subject: 'warmupCosine', laws: [laws.warmupCosineRate(warmupCosine)] }
]

export const dropoutMlp = (key: Key) => pipe(mlp(tanh), andThen(dropout(0.5, key)))
export const mlpPoints = { params: arbitrary.drawnGeneric(initMlp([3, 4, 4], { precision: 'float64' })), input: arbitrary.tensorOf([2, 3]) }

export const steps: readonly Subject[] = [
  {
    subject: 'trainingStep (mlp)',
    laws: [laws.trainingStepIsItsParts(trainingStep, {
      model: dropoutMlp, loss: meanSquaredError(), optimizer: adam({ learningRate: step => 0.1 / (step + 1) }),
      target: (y, key) => random.normal(y.shape, { precision: 'float64' })(key)
    }, mlpPoints)]
  },
  {
    subject: 'trainingStep (gpt)',
    laws: [laws.trainingStepIsItsParts(trainingStep, {
      model: (key: Key) => gpt({ heads: 2, dropout: { rate: 0.25, key } }), loss: crossEntropy(), optimizer: adam({ learningRate: 0.1 }), target: (_, key) => gptTokens(key)
    }, { params: arbitrary.drawnGeneric(initGpt(sizes, { precision: 'float64' })), input: arbitrary.tokensOf([2, 3], sizes.vocabulary) })]
  }
]

const tokenizerOf = (symbols: readonly string[], unknown?: string): Tokenizer => {
  const made = tokenizerFrom({ kind: 'character', symbols, unknown })
  if (E.isLeft(made)) throw new Error(made.left)
  return made.right
}

export const checkpoints = fc.record({
  params: fc.nat(2).chain(layers => arbitrary.drawnGeneric(initGpt({ ...sizes, layers }))),
  heads: fc.constantFrom(1, 2, 4, 8),
  tokenizer: fc.constantFrom(tokenizerOf(['a', 'b', 'c', 'é', '𝒙', ' ']), tokenizerOf(['z', 'b', 'c', 'é', '�', '\n'], '�'))
})

export const files: readonly Subject[] = [
  { subject: 'checkpoint', laws: [laws.checkpoint(encodeCheckpoint, decodeCheckpoint, checkpoints)] },
  { subject: 'safetensors', laws: laws.safetensors(encodeSafetensors, decodeSafetensors) },
  { subject: 'words', laws: laws.nearestWords(words.wordVectorsFromLines, words.nearest, words.cosine) }
]
