/**
 * Every derivation.
 *
 * @module
 */
import * as activations from './activations.js'
import * as attention from './attention.js'
import * as embeddings from './embeddings.js'
import * as compositions from './compositions.js'
import * as layerNorm from './layerNorm.js'
import * as linear from './linear.js'
import * as losses from './losses.js'
import * as softmax from './softmax.js'
import * as transformer from './transformer.js'
import type { Derivation } from './derivation.js'

export const derivations: readonly Derivation[] = [linear, activations, softmax, layerNorm, attention, embeddings, losses, compositions, transformer].flatMap(file => Object.values(file))
