/**
 * The pre-LN transformer block, a composition; its gradient follows from the chain rule.
 *
 * $$x' = x + \mathrm{attn}(\mathrm{ln}_1(x)), \qquad y = x' + \mathrm{mlp}(\mathrm{ln}_2(x'))$$
 *
 * Shapes: $x$ and $y$ `[..., T, D]`. The normalisation stands inside the residual branch, so the sum $x'$ carries
 * gradients past every block unchanged. (R. Xiong et al., *On Layer Normalization in the Transformer
 * Architecture*, 2020.) In training, dropout acts at the end of both branches.
 *
 * @module
 */
import { pipe } from 'fp-ts/lib/function.js'
import { andThen, identityLayer, named, residual } from '../layer/compose.js'
import type { Layer, NoParams } from '../layer/layer.js'
import { gpt2Normal, gpt2Residual, PRECISION, type PrecisionOptions } from '../random/initializers.js'
import { type Draw, foldIn, type Key, keys } from '../random/key.js'
import { initial, type Spec } from '../random/spec.js'
import { any, check, checkOptions, type Fields, fraction, positiveInteger } from '../tensor/domain.js'
import type { Tensor } from '../tensor/tensor.js'
import { dropout } from './dropout.js'
import { feedForward, type FeedForwardParams, feedForwardSpec } from './feedForward.js'
import { layerNorm, type LayerNormParams, layerNormSpec } from './layerNorm.js'
import { checkMask, type Mask } from './mask.js'
import { multiHeadAttention, type MultiHeadParams, multiHeadSpec } from './selfAttention.js'

export type BlockParams = {
  readonly ln_1: LayerNormParams
  readonly attn: MultiHeadParams
  readonly ln_2: LayerNormParams
  readonly mlp: FeedForwardParams
}

/** What a training step drops; a model for inference has none. */
export interface DropoutOptions {
  readonly rate: number
  readonly key: Key
}

export const dropoutOrIdentity = (options: DropoutOptions | undefined): Layer<NoParams, Tensor, Tensor> =>
  options === undefined ? identityLayer() : dropout(options.rate, options.key)

const DROPOUT: Fields<DropoutOptions> = { rate: fraction, key: keys }

/** Throws unless there is no dropout, or one with a rate and a key. */
export const checkDropout = (operation: string, options: DropoutOptions | undefined): void => {
  if (options !== undefined) checkOptions(`${operation}, dropout`, DROPOUT, options)
}

/** The same rate with a key of its own for part `index` of a model. */
export const dropoutFor = (options: DropoutOptions | undefined, index: number): DropoutOptions | undefined =>
  options && { rate: options.rate, key: foldIn(index)(options.key) }

export interface BlockOptions {
  readonly heads: number
  readonly mask: Mask
  readonly dropout?: DropoutOptions | undefined
}

// A mask and a dropout say themselves what is wrong with them.
const BLOCK: Fields<BlockOptions> = { heads: positiveInteger, mask: any, dropout: any }

/**
 * Attention and feed-forward, each with layer norm before it and a residual connection around it.
 * Throws `RangeError` unless the number of heads is a positive integer and the rate of dropout at least 0 and below 1.
 *
 * @example
 * const params = initBlock({ width: 4, layers: 1 })(random.key(0))
 * block({ heads: 2, mask: causalMask }).forward(params, tensor.zeros([2, 5, 4])).shape // [2, 5, 4]
 *
 * @category layers
 */
export const block = (options: BlockOptions): Layer<BlockParams, Tensor, Tensor> => {
  checkOptions('block', BLOCK, options)
  const { heads, mask, dropout: drop } = options
  checkMask('block', mask)
  checkDropout('block', drop)
  return pipe(
    residual(pipe(
      layerNorm, named('ln_1'),
      andThen('attn', multiHeadAttention(heads, mask)),
      andThen(dropoutOrIdentity(dropoutFor(drop, 0))))),
    andThen(residual(pipe(
      layerNorm, named('ln_2'),
      andThen('mlp', feedForward),
      andThen(dropoutOrIdentity(dropoutFor(drop, 1)))))))
}

/** How large a block is. */
export interface BlockSizes {
  /** Width of the model, D. */
  readonly width: number
  /** Number of blocks of the model, on which the beginning of projections to the residual stream depends. */
  readonly layers: number
  /** Number of hidden units of the feed-forward network; default 4 D. */
  readonly hidden?: number | undefined
}

/**
 * The parameters of one of a model's blocks, which begin as GPT-2's do.
 * Throws `RangeError` unless the widths are non-negative integers and the number of blocks a positive one.
 *
 * @example
 * spec.count(blockSpec({ width: 768, layers: 12 })) // 7087872
 *
 * @category parameters
 */
export const blockSpec = ({ width, layers, hidden }: BlockSizes): Spec<BlockParams> => {
  check('blockSpec', 'layers', positiveInteger, layers)
  const options = { initializer: gpt2Normal, output: gpt2Residual(layers) }
  return { ln_1: layerNormSpec(width), attn: multiHeadSpec(width, options), ln_2: layerNormSpec(width), mlp: feedForwardSpec(width, { hidden, ...options }) }
}

/**
 * Initial parameters of `blockSpec`.
 *
 * @example
 * Object.keys(initBlock({ width: 4, layers: 1 })(random.key(0))) // ['ln_1', 'attn', 'ln_2', 'mlp']
 *
 * @category initial parameters
 */
export const initBlock = (sizes: BlockSizes, options: PrecisionOptions = {}): Draw<BlockParams> =>
  initial('initBlock', PRECISION, options, () => blockSpec(sizes))
