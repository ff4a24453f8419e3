/**
 * The laws of models: what they are made of, in which order.
 *
 * @module
 */
import {
  causalMask, feedForward, layerNorm, learnedPositions, linear, multiHeadAttention, noParams, tensor, tokenEmbedding, unembedding, type BlockParams, type GptParams,
  type Layer, type MlpParams, type NoParams, type Tensor, type Tokens
} from 'pullback'
import { type Law, law } from './law.js'
import { type Points, pointsOf } from './points.js'
import { sameBits, snapshot } from './values.js'

/** Hidden layers with the activation after each, then a linear one without. */
export const perceptron = (
  model: Layer<MlpParams, Tensor, Tensor>, activation: Layer<NoParams, Tensor, Tensor>, points: Points<MlpParams, Tensor>
): Law => law({
  name: 'perceptron',
  statement: '$x_{i+1} = a(x_i W_i + b_i)$ for every hidden layer, $y = x_L W + b$, to the bit',
  cases: pointsOf(points),
  check: ({ params, input }) => {
    const last = params.hidden.reduce((x, p) => activation.forward(noParams, linear.forward(p, x)), input)
    return sameBits('outputs', snapshot(model.forward(params, input)), snapshot(linear.forward(params.output, last)))
  }
})

const blockBy = (heads: number) => (x: Tensor, { ln_1, attn, ln_2, mlp }: BlockParams): Tensor => {
  const between = tensor.add(multiHeadAttention(heads, causalMask).forward(attn, layerNorm.forward(ln_1, x)))(x)
  return tensor.add(feedForward.forward(mlp, layerNorm.forward(ln_2, between)))(between)
}

/** A pre-LN block: each branch normalises its input, and is added to it. */
export const preNormBlock = (model: Layer<BlockParams, Tensor, Tensor>, heads: number, points: Points<BlockParams, Tensor>): Law => law({
  name: 'pre-LN block',
  statement: '$x\' = x + \\mathrm{attn}(\\mathrm{ln}_1(x))$, $y = x\' + \\mathrm{mlp}(\\mathrm{ln}_2(x\'))$, to the bit',
  cases: pointsOf(points),
  check: ({ params, input }) => sameBits('outputs', snapshot(model.forward(params, input)), snapshot(blockBy(heads)(input, params)))
})

/** A decoder-only transformer, from tokens to logits; `table` is the unembedding's. */
export const transformer = <P extends GptParams>(
  model: Layer<P, Tokens, Tensor, void>, heads: number, table: (params: P) => Tensor, points: Points<P, Tokens>
): Law => law({
  name: 'transformer',
  statement: '$x_0 = \\mathrm{wte}_t + \\mathrm{wpe}$, $x_{i+1} = \\mathrm{block}_i(x_i)$, logits $= \\mathrm{ln_f}(x_L) W^\\top$, to the bit',
  cases: pointsOf(points),
  check: ({ params, input }) => {
    const embedded = learnedPositions.forward(params.wpe, tokenEmbedding.forward(params.wte, input))
    const last = params.h.reduce(blockBy(heads), embedded)
    return sameBits('logits', snapshot(model.forward(params, input)), snapshot(unembedding.forward({ weight: table(params) }, layerNorm.forward(params.ln_f, last))))
  }
})
