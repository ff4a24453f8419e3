import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { flow } from 'fp-ts/lib/function.js'
import {
  adam, characterTokenizer, decodeCheckpoint, decodeSafetensors, decoding, encodeCheckpoint, encodeSafetensors, generate, gpt, initGpt, linearSchedule, meanSquaredError, random, randomWindows,
  recomputing, categoricalSampler, sampler, shuffledBatches, tensor, topK, topP, trainingStep, warmupCosine, withTemperature, words, type Checkpoint, type Decoder, type Example, type GptParams, type Key,
  type Sampler, type Tensor, type Tokenizer, type Tokens
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { checkpoints, dropoutMlp, mlpPoints } from '../catalogue/running.js'
import type { Bug } from './bug.js'

const sizes = { vocabulary: 6, context: 5, width: 8, layers: 2 }
const model = gpt({ heads: 2 })
const decodingBug = <C>(bug: string, decoder: Decoder<GptParams, C>): Bug => ({
  bug, caughtBy: 'decoding is the model', laws: [laws.decoding(decoder, model, {
    params: arbitrary.drawnGeneric(initGpt(sizes, { precision: 'float64' })), vocabulary: 6, context: 5, tolerance: 1e-13, reason: 'a few hundred roundings'
  })]
})

/** A decoder that computes everything anew from what it keeps. */
const anew = (keep: (cache: readonly number[], tokens: readonly number[]) => readonly number[], row: (rows: number) => number = rows => rows - 1): Decoder<GptParams, readonly number[]> => ({
  empty: () => [],
  read: (params, cache, tokens) => {
    const seen = keep(cache, tokens), logits = model.forward(params, tensor.tokensFromArray([1, seen.length], seen))
    const at = row(seen.length) * 6
    return [tensor.fromArray([6], Array.from(logits.data).slice(at, at + 6), 'float64'), seen]
  }
})

const generationBug = (bug: string, caughtBy: string, generating: typeof generate): Bug => ({ bug, caughtBy, laws: laws.generation(generating) })

/** Logits in, a token out, with another key. */
const keyed = (change: (key: Key, place: number) => Key): typeof generate => options => (prompt, key) => {
  let place = 0
  return generate({ ...options, sampler: logits => () => options.sampler(logits)(change(key, place++)) })(prompt, key)
}

const samplerBug = (bug: string, caughtBy: string, choose: Sampler, distribution: laws.Distribution): Bug => ({ bug, caughtBy, laws: laws.sampler(choose, distribution) })

/** Leaves the likeliest tokens until their probabilities add up to more than the mass. */
const moreThan = (mass: number) => (logits: Tensor): Tensor => {
  const p = laws.temperatureDistribution(1)(Array.from(logits.data))
  const order = p.map((_, i) => i).sort((a, b) => p[b] - p[a] || a - b)
  let total = 0
  const cut = order.findIndex(i => (total += p[i]) > mass)
  const kept = cut < 0 ? order : order.slice(0, cut + 1)
  return tensor.fromArray(logits.shape, Array.from(logits.data, (x, i) => (kept.includes(i) ? x : -Infinity)), 'float64')
}

type Windows = Example<Tokens, Tokens>
const windowsBug = (bug: string, drawing: Parameters<typeof laws.windows>[0]): Bug => ({ bug, caughtBy: 'windows of a sequence', laws: [laws.windows(drawing)] })
const shifted = (change: (windows: Windows) => Windows): Parameters<typeof laws.windows>[0] => (tokens, options) => key => change(randomWindows(tokens, options)(key))
const shorter = (tokens: Tokens): Tokens => tensor.tokensFromArray([tokens.data.length - 1], Array.from(tokens.data).slice(0, -1))
const epochBug = (bug: string, shuffling: typeof shuffledBatches): Bug => ({ bug, caughtBy: 'epoch', laws: [laws.epochs(shuffling)] })
const inOrder = (count: number, size: number): readonly (readonly number[])[] =>
  Array.from({ length: Math.ceil(count / size) }, (_, b) => Array.from({ length: Math.min(size, count - b * size) }, (__, i) => b * size + i))

const warmupBug = (bug: string, make: typeof warmupCosine): Bug => ({ bug, caughtBy: 'warm-up and cosine', laws: [laws.warmupCosineRate(make)] })
const linearBug = (bug: string, make: typeof linearSchedule): Bug => ({ bug, caughtBy: 'a straight line', laws: [laws.linearRate(make)] })

const stepBug = (bug: string, stepping: typeof trainingStep): Bug => ({
  bug, caughtBy: 'a step of training',
  laws: [laws.trainingStepIsItsParts(stepping, {
    model: dropoutMlp, loss: meanSquaredError(), optimizer: adam({ learningRate: 0.1 }), target: (y, key) => random.normal(y.shape, { precision: 'float64' })(key)
  }, mlpPoints)]
})

const made = E.getOrElse((problem: string): Tokenizer => { throw new Error(problem) })(characterTokenizer({ unknown: '?' })('abc'))
const tokenizerBug = (bug: string, encode: (text: string) => readonly number[]): Bug => ({
  bug, caughtBy: 'replacement',
  laws: [laws.replacement({ ...made, encode: text => E.right(encode(text)) }, fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y'))]
})
const vocabularyBug = (bug: string, make: typeof characterTokenizer): Bug =>
  ({ bug, caughtBy: 'vocabulary', laws: [laws.vocabulary(make, fc.constantFrom('a', 'b', 'c', 'd', 'e'), '?')] })

const filesBug = (bug: string, caughtBy: string, encode: typeof encodeSafetensors, decode: typeof decodeSafetensors = decodeSafetensors): Bug =>
  ({ bug, caughtBy, laws: laws.safetensors(encode, decode) })

const checkpointBug = (bug: string, change: (checkpoint: Checkpoint) => Checkpoint): Bug =>
  ({ bug, caughtBy: 'round trip', laws: [laws.checkpoint(flow(change, encodeCheckpoint), decodeCheckpoint, checkpoints)] })

const headerLength = (bytes: Uint8Array): number => Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))

/** The same file with another header. */
const withHeader = (change: (header: string) => string) => (bytes: Uint8Array): Uint8Array => {
  const length = headerLength(bytes), header = new TextEncoder().encode(change(new TextDecoder().decode(bytes.subarray(8, 8 + length))))
  const changed = new Uint8Array([...new Uint8Array(8), ...header, ...bytes.subarray(8 + length)])
  new DataView(changed.buffer).setBigUint64(0, BigInt(header.length), true)
  return changed
}

const wordsBug = (bug: string, caughtBy: string, nearest: typeof words.nearest, cosine: typeof words.cosine = words.cosine): Bug =>
  ({ bug, caughtBy, laws: laws.nearestWords(words.wordVectorsFromLines, nearest, cosine) })

export const runningBugs: readonly Bug[] = [
  decodingBug('decoding: the window is cut at the wrong end', anew((cache, tokens) => [...cache, ...tokens].slice(0, 5))),
  decodingBug('decoding: the window is one token short', recomputing(model, 4)),
  decodingBug('decoding: what was read before is forgotten', anew((_, tokens) => tokens.slice(-5))),
  decodingBug('decoding: when the window slides, it begins anew', anew((cache, tokens) => (cache.length + tokens.length > 5 ? tokens.slice(-5) : [...cache, ...tokens]))),
  decodingBug('decoding: the logits of the first position', anew((cache, tokens) => [...cache, ...tokens].slice(-5), () => 0)),
  decodingBug('decoding: a piece is put before the others', anew((cache, tokens) => [...tokens, ...cache].slice(-5))),
  decodingBug('decoding: another number of heads', decoding(gpt({ heads: 4 }), { context: 5 })),
  generationBug('generation: all tokens share a key', 'every token has a key of its own', keyed(key => key)),
  generationBug('generation: two tokens share a key', 'every token has a key of its own', keyed((key, place) => random.foldIn(place >> 1)(key))),
  generationBug('generation: the key is not used', 'every token has a key of its own', keyed((_, place) => random.foldIn(place)(random.key(0)))),
  generationBug('generation: one token too many', 'every token decides', options => generate({ ...options, count: options.count + 1 })),
  generationBug('generation: the last token is left out', 'every token decides', options => (prompt, key) => {
    const tokens = generate(options)(prompt, key)
    return options.until?.(tokens[tokens.length - 1]) === true ? tokens.slice(0, -1) : tokens
  }),
  generationBug('generation: every token is read twice', 'every token decides', options => generate({
    ...options, decoder: { ...options.decoder, read: (params, cache, tokens) => options.decoder.read(params, cache, tokens.length === 1 ? [...tokens, ...tokens] : tokens) }
  })),
  generationBug('generation: only the last token of the prompt is read', 'every token decides', options => (prompt, key) => generate(options)(prompt.slice(-1), key)),
  samplerBug('sampler: top-p before top-k', 'distribution', flow(withTemperature(1.5), topP(0.53), topK(2), categoricalSampler), laws.filteredDistribution(1.5, 2, 0.53)),
  samplerBug('sampler: temperature after the filters', 'distribution', flow(topK(3), topP(0.75), withTemperature(2), categoricalSampler), laws.filteredDistribution(2, 3, 0.75)),
  samplerBug('sampler: top-k is lost beside top-p', 'support', sampler({ temperature: 2, topP: 0.9 }), laws.filteredDistribution(2, 2, 0.9)),
  samplerBug('top-p: more than the mass instead of at least it', 'support', logits => categoricalSampler(moreThan(0.75)(logits)), laws.topPDistribution(0.75)),
  windowsBug('windows: the target is not shifted', shifted(({ input }) => ({ input, target: input }))),
  windowsBug('windows: the target is shifted by two', shifted(({ input, target }) => ({ input, target: tensor.tokensFromArray(target.shape, Array.from(target.data, id => id + 1)) }))),
  windowsBug('windows: none begins at the last place', (tokens, options) => randomWindows(tokens.data.length > options.context + 1 ? shorter(tokens) : tokens, options)),
  windowsBug('windows: all of a batch begin at one place', (tokens, { batch, context }) => key => {
    const { input, target } = randomWindows(tokens, { batch: 1, context })(key)
    const again = ({ data }: Tokens): Tokens => tensor.tokensFromArray([batch, context], Array.from({ length: batch }).flatMap(() => Array.from(data)))
    return { input: again(input), target: again(target) }
  }),
  epochBug('epochs: the last batch is lost where it is smaller', (count, size) => key => shuffledBatches(count, size)(key).filter(batch => batch.length === size)),
  epochBug('epochs: the order is that of the data', (count, size) => () => inOrder(count, size)),
  epochBug('epochs: examples are drawn with replacement', (count, size) => key =>
    inOrder(count, size).map((batch, b) => (count === 0 ? batch : Array.from(random.integers([batch.length], 0, count)(random.foldIn(b)(key)).data)))),
  warmupBug('schedule: the warm-up begins with 0', options => step => (step < options.warmup ? options.peak * step / options.warmup : warmupCosine(options)(step))),
  warmupBug('schedule: the cosine begins before the warm-up ends', options => step =>
    (step < options.warmup ? warmupCosine(options)(step) : warmupCosine({ ...options, warmup: 0 })(step))),
  warmupBug('schedule: a whole wave', options => step => (step < options.warmup || step >= options.steps ? warmupCosine(options)(step)
    : options.final + 0.5 * (options.peak - options.final) * (1 + Math.cos(2 * Math.PI * (step - options.warmup) / (options.steps - options.warmup))))),
  warmupBug('schedule: the end is 0', options => warmupCosine({ ...options, final: 0 })),
  linearBug('schedule: one step early', options => step => linearSchedule(options)(step + 1)),
  linearBug('schedule: goes on after the last step', ({ from, to, steps }) => step => from + (to - from) * step / steps),
  stepBug('a step: one key for the models of all steps', options => (trained, batch) => trainingStep(options)(trained, batch, random.key(1))),
  stepBug('a step: the optimiser begins anew', options => ({ params }, batch, key) => trainingStep(options)({ params, state: options.optimizer.init(params) }, batch, key)),
  stepBug('a step: the loss after the step', options => (trained, batch, key) => {
    const next = trainingStep(options)(trained, batch, key)
    return { ...next, loss: trainingStep(options)(next, batch, key).loss }
  }),
  tokenizerBug('tokenizer: unknown symbols are left out', text => Array.from(text).flatMap(symbol => (made.symbols.includes(symbol) ? [made.symbols.indexOf(symbol)] : []))),
  tokenizerBug('tokenizer: unknown symbols become the last one', text =>
    Array.from(text).map(symbol => (made.symbols.includes(symbol) ? made.symbols.indexOf(symbol) : made.symbols.length - 1))),
  vocabularyBug('vocabulary: the first symbols instead of the most frequent', ({ limit, ...rest } = {}) => text =>
    characterTokenizer(rest)(limit === undefined ? text : Array.from(text).filter(symbol => Array.from(new Set(text)).indexOf(symbol) < limit).join(''))),
  vocabularyBug('vocabulary: the replacement takes the place of a symbol', ({ limit, unknown } = {}) =>
    characterTokenizer({ unknown, limit: limit === undefined || unknown === undefined || limit === 1 ? limit : limit - 1 })),
  filesBug('safetensors: big-endian entries', 'layout', flow(encodeSafetensors, bytes => {
    const begin = 8 + headerLength(bytes), swapped = bytes.slice()
    for (let i = begin; i + 4 <= bytes.length; i += 4) swapped.set(bytes.slice(i, i + 4).reverse(), i)
    return swapped
  })),
  filesBug('safetensors: the header is not padded', 'layout', flow(encodeSafetensors, withHeader(header => header.trimEnd()))),
  filesBug('safetensors: offsets from the beginning of the file', 'round trip', flow(encodeSafetensors, withHeader(header =>
    header.replace(/"data_offsets":\[(\d+),(\d+)\]/g, (_, a: string, b: string) => `"data_offsets":[${Number(a) + 8},${Number(b) + 8}]`)))),
  filesBug('safetensors: doubles are written as singles', 'layout', file =>
    encodeSafetensors({ ...file, tensors: file.tensors.map(([path, x]) => [path, tensor.cast('float32')(x)] as const) })),
  filesBug('safetensors: the place of the bytes in their buffer is forgotten', 'round trip', encodeSafetensors, bytes => decodeSafetensors(new Uint8Array(bytes.buffer, 0, bytes.length))),
  filesBug('safetensors: what follows the tensors is ignored', 'a file that was cut', encodeSafetensors, bytes => {
    for (let end = bytes.length; end > 8; end--) {
      const read = decodeSafetensors(bytes.subarray(0, end))
      if (E.isRight(read)) return read
    }
    return decodeSafetensors(bytes)
  }),
  filesBug('safetensors: the notes are lost', 'round trip', encodeSafetensors, flow(decodeSafetensors, E.map(file => ({ ...file, metadata: {} })))),
  checkpointBug('checkpoint: the replacement of unknown symbols is lost', checkpoint => {
    const { unknown: _, ...known } = checkpoint.tokenizer
    return { ...checkpoint, tokenizer: known }
  }),
  checkpointBug('checkpoint: the number of heads is lost', checkpoint => ({ ...checkpoint, heads: 1 })),
  checkpointBug('checkpoint: positions take the place of tokens', checkpoint =>
    ({ ...checkpoint, params: { ...checkpoint.params, wpe: { weight: tensor.slice(0, 5)(checkpoint.params.wte.weight) } } })),
  checkpointBug('checkpoint: the second block is kept as the first', checkpoint =>
    ({ ...checkpoint, params: { ...checkpoint.params, h: checkpoint.params.h.map(() => checkpoint.params.h[0]) } })),
  wordsBug('words: near by inner product instead of cosine', 'nearest words', (vectors, { count = 10, without = [] } = {}) => vector =>
    vectors.words.map(word => ({ word, similarity: tensor.dot(tensor.cast('float64')(words.vectorOf(vectors)(word)))(vector) }))
      .filter(({ word }) => !without.includes(word)).sort((a, b) => b.similarity - a.similarity).slice(0, count)),
  wordsBug('words: the farthest first', 'nearest words', (vectors, options) => vector => [...words.nearest(vectors, options)(vector)].reverse()),
  wordsBug('words: excluded words take the place of others', 'nearest words', (vectors, { count = 10, without = [] } = {}) => vector =>
    words.nearest(vectors, { count })(vector).filter(({ word }) => !without.includes(word))),
  wordsBug('words: the cosine of zero is not a number', 'cosine', words.nearest, b => a => tensor.dot(b)(a) / (tensor.norm(a) * tensor.norm(b)))
]
