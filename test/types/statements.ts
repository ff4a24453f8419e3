/**
 * What the types of the library infer, without an annotation on the way. Nothing here runs: the compiler checks it, and
 * `types.test.ts` asks the compiler.
 *
 * @module
 */
import { pipe } from 'fp-ts/lib/function.js'
import type { Either } from 'fp-ts/lib/Either.js'
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import {
  adam, andThen, andThenTied, block, branches, causalMask, withClipping, crossEntropy, type Checkpoint, decodeCheckpoint, dropout, feedForward,
  decoding, frozen, generate, gpt, greedySampler, initGpt, initLinear, kernelsInUse, layer, layerKeeping, layerNorm, learnedPositions, linear,
  lossAndGradient, lossOf, meanSquaredError, mergeHeads, mlp, momentum, multiHeadAttention, named, parameterless, pointwise, random, recomputing, relu,
  residual, shards, singleHeadAttention, softmax, splitHeads, stack, stackWith, initTraining, tanh, tensor, tokenEmbedding, trainingStep, tree, unembedding,
  untiedGpt, type BlockParams, type Draw, type EmbeddingParams, type Example, type FeedForwardParams, type GptParams, type Key, type Layer,
  type LayerNormParams, type LinearParams, type LossAndGradient, type MlpParams, type MultiHeadParams, type NoParams, type Optimizer,
  type ParamsOf, type Shape, type SingleHeadParams, type Tensor, type Tokens, type Trained, type TrainedStep, type UntiedGptParams
} from 'pullback'
import { arbitrary, laws, type Law } from 'pullback/laws'
import { loadCheckpoint } from 'pullback/node'
import type fc from 'fast-check'
import { expectTypeOf } from 'vitest'

const model = pipe(linear, named('hidden'), andThen(tanh), andThen('blocks', stack(residual(linear))), andThen('output', linear))
type Model = { readonly hidden: LinearParams, readonly blocks: readonly LinearParams[], readonly output: LinearParams }
const languageModel = pipe(tokenEmbedding, named('wte'), andThen(relu), andThenTied('wte', unembedding))

// Composition
expectTypeOf(model).toEqualTypeOf<Layer<Model, Tensor, Tensor>>()
expectTypeOf(pipe(linear, named('a'), andThen(pipe(linear, named('b'))))).toEqualTypeOf(pipe(linear, named('a'), andThen('b', linear)))
expectTypeOf(pipe(linear, andThen('after', linear)))
  .toEqualTypeOf<Layer<{ readonly weight: Tensor, readonly bias: Tensor, readonly after: LinearParams }, Tensor, Tensor>>()
expectTypeOf(pipe(relu, andThen(softmax))).toEqualTypeOf<Layer<NoParams, Tensor, Tensor>>()
expectTypeOf(languageModel).toEqualTypeOf<Layer<{ readonly wte: EmbeddingParams }, Tokens, Tensor, void>>()
expectTypeOf(stack(linear)).toEqualTypeOf<Layer<readonly LinearParams[], Tensor, Tensor>>()
expectTypeOf(stackWith(index => pipe(linear, andThen(dropout(0.1, random.key(index)))))).toEqualTypeOf<Layer<readonly LinearParams[], Tensor, Tensor>>()
expectTypeOf(pipe(stack(linear), named('blocks'), andThen('output', linear)))
  .toEqualTypeOf<Layer<{ readonly blocks: readonly LinearParams[], readonly output: LinearParams }, Tensor, Tensor>>()
expectTypeOf(stack(stack(linear))).toEqualTypeOf<Layer<readonly (readonly LinearParams[])[], Tensor, Tensor>>()
expectTypeOf(branches({ query: linear, other: relu }))
  .toEqualTypeOf<Layer<{ query: LinearParams, other: NoParams }, Tensor, { readonly query: Tensor, readonly other: Tensor }>>()
expectTypeOf(pipe(linear, frozen(initLinear(2, 3)(random.key(0))))).toEqualTypeOf<Layer<NoParams, Tensor, Tensor>>()
/** A combinator of the user's own. */
const twice = <P>(f: Layer<P, Tensor, Tensor>) => pipe(f, named('first'), andThen(relu), andThen('second', f))
expectTypeOf(twice(linear)).toEqualTypeOf<Layer<{ readonly first: LinearParams, readonly second: LinearParams }, Tensor, Tensor>>()
expectTypeOf(twice(stack(linear)))
  .toEqualTypeOf<Layer<{ readonly first: readonly LinearParams[], readonly second: readonly LinearParams[] }, Tensor, Tensor>>()

// Layers of one's own
expectTypeOf(pointwise(Math.sin, Math.cos)).toEqualTypeOf<Layer<NoParams, Tensor, Tensor>>()
expectTypeOf(parameterless((x: Tensor) => tensor.scale(2)(x), (_, dy: Tensor) => tensor.scale(2)(dy))).toEqualTypeOf<Layer<NoParams, Tensor, Tensor>>()
expectTypeOf(layer({
  forward: ({ by }: { readonly by: Tensor }, x: Tensor) => tensor.multiply(by)(x),
  gradient: ({ by }, x, dy: Tensor) => ({ params: { by: tensor.multiply(x)(dy) }, input: tensor.multiply(by)(dy) })
})).toEqualTypeOf<Layer<{ readonly by: Tensor }, Tensor, Tensor>>()
expectTypeOf(layerKeeping({
  forward: (_: NoParams, x: Tensor) => [x, 'kept'] as const,
  gradient: (params, _, kept, dy: Tensor) => {
    expectTypeOf(kept).toEqualTypeOf<'kept'>()
    return { params, input: dy }
  }
})).toEqualTypeOf<Layer<NoParams, Tensor, Tensor>>()

// ParamsOf, for every kind of layer
expectTypeOf<ParamsOf<typeof linear>>().toEqualTypeOf<LinearParams>()
expectTypeOf<ParamsOf<typeof layerNorm>>().toEqualTypeOf<LayerNormParams>()
expectTypeOf<ParamsOf<typeof tokenEmbedding>>().toEqualTypeOf<EmbeddingParams>()
expectTypeOf<ParamsOf<typeof unembedding>>().toEqualTypeOf<EmbeddingParams>()
expectTypeOf<ParamsOf<typeof learnedPositions>>().toEqualTypeOf<EmbeddingParams>()
expectTypeOf<ParamsOf<typeof feedForward>>().toEqualTypeOf<FeedForwardParams>()
expectTypeOf<ParamsOf<ReturnType<typeof singleHeadAttention>>>().toEqualTypeOf<SingleHeadParams>()
expectTypeOf<ParamsOf<ReturnType<typeof multiHeadAttention>>>().toEqualTypeOf<MultiHeadParams>()
expectTypeOf<ParamsOf<ReturnType<typeof block>>>().toEqualTypeOf<BlockParams>()
expectTypeOf<ParamsOf<ReturnType<typeof mlp>>>().toEqualTypeOf<MlpParams>()
expectTypeOf<ParamsOf<ReturnType<typeof gpt>>>().toEqualTypeOf<GptParams>()
expectTypeOf<ParamsOf<ReturnType<typeof untiedGpt>>>().toEqualTypeOf<UntiedGptParams>()
expectTypeOf<ParamsOf<typeof relu>>().toEqualTypeOf<NoParams>()
expectTypeOf<ParamsOf<ReturnType<typeof splitHeads>>>().toEqualTypeOf<NoParams>()
expectTypeOf<ParamsOf<typeof mergeHeads>>().toEqualTypeOf<NoParams>()
expectTypeOf<ParamsOf<typeof model>>().toEqualTypeOf<Model>()
expectTypeOf<ParamsOf<typeof languageModel>>().toEqualTypeOf<{ readonly wte: EmbeddingParams }>()
expectTypeOf<ParamsOf<Layer<readonly Tensor[], Tokens, string, void>>>().toEqualTypeOf<readonly Tensor[]>()
expectTypeOf<ParamsOf<string>>().toEqualTypeOf<never>()

// Values
expectTypeOf(initLinear(2, 3)).toEqualTypeOf<Draw<LinearParams>>()
expectTypeOf(random.struct({ a: initLinear(2, 3), b: random.normal([2]) })(random.key(0)))
  .toEqualTypeOf<{ a: LinearParams, b: Tensor }>()
expectTypeOf(initGpt).returns.toEqualTypeOf<Draw<GptParams>>()
expectTypeOf(tensor.of([[1, 2]]).shape).toEqualTypeOf<Shape>()
expectTypeOf(tensor.of([1]).data).not.toHaveProperty('set')
expectTypeOf(kernelsInUse()).toEqualTypeOf<'wide' | 'fused' | 'simd' | 'reference'>()
declare const params: Model
expectTypeOf(tree.map(tensor.scale(2))(params)).toEqualTypeOf<Model>()
expectTypeOf(tree.add(params)(params)).toEqualTypeOf<Model>()
expectTypeOf(tree.getMonoid(params)).toEqualTypeOf<Monoid<Model>>()

// Training
declare const example: Example<Tensor, Tensor>
declare const key: Key
const optimizer = adam({ learningRate: 0.1 })
const step = trainingStep({ model, loss: meanSquaredError(), optimizer })
expectTypeOf(optimizer).toEqualTypeOf<Optimizer<'m' | 'v'>>()
expectTypeOf(initTraining(optimizer, params)).toEqualTypeOf<Trained<Model, 'm' | 'v'>>()
expectTypeOf(step).parameters.toEqualTypeOf<[Trained<Model, 'm' | 'v'>, Example<Tensor, Tensor>, Key]>()
expectTypeOf(step(initTraining(optimizer, params), example, key)).toEqualTypeOf<TrainedStep<Model, 'm' | 'v'>>()
expectTypeOf(step(initTraining(optimizer, params), example, key).params.blocks[0].weight).toEqualTypeOf<Tensor>()
expectTypeOf(trainingStep({ model: (k: Key) => pipe(linear, andThen(dropout(0.1, k))), loss: meanSquaredError(), optimizer: momentum({ learningRate: 1 }) }))
  .returns.toEqualTypeOf<TrainedStep<LinearParams, 'velocity'>>()
expectTypeOf(withClipping(1)(optimizer)).toEqualTypeOf<Optimizer<'m' | 'v'>>()
expectTypeOf(lossAndGradient(model, meanSquaredError())(params, example)).toEqualTypeOf<LossAndGradient<Model>>()
expectTypeOf(lossOf(languageModel, crossEntropy())).parameter(1).toEqualTypeOf<Example<Tokens, Tokens>>()
expectTypeOf(shards(2)(example)).toEqualTypeOf<readonly Example<Tensor, Tensor>[]>()

// Text and files
expectTypeOf(recomputing(languageModel, 8).empty).parameter(0).toEqualTypeOf<{ readonly wte: EmbeddingParams }>()
declare const gptParams: GptParams
expectTypeOf(generate({ decoder: decoding(gpt({ heads: 2 }), { context: 8 }), params: gptParams, sampler: greedySampler, count: 3 })).parameter(0).toEqualTypeOf<readonly number[]>()
expectTypeOf(decodeCheckpoint).returns.toEqualTypeOf<Either<string, Checkpoint>>()
expectTypeOf(loadCheckpoint).returns.toEqualTypeOf<TaskEither<string, Checkpoint>>()

// Laws
declare const points: { readonly params: fc.Arbitrary<LinearParams>, readonly input: fc.Arbitrary<Tensor> }
expectTypeOf(laws.layer(linear, points)).toEqualTypeOf<readonly Law[]>()
expectTypeOf(arbitrary.drawn(initLinear(2, 3))).toEqualTypeOf<fc.Arbitrary<LinearParams>>()
expectTypeOf(arbitrary.treeOf({ weight: [2, 3], bias: [3] })).toEqualTypeOf<fc.Arbitrary<{ readonly weight: Tensor, readonly bias: Tensor }>>()
expectTypeOf(block({ heads: 2, mask: causalMask })).toEqualTypeOf<Layer<BlockParams, Tensor, Tensor>>()
