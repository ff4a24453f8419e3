/**
 * GPT-2: a decoder-only transformer that predicts the next token at every position.
 *
 * $$x_0 = \mathrm{wte}_t + \mathrm{wpe}, \qquad x_{i+1} = \mathrm{block}_i(x_i), \qquad
 *   \text{logits} = \mathrm{ln_f}(x_L)\,\mathrm{wte}^\top$$
 *
 * Shapes: tokens `[B, T]`, logits `[B, T, V]`. The parameter tree flattens to GPT-2's own checkpoint names:
 * `wte.weight`, `wpe.weight`, `h.0.ln_1.weight`, `h.0.attn.c_attn.weight`, …, `ln_f.bias`. (A. Radford et al., *Language
 * Models are Unsupervised Multitask Learners*, 2019, § 2.3.)
 *
 * There is no new mathematics here: the gradient follows from the chain rule. Positions meet only in attention, so that logits
 * never depend on the future follows from its causal mask.
 *
 * @module
 */
import { pipe } from 'fp-ts/lib/function.js'
import { andThen, named, stackWith } from '../layer/compose.js'
import type { Layer } from '../layer/layer.js'
import { andThenTied } from '../layer/sharing.js'
import {
  block, type BlockParams, dropoutFor, type DropoutOptions, dropoutOrIdentity, initBlock
} from '../layers/block.js'
import { type EmbeddingParams, initEmbedding, tokenEmbedding } from '../layers/embedding.js'
import { initLayerNorm, layerNorm, type LayerNormParams } from '../layers/layerNorm.js'
import { causalMask, type Mask, MonoidMask, noMask } from '../layers/mask.js'
import { learnedPositions } from '../layers/positions.js'
import { unembedding } from '../layers/unembedding.js'
import { replicate, struct } from '../random/distributions.js'
import type { Draw } from '../random/key.js'
import type { Precision, Tensor, Tokens } from '../tensor/tensor.js'

/** The parameters of a GPT whose unembedding is its token embedding. */
export type GptParams = {
  readonly wte: EmbeddingParams
  readonly wpe: EmbeddingParams
  readonly h: readonly BlockParams[]
  readonly ln_f: LayerNormParams
}

/** The parameters of a GPT with an unembedding of its own. */
export type UntiedGptParams = GptParams & { readonly lm_head: EmbeddingParams }

export interface GptOptions {
  readonly heads: number
  /** For batches of sequences of different lengths; the causal mask is always in force. */
  readonly padding?: Mask
  /** For training: the rate and the key of the step. */
  readonly dropout?: DropoutOptions | undefined
}

/** Everything before the unembedding. Shapes: tokens `[B, T]`, result `[B, T, D]`. */
const trunk = ({ heads, padding = noMask, dropout }: GptOptions): Layer<GptParams, Tokens, Tensor, void> => {
  const mask = MonoidMask.concat(causalMask, padding)
  return pipe(
    tokenEmbedding, named('wte'),
    andThen('wpe', learnedPositions),
    andThen(dropoutOrIdentity(dropoutFor(dropout, 0))),
    andThen('h', stackWith(index => block({ heads, mask, dropout: dropoutFor(dropout, index + 1) }))),
    andThen('ln_f', layerNorm))
}

/**
 * GPT-2 with its token embedding as unembedding. Shapes: tokens `[B, T]`, logits `[B, T, V]`.
 * Throws `ShapeError` where a sequence is longer than the table of positions.
 *
 * @category models
 */
export const gpt = (options: GptOptions): Layer<GptParams, Tokens, Tensor, void> =>
  pipe(trunk(options), andThenTied('wte', unembedding))

/**
 * GPT-2 with an unembedding `lm_head` of its own. Shapes: tokens `[B, T]`, logits `[B, T, V]`.
 *
 * @category models
 */
export const untiedGpt = (options: GptOptions): Layer<UntiedGptParams, Tokens, Tensor, void> =>
  pipe(trunk(options), andThen('lm_head', unembedding))

export interface GptSizes {
  /** Number of symbols, V. */
  readonly vocabulary: number
  /** Longest sequence, C. */
  readonly context: number
  /** Width of the model, D: a multiple of the number of heads. */
  readonly width: number
  /** Number of blocks, L. */
  readonly layers: number
}

const parts = ({ vocabulary, context, width, layers }: GptSizes, precision?: Precision) => ({
  wte: initEmbedding(vocabulary, width, undefined, precision),
  wpe: initEmbedding(context, width, undefined, precision),
  h: replicate(layers, initBlock(width, layers, precision)),
  ln_f: () => initLayerNorm(width, precision)
})

/**
 * GPT-2's initial parameters.
 *
 * @category initial parameters
 */
export const initGpt = (sizes: GptSizes, precision?: Precision): Draw<GptParams> => struct(parts(sizes, precision))

/**
 * GPT-2's initial parameters, with an unembedding of its own.
 *
 * @category initial parameters
 */
export const initUntiedGpt = (sizes: GptSizes, precision?: Precision): Draw<UntiedGptParams> => struct({
  ...parts(sizes, precision),
  lm_head: initEmbedding(sizes.vocabulary, sizes.width, undefined, precision)
})
