import { attention, attentionWeights, causalMask, characterTokenizer, noMask, paddingMask, wordTokenizer, type Tokenizer } from 'pullback'
import { laws } from 'pullback/laws'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { derivations } from '../../laws/derivations/index.js'
import { factoredLosses, factoredModels } from './factored.js'
import { layers } from './layers.js'
import { batches } from './batches.js'
import { models } from './models.js'
import { randomness } from './randomness.js'
import { readings } from './readings.js'
import { decoding, files, schedules, steps } from './running.js'
import type { Subject } from './subject.js'
import { instances, losses, optimizers, samplers } from './training.js'

export type { Subject } from './subject.js'

const masks = { none: noMask, causal: causalMask, padding: paddingMask }

const made = (tokenizer: E.Either<string, Tokenizer>): Tokenizer => {
  if (E.isLeft(tokenizer)) throw new Error(tokenizer.left)
  return tokenizer.right
}

const pieces = ['a', 'b', 'é', '𝒙', ' ', '\n', '\u{d800}', '日']

const tokenizers: readonly Subject[] = [
  {
    subject: 'characterTokenizer',
    laws: laws.tokenizer(made(characterTokenizer()(pieces.join(''))), fc.array(fc.constantFrom(...pieces)).map(list => list.join('')))
  },
  {
    subject: 'wordTokenizer',
    laws: laws.tokenizer(made(wordTokenizer()('to be  or\nnot')),
      fc.array(fc.tuple(fc.constantFrom('to', 'be', 'or', 'not'), fc.constantFrom(' ', '  ', '\n')).map(pair => pair.join(''))).map(list => list.join('')))
  },
  {
    subject: 'characterTokenizer with a replacement',
    laws: [laws.replacement(made(characterTokenizer({ unknown: '�' })(pieces.join(''))), fc.constantFrom(...pieces), fc.constantFrom('x', '語', '𝒚', '\t')),
      laws.vocabulary(characterTokenizer, fc.constantFrom(...pieces.filter(piece => piece !== '\u{d800}')), '�')]
  }
]

/** Everything that the library claims laws of, by chapter. */
export const catalogue: Readonly<Record<string, readonly Subject[]>> = {
  layers: [...layers, { subject: 'attention', laws: [...laws.attention(attention, attentionWeights, masks), ...laws.attentionByWeights(attention, attentionWeights, masks)] }],
  models: [...models, ...factoredModels], readings, losses: [...losses, ...factoredLosses], optimizers, samplers, instances, tokenizers, batches, randomness, decoding, schedules, steps, files,
  derivations: derivations.map(({ name, laws: steps }) => ({ subject: name, laws: steps }))
}
