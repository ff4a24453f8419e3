import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, attention, block, branches, causalAttention, causalMask, frozen, geluTanh, gpt, identityLayer, initBlock, initGpt, initLinear, initUntiedGpt, labelled,
  layerNorm, learnedPositions, linear, mergeHeads, named, noMask, probe, random, relu, residual, singleHeadAttention,
  initSingleHeadAttention, sinusoidalPositions, softmax, splitHeads, stack, tanh, tensor, tokenEmbedding, unembedding, untiedGpt, type Key
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { linearParams } from './points.js'
import type { Subject } from './subject.js'

const sizes = { vocabulary: 5, context: 4, width: 4, layers: 2 }
const width = 4

const sequences = arbitrary.drawn(random.normal([2, 4, width], { precision: 'float64' }))
const tokens = arbitrary.tokensOf([2, 4], sizes.vocabulary)
const pure = { params: fc.constant({}), input: sequences }
const table = { weight: [5, width] }


const selfAttention = pipe(linear, named('c_attn'), andThen(splitHeads(2)), andThen(causalAttention), andThen(mergeHeads))
const three = (key: Key) => ({ c_attn: initLinear(width, 3 * width, { precision: 'float64' })(key) })

const gptPoints = { params: arbitrary.drawnGeneric(initGpt(sizes, { precision: 'float64' })), input: tokens }
const untiedPoints = { params: arbitrary.drawnGeneric(initUntiedGpt(sizes, { precision: 'float64' })), input: tokens }

const squares = fc.record({ params: fc.record({ f: linearParams(width, width), g: linearParams(width, width) }), input: sequences })

/** A model of somebody's own: no layer norm, sinusoids, one head, a list of feed-forward layers. */
const own = pipe(
  tokenEmbedding, named('embedding'),
  andThen(labelled('positions')(sinusoidalPositions)),
  andThen('head', singleHeadAttention(causalMask)),
  andThen('layers', stack(residual(pipe(linear, andThen(relu), andThen(frozen(tensor.of([1, 2, 3, 4], 'float64'))(probe)))))),
  andThen('output', unembedding))
const ownParams = random.struct({
  embedding: (key: Key) => ({ weight: random.normal([5, width], { precision: 'float64' })(key) }),
  head: initSingleHeadAttention(width, width, { precision: 'float64' }),
  layers: random.replicate(2, initLinear(width, width, { precision: 'float64' })),
  output: (key: Key) => ({ weight: random.normal([5, width], { precision: 'float64' })(key) })
})

export const readings: readonly Subject[] = [
  { subject: 'stepping linear', laws: laws.stepping(linear, { params: linearParams(width, 3), input: sequences }) },
  { subject: 'stepping layerNorm', laws: laws.stepping(layerNorm, { params: arbitrary.treeOf({ weight: [width], bias: [width] }), input: sequences }) },
  ...([['softmax', softmax], ['tanh', tanh], ['geluTanh', geluTanh], ['identity', identityLayer<ReturnType<typeof tensor.of>>()]] as const).map(([name, f]): Subject =>
    ({ subject: `stepping ${name}`, laws: laws.stepping(f, pure) })),
  { subject: 'stepping tokenEmbedding', laws: laws.stepping(tokenEmbedding, { params: arbitrary.treeOf(table), input: tokens }) },
  { subject: 'stepping unembedding', laws: laws.stepping(unembedding, { params: arbitrary.treeOf(table), input: sequences }) },
  { subject: 'stepping learnedPositions', laws: laws.stepping(learnedPositions, { params: arbitrary.treeOf(table), input: sequences }) },
  { subject: 'stepping sinusoidalPositions', laws: laws.stepping(sinusoidalPositions, pure) },
  { subject: 'stepping probe', laws: laws.stepping(probe, { params: arbitrary.tensorOf([width]), input: sequences }) },
  { subject: 'stepping causal attention', laws: laws.stepping(selfAttention, { params: arbitrary.drawnGeneric(three), input: sequences }) },
  { subject: 'stepping a block', laws: laws.stepping(block({ heads: 2, mask: causalMask }), { params: arbitrary.drawnGeneric(initBlock({ width, layers: 2 }, { precision: 'float64' })), input: sequences }) },
  { subject: 'stepping gpt', laws: laws.stepping(gpt({ heads: 2 }), gptPoints) },
  { subject: 'stepping untiedGpt', laws: laws.stepping(untiedGpt({ heads: 2 }), untiedPoints) },
  { subject: 'stepping a model of one\'s own', laws: laws.stepping(own, { params: arbitrary.drawnGeneric(ownParams), input: tokens }) },
  {
    subject: 'tracing',
    laws: [
      laws.traceOfComposition(pipe(linear, andThen(tanh)), linear, squares),
      laws.traceOfComposition(linear, pipe(linear, andThen(labelled('act')(relu))), squares)
    ]
  },
  { subject: 'tracing attention', laws: laws.tracing(attention(noMask), { params: fc.constant({}), input: laws.queryKeyValue() }) },
  {
    subject: 'tracing branches', laws: laws.tracing(branches({ query: linear, key: pipe(linear, named('inner')) }), {
      params: fc.record({ query: linearParams(width, 2), key: fc.record({ inner: linearParams(width, 3) }) }), input: sequences
    })
  },
  { subject: 'tracing gpt', laws: laws.tracing(gpt({ heads: 2 }), gptPoints) },
  { subject: 'tracing a model of one\'s own', laws: laws.tracing(own, { params: arbitrary.drawnGeneric(ownParams), input: tokens }) }
]
