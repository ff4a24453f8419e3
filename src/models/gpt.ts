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
import { identity, pipe } from 'fp-ts/lib/function.js'
import { andThen, named, stackWith } from '../layer/compose.js'
import type { Layer } from '../layer/layer.js'
import { recompute } from '../layer/recompute.js'
import { andThenTied } from '../layer/sharing.js'
import {
  block, type BlockParams, blockSpec, checkDropout, dropoutFor, type DropoutOptions, dropoutOrIdentity
} from '../layers/block.js'
import { type EmbeddingParams, embeddingSpec, tokenEmbedding } from '../layers/embedding.js'
import { layerNorm, type LayerNormParams, layerNormSpec } from '../layers/layerNorm.js'
import { causalMask, checkMask, type Mask, MonoidMask, noMask } from '../layers/mask.js'
import { learnedPositions } from '../layers/positions.js'
import { unembedding } from '../layers/unembedding.js'
import { PRECISION, type PrecisionOptions } from '../random/initializers.js'
import type { Draw } from '../random/key.js'
import { initial, type Spec } from '../random/spec.js'
import { any, checkOptions, type Fields, flag, natural, optional, positiveInteger } from '../tensor/domain.js'
import type { Tensor, Tokens } from '../tensor/tensor.js'

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
  readonly padding?: Mask | undefined
  /** For training: the rate and the key of the step. */
  readonly dropout?: DropoutOptions | undefined
  /**
   * Whether each block keeps its input alone and is computed again for the gradient, with the same bits; default false. It saves what the
   * blocks keep, about 25 D numbers for each token and block, and costs a sixth to a third of a step: it pays where tokens are many.
   */
  readonly recompute?: boolean | undefined
}

// A mask and a dropout say themselves what is wrong with them.
const GPT: Fields<GptOptions> = { heads: positiveInteger, padding: any, dropout: any, recompute: optional(flag) }

/** Everything before the unembedding. Shapes: tokens `[B, T]`, result `[B, T, D]`. */
const trunk = (operation: string, options: GptOptions): Layer<GptParams, Tokens, Tensor, void> => {
  checkOptions(operation, GPT, options)
  const { heads, padding = noMask } = options
  checkMask(operation, padding)
  checkDropout(operation, options.dropout)
  // A copy, since blocks are made when the model is used.
  const dropout = options.dropout && { ...options.dropout }
  const mask = MonoidMask.concat(causalMask, padding)
  const made = options.recompute === true ? recompute<BlockParams, Tensor, Tensor, Tensor> : identity<Layer<BlockParams, Tensor, Tensor>>
  return pipe(
    tokenEmbedding, named('wte'),
    andThen('wpe', learnedPositions),
    andThen(dropoutOrIdentity(dropoutFor(dropout, 0))),
    andThen('h', stackWith(index => made(block({ heads, mask, dropout: dropoutFor(dropout, index + 1) })))),
    andThen('ln_f', layerNorm))
}

/**
 * GPT-2 with its token embedding as unembedding. Shapes: tokens `[B, T]`, logits `[B, T, V]`. Options besides `heads`: `padding`, a mask;
 * `dropout`, a rate and a key; `recompute`, which trades time for memory in every block.
 * Throws `RangeError` unless the number of heads is a positive integer; the model throws `ShapeError` if a sequence is longer
 * than the table of positions.
 *
 * @example
 * const params = initGpt({ vocabulary: 65, context: 8, width: 16, layers: 2 })(random.key(0))
 * gpt({ heads: 4 }).forward(params, tensor.tokensOf([[1, 2, 3]])).shape // [1, 3, 65]
 *
 * @category models
 */
export const gpt = (options: GptOptions): Layer<GptParams, Tokens, Tensor, void> =>
  pipe(trunk('gpt', options), andThenTied('wte', unembedding))

/**
 * GPT-2 with an unembedding `lm_head` of its own. Shapes: tokens `[B, T]`, logits `[B, T, V]`. Throws as `gpt` does.
 *
 * @example
 * const params = initUntiedGpt({ vocabulary: 65, context: 8, width: 16, layers: 2 })(random.key(0))
 * untiedGpt({ heads: 4 }).forward(params, tensor.tokensOf([[1, 2, 3]])).shape // [1, 3, 65]
 *
 * @category models
 */
export const untiedGpt = (options: GptOptions): Layer<UntiedGptParams, Tokens, Tensor, void> =>
  pipe(trunk('untiedGpt', options), andThen('lm_head', unembedding))

export interface GptSizes {
  /** Number of symbols, V. */
  readonly vocabulary: number
  /** Longest sequence, C. */
  readonly context: number
  /** Width of the model, D: a multiple of the number of heads. */
  readonly width: number
  /** Number of blocks, L. */
  readonly layers: number
  /** Number of hidden units of a block's feed-forward network; default 4 D. */
  readonly hidden?: number | undefined
}

const SIZES: Fields<GptSizes> = {
  vocabulary: positiveInteger, context: positiveInteger, width: positiveInteger, layers: natural, hidden: optional(natural)
}

/**
 * The parameters of a GPT, which begin as GPT-2's do. Throws `RangeError` unless sizes are positive integers; there may be no
 * block.
 *
 * @example
 * spec.count(gptSpec({ vocabulary: 65, context: 64, width: 128, layers: 4 })) // 809856
 *
 * @category parameter specs
 */
export const gptSpec = (sizes: GptSizes): Spec<GptParams> => {
  checkOptions('gptSpec', SIZES, sizes)
  const { vocabulary, context, width, layers, hidden } = sizes
  return {
    wte: embeddingSpec(vocabulary, width),
    wpe: embeddingSpec(context, width),
    h: Array.from({ length: layers }, () => blockSpec({ width, layers, hidden })),
    ln_f: layerNormSpec(width)
  }
}

/**
 * The parameters of a GPT with an unembedding of its own. Throws as `gpt` does.
 *
 * @example
 * spec.count(untiedGptSpec({ vocabulary: 65, context: 64, width: 128, layers: 4 })) // 818176
 *
 * @category parameter specs
 */
export const untiedGptSpec = (sizes: GptSizes): Spec<UntiedGptParams> =>
  ({ ...gptSpec(sizes), lm_head: embeddingSpec(sizes.vocabulary, sizes.width) })

/**
 * Initial parameters of `gptSpec`.
 *
 * @example
 * const params = initGpt({ vocabulary: 65, context: 8, width: 16, layers: 2 })(random.key(0))
 * tree.flatten(params).slice(0, 3).map(([path]) => path) // ['wte.weight', 'wpe.weight', 'h.0.ln_1.weight']
 *
 * @category initial parameters
 */
export const initGpt = (sizes: GptSizes, options: PrecisionOptions = {}): Draw<GptParams> =>
  initial('initGpt', PRECISION, options, () => gptSpec(sizes))

/**
 * Initial parameters of `untiedGptSpec`.
 *
 * @example
 * initUntiedGpt({ vocabulary: 65, context: 8, width: 16, layers: 2 })(random.key(0)).lm_head.weight.shape // [65, 16]
 *
 * @category initial parameters
 */
export const initUntiedGpt = (sizes: GptSizes, options: PrecisionOptions = {}): Draw<UntiedGptParams> =>
  initial('initUntiedGpt', PRECISION, options, () => untiedGptSpec(sizes))
