import { describe, expect, test } from 'vitest'
import * as library from 'pullback'
import {
  adam, adamW, attention, attentionWeights, binaryCrossEntropy, binaryCrossEntropyWithLogits, block, blockSpec, causalAttention, clipByGlobalNorm, withClipping,
  completeSentence, constantSchedule, crossEntropy, decodeParams, decoding, dropout, embeddingSpec, encodeParams, encodeSafetensors, factored, factoredCrossEntropy, feedForward, feedForwardSpec, gelu, geluTanh, generate, globalNorm, gpt,
  gradientDescent, greedySampler, initBlock, initEmbedding, initFeedForward, initGpt, initLayerNorm, initLinear, initMlp, initMultiHeadAttention,
  initSingleHeadAttention, initUntiedGpt, layerNorm, layerNormSpec, layerNormWith, leakyRelu, learnedPositions, linear, linearSchedule, linearSpec, logSoftmax, lossAndGradient, lossOf,
  masked, meanSquaredError, mergeHeads, mlp, momentum, MonoidMask, multiHeadAttention, multiHeadSpec, nextTokenLogits, noMask, noParams, paddingMask, paramsCodec, probe, random,
  randomWindows, recomputing, relu, ShapeError, shuffledBatches, sigmoid, silu, singleHeadAttention, singleHeadSpec, sinusoidalPositions, sinusoidalTable, softmax, softmaxWith,
  spec, splitHeads, initTraining, tanh, tensor, tokenEmbedding, trainingRun, trainingStep, tree, unembedding, untiedGpt, warmupCosine, windowsAt, words, PrecisionError,
  type Tensor, type Tokens, type WordVectors
} from 'pullback'
import { zipInto } from '../../src/tree/tree.js'

/** What a caller without types may give: for the compiler it fits everywhere. */
const js = (value: unknown): never => value as never

const k = random.key(0), x = tensor.of([1, 2]), ids = tensor.tokensOf([0, 1]), wide = tensor.of([1, 2, 3])
const from = <A>(draw: (key: library.Key) => A): A => draw(k)
const table = { weight: tensor.of([[1, 2], [3, 4]]) }
const sizes = { vocabulary: 3, context: 4, width: 4, layers: 1 }
const model = from(initGpt(sizes))
const stepped = <S extends string>(optimizer: library.Optimizer<S>) => optimizer.step({ x }, { x }, optimizer.init({ x }))
const decoder = decoding(gpt({ heads: 2 }), { context: 2 })
const generating = (options: object) => () => generate(js({ decoder: decoder, params: model, sampler: greedySampler, count: 1, ...options }))
const optionsOf = { peak: 1, final: 0, warmup: 2, steps: 5 }
const vectors: WordVectors = { words: ['a'], rows: new Map([['a', 0]]), weight: tensor.of([[1, 2], [0, 0]]) }

const asTokens = (shape: readonly number[], data: unknown): Tokens => js({ _tag: 'Tokens', shape, data })
const asTensor = (shape: readonly number[], data: unknown): Tensor => js({ _tag: 'Tensor', shape, data })
const short = asTensor([1000], new Float32Array(2))

const RATE = 'a finite number of at least 0', COUNT = 'a non-negative safe integer', POSITIVE = 'a positive integer', FRACTION = 'a number of at least 0 and below 1'
const X2 = 'a tensor [2] whose data is a Float32Array of 2', SHORT = 'a tensor [1000] whose data is a Float32Array of 2'

type Kind = new (...args: never[]) => Error
type Row = readonly [name: string, call: () => unknown, kind: Kind, message: string]

/** One row for each value of an argument that lies outside of its domain. */
const outside = (name: string, argument: string, expected: string, call: (value: never) => unknown, values: readonly unknown[]): readonly Row[] =>
  values.map(value => [name, () => call(js(value)), typeof value === 'number' ? RangeError : TypeError,
    `${name}: expected ${argument} to be ${expected}, got ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`])

/** A layer on what is no tensor, and on one whose data is shorter than its shape. */
const onTensors = (name: string, call: (value: Tensor) => unknown, argument = 'x'): readonly Row[] => [
  [name, () => call(js(3)), TypeError, `${name}: expected ${argument} to be a tensor, got 3`],
  [name, () => call(js(undefined)), TypeError, `${name}: expected ${argument} to be a tensor, got undefined`],
  [name, () => call(js([1, 2])), TypeError, `${name}: expected ${argument} to be a tensor, got an array of 2`],
  [name, () => call(js(ids)), TypeError, `${name}: expected ${argument} to be a tensor, got tokens [2] whose data is an Int32Array of 2`],
  [name, () => call(js(JSON.parse(JSON.stringify(x)))), TypeError, `${name}: expected ${argument} to be a tensor, got a tensor [2] whose data is a record`],
  [name, () => call(short), TypeError, `${name}: expected ${argument} to be a tensor, got ${SHORT}`]
]

/** A layer whose parameters are missing, or one of them is. */
const onParams = (name: string, names: readonly string[], call: (params: never) => unknown): readonly Row[] => [
  [name, () => call(js(undefined)), TypeError, `${name}: expected params to be a record of ${names.join(', ')}, got undefined`],
  ...names.map((missing): Row => [name, () => call(js(Object.fromEntries(names.filter(other => other !== missing).map(other => [other, x])))), TypeError,
    `${name}: expected params.${missing} to be a tensor, got undefined`])
]

const heads = (name: string, call: (heads: number) => unknown): readonly Row[] => outside(name, 'heads', POSITIVE, call, [NaN, 0, -1, 2.5, Infinity, '2', undefined])

/** A draw without a key. */
const onKeys = (name: string, draw: (key: library.Key) => unknown, operation = name): readonly Row[] => [
  [name, () => draw(js(undefined)), TypeError, `${operation}: expected key to be a key of random.key, got undefined`],
  [name, () => draw(js(7)), TypeError, `${operation}: expected key to be a key of random.key, got 7`],
  [name, () => draw({ _tag: 'Key', high: NaN, low: 0 }), RangeError, `${operation}: expected key to be a key of random.key, got a record`]
]

const tensors: readonly Row[] = [
  ['tensor.of', () => tensor.of(js(['1', '2'])), TypeError, 'tensor.of: expected numbers in nested arrays, got "1" at [0]'],
  ['tensor.of', () => tensor.of(js([[1], [2, null]])), TypeError, 'tensor.of: expected numbers in nested arrays, got null at [1][1]'],
  ['tensor.of', () => tensor.of(js(new Float32Array(2))), TypeError,
    'tensor.of: expected numbers in nested arrays, got a Float32Array of 2; tensor.fromArray takes a shape and an array'],
  ['tensor.of', () => tensor.of(js(undefined)), TypeError, 'tensor.of: expected numbers in nested arrays, got undefined'],
  ['tensor.of', () => tensor.of([[1, 2], [3]]), ShapeError, 'tensor.of: expected sub-arrays of one shape, got [1] and [2]'],
  ['tensor.of', () => tensor.of(1, js('float16')), RangeError, 'tensor.of: expected precision to be "float32" or "float64", got "float16"'],
  ['tensor.of', () => tensor.of(1, js(32)), TypeError, 'tensor.of: expected precision to be "float32" or "float64", got 32'],
  ['tensor.tokensOf', () => tensor.tokensOf(js(['1'])), TypeError, 'tensor.tokensOf: expected numbers in nested arrays, got "1" at [0]'],
  ['tensor.tokensOf', () => tensor.tokensOf(js(new Int32Array(1))), TypeError,
    'tensor.tokensOf: expected numbers in nested arrays, got an Int32Array of 1; tensor.tokensFromArray takes a shape and an array'],
  ['tensor.tokensOf', () => tensor.tokensOf([[1, 2], [3]]), ShapeError, 'tensor.tokensOf: expected sub-arrays of one shape, got [1] and [2]'],
  ['tensor.tokensFromArray', () => tensor.tokensFromArray([1], [2 ** 31]), RangeError, 'tensor.tokensFromArray: expected ids[0] to be an integer of 32 bits, got 2147483648'],
  ['tensor.tokensFromArray', () => tensor.tokensFromArray([1], [NaN]), RangeError, 'tensor.tokensFromArray: expected ids[0] to be an integer of 32 bits, got NaN'],
  ['tensor.tokensFromArray', () => tensor.tokensFromArray([1], js(['1'])), TypeError, 'tensor.tokensFromArray: expected ids[0] to be a number, got "1"'],
  ['tensor.tokensFromArray', () => tensor.tokensFromArray(js(1), [1]), TypeError, 'tensor.tokensFromArray: expected shape to be an array of numbers, got 1'],
  ['tensor.fromArray', () => tensor.fromArray([2], js(['1', '2'])), TypeError, 'tensor.fromArray: expected values[0] to be a number, got "1"'],
  ['tensor.fromArray', () => tensor.fromArray([1], js(new BigInt64Array(1))), TypeError, 'tensor.fromArray: expected values to be an array of numbers, got a BigInt64Array of 1'],
  ['tensor.fromArray', () => tensor.fromArray([2], js(x)), TypeError, `tensor.fromArray: expected values to be an array of numbers, got ${X2}`],
  ['tensor.fromArray', () => tensor.fromArray([-1, -2], [1, 2]), ShapeError, 'tensor.fromArray: expected axes that are non-negative integers, got [-1, -2]'],
  ['tensor.fromArray', () => tensor.fromArray(js(['2']), [1, 2]), TypeError, 'tensor.fromArray: expected shape to be an array of numbers, got an array of 1'],
  ['tensor.full', () => tensor.full([1], js('1')), TypeError, 'tensor.full: expected value to be a number, got "1"'],
  ['tensor.full', () => tensor.full([0.5], 1), ShapeError, 'tensor.full: expected axes that are non-negative integers, got [0.5]'],
  ['tensor.zeros', () => tensor.zeros(js(2)), TypeError, 'tensor.zeros: expected shape to be an array of numbers, got 2'],
  ['tensor.zeros', () => tensor.zeros([NaN]), ShapeError, 'tensor.zeros: expected axes that are non-negative integers, got [NaN]'],
  ['tensor.zeros', () => tensor.zeros([1], js('f4')), RangeError, 'tensor.zeros: expected precision to be "float32" or "float64", got "f4"'],
  ['tensor.at', () => tensor.at(2)(x), RangeError, 'tensor.at: expected an index within [2], got [2]'],
  ['tensor.at', () => tensor.at(NaN)(x), RangeError, 'tensor.at: expected an index within [2], got [NaN]'],
  ['tensor.slice', () => tensor.slice(0.5, 1)(x), RangeError, 'tensor.slice: expected 0 ≤ start ≤ end ≤ 2, got start 0.5 and end 1'],
  ['tensor.cast', () => tensor.cast(js('float16')), RangeError, 'tensor.cast: expected precision to be "float32" or "float64", got "float16"'],
  ['tensor.map', () => tensor.map(js(3)), TypeError, 'tensor.map: expected f to be a function, got 3'],
  ['tensor.zipWith', () => tensor.zipWith(x, js(undefined))(x), TypeError, 'tensor.zipWith: expected f to be a function, got undefined'],
  ['tensor.scale', () => tensor.scale(js('2')), TypeError, 'tensor.scale: expected s to be a number, got "2"'],
  ['tensor.reshape', () => tensor.reshape(js(2)), TypeError, 'tensor.reshape: expected shape to be an array of numbers, got 2'],
  ['tensor.matmul', () => tensor.matmul(table.weight, js({ transpose: true })), TypeError, 'tensor.matmul: unknown option "transpose", expected only left, right'],
  ['tensor.matmul', () => tensor.matmul(table.weight, js({ left: 1 })), TypeError, 'tensor.matmul: expected left to be true or false, got 1'],
  ['tensor.toArray', () => tensor.toArray(js([1])), TypeError, 'tensor.toArray: expected x to be a tensor or tokens, got an array of 1'],
  ['tensor.toNested', () => tensor.toNested(short), TypeError, `tensor.toNested: expected x to be a tensor or tokens, got ${SHORT}`],
  ...onTensors('tensor.map', tensor.map(v => v)), ...onTensors('tensor.scale', tensor.scale(2)), ...onTensors('tensor.sum', tensor.sum),
  ...onTensors('tensor.norm', tensor.norm), ...onTensors('tensor.at', tensor.at(0)), ...onTensors('tensor.cast', tensor.cast('float64')),
  ...onTensors('tensor.transpose', tensor.transpose), ...onTensors('tensor.reshape', tensor.reshape([2])), ...onTensors('tensor.slice', tensor.slice(0, 1)),
  ...onTensors('tensor.lastRow', tensor.lastRow), ...onTensors('tensor.appendRows', tensor.appendRows(table.weight)),
  ...onTensors('tensor.appendRows', more => tensor.appendRows(more)(table.weight), 'more'), ...onTensors('tensor.matmul', tensor.matmul(table.weight), 'a'),
  ...onTensors('tensor.matmul', b => tensor.matmul(b), 'b'), ...onTensors('tensor.zerosLike', tensor.zerosLike, 't'),
  ...onTensors('tensor.precisionOf', tensor.precisionOf, 't'),
  ...(['add', 'subtract', 'multiply', 'dot'] as const).flatMap((name): readonly Row[] => [
    [`tensor.${name}`, () => tensor[name](short)(x), TypeError, `tensor.${name}: expected two tensors, got ${X2} and ${SHORT}`],
    [`tensor.${name}`, () => tensor[name](x)(js(null)), TypeError, `tensor.${name}: expected two tensors, got null and ${X2}`]
  ]),
  ['tensor.zipWith', () => tensor.zipWith(short, a => a)(short), TypeError, `tensor.zipWith: expected two tensors, got ${SHORT} and ${SHORT}`]
]

const trees: readonly Row[] = [
  ['tree.map', () => tree.map(js(1)), TypeError, 'tree.map: expected f to be a function, got 1'],
  ['tree.zipWith', () => tree.zipWith({}, js(1)), TypeError, 'tree.zipWith: expected f to be a function, got 1'],
  ['tree.zipAll', () => tree.zipAll(js([]), ([t]) => t), RangeError, 'tree.zipAll: expected trees to be at least one, got none'],
  ['tree.zipAll', () => tree.zipAll([x], js(undefined)), TypeError, 'tree.zipAll: expected f to be a function, got undefined'],
  ['tree.zipInto', () => zipInto(js('m'), [x], () => ({})), TypeError, 'tree.zipInto: expected names to be an array, got "m"'],
  ['tree.zipInto', () => zipInto(['m'], js([]), () => ({ m: x })), RangeError, 'tree.zipInto: expected trees to be at least one, got none'],
  ['tree.reduce', () => tree.reduce(0, js(undefined)), TypeError, 'tree.reduce: expected f to be a function, got undefined'],
  ['tree.unflatten', () => tree.unflatten({ x })(js('x')), TypeError, 'tree.unflatten: expected entries to be an array, got "x"'],
  ['tree.unflatten', () => tree.unflatten({ x })(js([['x', 3]])), TypeError, 'tree.unflatten: expected entries[0] to be a path and a tensor, got an array of 2'],
  ...(['flatten', 'count', 'zeros', 'getMonoid'] as const).map((name): Row => [`tree.${name}`, () => tree[name](new Map()), TypeError,
    'tree: expected a tensor, a plain record or an array at "", got a Map']),
  ['tree.add', () => tree.add<unknown>({ h: [{}] })({ h: [{ x }] }), TypeError, 'tree: missing key "x" at "h.0"'],
  ['encodeParams', () => encodeParams({ a: 3 }), TypeError, 'tree: expected a tensor, a plain record or an array at "a", got 3'],
  ['decodeParams', () => decodeParams({ a: 3 }), TypeError, 'tree: expected a tensor, a plain record or an array at "a", got 3'],
  ['paramsCodec', () => paramsCodec({ a: 3 }), TypeError, 'tree: expected a tensor, a plain record or an array at "a", got 3']
]

const randomness: readonly Row[] = [
  ...outside('random.key', 'seed', COUNT, random.key, [NaN, -1, 0.5, 2 ** 53, '1', undefined]),
  ...outside('random.foldIn', 'index', 'an integer from 0 to 2^32 − 1', random.foldIn, [NaN, -1, 2 ** 32, '1']),
  ...outside('random.splitMany', 'count', COUNT, random.splitMany, [NaN, -1, 2.5, Infinity, '2']),
  ...outside('random.permutation', 'n', COUNT, random.permutation, [NaN, -1, 2.5, Infinity, '2']),
  ...outside('random.replicate', 'count', COUNT, count => random.replicate(count, random.permutation(2)), [NaN, -1, 2.5, '2']),
  ['random.replicate', () => random.replicate(2, js(undefined)), TypeError, 'random.replicate: expected draw to be a function, got undefined'],
  ['random.struct', () => random.struct(js({ a: x })), TypeError, `random.struct: expected draws.a to be a function, got ${X2}`],
  ['random.struct', () => random.struct(js(undefined)), TypeError, 'random.struct: expected draws to be a record, got undefined'],
  ['random.state', () => random.state(js(3)), TypeError, 'random.state: expected draw to be a function, got 3'],
  ...outside('random.normal', 'deviation', RATE, deviation => random.normal([2], { deviation }), [NaN, -1, Infinity, '1']),
  ...outside('random.normal', 'mean', 'a finite number', mean => random.normal([2], { mean }), [NaN, Infinity, '1']),
  ['random.normal', () => random.normal([2], js({ std: 1 })), TypeError, 'random.normal: unknown option "std", expected only mean, deviation, precision'],
  ['random.normal', () => random.normal(js(2)), TypeError, 'random.normal: expected shape to be an array of numbers, got 2'],
  ['random.normal', () => random.normal([2], js(3)), TypeError, 'random.normal: expected a record of options, got 3'],
  ...outside('random.uniform', 'min', 'a finite number', min => random.uniform([2], { min }), [NaN, -Infinity]),
  ['random.uniform', () => random.uniform([2], { min: 2 }), RangeError, 'random.uniform: expected min to be at most max and max − min to be finite, got 2 and 1'],
  ['random.uniform', () => random.uniform([2], { min: -1e308, max: 1e308 }), RangeError,
    'random.uniform: expected min to be at most max and max − min to be finite, got -1e+308 and 1e+308'],
  ['random.uniform', () => random.uniform([-1]), ShapeError, 'random.uniform: expected axes that are non-negative integers, got [-1]'],
  ['random.uniform', () => random.uniform([2], { precision: js('f') }), RangeError, 'random.uniform: expected precision to be "float32" or "float64", got "f"'],
  ['random.integers', () => random.integers([2], 5, 2), RangeError, 'random.integers: expected min to be below max, got 5 and 2'],
  ...outside('random.integers', 'max', 'an integer of 32 bits', max => random.integers([2], 0, max), [NaN, 2.5, 2 ** 31, '3']),
  ['random.categorical', () => random.categorical(js(ids))(k), TypeError,
    'random.categorical: expected logits to be a tensor, got tokens [2] whose data is an Int32Array of 2'],
  ...onKeys('random.normal', random.normal([2])), ...onKeys('random.uniform', random.uniform([2])), ...onKeys('random.integers', random.integers([2], 0, 2)),
  ...onKeys('random.permutation', random.permutation(2)), ...onKeys('random.categorical', random.categorical(x)), ...onKeys('random.split', random.split),
  ...onKeys('random.splitMany', random.splitMany(2)), ...onKeys('random.foldIn', random.foldIn(2)),
  ...onKeys('random.struct', random.struct({ a: random.split }), 'random.splitMany'),
  ...(['xavierUniform', 'xavierNormal', 'heUniform', 'heNormal', 'gpt2Normal'] as const).flatMap(name =>
    [...outside(`random.${name}`, 'fanIn', COUNT, fan => random[name](fan, 1), [-1, NaN, '1']), ...outside(`random.${name}`, 'fanOut', COUNT, fan => random[name](1, fan), [0.5])]),
  ...outside('random.gpt2Residual', 'layers', POSITIVE, random.gpt2Residual, [0, -1, NaN, 2.5])
]

const training: readonly Row[] = [
  ...([['adam', adam], ['adamW', adamW], ['gradientDescent', gradientDescent], ['momentum', momentum]] as const).flatMap(([name, make]): readonly Row[] => [
    ...outside(name, 'learningRate', `${RATE} or a function`, learningRate => make({ learningRate }), [NaN, -1, Infinity, '0.1', undefined]),
    [name, () => make(js(undefined)), TypeError, `${name}: expected a record of options, got undefined`],
    [name, () => make(js({})), TypeError, `${name}: expected learningRate to be ${RATE} or a function, got undefined`],
    ...[NaN, -1, Infinity].map((rate): Row => [name, () => stepped<string>(make({ learningRate: () => rate })), RangeError,
      `${name}: expected learningRate(0) to be ${RATE}, got ${rate}`]),
    [name, () => stepped<string>(make({ learningRate: js(() => '1') })), TypeError, `${name}: expected learningRate(0) to be ${RATE}, got "1"`]
  ]),
  ['adam', () => adam(js({ learningRate: 1, betas: [0, 0] })), TypeError, 'adam: unknown option "betas", expected only learningRate, beta1, beta2, epsilon'],
  ['adam', () => adam(js({ learningRate: 1, weightDecay: 0.1 })), TypeError, 'adam: unknown option "weightDecay", expected only learningRate, beta1, beta2, epsilon'],
  ...outside('adam', 'beta1', FRACTION, beta1 => adam({ learningRate: 1, beta1 }), [1, 2, -0.1, NaN, '0.9']),
  ...outside('adam', 'beta2', FRACTION, beta2 => adam({ learningRate: 1, beta2 }), [1, 2, NaN]),
  ...outside('adam', 'epsilon', 'a finite number above 0', epsilon => adam({ learningRate: 1, epsilon }), [0, -1, NaN]),
  ...outside('adamW', 'beta1', FRACTION, beta1 => adamW({ learningRate: 1, beta1 }), [1, 2]),
  ...outside('adamW', 'weightDecay', RATE, weightDecay => adamW({ learningRate: 1, weightDecay }), [-1, NaN]),
  ['adamW', () => adamW({ learningRate: 1, decays: js(true) }), TypeError, 'adamW: expected decays to be a function, got true'],
  ...outside('momentum', 'momentum', FRACTION, mu => momentum({ learningRate: 1, momentum: mu }), [1, 2, -1, NaN]),
  ...outside('withClipping', 'maxNorm', 'a number above 0', withClipping, [0, -1, NaN, '1']),
  ['withClipping', () => withClipping(1)(js({})), TypeError, 'withClipping: expected optimizer to be an optimiser with init and step, got a record'],
  ...outside('clipByGlobalNorm', 'maxNorm', 'a number above 0', clipByGlobalNorm, [0, -1, NaN, undefined]),
  ['globalNorm', () => globalNorm(JSON.parse(JSON.stringify({ x }))), TypeError,
    'tree: expected a tensor, a plain record or an array at "x", got a tensor [2] whose data is a record'],
  ...outside('constantSchedule', 'rate', RATE, constantSchedule, [NaN, -1, Infinity, '1']), ...outside('constantSchedule', 'step', COUNT, constantSchedule(1), [NaN, -1, 0.5, undefined]),
  ...outside('linearSchedule', 'from', RATE, from => linearSchedule({ from, to: 0, steps: 1 }), [NaN, -1]),
  ...outside('linearSchedule', 'to', RATE, to => linearSchedule({ from: 0, to, steps: 1 }), [-1]),
  ...outside('linearSchedule', 'steps', COUNT, steps => linearSchedule({ from: 0, to: 1, steps }), [NaN, -1, 2.5]),
  ...outside('linearSchedule', 'step', COUNT, linearSchedule({ from: 0, to: 1, steps: 3 }), [-1]),
  ['warmupCosine', () => warmupCosine({ ...optionsOf, warmup: 6 }), RangeError, 'warmupCosine: expected warmup to be at most steps, got 6 and 5'],
  ['warmupCosine', () => warmupCosine(js({ ...optionsOf, warmUp: 1 })), TypeError, 'warmupCosine: unknown option "warmUp", expected only peak, final, warmup, steps'],
  ...outside('warmupCosine', 'peak', RATE, peak => warmupCosine({ ...optionsOf, peak }), [NaN, -1]),
  ...outside('warmupCosine', 'final', RATE, final => warmupCosine({ ...optionsOf, final }), [-1]),
  ...outside('warmupCosine', 'warmup', COUNT, warmup => warmupCosine({ ...optionsOf, warmup }), [-1, 0.5]),
  ...([['meanSquaredError', meanSquaredError], ['binaryCrossEntropy', binaryCrossEntropy], ['binaryCrossEntropyWithLogits', binaryCrossEntropyWithLogits]] as const)
    .flatMap(([name, make]): readonly Row[] => [
      [name, () => make({ reduction: js('foo') }), RangeError, `${name}: expected reduction to be "mean" or "sum", got "foo"`],
      [name, () => make(js({ reduce: 'sum' })), TypeError, `${name}: unknown option "reduce", expected only reduction`],
      [name, () => make().forward(x, js(ids)), TypeError, `${name}: expected two tensors, got ${X2} and tokens [2] whose data is an Int32Array of 2`],
      [name, () => make().gradient(x, short), TypeError, `${name}: expected two tensors, got ${X2} and ${SHORT}`]
    ]),
  ['binaryCrossEntropy', () => binaryCrossEntropy().forward(x, x), RangeError, 'binaryCrossEntropy: expected targets from 0 to 1, got 2 at position 1'],
  ['binaryCrossEntropyWithLogits', () => binaryCrossEntropyWithLogits().gradient(x, x), RangeError, 'binaryCrossEntropyWithLogits: expected targets from 0 to 1, got 2 at position 1'],
  ['crossEntropy', () => crossEntropy({ reduction: js('foo') }), RangeError, 'crossEntropy: expected reduction to be "mean" or "sum", got "foo"'],
  ['crossEntropy', () => crossEntropy({ reduction: js(true) }), TypeError, 'crossEntropy: expected reduction to be "mean" or "sum", got true'],
  ['crossEntropy', () => crossEntropy(js({ ignore_index: 0 })), TypeError, 'crossEntropy: unknown option "ignore_index", expected only reduction, ignoreIndex'],
  ...outside('crossEntropy', 'ignoreIndex', 'an integer of 32 bits', ignoreIndex => crossEntropy({ ignoreIndex }), [NaN, 0.5, '0']),
  ['crossEntropy', () => crossEntropy().forward(table.weight, js(x)), TypeError, `crossEntropy: expected targets to be tokens of tensor.tokensOf, got ${X2}`],
  ['crossEntropy', () => crossEntropy().gradient(table.weight, asTokens([2], new Float32Array([0, 1]))), TypeError,
    'crossEntropy: expected targets to be tokens of tensor.tokensOf, got tokens [2] whose data is a Float32Array of 2'],
  ['crossEntropy', () => crossEntropy().gradient(table.weight, asTokens([2], new Int32Array(1))), TypeError,
    'crossEntropy: expected targets to be tokens of tensor.tokensOf, got tokens [2] whose data is an Int32Array of 1'],
  ['crossEntropy', () => crossEntropy().gradient(table.weight, asTokens([2], new Int32Array([0, 2 ** 30]))), RangeError,
    'crossEntropy: expected targets from 0 to 1, got 1073741824 in row 1'],
  ['crossEntropy', () => crossEntropy().forward(asTensor([2, 500], new Float32Array(4)), ids), TypeError,
    'crossEntropy: expected logits to be a tensor, got a tensor [2, 500] whose data is a Float32Array of 4'],
  ['factoredCrossEntropy', () => factoredCrossEntropy({ reduction: js('foo') }), RangeError, 'factoredCrossEntropy: expected reduction to be "mean" or "sum", got "foo"'],
  ['factoredCrossEntropy', () => factoredCrossEntropy(js({ block: 8 })), TypeError, 'factoredCrossEntropy: unknown option "block", expected only reduction, ignoreIndex, rows'],
  ...outside('factoredCrossEntropy', 'rows', POSITIVE, rows => factoredCrossEntropy({ rows }), [0, 2.5, NaN, '8']),
  ...outside('factoredCrossEntropy', 'ignoreIndex', 'an integer of 32 bits', ignoreIndex => factoredCrossEntropy({ ignoreIndex }), [0.5, '0']),
  ['factoredCrossEntropy', () => factoredCrossEntropy().forward(js(x), ids), TypeError, 'factoredCrossEntropy: expected prediction.hidden to be a tensor, got undefined'],
  ['factoredCrossEntropy', () => factoredCrossEntropy().gradient(js({ hidden: table.weight }), ids), TypeError, 'factoredCrossEntropy: expected prediction.weight to be a tensor, got undefined'],
  ['factoredCrossEntropy', () => factoredCrossEntropy().forward({ hidden: table.weight, weight: table.weight }, js(x)), TypeError,
    `factoredCrossEntropy: expected targets to be tokens of tensor.tokensOf, got ${X2}`],
  ['factoredCrossEntropy', () => factoredCrossEntropy().gradient({ hidden: table.weight, weight: table.weight }, asTokens([2], new Int32Array([0, 2 ** 30]))), RangeError,
    'factoredCrossEntropy: expected targets from 0 to 1, got 1073741824 in row 1'],
  ['factored', () => factored(js(3)), TypeError, 'factored: expected model to be a layer with forward and vjp, got 3'],
  ['factored', () => factored(linear), TypeError, 'factored: expected a model that ends in unembedding, got another one'],
  ['trainingStep', () => trainingStep(js({ model: linear, loss: meanSquaredError(), optimiser: 1 })), TypeError,
    'trainingStep: unknown option "optimiser", expected only model, loss, optimizer'],
  ['trainingStep', () => trainingStep(js({ model: linear, loss: meanSquaredError })), TypeError, 'trainingStep: expected loss to be a loss with forward and gradient, got a function'],
  ['initTraining', () => initTraining(js(adam), {}), TypeError, 'initTraining: expected optimizer to be an optimiser with init and step, got a function'],
  ...outside('sampler', 'temperature', RATE, temperature => library.sampler({ temperature }), [NaN, -1, Infinity, '1']),
  ...outside('sampler', 'topK', POSITIVE, topK => library.sampler({ temperature: 0, topK }), [0, -3, 2.5, '3']),
  ...outside('sampler', 'topP', 'a probability above 0 and at most 1', topP => library.sampler({ topP }), [0, 1.5, NaN, '0.5']),
  ['sampler', () => library.sampler(js({ temprature: 1 })), TypeError, 'sampler: unknown option "temprature", expected only temperature, topK, topP'],
  ['sampler', () => library.sampler(js(undefined)), TypeError, 'sampler: expected a record of options, got undefined'],
  ...outside('topK', 'count', POSITIVE, library.topK, [0, -1, 2.5, NaN, '3']),
  ...outside('topP', 'mass', 'a probability above 0 and at most 1', library.topP, [0, -1, 1.1, NaN, '0.5']),
  ...outside('withTemperature', 'temperature', 'a finite number above 0', library.withTemperature, [0, -1, NaN, Infinity, '1']),
  ...([['topK', library.topK(1)], ['topP', library.topP(1)], ['withTemperature', library.withTemperature(1)], ['greedySampler', greedySampler],
    ['categoricalSampler', library.categoricalSampler]] as const).flatMap(([name, filter]) => onTensors(name, filter, 'logits')),
  ...outside('generate', 'the token of the sampler', COUNT, token => generate({ decoder, params: model, sampler: () => () => token, count: 1 })([0], k), [NaN, 2.5, -1, '1', undefined]),
  ['generate', () => generate({ decoder, params: model, sampler: js(() => 3), count: 1 })([0], k), TypeError, 'generate: expected what the sampler gives to be a function, got 3'],
  ['nextTokenLogits', () => nextTokenLogits(js(undefined))([0]), TypeError, 'nextTokenLogits: expected model to be a record of decoder and params, got undefined'],
  ['lossOf', () => lossOf(linear, meanSquaredError())({ weight: x, bias: x }, js(undefined)), TypeError, 'lossOf: expected example to be a record of input and target, got undefined'],
  ['lossAndGradient', () => lossAndGradient(linear, meanSquaredError())({ weight: x, bias: x }, js({ inputs: x, target: x })), TypeError,
    'lossAndGradient: expected example to be a record of input and target, got a record'],
  ['trainingStep', () => trainingStep({ model: linear, loss: meanSquaredError(), optimizer: adam({ learningRate: 1 }) })(js({}), { input: x, target: x }, k), TypeError,
    'trainingStep: expected trained to be a record of params and state, got a record'],
  ['trainingStep', () => trainingStep({ model: linear, loss: meanSquaredError(), optimizer: adam({ learningRate: 1 }) })(js({ params: {}, state: {} }), js(null), k), TypeError,
    'trainingStep: expected batch to be a record of input and target, got null'],
  ['applyGradient', () => library.applyGradient(js({})), TypeError, 'applyGradient: expected optimizer to be an optimiser with init and step, got a record'],
  ['applyGradient', () => library.applyGradient(adam({ learningRate: 1 }))(js(undefined), { loss: 1, gradient: {} }), TypeError,
    'applyGradient: expected trained to be a record of params and state, got undefined'],
  ...outside('shards', 'count', POSITIVE, library.shards, [0, -1, 2.5, NaN, '2']),
  ['shards', () => library.shards(1)(js({ input: [1], target: x })), TypeError, 'shards: expected input to be a tensor or tokens of tensor.tokensOf, got an array of 1'],
  ['sharded', () => library.sharded(1, js(undefined)), TypeError, 'sharded: expected lossAndGradient to be a function, got undefined'],
  ['combineShards', () => library.combineShards(js(undefined)), TypeError, 'combineShards: expected parts to be an array, got undefined'],
  ['combineShards', () => library.combineShards(js([5])), TypeError, 'combineShards: expected each of parts to be a record of rows and part, got 5'],
  ...outside('combineShards', 'each weight', RATE, weight => library.combineShards([{ rows: 1, part: { loss: 1, gradient: x, weight } }]), [NaN, -1, Infinity]),
  ['combineShards', () => library.combineShards([1, 2].map(() => ({ rows: 1, part: { loss: 1, gradient: x, weight: 1e308 } }))), RangeError,
    'combineShards: expected weights with a finite sum'],
  ['lossOf', () => lossOf(js(undefined), meanSquaredError()), TypeError, 'lossOf: expected model to be a layer with forward and vjp, got undefined'],
  ['lossAndGradient', () => lossAndGradient(linear, js(3)), TypeError, 'lossAndGradient: expected loss to be a loss with forward and gradient, got 3'],
  ...outside('shuffledBatches', 'size', POSITIVE, size => shuffledBatches(3, size), [0, -1, 1.5, NaN, '1']),
  ...outside('shuffledBatches', 'count', COUNT, count => shuffledBatches(count, 1), [-1, 2.5, NaN]),
  ['windowsAt', () => windowsAt(js([1, 2]), [0], 1), TypeError, 'windowsAt: expected tokens to be tokens of tensor.tokensOf, got an array of 2'],
  ['windowsAt', () => windowsAt(ids, [0.5], 1), RangeError, 'windowsAt: expected starts[0] to be an integer from 0 to 0, got 0.5'],
  ...outside('windowsAt', 'context', POSITIVE, context => windowsAt(ids, [0], context), [0, NaN, 1.5]),
  ...outside('randomWindows', 'batch', POSITIVE, batch => randomWindows(ids, { batch, context: 1 }), [0, NaN, 2.5, undefined]),
  ...outside('randomWindows', 'context', POSITIVE, context => randomWindows(ids, { batch: 1, context }), [0, -3, 2.5]),
  ['randomWindows', () => randomWindows(ids, js({ batch: 1, length: 1 })), TypeError, 'randomWindows: unknown option "length", expected only batch, context'],
  ...[NaN, 2.5, -1, Infinity].map((count): Row => ['generate', generating({ count }), RangeError, `generate: expected count to be ${COUNT}, got ${count}`]),
  ['generate', generating({ count: undefined }), TypeError, `generate: expected count to be ${COUNT}, got undefined`],
  ['generate', generating({ sampler: { topK: 3 } }), TypeError, 'generate: expected sampler to be a function, got a record'],
  ['generate', generating({ tokens: 3 }), TypeError, 'generate: unknown option "tokens", expected only decoder, params, sampler, count, until'],
  ['generate', generating({ decoder: gpt({ heads: 2 }) }), TypeError, 'generate: expected decoder to be a decoder with empty and read, got a record'],
  ['generate', () => generate({ decoder: decoder, params: model, sampler: greedySampler, count: 1 })(js(ids), k), TypeError,
    'generate: expected prompt to be an array, got tokens [2] whose data is an Int32Array of 2'],
  ['generate', () => generate({ decoder: decoder, params: model, sampler: greedySampler, count: 1 })([0], js(undefined)), TypeError,
    'generate: expected key to be a key of random.key, got undefined'],
  ['completeSentence', () => completeSentence(js({ decoder: decoder, params: model, sampler: greedySampler, count: NaN })), RangeError,
    `generate: expected count to be ${COUNT}, got NaN`],
  ['nextTokenLogits', () => nextTokenLogits({ decoder: decoder, params: model })(js('ab')), TypeError, 'nextTokenLogits: expected tokens to be an array, got "ab"']
]

const composition: readonly Row[] = [
  ...[undefined, null, 5, {}, { forward: relu.forward }].flatMap(part => ([
    ['andThen', () => library.andThen(js(part))(js(relu))], ['andThen', () => library.andThen('a', js(part))(js(relu))], ['andThen', () => library.andThen(relu)(js(part))],
    ['named', () => library.named('a')(js(part))], ['labelled', () => library.labelled('a')(js(part))], ['residual', () => library.residual(js(part))],
    ['stack', () => library.stack(js(part))], ['stackWith', () => library.stackWith(() => js(part))], ['branches', () => library.branches({ a: js(part) })],
    ['frozen', () => library.frozen({})(js(part))], ['andThenTied', () => library.andThenTied('a', js(part))(js(relu))], ['rowwise', () => library.rowwise(js(part))],
    ['predict', () => library.predict(js(part))], ['inspect', () => library.inspect(js(part), () => true)]
  ] as const).map(([name, call]): Row => [name, call, TypeError, `a model: expected every part to be a layer with forward and vjp, got ${typeof part === 'object' && part !== null ? 'a record' : String(part)}`])),
  ['named', () => library.named(js(5))(relu), TypeError, 'named: expected name to be a text, got 5'],
  ['labelled', () => library.labelled(js(undefined))(relu), TypeError, 'labelled: expected name to be a text, got undefined'],
  ['stackWith', () => library.stackWith(js(relu)), TypeError, 'stackWith: expected layerAt to be a function, got a record'],
  ['branches', () => library.branches(js(undefined)), TypeError, 'branches: expected layers to be a record, got undefined'],
  ['inspect', () => library.inspect(relu, js('h.0')), TypeError, 'inspect: expected wanted to be a function, got "h.0"'],
  ['andThen', () => library.andThen(js(linear))(js(linear)).vjp(js({ weight: tensor.zeros([2, 2]), bias: x }), x)[1](x), TypeError,
    'andThen: expected names that differ, got parameters "weight" of both layers'],
  ['andThenTied', () => library.andThenTied(js(5), js(relu))(js(relu)), TypeError, 'andThenTied: expected name to be a text, got 5'],
  ...['constructor', 'toString', '__proto__'].map((name): Row => ['named', () => library.named(name)(linear).forward(js({}), x), TypeError,
    `expected parameters with the name "${name}", got a record of nothing`])
]

const layers: readonly Row[] = [
  ...([['relu', relu], ['sigmoid', sigmoid], ['tanh', tanh], ['silu', silu], ['geluTanh', geluTanh], ['softmax', softmax], ['logSoftmax', logSoftmax],
    ['sinusoidalPositions', sinusoidalPositions], ['mergeHeads', mergeHeads], ['masked', masked(noMask)], ['splitHeads', splitHeads(1)],
    ['leakyRelu', leakyRelu(0.1)], ['dropout', dropout(0.5, k)]] as const).flatMap(([name, f]) =>
    [...onTensors(name, v => f.forward(noParams, v)), ...onTensors(name, v => f.vjp(noParams, v))]),
  ...onTensors('gelu', v => gelu.forward(noParams, v)),
  ...onTensors('linear', v => linear.forward({ weight: table.weight, bias: x }, v)), ...onParams('linear', ['weight', 'bias'], p => linear.forward(p, x)),
  ...onTensors('layerNorm', v => layerNorm.forward({ weight: x, bias: x }, v)), ...onParams('layerNorm', ['weight', 'bias'], p => layerNorm.forward(p, x)),
  ...onTensors('unembedding', v => unembedding.forward(table, v)), ...onParams('unembedding', ['weight'], p => unembedding.forward(p, x)),
  ...onTensors('learnedPositions', v => learnedPositions.forward(table, v)), ...onParams('learnedPositions', ['weight'], p => learnedPositions.forward(p, x)),
  ...onParams('tokenEmbedding', ['weight'], p => tokenEmbedding.forward(p, ids)),
  ['linear', () => linear.forward({ weight: asTensor([2, 500], new Float32Array(4)), bias: tensor.zeros([500]) }, x), TypeError,
    'linear: expected params.weight to be a tensor, got a tensor [2, 500] whose data is a Float32Array of 4'],
  ['tokenEmbedding', () => tokenEmbedding.forward(table, js(x)), TypeError, `tokenEmbedding: expected tokens to be tokens of tensor.tokensOf, got ${X2}`],
  ['tokenEmbedding', () => tokenEmbedding.forward(table, asTokens([2], [0, 1])), TypeError,
    'tokenEmbedding: expected tokens to be tokens of tensor.tokensOf, got tokens [2] whose data is an array of 2'],
  ['attention', () => attention(noMask).forward(noParams, js({ query: x, key: x })), TypeError, 'attention: expected input.value to be a tensor, got undefined'],
  ['causalAttention', () => causalAttention.forward(noParams, js(undefined)), TypeError,
    'attention: expected input to be a record of query, key, value, got undefined'],
  ['attentionWeights', () => attentionWeights(noMask)(js({ query: x })), TypeError, 'attentionWeights: expected input.key to be a tensor, got undefined'],
  ...([['attention', attention], ['attentionWeights', attentionWeights], ['masked', masked], ['singleHeadAttention', singleHeadAttention],
    ['multiHeadAttention', (mask: library.Mask) => multiHeadAttention(1, mask)], ['block', (mask: library.Mask) => block({ heads: 1, mask })]] as const)
    .flatMap(([name, make]): readonly Row[] => [
      [name, () => make(js(undefined)), TypeError, `${name}, mask: expected a record of options, got undefined`],
      [name, () => make(js({ causal: 1 })), TypeError, `${name}, mask: expected causal to be true or false, got 1`],
      [name, () => make(js({ causal: true, padding: ids })), TypeError, `${name}, mask: unknown option "padding", expected only causal, keep`],
      [name, () => make({ causal: true, keep: asTokens([1000], new Int32Array(1)) }), TypeError,
        `${name}, mask: expected keep to be tokens of tensor.tokensOf, got tokens [1000] whose data is an Int32Array of 1`]
    ]),
  ['MonoidMask.concat', () => MonoidMask.concat(noMask, js(undefined)), TypeError, 'MonoidMask, mask: expected a record of options, got undefined'],
  ...[7, NaN, -2, 1.5].map((length): Row => ['paddingMask', () => paddingMask([0, length], 3), RangeError,
    `paddingMask: expected lengths[1] to be an integer from 0 to 3, got ${length}`]),
  ['paddingMask', () => paddingMask(js(3), 3), TypeError, 'paddingMask: expected lengths to be an array, got 3'],
  ...outside('paddingMask', 'time', COUNT, time => paddingMask([], time), [NaN, -1, 2.5, undefined]),
  ...outside('dropout', 'rate', FRACTION, rate => dropout(rate, k), [1, -0.1, NaN, '0.1']), ...onKeys('dropout', key => dropout(0.1, key)),
  ...outside('leakyRelu', 'slope', 'a finite number', leakyRelu, [NaN, Infinity, undefined]),
  ...outside('softmaxWith', 'temperature', 'a finite number above 0', softmaxWith, [0, -1, NaN, Infinity, '1']),
  ...outside('layerNormWith', 'epsilon', 'a finite number above 0', layerNormWith, [0, -1, NaN, undefined]),
  ...outside('sinusoidalTable', 'time', COUNT, time => sinusoidalTable(time, 2), [NaN, -1, 0.5]),
  ...outside('sinusoidalTable', 'width', COUNT, width => sinusoidalTable(2, width), [NaN, -1]),
  ...heads('splitHeads', splitHeads), ...heads('multiHeadAttention', n => multiHeadAttention(n, noMask)), ...heads('block', n => block({ heads: n, mask: noMask })),
  ...heads('gpt', n => gpt({ heads: n })), ...heads('untiedGpt', n => untiedGpt({ heads: n })),
  ['block', () => block(js({ heads: 1, mask: noMask, dropuot: 1 })), TypeError, 'block: unknown option "dropuot", expected only heads, mask, dropout'],
  ['block', () => block({ heads: 1, mask: noMask, dropout: { rate: 2, key: k } }), RangeError, `block, dropout: expected rate to be ${FRACTION}, got 2`],
  ['splitHeads', () => {
    const t = tensor.zeros([1, 2, 2]), [, pullback] = splitHeads(1).vjp(noParams, tensor.zeros([2, 6]))
    return pullback({ query: t, key: tensor.zeros([1, 1, 2]), value: t })
  }, ShapeError, 'splitHeads: expected dy with query, key and value of [1, 2, 2], got [1, 2, 2] and [1, 1, 2] and [1, 2, 2]'],
  ['splitHeads', () => {
    const t = tensor.zeros([1, 2, 2]), [, pullback] = splitHeads(1).vjp(noParams, tensor.zeros([2, 6]))
    return pullback(js({ query: t, key: t }))
  }, TypeError, 'splitHeads: expected dy.value to be a tensor, got undefined'],
  ['splitHeads', () => {
    const t = tensor.zeros([1, 2, 2], 'float64'), [, pullback] = splitHeads(1).vjp(noParams, tensor.zeros([2, 6]))
    return pullback({ query: t, key: t, value: t })
  }, PrecisionError, 'splitHeads: expected tensors of one precision, got float32 and float64'],
  ...([['linearSpec', 'inputs', (n: number) => linearSpec(n, 2)], ['linearSpec', 'outputs', (n: number) => initLinear(2, n)], ['embeddingSpec', 'rows', (n: number) => embeddingSpec(n, 2)],
    ['embeddingSpec', 'width', (n: number) => initEmbedding(2, n)], ['layerNormSpec', 'width', (n: number) => initLayerNorm(n)], ['layerNormSpec', 'width', layerNormSpec],
    ['feedForwardSpec', 'width', (n: number) => initFeedForward(n, { hidden: 2 })], ['feedForwardSpec', 'hidden', (n: number) => feedForwardSpec(2, { hidden: n })],
    ['linearSpec', 'inputs', (n: number) => initMultiHeadAttention(n)], ['linearSpec', 'inputs', multiHeadSpec],
    ['linearSpec', 'outputs', (n: number) => initSingleHeadAttention(2, n)], ['linearSpec', 'inputs', (n: number) => singleHeadSpec(n, 2)],
    ['layerNormSpec', 'width', (n: number) => initBlock({ width: n, layers: 1 })], ['layerNormSpec', 'width', (n: number) => blockSpec({ width: n, layers: 1 })]] as const)
    .flatMap(([name, argument, make]) => outside(name, argument, COUNT, make, argument === 'hidden' ? [NaN, -1, 2.5] : [NaN, -1, 2.5])),
  ...(['initLinear', 'initEmbedding'] as const).flatMap(name => {
    const init = { initLinear, initEmbedding }[name]
    return [
      [name, () => init(1, 1, js({ initialiser: 1 })), TypeError, `${name}: unknown option "initialiser", expected only initializer, precision`],
      [name, () => init(1, 1, js('xavier')), TypeError, `${name}: expected a record of options, got "xavier"`],
      [name, () => init(1, 1, { initializer: js('xavier') }), TypeError, `${name}: expected initializer to be a function, got "xavier"`],
      [name, () => init(1, 1, { precision: js('double') }), RangeError, `${name}: expected precision to be "float32" or "float64", got "double"`]
    ] as const satisfies readonly Row[]
  }),
  ['initFeedForward', () => initFeedForward(1, { output: js(3) }), TypeError, 'initFeedForward: expected output to be a function, got 3'],
  ['initMultiHeadAttention', () => initMultiHeadAttention(1, { output: js(3) }), TypeError, 'initMultiHeadAttention: expected output to be a function, got 3'],
  ['initSingleHeadAttention', () => initSingleHeadAttention(1, 1, js({ output: 3 })), TypeError, 'initSingleHeadAttention: unknown option "output", expected only initializer, precision'],
  ['initLayerNorm', () => initLayerNorm(1, js({ initializer: 3 })), TypeError, 'initLayerNorm: unknown option "initializer", expected only precision'],
  ['initBlock', () => initBlock({ width: 1, layers: 1 }, { precision: js('f64') }), RangeError, 'initBlock: expected precision to be "float32" or "float64", got "f64"'],
  ['spec.draw', () => spec.draw(linearSpec(1, 1))(js(3)), TypeError, 'spec.draw: expected key to be a key of random.key, got 3'],
  ['spec.draw', () => spec.draw({ a: js(3) }), TypeError, 'spec: expected a parameter, a record or a list at "a", got 3'],
  ['spec.weight', () => spec.weight(1, 1, js('xavier')), TypeError, 'spec.weight: expected initializer to be a function, got "xavier"'],
  ['spec.weight', () => spec.weight(-1, 1, random.heNormal), ShapeError, 'spec.weight: expected axes that are non-negative integers, got [-1, 1]'],
  ['spec.filled', () => spec.filled([2.5], 1), ShapeError, 'spec.filled: expected axes that are non-negative integers, got [2.5]'],
  ['spec.decode', () => spec.decode({}, js({ skip: 1 })), TypeError, 'spec.decode: unknown option "skip", expected only ignore, rename'],
  ...outside('blockSpec', 'layers', POSITIVE, n => initBlock({ width: 2, layers: n }), [0, NaN, 1.5])
]

const running = { steps: 1, batch: () => ({ input: x, target: x }), key: k, until: undefined }
const runs: readonly Row[] = [
  ['trainingRun', () => trainingRun(js({ model: linear, loss: meanSquaredError() })), TypeError, 'trainingRun: expected optimizer to be an optimiser with init and step, got undefined'],
  ...outside('trainingRun', 'steps', COUNT, n => trainingRun(js({ model: linear, loss: meanSquaredError(), optimizer: adam({ learningRate: 1 }) }))({ ...running, steps: n }), [-1, NaN, 2.5, undefined]),
  ['trainingRun', () => trainingRun(js({ model: linear, loss: meanSquaredError(), optimizer: adam({ learningRate: 1 }) }))(js({ ...running, seed: 3 })), TypeError,
    'trainingRun: unknown option "seed", expected only steps, batch, key, until'],
  ['trainingRun', () => trainingRun(js({ model: linear, loss: meanSquaredError(), optimizer: adam({ learningRate: 1 }) }))(js({ ...running, batch: 3 })), TypeError,
    'trainingRun: expected batch to be a function, got 3'],
  ['trainingRun', () => trainingRun({ model: linear, loss: meanSquaredError(), optimizer: adam({ learningRate: 1 }) })(running)(js({ weight: x })), TypeError,
    'trainingRun: expected trained to be a record of params and state, got a record'],
  ['trainingRun', () => trainingRun({ model: linear, loss: meanSquaredError(), optimizer: adam({ learningRate: 1 }) })(js({ ...running, batch: () => undefined }))(
    initTraining(adam({ learningRate: 1 }), { weight: tensor.zeros([1, 1]), bias: tensor.zeros([1]) })), TypeError, 'trainingRun, step 0: expected the batch to be a record of input and target, got undefined'],
  ['encodeSafetensors', () => encodeSafetensors(js({ tensors: [] })), TypeError, 'encodeSafetensors: expected file to be a record of tensors and metadata, got a record'],
  ['encodeSafetensors', () => encodeSafetensors(js({ tensors: { a: x }, metadata: {} })), TypeError, 'encodeSafetensors: expected entries to be an array, got a record'],
  ['encodeSafetensors', () => encodeSafetensors(js({ tensors: [['a', [1]]], metadata: {} })), TypeError, 'encodeSafetensors: expected entries[0] to be a path and a tensor, got an array of 2']
]

const models: readonly Row[] = [
  ['gpt', () => gpt(js({ heads: 2, layers: 3 })), TypeError, 'gpt: unknown option "layers", expected only heads, padding, dropout, recompute'],
  ['gpt', () => gpt({ heads: 2, recompute: js(1) }), TypeError, 'gpt: expected recompute to be true or false, got 1'],
  ['gpt', () => gpt(js(2)), TypeError, 'gpt: expected a record of options, got 2'],
  ['gpt', () => gpt({ heads: 2, padding: js(3) }), TypeError, 'gpt, mask: expected a record of options, got 3'],
  ['gpt', () => gpt({ heads: 2, dropout: js(0.1) }), TypeError, 'gpt, dropout: expected a record of options, got 0.1'],
  ['gpt', () => gpt({ heads: 2, dropout: { rate: 0.1, key: js(3) } }), TypeError, 'gpt, dropout: expected key to be a key of random.key, got 3'],
  ...(['vocabulary', 'context', 'width'] as const).flatMap(name => outside('gptSpec', name, POSITIVE, n => initGpt({ ...sizes, [name]: n }), [0, -1, NaN, 2.5, undefined])),
  ...outside('gptSpec', 'layers', COUNT, n => initGpt({ ...sizes, layers: n }), [-1, NaN, 2.5]),
  ['initGpt', () => initGpt(js({ ...sizes, heads: 2 })), TypeError, 'gptSpec: unknown option "heads", expected only vocabulary, context, width, layers, hidden'],
  ...outside('gptSpec', 'layers', COUNT, n => initUntiedGpt({ ...sizes, layers: n }), [-1]),
  ['decoding', () => decoding(gpt({ heads: 3 }), { context: 2 }).read(model, { tokens: [], memory: undefined }, [0]), ShapeError,
    'h.0.attn: splitHeads: expected a width of 3 · 3 heads · d, got [1, 1, 12]'],
  ['decoding', () => decoder.read(js({ hidden: [] }), { tokens: [], memory: undefined }, [0]), TypeError, 'expected parameters with the name "wte", got a record of "hidden"'],
  ['decoding', () => decoder.read(model, { tokens: [], memory: undefined }, []), ShapeError, 'decoding: expected at least one token, got [0]'],
  ['decoding', () => decoder.read(model, { tokens: [], memory: undefined }, js(ids)), TypeError,
    'decoding: expected tokens to be an array, got tokens [2] whose data is an Int32Array of 2'],
  ['decoding', () => decoding(js(gpt), { context: 2 }), TypeError, 'decoding: expected model to be a layer with forward and vjp, got a function'],
  ...outside('decoding', 'context', POSITIVE, context => decoding(gpt({ heads: 2 }), { context }), [0, -1, NaN, 2.5, undefined]),
  ['probe', () => probe.forward(js(3), tensor.zeros([2])), TypeError, 'probe: expected params to be a tensor, got 3'],
  ['probe', () => probe.forward(tensor.zeros([2]), js([1, 2])), TypeError, 'probe: expected x to be a tensor, got an array of 2'],
  ...outside('tensor.lastRows', 'count', COUNT, count => tensor.lastRows(count), [-1, NaN, 2.5]),
  ['tensor.lastRows', () => tensor.lastRows(3)(tensor.zeros([2, 2])), ShapeError, 'tensor.lastRows: expected at least 3 rows, got [2, 2]'],
  ...outside('recomputing', 'context', POSITIVE, context => recomputing(gpt({ heads: 2 }), context), [0, -1, NaN, 2.5, undefined]),
  ['recomputing', () => recomputing(js(gpt), 2), TypeError, 'recomputing: expected model to be a layer with forward and vjp, got a function'],
  ['recomputing', () => recomputing(gpt({ heads: 2 }), 2).read(model, [], []), ShapeError, 'recomputing: expected at least one token, got [0]'],
  ['mlp', () => mlp(js(leakyRelu)), TypeError, 'mlp: expected activation to be a layer with forward and vjp, got a function'],
  ['initMlp', () => initMlp([3]), RangeError, 'mlpSpec: expected at least an input and an output width, got 1'],
  ['initMlp', () => initMlp([3, 2.5]), RangeError, `mlpSpec: expected sizes[1] to be ${COUNT}, got 2.5`],
  ['initMlp', () => initMlp(js(3)), TypeError, 'mlpSpec: expected sizes to be an array, got 3'],
  ['words.cosine', () => words.cosine(x)(wide), ShapeError, 'words.cosine: expected two tensors of one shape, got [3] and [2]'],
  ['words.cosine', () => words.cosine(wide)(x), ShapeError, 'words.cosine: expected two tensors of one shape, got [2] and [3]'],
  ['words.cosine', () => words.cosine(x)(js([1, 2])), TypeError, `words.cosine: expected two tensors, got an array of 2 and ${X2}`],
  ['words.nearest', () => words.nearest(vectors)(wide), ShapeError, 'words.nearest: expected a vector [2], got [3]'],
  ['words.nearest', () => words.nearest(vectors)(table.weight), ShapeError, 'words.nearest: expected a vector [2], got [2, 2]'],
  ...outside('words.nearest', 'count', COUNT, count => words.nearest(vectors, { count }), [NaN, -1, 2.5, Infinity]),
  ['words.nearest', () => words.nearest(vectors, js({ limit: 3 })), TypeError, 'words.nearest: unknown option "limit", expected only count, without'],
  ...outside('words.analogy', 'count', COUNT, count => words.analogy(vectors, { count }), [NaN])
]

const rows = [...runs, ...tensors, ...trees, ...randomness, ...training, ...composition, ...layers, ...models]

describe('an argument outside of its domain is refused in one sentence', () => {
  test.each(rows)('%s %#', (_, call, kind, message) => {
    let thrown: unknown
    try {
      call()
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(kind)
    expect(thrown instanceof Error ? [thrown.constructor.name, thrown.message] : thrown).toEqual([kind.name, message])
  })
})

/** What has no row above, and why. */
const others: Readonly<Record<string, readonly string[]>> = {
  'says itself in its spec what it cannot take': ['initUntiedGpt', 'initGpt', 'initMlp', 'mlpSpec', 'untiedGptSpec', 'singleHeadSpec', 'multiHeadSpec', 'spec.agree', 'spec.count', 'spec.entries', 'spec.summary'],
  'makes an error of what it gets': ['PrecisionError', 'ShapeError'],
  'answers for any value': ['kernelsInUse', 'memoryInUse', 'threadsInUse', 'printable', 'tensor.isTensor', 'tensor.isTokens', 'tensor.Eq', 'decayMatrices'],
  'is made of layers and functions, which say themselves what they cannot take': [
    'andThen', 'andThenTied', 'branches', 'Category', 'deferred', 'frozen', 'fromOutput', 'identityLayer', 'predict', 'layer', 'layerKeeping', 'named', 'parameterless', 'pointwise',
    'pointwiseFromOutput', 'pointwiseWithSlope', 'residual', 'stack', 'stackWith', 'feedForward', 'rowwise', 'labelled', 'inspect', 'recompute'],
  'is tested with threads': ['useThreads'],
  'is a value': ['noParams', 'noMask', 'causalMask'],
  'is tested with samplers and sharding': ['greedySampler', 'categoricalSampler', 'sampler', 'topK', 'topP', 'withTemperature', 'combineShards', 'sharded', 'shards', 'applyGradient'],
  'gives a Left': [
    'characterTokenizer', 'tokenizerFrom', 'wordTokenizer', 'tensorCodec', 'decodeCheckpoint', 'gptFromTensors', 'decodeSafetensors', 'words.wordVectorsFromLines',
    'words.wordVectorsFromStream'],
  'writes what it gets, and is tested with files': ['encodeCheckpoint'],
  'looks a word up': ['words.rowOf', 'words.vectorOf', 'words.wordIds']
}

test('every export has a row, or a reason', () => {
  const spaces = Object.entries({ random, spec, tensor, tree, words }).flatMap(([space, functions]) => Object.keys(functions).map(name => `${space}.${name}`))
  const exported = [...Object.keys(library).filter(name => !['random', 'spec', 'tensor', 'tree', 'words'].includes(name)), ...spaces]
  const known = new Set([...rows.map(([name]) => name), 'MonoidMask', ...Object.values(others).flat()])
  expect(exported.filter(name => !known.has(name))).toEqual([])
  expect(Object.values(others).flat().filter(name => !exported.includes(name))).toEqual([])
})

test('what is inside of the domain is taken', () => {
  expect(stepped(adam({ learningRate: 0, beta1: 0, beta2: undefined, epsilon: undefined })).params).toEqual({ x })
  expect(stepped(momentum({ learningRate: () => 0, momentum: undefined })).params).toEqual({ x })
  expect(clipByGlobalNorm(Infinity)({ x })).toEqual({ x })
  expect(warmupCosine({ ...optionsOf, warmup: 5 })(4)).toBeCloseTo(5 / 6, 12)
  expect(random.integers([3], 1, 2)(k).data).toEqual(new Int32Array([1, 1, 1]))
  expect(random.uniform([1], { min: 2, max: 2, precision: undefined })(k).data).toEqual(new Float32Array([2]))
  expect(paddingMask([0, 3], 3).keep?.data).toEqual(new Int32Array([0, 0, 0, 1, 1, 1]))
  expect(crossEntropy({ reduction: undefined, ignoreIndex: undefined }).forward(tensor.of([[0, 0]]), tensor.tokensOf([-100]))).toBe(0)
  expect(generate({ decoder: decoder, params: model, sampler: greedySampler, count: 0, until: undefined })([0], k)).toEqual([])
  expect(feedForward.forward(from(initFeedForward(2, { hidden: undefined, output: undefined, precision: undefined })), x).shape).toEqual([2])
  // Records from elsewhere: without a prototype.
  expect(tree.count(Object.assign(Object.create(null), { x }))).toBe(2)
})

test('ids that a caller writes over after the forward pass reach no memory', () => {
  const tokens = tensor.tokensOf([0, 1])
  const [y, pullback] = tokenEmbedding.vjp(table, tokens)
  const written = tokens.data as Int32Array
  written[1] = 2 ** 28
  expect(() => pullback(y)).toThrow(new RangeError('tokenEmbedding: expected ids from 0 to 1, got 268435456 at position 1'))
})
