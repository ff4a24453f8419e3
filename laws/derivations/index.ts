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

/** File by file; a module lists its exports in an order that depends on who loads it. */
export const derivations: readonly Derivation[] = [linear, activations, softmax, losses, compositions, embeddings, layerNorm, attention, transformer]
  .flatMap(file => Object.entries<Derivation>(file).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value))
