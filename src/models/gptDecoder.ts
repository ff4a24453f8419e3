/**
 * GPT with a cache of keys and values: reading one more token costs one row of every matrix product instead of all.
 *
 * With a causal mask, what a block computes at a position depends on earlier positions only through their keys and
 * values, and those never change when a token is added. So the cache keeps them, $K_{1..t}$ and $V_{1..t}$ of every block,
 * and a new token needs its own row of queries against them:
 *
 * $$y_{t+1} = \mathrm{softmax}\!\Big(\frac{q_{t+1} K_{1..t+1}^\top}{\sqrt d}\Big) V_{1..t+1}.$$
 *
 * When more tokens have been read than the table of positions holds, the window slides: every token that stays gets
 * another position, so nothing that was kept is right any more and the window is read anew.
 *
 * @module
 */
import { pipe } from 'fp-ts/lib/function.js'
import { attention } from '../layers/attention.js'
import type { BlockParams } from '../layers/block.js'
import { tokenEmbedding } from '../layers/embedding.js'
import { feedForward } from '../layers/feedForward.js'
import { mergeHeads, splitHeads } from '../layers/heads.js'
import { layerNorm } from '../layers/layerNorm.js'
import { linear } from '../layers/linear.js'
import { causalMask } from '../layers/mask.js'
import { unembedding } from '../layers/unembedding.js'
import { noParams } from '../layer/layer.js'
import { add } from '../tensor/algebra.js'
import { appendRows, lastRow, reshape, slice } from '../tensor/matrices.js'
import { check, positiveInteger } from '../tensor/domain.js'
import { ShapeError } from '../tensor/shape.js'
import { precisionOf, type Tensor, tokensFromArray, zeros } from '../tensor/tensor.js'
import { checkSequence, type Decoder } from './decoder.js'
import { checkGptParams, type GptParams } from './gpt.js'

/** Keys and values of one block, `[1, H, T, d]` each. */
export interface BlockCache {
  readonly key: Tensor
  readonly value: Tensor
}

export interface GptCache {
  /** The tokens that have been read, at most as many as there are positions. */
  readonly tokens: readonly number[]
  readonly blocks: readonly BlockCache[]
}

/** One block on new rows `[1, n, D]` behind those of the cache. */
const blockWith = (heads: number, { ln_1, attn, ln_2, mlp }: BlockParams, cache: BlockCache, x: Tensor): readonly [Tensor, BlockCache] => {
  const split = splitHeads(heads).forward(noParams, linear.forward(attn.c_attn, layerNorm.forward(ln_1, x)))
  const key = appendRows(split.key)(cache.key), value = appendRows(split.value)(cache.value)
  const attended = attention(causalMask).forward(noParams, { query: split.query, key, value })
  const between = add(linear.forward(attn.c_proj, mergeHeads.forward(noParams, attended)))(x)
  return [add(feedForward.forward(mlp, layerNorm.forward(ln_2, between)))(between), { key, value }]
}

const empty = (heads: number) => (params: GptParams): GptCache => {
  checkGptParams('gptDecoder', params)
  const { wte, h } = params, [, width] = wte.weight.shape
  if (wte.weight.shape.length !== 2 || width % heads !== 0)
    throw new ShapeError('gptDecoder', `wte.weight [V, D] with a width D that is a multiple of ${heads} heads`, [wte.weight.shape])
  const none = zeros([1, heads, 0, width / heads], precisionOf(wte.weight))
  return { tokens: [], blocks: h.map(() => ({ key: none, value: none })) }
}

/** Reads tokens for which there are positions left. */
const extend = (heads: number, { wte, wpe, h, ln_f }: GptParams, cache: GptCache, tokens: readonly number[]): readonly [Tensor, GptCache] => {
  const from = cache.tokens.length
  const embedded = tokenEmbedding.forward(wte, tokensFromArray([1, tokens.length], tokens))
  const positions = pipe(wpe.weight, slice(from, from + tokens.length), reshape(embedded.shape))
  let x = add(positions)(embedded)
  const blocks = h.map((params, i) => {
    const [y, block] = blockWith(heads, params, cache.blocks[i], x)
    x = y
    return block
  })
  const logits = unembedding.forward(wte, layerNorm.forward(ln_f, lastRow(x)))
  return [logits, { tokens: [...cache.tokens, ...tokens], blocks }]
}

/**
 * GPT-2 with a cache of keys and values. It says the same as `recomputing(gpt({ heads }), context)`, up to rounding.
 * Throws `RangeError` unless the number of heads is a positive integer, and `ShapeError` where it does not divide the width or
 * there is no token to read.
 *
 * @category decoders
 */
export const gptDecoder = (heads: number): Decoder<GptParams, GptCache> => {
  check('gptDecoder', 'heads', positiveInteger, heads)
  return {
    empty: empty(heads),
    read: (params, cache, tokens) => {
      checkGptParams('gptDecoder', params)
      checkSequence('gptDecoder', tokens)
      if (cache.blocks.length !== params.h.length)
        throw new TypeError(`gptDecoder: expected a cache of ${params.h.length} blocks, got one of ${cache.blocks.length}`)
      const context = params.wpe.weight.shape[0]
      return cache.tokens.length + tokens.length <= context
        ? extend(heads, params, cache, tokens)
        : extend(heads, params, empty(heads)(params), [...cache.tokens, ...tokens].slice(-context))
    }
  }
}
