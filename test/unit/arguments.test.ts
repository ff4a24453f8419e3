import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  adamW, attention, block, gpt, initBlock, initGpt, linearSchedule, masked, momentum, noParams, random, tensor, tree, words,
  type adam, type BlockOptions, type binaryCrossEntropy, type crossEntropy, type GenerateOptions, type gradientDescent, type Mask, type SamplerOptions
} from 'pullback'

const k = random.key(1)

describe('what a caller writes over later does not change what was made', () => {
  const x = random.normal([2, 2])(k), input = { query: x, key: x, value: x }
  const params = initBlock({ width: 4, layers: 1 })(k), y = random.normal([2, 4])(k)
  const model = initGpt({ vocabulary: 3, context: 2, width: 4, layers: 1 })(k), ids = tensor.tokensOf([[0, 1]])
  const dropout = { rate: 0.5, key: k }
  /** Makes a function value, lets its arguments be written over, and runs it; and the same without writing. */
  const cases: readonly (readonly [string, (write: boolean) => unknown])[] = [
    ['shapes of random.uniform', write => { const s = [3]; const f = random.uniform(s); if (write) s[0] = 5; return f(k) }],
    ['shapes of random.normal', write => { const s = [3]; const f = random.normal(s); if (write) s.push(5); return f(k) }],
    ['shapes of random.integers', write => { const s = [3]; const f = random.integers(s, 0, 9); if (write) s[0] = 5; return f(k) }],
    ['the shape of a tensor that was drawn', write => { const s = [2, 3]; const drawn = random.uniform(s)(k); if (write) s[0] = 3; return drawn }],
    ['shapes of tensor.reshape', write => { const s = [4]; const f = tensor.reshape(s); if (write) s[0] = 1; return f(x) }],
    ['shapes of tensor.zeros', write => { const s = [4]; const t = tensor.zeros(s); if (write) s[0] = 1; return t }],
    ['shapes and values of tensor.fromArray', write => { const s = [2], v = [1, 2]; const t = tensor.fromArray(s, v); if (write) { s[0] = 1; v[0] = 3 } return t }],
    ['shapes and ids of tensor.tokensFromArray', write => { const s = [2], v = new Int32Array(2); const t = tensor.tokensFromArray(s, v); if (write) { s[0] = 1; v[0] = 3 } return t }],
    ['options of tensor.matmul', write => { const o = { left: false }; const f = tensor.matmul(x, o); if (write) o.left = true; return f(x) }],
    ['draws of random.struct', write => { const d = { a: random.split }; const f = random.struct(d); if (write) d.a = () => [k, k]; return f(k) }],
    ['masks of masked', write => { const m = { causal: false }; const f = masked(m); if (write) m.causal = true; return f.forward(noParams, x) }],
    ['masks of attention', write => { const m = { causal: false }; const f = attention(m); if (write) m.causal = true; return f.forward(noParams, input) }],
    ['options of a block', write => {
      const m = { causal: false }, o = { heads: 2, mask: m, dropout: { ...dropout } }, f = block(o)
      if (write) { m.causal = true; o.dropout.rate = 0; o.heads = 1 }
      return f.forward(params, y)
    }],
    ['options of a GPT', write => {
      const o = { heads: 2, dropout: { ...dropout } }, f = gpt(o)
      if (write) { o.dropout.rate = 0; o.heads = 1 }
      return f.forward(model, ids)
    }],
    ['options of adamW', write => {
      const o = { learningRate: 0.1, weightDecay: 0 }, f = adamW(o)
      if (write) o.learningRate = 1
      return f.step({ x }, { x }, f.init({ x }))
    }],
    ['options of a schedule', write => { const o = { from: 0, to: 1, steps: 10 }; const f = linearSchedule(o); if (write) o.steps = 1; return f(3) }],
    ['words without which words.nearest answers', write => {
      const without = ['a'], f = words.nearest({ words: ['a', 'b'], rows: new Map([['a', 0], ['b', 1]]), weight: tensor.of([[1], [2], [0]]) }, { without })
      if (write) without[0] = 'b'
      return f(tensor.of([1]))
    }]
  ]
  test.each(cases)('%s', (_, run) => { expect(run(true)).toEqual(run(false)) })
})

test('an analogy leaves out what it is told to', () => {
  const vectors = { words: ['a', 'b', 'c', 'd', 'e'], rows: new Map([['a', 0], ['b', 1], ['c', 2], ['d', 3], ['e', 4]]), weight: tensor.of([[1], [1], [1], [2], [3], [0]]) }
  const answer = words.analogy(vectors, { without: ['d'] })('a', 'b', 'c')
  expect(answer).toMatchObject({ right: [{ word: 'e' }] })
})

describe('undefined is the default of every optional field', () => {
  // These compile under `exactOptionalPropertyTypes` only if every field takes undefined.
  type Options<F extends (options: never) => unknown> = NonNullable<Parameters<F>[0]>
  type Undefined<O> = { readonly [K in keyof O as undefined extends O[K] ? K : never]: undefined }
  const fields: readonly [
    Undefined<Options<typeof adam>>, Undefined<Options<typeof crossEntropy>>, Undefined<Options<typeof binaryCrossEntropy>>,
    Undefined<random.NormalOptions>, Undefined<random.UniformOptions>, Undefined<SamplerOptions>, Undefined<Mask>, Undefined<BlockOptions>,
    Partial<Options<typeof gradientDescent>>, Pick<GenerateOptions<unknown, unknown>, 'until'>
  ] = [
    { beta1: undefined, beta2: undefined, epsilon: undefined }, { reduction: undefined, ignoreIndex: undefined }, { reduction: undefined },
    { mean: undefined, deviation: undefined, precision: undefined }, { min: undefined, max: undefined, precision: undefined },
    { temperature: undefined, topK: undefined, topP: undefined }, { keep: undefined }, { dropout: undefined }, {}, { until: undefined }
  ]
  test('for the compiler', () => { expect(fields).toHaveLength(10) })
  test('in every public folder: no optional field refuses it', () => {
    const files = ['src', 'laws'].flatMap(folder => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(file => `${folder}/${file}`))
      .filter(file => file.endsWith('.ts') && !file.startsWith('src/kernels/'))
    expect(files.length).toBeGreaterThan(70)
    const refusing = files.flatMap(file => readFileSync(file, 'utf8').split('\n')
      .filter(line => /^\s*readonly \w+\?: /.test(line) && !/undefined$/.test(line)).map(line => `${file}: ${line.trim()}`))
    expect(refusing).toEqual([])
  })
  test('for what it does', () => {
    const params = { x: tensor.of([1]) }, step = (options: { readonly momentum?: number | undefined }) => {
      const optimizer = momentum({ learningRate: 0.1, ...options })
      return optimizer.step(params, params, optimizer.step(params, params, optimizer.init(params)).state).params
    }
    expect(step({ momentum: undefined })).toEqual(step({}))
    expect(step({ momentum: undefined })).toEqual(step({ momentum: 0.9 }))
    expect(tree.count(params)).toBe(1)
  })
})
