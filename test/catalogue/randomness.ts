import fc from 'fast-check'
import {
  block, causalMask, dropout, gpt, initBlock, initFeedForward, initGpt, initMlp, initMultiHeadAttention, initSingleHeadAttention, initUntiedGpt, random,
  randomWindows, shuffledBatches, tensor, untiedGpt, type BlockParams, type Draw, type Key, type Tensor, type Tokens
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import type { Subject } from './subject.js'

const WIDTH = 48
/** Wide enough that two masks are not equal by chance. */
export const sizes = { vocabulary: 5, context: 4, width: WIDTH, layers: 2 }

/** Generic numbers, and no attention between positions: queries, keys and values are their biases. */
const apart = (params: BlockParams): BlockParams => ({ ...params, attn: { ...params.attn, c_attn: { ...params.attn.c_attn, weight: tensor.zerosLike(params.attn.c_attn.weight) } } })

const one = <A>(draw: Draw<A>): A => fc.sample(arbitrary.drawnGeneric(draw), { numRuns: 1, seed: 1 })[0]
const gptParams = one(initGpt(sizes, { precision: 'float64' })), untiedParams = one(initUntiedGpt(sizes, { precision: 'float64' }))

export const gptPoints = {
  params: fc.constant({ ...gptParams, h: gptParams.h.map(apart) }), input: arbitrary.tokensOf([2, 2], sizes.vocabulary)
}
const untiedPoints = { params: fc.constant({ ...untiedParams, h: untiedParams.h.map(apart) }), input: gptPoints.input }
export const blockPoints = {
  params: fc.constant(apart(one(initBlock({ width: WIDTH, layers: 2 }, { precision: 'float64' })))), input: arbitrary.drawn(random.normal([2, 2, WIDTH], { precision: 'float64' }))
}

export const BLOCK_TAPS = ['attn.c_proj.bias', 'mlp.c_proj.bias']
/** The embedding's dropout follows on the positions; each branch of a block ends with one. */
export const GPT_TAPS = ['wpe.weight', ...[0, 1].flatMap(i => BLOCK_TAPS.map(path => `h.${i}.${path}`))]
const rate = 0.5

/** A layer whose input is a parameter, so that dropout itself shows in a gradient. */
export const dropping = (layerFor: (key: Key) => ReturnType<typeof dropout>) => (key: Key) => {
  const f = layerFor(key)
  return {
    forward: (params: { readonly x: Tensor }, _: null) => f.forward({}, params.x),
    vjp: (params: { readonly x: Tensor }, _: null) => {
      const [y, pullback] = f.vjp({}, params.x)
      return [y, (dy: Tensor) => ({ params: { x: pullback(dy).input }, input: undefined })] as const
    }
  }
}
export const droppingPoints = {
  params: fc.record({ x: arbitrary.drawn(random.normal([3, 2, WIDTH], { precision: 'float64' })) }), input: fc.constant(null)
}

const RESIDUAL = /c_proj\.weight$/
/** How GPT-2 begins. */
export const gpt2Beginning = (layers: number) => (path: string): laws.Beginning => {
  if (/ln_\w+\.weight$/.test(path)) return { mean: 1, deviation: 0 }
  if (path.endsWith('bias')) return { mean: 0, deviation: 0 }
  return { mean: 0, deviation: RESIDUAL.test(path) ? 0.02 / Math.sqrt(2 * layers) : 0.02 }
}

const longText: Tokens = tensor.tokensFromArray([2000], Array.from({ length: 2000 }, (_, i) => i))
const small = { vocabulary: 7, context: 5, width: 8, layers: 3 }

export const randomness: readonly Subject[] = [
  { subject: 'dropout', laws: [laws.independentDropout(dropping(key => dropout(rate, key)), droppingPoints, ['x'])] },
  {
    subject: 'dropout of a block',
    laws: [laws.independentDropout(key => block({ heads: 2, mask: causalMask, dropout: { rate, key } }), blockPoints, BLOCK_TAPS)]
  },
  { subject: 'dropout of gpt', laws: [laws.independentDropout(key => gpt({ heads: 2, dropout: { rate, key } }), gptPoints, GPT_TAPS)] },
  { subject: 'dropout of untiedGpt', laws: [laws.independentDropout(key => untiedGpt({ heads: 2, dropout: { rate, key } }), untiedPoints, GPT_TAPS)] },
  {
    subject: 'initGpt',
    laws: [laws.independentParameters(initGpt(small, { precision: 'float64' })), laws.initialParameters(initGpt(small, { precision: 'float64' }), gpt2Beginning(3)), laws.independentDraws(initGpt(small))]
  },
  {
    subject: 'initUntiedGpt',
    laws: [laws.independentParameters(initUntiedGpt(small, { precision: 'float64' })), laws.initialParameters(initUntiedGpt(small, { precision: 'float64' }), gpt2Beginning(3))]
  },
  { subject: 'initBlock', laws: [laws.independentParameters(initBlock({ width: 8, layers: 2 }, { precision: 'float64' })), laws.initialParameters(initBlock({ width: 8, layers: 2 }, { precision: 'float64' }), gpt2Beginning(2))] },
  { subject: 'initMultiHeadAttention', laws: [laws.independentParameters(initMultiHeadAttention(8, { precision: 'float64' }))] },
  { subject: 'initSingleHeadAttention', laws: [laws.independentParameters(initSingleHeadAttention(6, 4, { precision: 'float64' }))] },
  { subject: 'initFeedForward', laws: [laws.independentParameters(initFeedForward(6, { precision: 'float64' }))] },
  {
    subject: 'initMlp',
    laws: [laws.independentParameters(initMlp([6, 6, 6, 6], { precision: 'float64' })),
      laws.initialParameters(initMlp([8, 8, 8, 8], { precision: 'float64' }), path =>
        (path.endsWith('bias') ? { mean: 0, deviation: 0 } : { mean: 0, deviation: Math.sqrt(2 / 8) }))]
  },
  { subject: 'randomWindows', laws: [laws.independentDraws(randomWindows(longText, { batch: 4, context: 3 })), laws.windows((tokens, options) => randomWindows(tokens, options))] },
  { subject: 'shuffledBatches', laws: [laws.independentDraws(shuffledBatches(40, 7)), laws.epochs(shuffledBatches)] }
]
