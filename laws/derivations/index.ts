/**
 * Every derivation, in chapters: each builds on those before it.
 *
 * @module
 */
import * as activations from './activations.js'
import * as attention from './attention.js'
import { block } from './block.js'
import { chainRule, residual } from './composition.js'
import * as beginnings from './conventions.js'
import type { Derivation } from './definition.js'
import * as embeddings from './embeddings.js'
import { factored } from './factored.js'
import * as generation from './generation.js'
import { feedForward } from './feedForward.js'
import { gelu, geluTanh } from './gelu.js'
import { gpt } from './gpt.js'
import * as learning from './learning.js'
import * as linear from './linear.js'
import { linearMemory } from './linearMemory.js'
import * as losses from './losses.js'
import * as normalisation from './normalisation.js'
import { probe } from './probe.js'
import { branches, stack } from './repetition.js'
import { multiHead, singleHead } from './selfAttention.js'
import { batch } from './sharding.js'
import { frozen, tied } from './sharing.js'
import * as softmax from './softmax.js'

/** A page, under the name by which others refer to it. */
export interface Page {
  readonly key: string
  readonly derivation: Derivation
}

export interface Chapter {
  readonly title: string
  readonly pages: readonly Page[]
}

const chapter = (title: string, pages: Readonly<Record<string, Derivation>>): Chapter =>
  ({ title, pages: Object.entries(pages).map(([key, derivation]) => ({ key, derivation })) })

const { pointwise, relu, sigmoid, tanh, silu } = activations
const { crossEntropy, binaryFromProbabilities, binaryFromLogits, squaredError } = losses
const { layerNorm, dropout } = normalisation
const { embedding, tiedEmbedding, positions, sinusoidal } = embeddings
const { mask, attention: scaledAttention, split, merge } = attention
const { initialisation, momentum, adam, clipping, schedules } = learning

/** All pages in the order of the subject. */
export const chapters: readonly Chapter[] = [
  chapter('Before everything', { conventions: beginnings.conventions, finiteDifferences: beginnings.finiteDifferences }),
  chapter('Functions of one number', { pointwise, relu, sigmoid, tanh, silu, gelu, geluTanh }),
  chapter('Matrix products', { linear: linear.linear, unembedding: linear.unembedding, probe }),
  chapter('Composition', { chainRule, residual, branches, stack, tied, frozen }),
  chapter('Softmax and losses', { softmax: softmax.softmax, logSoftmax: softmax.logSoftmax, crossEntropy, factored, binaryFromProbabilities, binaryFromLogits, squaredError, batch }),
  chapter('Normalisation and dropout', { layerNorm, dropout }),
  chapter('From tokens to vectors', { embedding, tiedEmbedding, positions, sinusoidal }),
  chapter('Attention, and the transformer', { mask, attention: scaledAttention, linearMemory, merge, split, singleHead, multiHead, feedForward, block, gpt }),
  chapter('Learning', { initialisation, momentum, adam, clipping, schedules }),
  chapter('Generating', { sampling: generation.sampling, cache: generation.cache })
]

/** All derivations in the order of their pages. */
export const derivations: readonly Derivation[] = chapters.flatMap(({ pages }) => pages.map(({ derivation }) => derivation))
