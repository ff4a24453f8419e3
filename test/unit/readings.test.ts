import { pipe } from 'fp-ts/lib/function.js'
import { describe, expect, test } from 'vitest'
import {
  andThen, andThenTied, causalAttention, causalMask, crossEntropy, decoding, dropout, generate, gpt, greedySampler, initEmbedding, initGpt, initLinear, initSingleHeadAttention, inspect, labelled, learnedPositions, linear, lossAndGradient, named,
  noMask, paddingMask, PrecisionError, predict, probe, random, recomputing, relu, categoricalSampler, singleHeadAttention, sinusoidalPositions, stackWith, tensor, tokenEmbedding, unembedding, type Decoder, type Layer, type LinearParams, type SingleHeadParams, type Tensor
} from 'pullback'

const sizes = { vocabulary: 6, context: 6, width: 4, layers: 2 }
const params = initGpt(sizes)(random.key(1))
const model = gpt({ heads: 2 })

describe('inspect', () => {
  const tokens = tensor.tokensOf([[1, 2, 3], [3, 4, 5]])
  test('every place of a GPT has its path', () => {
    const block = (i: number) => ['ln_1.output', 'attn.c_attn.output', 'attn.weights', 'attn.c_proj.output', 'attn.output', 'ln_2.output', 'mlp.c_fc.output',
      'mlp.c_proj.output', 'mlp.output', 'output'].map(name => `h.${i}.${name}`)
    expect(inspect(model, () => true)(params, tokens).map(([path]) => path))
      .toEqual(['wte.output', 'wpe.output', ...block(0), ...block(1), 'h.output', 'ln_f.output'])
  })
  test('what is asked for comes out, as ordinary tensors', () => {
    const entries = inspect(model, path => path.endsWith('attn.weights'))(params, tokens)
    expect(entries.map(([path, { shape }]) => [path, shape])).toEqual([['h.0.attn.weights', [2, 2, 3, 3]], ['h.1.attn.weights', [2, 2, 3, 3]]])
    for (const [, weights] of entries)
      for (let row = 0; row < 12; row++) {
        const [a, b, c] = tensor.toArray(weights).slice(3 * row, 3 * row + 3)
        expect(a + b + c).toBeCloseTo(1, 6)
        expect([b, c].slice(row % 3)).toEqual([0, 0].slice(row % 3))
      }
  })
  test('a layer without a name shows nothing, and a label names one', () => {
    const x = tensor.of([[1, -1]])
    expect(inspect(relu, () => true)({}, x)).toEqual([])
    expect(inspect(pipe(relu, labelled('act'), andThen(relu)), () => true)({}, x)).toEqual([['act.output', tensor.of([[1, 0]])]])
  })
})

describe('predict', () => {
  const tokens = tensor.tokensOf([[1, 2, 3], [3, 4, 5]])
  test('says what forward says, as an ordinary tensor', () => {
    const logits = predict(model)(params, tokens), before = tensor.toArray(logits)
    predict(model)(params, tensor.tokensOf([[0, 0, 0], [1, 1, 1]]))
    expect(tensor.toArray(logits)).toEqual(before)
    expect(logits).toEqual(model.forward(params, tokens))
  })
})

describe('probe', () => {
  const steered = pipe(tokenEmbedding, named('wte'), andThen('wpe', learnedPositions), andThen('probe', probe), andThenTied('wte', unembedding))
  const { wte, wpe } = params
  const example = { input: tensor.tokensOf([[1, 2, 3]]), target: tensor.tokensOf([[2, 3, 4]]) }
  test('its gradient is the gradient with respect to the activation where it stands', () => {
    const zero = tensor.zeros([1, 3, 4])
    const { gradient } = lossAndGradient(steered, crossEntropy())({ wte, wpe, probe: zero }, example)
    const after = unembedding, hidden = learnedPositions.forward(wpe, tokenEmbedding.forward(wte, example.input))
    const [logits, pullback] = after.vjp(wte, hidden)
    expect(tensor.toArray(gradient.probe)).toEqual(tensor.toArray(pullback(crossEntropy().gradient(logits, example.target)).input))
  })
  test('a row steers what is generated', () => {
    const towards = tensor.scale(1000)(tensor.slice(4, 5)(wte.weight))
    const choose = (delta: ReturnType<typeof tensor.of>) => generate({ decoder: decoding(steered, { context: sizes.context }), params: { wte, wpe, probe: delta }, sampler: greedySampler, count: 4 })([1], random.key(0))
    expect(choose(tensor.reshape([4])(towards))).toEqual([4, 4, 4, 4])
    expect(choose(tensor.zeros([4]))).not.toEqual([4, 4, 4, 4])
  })
  test('another shape is refused, and a step takes a row alone', () => {
    expect(() => probe.forward(tensor.zeros([3]), tensor.zeros([2, 4]))).toThrow('probe: expected δ with the last axes of x')
    expect(() => probe.step?.(tensor.zeros([2, 4]), undefined, tensor.zeros([2, 4]))).toThrow('probe: expected δ [D] for a step')
  })
})

describe('decoding', () => {
  test('a model that cannot step is refused when the decoder is made', () => {
    const models = {
      dropout: gpt({ heads: 2, dropout: { rate: 0.1, key: random.key(0) } }), padding: gpt({ heads: 2, padding: paddingMask([2], 3) }),
      'full attention': pipe(tokenEmbedding, named('wte'), andThen('head', singleHeadAttention(noMask)), andThen('out', unembedding)),
      'a layer of the user without a step': pipe(tokenEmbedding, named('wte'), andThen({ forward: linear.forward, vjp: linear.vjp }), andThen('out', unembedding))
    }
    expect(() => decoding(models.dropout, { context: sizes.context })).toThrow('decoding: expected a model that steps')
    expect(() => decoding(models.padding, { context: sizes.context })).toThrow('decoding: expected a model that steps')
    expect(() => decoding(models['full attention'], { context: sizes.context })).toThrow('decoding: expected a model that steps')
    expect(() => decoding(models['a layer of the user without a step'], { context: sizes.context })).toThrow('decoding: expected a model that steps')
    expect(dropout(0.1, random.key(0)).step).toBeUndefined()
  })
  test('the last logits of a prompt are those of the whole forward pass', () => {
    const prompt = [1, 5, 2, 4]
    const decoder = decoding(model, { context: sizes.context })
    const [logits] = decoder.read(params, decoder.empty(params), prompt)
    const whole = model.forward(params, tensor.tokensOf([prompt]))
    expect(tensor.norm(tensor.subtract(tensor.lastRow(whole))(logits))).toBeLessThan(1e-6)
  })

  /** The windows that a model sees, token by token. */
  const windows = (whenFull: 'slide' | 'halve', count: number): readonly number[] => {
    const seen: number[] = []
    const inner = decoding(model, { context: sizes.context, whenFull })
    const watched: Decoder<typeof params, ReturnType<typeof inner.empty>> = { empty: inner.empty, read: (p, cache, tokens) => {
      const [logits, next] = inner.read(p, cache, tokens)
      seen.push(next.tokens.length)
      return [logits, next]
    } }
    generate({ decoder: watched, params, sampler: categoricalSampler, count })([1], random.key(3))
    return seen
  }
  test('a full window slides by one', () => expect(windows('slide', 9)).toEqual([1, 2, 3, 4, 5, 6, 6, 6, 6]))
  test('or is halved, and grows again', () => expect(windows('halve', 14)).toEqual([1, 2, 3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6]))
  test('a halved window says what a model says that reads its second half', () => {
    const decoder = decoding(model, { context: 6, whenFull: 'halve' }), tokens = [1, 2, 3, 4, 5, 0, 1]
    const [, full] = decoder.read(params, decoder.empty(params), tokens.slice(0, 6))
    const [logits] = decoder.read(params, full, tokens.slice(6))
    expect(tensor.toArray(logits)).toEqual(tensor.toArray(decoder.read(params, decoder.empty(params), [5, 0, 1])[0]))
  })
  test('sliding says what computing everything anew says', () => {
    const anew = recomputing(model, sizes.context), cached = decoding(model, { context: sizes.context })
    const options = { params, sampler: greedySampler, count: 20 }
    expect(generate({ ...options, decoder: cached })([1, 2], random.key(0))).toEqual(generate({ ...options, decoder: anew })([1, 2], random.key(0)))
  })
  test('layers of a stack that differ read what each of them needs', () => {
    // The first one alone would be satisfied with the last position.
    const blocks = stackWith<LinearParams | SingleHeadParams, Tensor>(index => (index === 0 ? linear : singleHeadAttention(causalMask)) as Layer<LinearParams | SingleHeadParams, Tensor, Tensor>)
    const mixed = pipe(tokenEmbedding, named('wte'), andThen('head', singleHeadAttention(causalMask)), andThen('h', blocks), andThen('out', linear))
    const mixedParams = random.struct({
      wte: initEmbedding(6, 4), head: initSingleHeadAttention(4, 4), h: key => [initLinear(4, 4)(key), initSingleHeadAttention(4, 4)(key)], out: initLinear(4, 6)
    })(random.key(5))
    const [logits] = decoding(mixed, { context: 8 }).read(mixedParams, { tokens: [], memory: undefined }, [1, 2, 3])
    expect(tensor.norm(tensor.subtract(tensor.lastRow(mixed.forward(mixedParams, tensor.tokensOf([[1, 2, 3]]))))(logits))).toBeLessThan(1e-6)
  })
  test('a memory of another form is refused', () => {
    const deeper = initGpt({ ...sizes, layers: 3 })(random.key(1))
    const [, cache] = decoding(model, { context: sizes.context }).read(params, { tokens: [], memory: undefined }, [1])
    expect(() => decoding(model, { context: sizes.context }).read(deeper, cache, [1])).toThrow(new TypeError('h: expected the memory of a layer with 3 parts, got that of another layer'))
    expect(() => learnedPositions.step?.(params.wpe, [1], tensor.zeros([2, 4]))).toThrow('learnedPositions: expected a memory of a number of positions')
    for (const memory of [-1, 0.5, NaN, Infinity])
      for (const step of [(x: Tensor) => learnedPositions.step?.(params.wpe, memory, x), (x: Tensor) => sinusoidalPositions.step?.({}, memory, x)])
        expect(() => step(tensor.zeros([2, 4]))).toThrow(new RegExp(`Positions: expected memory to be a non-negative safe integer, got ${memory}`))
    expect(() => causalAttention.step?.({}, 3, { query: tensor.zeros([1, 2]), key: tensor.zeros([1, 2]), value: tensor.zeros([1, 2]) }))
      .toThrow('attention: expected a memory of keys and values')
    for (const queries of [1, 6])
      expect(() => causalAttention.step?.({}, { key: tensor.zeros([3, 2]), value: tensor.zeros([2, 2]) }, { query: tensor.zeros([queries, 2]), key: tensor.zeros([queries, 2]), value: tensor.zeros([queries, 2]) }))
        .toThrow('attention: expected a memory of as many keys as values')
    const single = tensor.zeros([2, 2]), double = tensor.zeros([1, 2], 'float64')
    expect(() => causalAttention.step?.({}, { key: single, value: single }, { query: double, key: double, value: double })).toThrow(PrecisionError)
  })
})
