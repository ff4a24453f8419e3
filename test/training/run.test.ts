import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pipe } from 'fp-ts/lib/function.js'
import {
  adam, adamW, andThen, withClipping, crossEntropy, dropout, gpt, gradientDescent, initGpt, initLinear, linear, meanSquaredError, momentum, named, random, relu, initTraining,
  tensor, trainingRun, trainingStep, tree, type Example, type Key, type Layer, type LinearParams, type Optimizer, type Tensor, type Trained
} from 'pullback'
import { resident } from '../../src/kernels/simd/arena.js'

type Params = { readonly hidden: LinearParams, readonly output: LinearParams }
const inner: Layer<Params, Tensor, Tensor> = pipe(linear, named('hidden'), andThen(relu), andThen('output', linear))
const params = random.struct({ hidden: initLinear(5, 9), output: initLinear(9, 3) })(random.key(1))
const batch = (step: number): Example<Tensor, Tensor> => {
  const [a, b] = random.split(random.key(100 + step))
  return { input: random.normal([4, 5])(a), target: random.normal([4, 3])(b) }
}
const key = random.key(7)

const bits = <P>(value: P): readonly (readonly [string, readonly number[]])[] => tree.flatten(value).map(([path, { data }]) => [path, Array.from(data)] as const)
const all = <P, S extends string>({ params: p, state }: Trained<P, S>) => ({ params: bits(p), step: state.step, slots: bits(state.slots) })

const repeated = <S extends string>(options: { readonly model: Layer<Params, Tensor, Tensor> | ((key: Key) => Layer<Params, Tensor, Tensor>), readonly optimizer: Optimizer<S> }, from: Trained<Params, S>, steps: number) => {
  const step = trainingStep({ ...options, loss: meanSquaredError() }), losses: number[] = []
  let current = from
  for (let i = 0; i < steps; i++) {
    const next = step(current, batch(current.state.step), random.foldIn(current.state.step)(key))
    losses.push(next.loss)
    current = next
  }
  return { ...all(current), losses }
}

const own: Optimizer<'m' | 'v'> = { init: adam({ learningRate: 0.1 }).init, step: (p, g, s) => adam({ learningRate: 0.1 }).step(p, g, s) }
const optimizers: Readonly<Record<string, Optimizer<string>>> = {
  adam: adam({ learningRate: 0.1 }), adamW: adamW({ learningRate: step => 0.1 / (1 + step), decays: path => path.endsWith('weight') }),
  gradientDescent: gradientDescent({ learningRate: 0.1 }), momentum: momentum({ learningRate: 0.1 }), withClipping: withClipping(0.5)(adam({ learningRate: 0.1 })),
  'one of the user': own, 'one of the user, clipped': withClipping(0.5)(own)
}

test('an optimiser of the user may remember anything, also behind clipping', () => {
  const counting: Optimizer<'count'> = {
    init: () => ({ step: 0, slots: { count: 0 as never } }), // what no type allows, and JavaScript does
    step: (p, _, { step, slots }) => ({ params: p, state: { step: step + 1, slots: { count: (Number(slots.count) + 1) as never } } })
  }
  for (const optimizer of [counting, withClipping(0.5)(counting)]) {
    const { state } = trainingRun({ model: inner, loss: meanSquaredError(), optimizer })({ steps: 3, batch, key })(initTraining(optimizer, params))
    expect(state.slots.count).toBe(3)
  }
})

describe('a run of training', () => {
  test.each(Object.entries(optimizers))('has the bits of repeated steps, however it is cut, and changes nothing that it is given: %s', (_, optimizer) => {
    fc.assert(fc.property(fc.array(fc.nat(4), { maxLength: 3 }), fc.boolean(), (pieces, dropping) => {
      const first = initTraining(optimizer, params), before = all(first)
      const model = dropping ? (k: Key): Layer<Params, Tensor, Tensor> => pipe(dropout(0.3, k), andThen(inner)) : inner
      const run = trainingRun({ model, loss: meanSquaredError(), optimizer })
      const losses: number[] = []
      let current: Trained<Params, string> = first
      for (const steps of pieces) {
        const next = run({ steps, batch, key })(current)
        losses.push(...next.losses)
        current = next
      }
      const total = pieces.reduce((a, b) => a + b, 0)
      expect({ ...all(current), losses }).toEqual(repeated({ model, optimizer }, first, total))
      expect(all(first)).toEqual(before)
      for (const [, { data }] of [...tree.flatten(current.params), ...tree.flatten(current.state.slots)]) expect(resident(data)).toBe(false)
    }), { numRuns: 12 })
  })

  test('a model whose parameters share a tensor, and one of double precision', () => {
    const shared = { hidden: { weight: params.hidden.weight, bias: params.hidden.bias }, output: params.output }
    const square = initLinear(5, 5)(random.key(3)), optimizer = adam({ learningRate: 0.1 })
    const twice = pipe(linear, named('a'), andThen(relu), andThen('b', linear))
    const loss = meanSquaredError(), at = (step: number): Example<Tensor, Tensor> => ({ input: batch(step).input, target: batch(step + 1).input })
    const first = initTraining(optimizer, { a: square, b: square })
    const run = trainingRun({ model: twice, loss, optimizer })({ steps: 4, batch: at, key })(first)
    const step = trainingStep({ model: twice, loss, optimizer })
    let current: typeof first = first
    for (let i = 0; i < 4; i++) current = step(current, at(i), random.foldIn(i)(key))
    expect(all(run)).toEqual(all(current))
    const cast = tree.map(tensor.cast('float64'))
    const inDouble = (s: number): Example<Tensor, Tensor> => ({ input: tensor.cast('float64')(batch(s).input), target: tensor.cast('float64')(batch(s).target) })
    const double = trainingRun({ model: inner, loss, optimizer })({ steps: 3, batch: inDouble, key })(initTraining(optimizer, cast(shared)))
    expect(double.losses).toHaveLength(3)
    expect(double.params.hidden.weight.data.BYTES_PER_ELEMENT).toBe(8)
  })

  test('a predicate ends it after a step, and sees the step and its loss', () => {
    const optimizer = adam({ learningRate: 0.1 }), seen: [number, number][] = []
    const run = trainingRun({ model: inner, loss: meanSquaredError(), optimizer })({
      steps: 10, batch, key, until: (step, loss) => {
        seen.push([step, loss])
        return step === 2
      }
    })(initTraining(optimizer, params))
    expect(seen).toEqual(run.losses.map((loss, i) => [i, loss]))
    expect({ ...all(run), losses: run.losses }).toEqual(repeated({ model: inner, optimizer }, initTraining(optimizer, params), 3))
  })

  test('the predicate is asked after the last step too, and must say true or false', () => {
    const optimizer = adam({ learningRate: 0.1 }), seen: number[] = [], train = trainingRun({ model: inner, loss: meanSquaredError(), optimizer })
    const first = initTraining(optimizer, params)
    train({ steps: 3, batch, key, until: step => {
      seen.push(step)
      return false
    } })(first)
    expect(seen).toEqual([0, 1, 2])
    const until = (): boolean => Promise.resolve(false) as never // which no type check stops in JavaScript
    expect(() => train({ steps: 3, batch, key, until })(first)).toThrow(new TypeError('trainingRun, step 0: expected what until gives to be true or false, got a Promise'))
  })

  test('what user code meets is ordinary, and stays as it was', () => {
    const kept: (readonly [Tensor, readonly number[]])[] = []
    const keep = (x: Tensor): Tensor => {
      kept.push([x, Array.from(x.data)])
      return x
    }
    const tap: Layer<Params, Tensor, Tensor> = {
      forward: (p, x) => inner.forward(p, keep(x)),
      vjp: (p, x) => {
        keep(p.hidden.weight)
        const [y, pullback] = inner.vjp(p, keep(x))
        return [keep(y), dy => pullback(keep(dy))]
      }
    }
    const optimizer = adamW({ learningRate: 0.1, decays: (_, x) => keep(x).shape.length === 2 })
    const run = trainingRun({ model: tap, loss: meanSquaredError(), optimizer })({ steps: 4, batch, key })(initTraining(optimizer, params))
    expect(run.losses).toHaveLength(4)
    expect(kept.length).toBeGreaterThan(20)
    for (const [x, numbers] of kept) {
      expect(resident(x.data)).toBe(false)
      expect(Array.from(x.data)).toEqual(numbers)
    }
  })

  test('an error in a batch leaves nothing behind', () => {
    const optimizer = adam({ learningRate: 0.1 }), first = initTraining(optimizer, params), before = all(first)
    const failing = (step: number): Example<Tensor, Tensor> => {
      if (step === 2) throw new RangeError('no more data')
      return batch(step)
    }
    expect(() => trainingRun({ model: inner, loss: meanSquaredError(), optimizer })({ steps: 5, batch: failing, key })(first)).toThrow(new RangeError('no more data'))
    expect(all(first)).toEqual(before)
    expect(resident(tensor.scale(2)(tensor.of([1])).data)).toBe(false)
    for (const steps of [-1, 0.5, NaN])
      expect(() => trainingRun({ model: inner, loss: meanSquaredError(), optimizer })({ steps, batch, key })(first)).toThrow('trainingRun: expected steps to be a non-negative safe integer')
  })

  test('a GPT, whose embedding is tied', () => {
    const sizes = { vocabulary: 11, context: 6, width: 8, layers: 2 }, optimizer = adamW({ learningRate: 0.01 })
    const options = { model: gpt({ heads: 2 }), loss: crossEntropy(), optimizer }, first = initTraining(optimizer, initGpt(sizes)(random.key(0)))
    const at = (s: number) => ({ input: tensor.tokensOf([[1, 2, 3, s % 11, 5, 6]]), target: tensor.tokensOf([[2, 3, s % 11, 5, 6, 7]]) })
    const run = trainingRun(options)({ steps: 5, batch: at, key })(first)
    const step = trainingStep(options)
    let current: typeof first = first
    for (let i = 0; i < 5; i++) current = step(current, at(i), random.foldIn(i)(key))
    expect(all(run)).toEqual(all(current))
  })
})
