import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, andThenTied, attention, attentionWeights, block, causalMask, combineShards, crossEntropy, dropout, feedForward, gpt, initBlock, initGpt, layer, layerNorm,
  learnedPositions, linear, mlp, multiHeadAttention, named, noMask, noParams, paddingMask, parameterless, random, residual, shards, stackWith, tanh,
  tensor, tokenEmbedding, tree, unembedding, type BlockParams, type Draw, type Example, type GptParams, type Key, type Layer, type LossAndGradient, type NoParams, type Tensor, type Tokens
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { ignoring, labelled, ofKnown, unknowns } from '../catalogue/batches.js'
import { blockPoints as genericBlock, changedTokens, gptPoints as genericGpt, mlpPoints as genericMlp } from '../catalogue/models.js'
import { linearParams } from '../catalogue/points.js'
import { BLOCK_TAPS, blockPoints, dropping, droppingPoints, GPT_TAPS, gpt2Beginning, gptPoints } from '../catalogue/randomness.js'
import type { Bug } from './bug.js'

const rate = 0.5
type Step = Layer<NoParams, Tensor, Tensor>

/** A block with the given layers at the ends of its branches. */
const blockWith = (first: Step, second: Step): Layer<BlockParams, Tensor, Tensor> => pipe(
  residual(pipe(layerNorm, named('ln_1'), andThen('attn', multiHeadAttention(2, causalMask)), andThen(first))),
  andThen(residual(pipe(layerNorm, named('ln_2'), andThen('mlp', feedForward), andThen(second)))))

const dropsWith = (...path: readonly number[]) => (key: Key): Step => dropout(rate, path.reduce((k, i) => random.foldIn(i)(k), key))

/** A GPT with the given dropout of its embedding and key of each block. */
const gptWith = (embedding: (key: Key) => Step, keyOf: (index: number, key: Key) => Key) => (key: Key): Layer<GptParams, Tokens, Tensor, void> => pipe(
  tokenEmbedding, named('wte'),
  andThen('wpe', learnedPositions),
  andThen(embedding(key)),
  andThen('h', stackWith(index => block({ heads: 2, mask: causalMask, dropout: { rate, key: keyOf(index, key) } }))),
  andThen('ln_f', layerNorm), andThenTied('wte', unembedding))

/** Drops what the key says, by a mask for other numbers than there are. */
const dropsBy = (maskOf: (x: Tensor, u: (shape: readonly number[]) => Tensor) => Tensor) => (key: Key): Step => {
  const scaled = (x: Tensor, y: Tensor): Tensor =>
    tensor.multiply(maskOf(x, shape => dropout(rate, key).forward(noParams, tensor.full(shape, 1, 'float64'))))(y)
  return layer({ forward: (_: NoParams, x: Tensor) => scaled(x, x), gradient: (_: NoParams, x: Tensor, dy: Tensor) => ({ params: noParams, input: scaled(x, dy) }) })
}
/** A mask of fewer entries, over and over. */
const repeated = (shape: readonly number[], mask: Tensor): Tensor =>
  tensor.fromArray(shape, Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => mask.data[i % mask.data.length]), 'float64')

const opposite = dropsBy((x, u) => tensor.map(m => 1 / (1 - rate) - m)(u(x.shape)))

const blockBug = (bug: string, first: (key: Key) => Step, second: (key: Key) => Step): Bug => ({
  bug, caughtBy: 'independent dropout', laws: [laws.independentDropout(key => blockWith(first(key), second(key)), blockPoints, BLOCK_TAPS)]
})
const gptBug = (bug: string, embedding: (key: Key) => Step, keyOf: (index: number, key: Key) => Key): Bug => ({
  bug, caughtBy: 'independent dropout', laws: [laws.independentDropout(gptWith(embedding, keyOf), gptPoints, GPT_TAPS)]
})
const dropoutBug = (bug: string, f: (key: Key) => Step): Bug =>
  ({ bug, caughtBy: 'independent dropout', laws: [laws.independentDropout(dropping(f), droppingPoints, ['x'])] })

const small = { vocabulary: 7, context: 5, width: 8, layers: 3 }
const drawn = initGpt(small, { precision: 'float64' })
const alikeBug = (bug: string, change: (params: GptParams, key: Key) => GptParams): Bug =>
  ({ bug, caughtBy: 'independent initial parameters', laws: [laws.independentParameters(key => change(drawn(key), key))] })
const beginningBug = (bug: string, init: Draw<GptParams>): Bug =>
  ({ bug, caughtBy: 'initial mean and deviation', laws: [laws.initialParameters(init, gpt2Beginning(3))] })
const withBlocks = (layers: number): Draw<GptParams> => key => ({ ...drawn(key), h: random.replicate(3, initBlock({ width: 8, layers }, { precision: 'float64' }))(key) })

/** Queries' columns in place of the keys'. */
const keysLikeQueries = (weight: Tensor): Tensor => {
  const [rows, width] = weight.shape, d = width / 3
  return tensor.fromArray([rows, width], Array.from(weight.data, (w, i) => (Math.floor(i % width / d) === 1 ? weight.data[i - d] : w)), 'float64')
}

const batch = (...shape: readonly number[]) => ({ params: fc.constant(noParams), input: arbitrary.axis(3, 2).chain(b => arbitrary.tensorOf([b, ...shape])) })

/** Every feature minus its mean over the batch, as batch normalisation has it. */
const centred = (x: Tensor): Tensor => {
  const [items] = x.shape, width = x.data.length / items
  const means = Array.from({ length: width }, (_, j) => Array.from({ length: items }, (__, b) => x.data[b * width + j]).reduce((a, b) => a + b, 0) / items)
  return tensor.fromArray(x.shape, Array.from(x.data, (v, i) => v - means[i % width]), 'float64')
}

/** Items one after the other, as one long sequence. */
const flattened = (mask: typeof causalMask): Step => ({
  forward: (_, x) => tensor.reshape(x.shape)(attention(mask).forward(noParams, { query: asOne(x), key: asOne(x), value: asOne(x) })),
  vjp: (_, x) => {
    const [y, pullback] = attention(mask).vjp(noParams, { query: asOne(x), key: asOne(x), value: asOne(x) })
    return [tensor.reshape(x.shape)(y), dy => {
      const { query, key, value } = pullback(asOne(dy)).input
      return { params: noParams, input: tensor.reshape(x.shape)(tensor.add(value)(tensor.add(key)(query))) }
    }]
  }
})
const asOne = (x: Tensor): Tensor => tensor.reshape([1, x.shape[0] * x.shape[1], x.shape[2]])(x)

const batchBug = (bug: string, caughtBy: string, f: Step): Bug => ({ bug, caughtBy, laws: laws.batches(f, batch(2, 3)) })

const targets = arbitrary.axis(3).chain(b => fc.record({ prediction: arbitrary.tensorOf([b, 2, 3], { scale: 4 }), target: ignoring([b, 2], 3) }))

type Combining = <P>(parts: readonly { readonly rows: number, readonly part: LossAndGradient<P> }[]) => LossAndGradient<P>
const inParts = (combining: Combining, cutting: typeof shards = shards) =>
  <P, X extends Tensor | Tokens, T extends Tensor | Tokens>(count: number, f: (params: P, example: Example<X, T>) => LossAndGradient<P>) =>
    (params: P, whole: Example<X, T>): LossAndGradient<P> => combining(cutting(count)(whole).map(part => ({ rows: part.input.shape[0], part: f(params, part) })))

const shardBug = (bug: string, sharded: ReturnType<typeof inParts>, reduction: 'mean' | 'sum' = 'mean'): Bug =>
  ({ bug, caughtBy: 'parts make the whole', laws: [laws.sharding(sharded, linear, crossEntropy({ reduction }), labelled)] })

const scaledBy = <P>(share: number, { loss, gradient }: LossAndGradient<P>): LossAndGradient<P> => ({ loss: share * loss, gradient: tree.map(tensor.scale(share))(gradient) })
const added = <P>(a: LossAndGradient<P>, b: LossAndGradient<P>): LossAndGradient<P> => ({ loss: a.loss + b.loss, gradient: tree.add(b.gradient)(a.gradient) })
const termsOf = ({ weight }: LossAndGradient<unknown>): number => (typeof weight === 'number' ? weight : 1)

const gptOf = (
  positions: Layer<GptParams['wpe'], Tensor, Tensor>, norm: Layer<GptParams['ln_f'], Tensor, Tensor>, blocks: Layer<GptParams['h'], Tensor, Tensor>
): Layer<GptParams, Tokens, Tensor, void> => pipe(
  tokenEmbedding, named('wte'), andThen('wpe', positions), andThen('h', blocks), andThen('ln_f', norm), andThenTied('wte', unembedding))
/** What does not look at its parameters; nobody asks for its gradient. */
const passing = <P>(): Layer<P, Tensor, Tensor> => ({ forward: (_, x) => x, vjp: (params, x) => [x, dy => ({ params, input: dy })] })
const blocksBy = (order: (h: GptParams['h']) => GptParams['h']): Layer<GptParams['h'], Tensor, Tensor> => {
  const f = stackWith(() => block({ heads: 2, mask: causalMask }))
  return { forward: (h, x) => f.forward(order(h), x), vjp: (h, x) => f.vjp(order(h), x) }
}
const transformerBug = (bug: string, model: Layer<GptParams, Tokens, Tensor, void>): Bug =>
  ({ bug, caughtBy: 'transformer', laws: [laws.transformer(model, 2, ({ wte }) => wte.weight, genericGpt)] })
const madeBug = (bug: string, f: Layer<BlockParams, Tensor, Tensor>): Bug => ({ bug, caughtBy: 'pre-LN block', laws: [laws.preNormBlock(f, 2, genericBlock)] })

export const modelBugs: readonly Bug[] = [
  transformerBug('gpt: positions are forgotten', gptOf(passing(), layerNorm, blocksBy(h => h))),
  transformerBug('gpt: no norm after the last block', gptOf(learnedPositions, passing(), blocksBy(h => h))),
  transformerBug('gpt: the blocks from last to first', gptOf(learnedPositions, layerNorm, blocksBy(h => [...h].reverse()))),
  transformerBug('gpt: all blocks have the parameters of the first', gptOf(learnedPositions, layerNorm, blocksBy(h => h.map(() => h[0])))),
  madeBug('block: the norm stands after the sum', pipe(
    residual(pipe(multiHeadAttention(2, causalMask), named('attn'))), andThen('ln_1', layerNorm),
    andThen(residual(pipe(feedForward, named('mlp')))), andThen('ln_2', layerNorm))),
  madeBug('block: the second branch is added to the input of the first', {
    ...block({ heads: 2, mask: causalMask }),
    forward: ({ ln_1, attn, ln_2, mlp }, x) => {
      const between = tensor.add(multiHeadAttention(2, causalMask).forward(attn, layerNorm.forward(ln_1, x)))(x)
      return tensor.add(feedForward.forward(mlp, layerNorm.forward(ln_2, between)))(x)
    }
  }),
  {
    bug: 'gpt: padding never reaches the blocks', caughtBy: 'padding is seen by nobody else',
    laws: [laws.paddingHides(() => gpt({ heads: 2 }), genericGpt, changedTokens)]
  },
  {
    bug: 'mlp: an activation after the last layer too', caughtBy: 'perceptron',
    laws: [laws.perceptron(pipe(mlp(tanh), andThen(tanh)), tanh, genericMlp)]
  },
  { bug: 'mlp: the activation is forgotten', caughtBy: 'perceptron', laws: [laws.perceptron(mlp(passing()), tanh, genericMlp)] },
  blockBug('block: both dropouts share a key', dropsWith(0), dropsWith(0)),
  blockBug('block: the second branch drops what the first one keeps', dropsWith(0), key => opposite(random.foldIn(0)(key))),
  blockBug('block: the dropout of the attention is forgotten', () => parameterless((x: Tensor) => x, (_, dy: Tensor) => dy), dropsWith(1)),
  gptBug('gpt: the dropouts of all blocks share a key', dropsWith(0), (_, key) => random.foldIn(1)(key)),
  gptBug('gpt: the embedding shares its dropout with the first block', dropsWith(1, 0), (index, key) => random.foldIn(index + 1)(key)),
  gptBug('gpt: every step drops the same', () => dropsWith(0)(random.key(1)), index => random.foldIn(index + 1)(random.key(1))),
  dropoutBug('dropout: all tokens share a mask', dropsBy((x, u) => repeated(x.shape, u(x.shape.slice(-1))))),
  dropoutBug('dropout: all items of a batch share a mask', dropsBy((x, u) => repeated(x.shape, u(x.shape.slice(1))))),
  alikeBug('initial parameters: all blocks begin alike', params => ({ ...params, h: params.h.map(() => params.h[0]) })),
  alikeBug('initial parameters: tokens and positions are drawn with one key', (params, key) => ({
    ...params, wte: { weight: random.normal([7, 8], { precision: 'float64' })(key) }, wpe: { weight: random.normal([5, 8], { precision: 'float64' })(key) }
  })),
  alikeBug('initial parameters: keys begin as the queries do', params => ({
    ...params, h: params.h.map(({ attn, ...rest }) => ({ ...rest, attn: { ...attn, c_attn: { ...attn.c_attn, weight: keysLikeQueries(attn.c_attn.weight) } } }))
  })),
  alikeBug('initial parameters: both residual projections of a block are drawn with one key', (params, key) => ({
    ...params, h: params.h.map((p, i) => ({
      ...p,
      attn: { ...p.attn, c_proj: { ...p.attn.c_proj, weight: random.gpt2Residual(3)(8, 8, 'float64')(random.foldIn(i)(key)) } },
      mlp: { ...p.mlp, c_proj: { ...p.mlp.c_proj, weight: random.gpt2Residual(3)(32, 8, 'float64')(random.foldIn(i)(key)) } }
    }))
  })),
  beginningBug('initial parameters: residual projections without regard to depth', key => {
    const params = drawn(key)
    return { ...params, h: params.h.map(p => ({ ...p, mlp: { ...p.mlp, c_proj: { ...p.mlp.c_proj, weight: random.gpt2Normal(32, 8, 'float64')(key) } } })) }
  }),
  beginningBug('initial parameters: every block believes that it is the only one', withBlocks(1)),
  beginningBug('initial parameters: a layer norm begins with 0', key => {
    const params = drawn(key)
    return { ...params, ln_f: { weight: tensor.zerosLike(params.ln_f.weight), bias: params.ln_f.bias } }
  }),
  {
    bug: 'draws: the key of the step is not used', caughtBy: 'independent draws',
    laws: [laws.independentDraws(() => random.normal([4])(random.key(0)))]
  },
  batchBug('batches: normalised over the batch', 'a batch is its items', parameterless(centred, (_, dy) => centred(dy))),
  batchBug('batches: attention between the items', 'a batch is its items', flattened(noMask)),
  batchBug('batches: positions are counted through the batch', 'items have no order', parameterless(
    (x: Tensor) => tensor.fromArray(x.shape, Array.from(x.data, (v, i) => v + Math.sin(Math.floor(i / 3))), 'float64'), (_, dy: Tensor) => dy)),
  batchBug('batches: the gradient of an item is that of the first one', 'a batch is its items', parameterless(
    (x: Tensor) => x, (x, dy: Tensor) => repeated(x.shape, tensor.fromArray([6], Array.from(dy.data).slice(0, 6), 'float64')))),
  {
    bug: 'batches: a gradient of parameters that is a mean over the batch', caughtBy: 'a batch is its items',
    laws: laws.batches(layer({
      forward: (params: Parameters<typeof linear.forward>[0], x: Tensor) => linear.forward(params, x),
      gradient: (params: Parameters<typeof linear.forward>[0], x: Tensor, dy: Tensor) => {
        const { params: d, input } = linear.vjp(params, x)[1](dy)
        return { params: { weight: tensor.scale(1 / x.shape[0])(d.weight), bias: tensor.scale(1 / x.shape[0])(d.bias) }, input }
      }
    }), { params: linearParams(3, 2), input: arbitrary.axis(3, 2).chain(b => arbitrary.tensorOf([b, 3])) })
  },
  {
    bug: 'a loss: ignored targets weigh as much as others', caughtBy: 'a loss is that of its items',
    laws: laws.lossBatches({ ...crossEntropy(), weight: ({ data }) => data.length }, targets)
  },
  {
    bug: 'a loss: a sum that passes for a mean', caughtBy: 'a loss is that of its items',
    laws: laws.lossBatches({ ...crossEntropy({ reduction: 'sum' }), weight: crossEntropy().weight }, targets)
  },
  {
    bug: 'a loss: a mean of the means of its items', caughtBy: 'a loss is that of its items',
    laws: laws.lossBatches({
      ...crossEntropy(),
      forward: (p, t) => shards(p.shape[0])({ input: p, target: t }).reduce((sum, item) => sum + crossEntropy().forward(item.input, item.target), 0) / p.shape[0]
    }, targets)
  },
  {
    bug: 'a loss: later items count less', caughtBy: 'items have no order',
    laws: laws.lossBatches({ forward: p => Array.from(p.data).reduce((total, x, i) => total + x * x / (i + 1), 0), gradient: p => tensor.scale(2)(p), weight: () => 'sum' },
      arbitrary.axis(3, 2).chain(n => fc.record({ prediction: arbitrary.tensorOf([n]), target: arbitrary.tensorOf([n]) })))
  },
  shardBug('parts: weighed by their rows', inParts(parts => combineShards(parts.map(({ rows, part: { loss, gradient } }) => ({ rows, part: { loss, gradient } }))))),
  shardBug('parts: all weigh the same', inParts(parts => parts.map(({ part }) => scaledBy(1 / parts.length, part)).reduce(added))),
  shardBug('parts: only the loss is weighed', inParts(parts => ({
    ...combineShards(parts), gradient: parts.map(({ part }) => scaledBy(1 / parts.length, part)).reduce(added).gradient
  }))),
  shardBug('parts: sums are averaged', inParts(parts => parts.map(({ part }) => scaledBy(1 / parts.length, part)).reduce(added)), 'sum'),
  shardBug('parts: rows that do not divide evenly are lost', inParts(combineShards, count => ({ input, target }) => {
    const size = Math.floor(input.shape[0] / count)
    return shards(input.shape[0])({ input, target }).slice(0, size * count)
  })),
  {
    bug: 'parts: one in which nothing counts is multiplied with 0', caughtBy: 'parts make the whole',
    laws: [laws.sharding(inParts(parts => {
      const total = parts.reduce((sum, { part }) => sum + termsOf(part), 0)
      return parts.map(({ part }) => scaledBy(termsOf(part) / total, part)).reduce(added)
    }), linear, ofKnown, unknowns)]
  },
  {
    bug: 'attention: padding is hidden forward and not backward', caughtBy: 'padding does not matter',
    laws: laws.attention(mask => ({ ...attention(mask), vjp: (params, x) => [attention(mask).forward(params, x), attention(noMask).vjp(params, x)[1]] }), attentionWeights,
      { none: noMask, causal: causalMask, padding: paddingMask })
  },
  {
    bug: 'attention: the last position is seen by all', caughtBy: 'hidden values do not matter',
    laws: laws.attention(mask => ({
      ...attention(mask),
      forward: (params, x) => {
        const [items, time, width] = x.value.shape
        return tensor.fromArray(x.value.shape, Array.from(attention(mask).forward(params, x).data, (y, i) =>
          y + 1e-9 * x.value.data[(Math.floor(i / width / time) % items * time + time - 1) * width]), 'float64')
      }
    }), attentionWeights, { none: noMask, causal: causalMask, padding: paddingMask })
  },
  {
    bug: 'a causal layer: the mean over the whole sequence comes in', caughtBy: 'the future never changes the past',
    laws: [laws.causality(parameterless(
      (x: Tensor) => tensor.map(v => v + tensor.sum(x))(x), (_, dy: Tensor) => dy), { params: fc.constant(noParams), input: arbitrary.tensorOf([1, 2, 2]) },
    (x, from, key) => tensor.fromArray(x.shape, Array.from(x.data, (v, i) => (Math.floor(i / 2) < from ? v : random.normal([])(random.foldIn(i)(key)).data[0])), 'float64'))]
  },
  {
    bug: 'lossAndGradient: says nothing of what counts', caughtBy: 'parts make the whole',
    laws: [laws.sharding(inParts(combineShards), linear, { forward: crossEntropy().forward, gradient: crossEntropy().gradient }, labelled)]
  }
]
