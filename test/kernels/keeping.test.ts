import { describe, expect, test } from 'vitest'
import {
  adam, adamW, andThen, branches, withClipping, decoding, frozen, fromOutput, generate, gpt, initGpt, initLinear, layer, layerKeeping, linear, lossAndGradient,
  inspect, lossOf, meanSquaredError, named, nextTokenLogits, noParams, parameterless, pointwise, random, recomputing, relu, residual, categoricalSampler, sampler, softmax, stack, initTraining,
  applyGradient, tensor, trainingStep, tree,
  type Decoder, type Gradient, type Layer, type LinearParams, type Loss, type NoParams, type Optimizer, type Tensor
} from 'pullback'
import { flow, pipe } from 'fp-ts/lib/function.js'
import { resident } from '../../src/kernels/simd/arena.js'

type Pure = Layer<NoParams, Tensor, Tensor>
type Params = { readonly hidden: LinearParams, readonly output: LinearParams }

const inArena = (x: Tensor): boolean => resident(x.data)

const [keyA, keyB, keyX, keyT] = random.splitMany(4)(random.key(3))
const a = random.normal([3, 4])(keyA), b = random.normal([4, 4])(keyB)
const batch = { input: random.normal([3, 4])(keyX), target: random.normal([3, 2])(keyT) }
const optimizer = adam({ learningRate: 0.1 })
const params = random.struct({ hidden: initLinear(4, 4), output: initLinear(4, 2) })(random.key(1))

const around = (inner: Pure): Layer<Params, Tensor, Tensor> => pipe(linear, named('hidden'), andThen(inner), andThen('output', linear))

const losses = <S extends string>(model: Layer<Params, Tensor, Tensor>, o: Optimizer<S>, loss: Loss<Tensor, Tensor> = meanSquaredError()): readonly number[] => {
  const step = trainingStep({ model, loss, optimizer: o })
  let trained = initTraining(o, params)
  return Array.from({ length: 4 }, (_, i) => {
    const next = step(trained, batch, random.key(i))
    trained = next
    return next.loss
  })
}

/** What a program kept, and the numbers that it had then. */
const keeper = () => {
  const kept: (readonly [Tensor, readonly number[]])[] = []
  const keep = <A>(value: A): A => {
    for (const [, x] of tree.flatten(value)) kept.push([x, Array.from(x.data)])
    return value
  }
  const check = (least: number): void => {
    expect(kept.length).toBeGreaterThanOrEqual(least)
    for (const [x, numbers] of kept) {
      expect(inArena(x)).toBe(false)
      expect(Array.from(x.data)).toEqual(numbers)
    }
  }
  return { keep, check }
}

describe('a constant made when it is first needed', () => {
  const table = tensor.matmul(b)(a)
  const constants = { 'before training': () => () => table, 'in training': () => {
    let made: Tensor | undefined
    return () => made ??= tensor.matmul(b)(a)
  } }
  const ways: Readonly<Record<string, (constant: () => Tensor) => Pure>> = {
    parameterless: constant => parameterless(x => tensor.add(constant())(x), (_, dy) => dy),
    fromOutput: constant => fromOutput((x: Tensor) => tensor.add(constant())(x), (_, dy) => dy),
    layer: constant => layer({ forward: (_: NoParams, x: Tensor) => tensor.add(constant())(x), gradient: (_, __, dy) => ({ params: noParams, input: dy }) }),
    layerKeeping: constant => layerKeeping({
      forward: (_: NoParams, x: Tensor) => [tensor.add(constant())(x), x] as const, gradient: (_, __, ___, dy: Tensor) => ({ params: noParams, input: dy })
    }),
    'a plain object': constant => ({
      forward: (_, x) => tensor.add(constant())(x), vjp: (_, x) => [tensor.add(constant())(x), dy => ({ params: noParams, input: dy })]
    }),
    'half of a library layer': constant => ({ ...softmax, vjp: (_, x) => [tensor.add(constant())(x), dy => ({ params: noParams, input: dy })] }),
    'an instance of a class': constant => new (class implements Pure {
      readonly offset = constant
      forward(_: NoParams, x: Tensor): Tensor { return tensor.add(this.offset())(x) }
      vjp(_: NoParams, x: Tensor): readonly [Tensor, (dy: Tensor) => Gradient<NoParams, Tensor>] {
        return [tensor.add(this.offset())(x), dy => ({ params: noParams, input: tensor.scale(1)(dy) })]
      }
    })(),
    pointwise: constant => pointwise(x => x + tensor.at(0, 0)(constant()), () => 1),
    'a combinator of the user': constant => {
      const inner = pipe(relu, andThen(relu))
      return {
        forward: (p, x) => tensor.add(constant())(inner.forward(p, x)),
        vjp: (p, x) => {
          const [y, pullback] = inner.vjp(p, x)
          return [tensor.add(constant())(y), pullback]
        }
      }
    },
    'inside of combinators': constant => residual(frozen<readonly NoParams[]>([noParams])(stack(parameterless((x: Tensor) => tensor.add(constant())(x), (_, dy) => dy))))
  }
  for (const [way, make] of Object.entries(ways))
    test(way, () => {
      const [eager, lazy] = Object.values(constants).map(constant => losses(around(make(constant())), optimizer))
      expect(lazy).toEqual(eager)
      expect(new Set(eager).size).toBe(4)
    })
})

describe('what user code keeps stays as it was', () => {
  test('what a layer receives and makes, and its pullback', () => {
    const { keep, check } = keeper()
    const tap: Pure = {
      forward: (_, x) => keep(tensor.scale(2)(keep(x))),
      vjp: (_, x) => [keep(tensor.scale(2)(keep(x))), dy => ({ params: noParams, input: keep(tensor.scale(2)(keep(dy))) })]
    }
    losses(around(tap), optimizer)
    lossOf(around(tap), meanSquaredError())(params, batch)
    lossAndGradient(around(tap), meanSquaredError())(params, batch)
    check(20)
  })

  test('parameters that a layer receives are those that the program has, not copies', () => {
    const seen: unknown[] = []
    const watched: Layer<LinearParams, Tensor, Tensor> = { forward: linear.forward, vjp: (p, x) => {
      seen.push(p.weight.data)
      return linear.vjp(p, x)
    } }
    trainingStep({ model: watched, loss: meanSquaredError(), optimizer })(initTraining(optimizer, params.output), batch, random.key(0))
    expect(seen).toEqual([params.output.weight.data])
    expect(seen[0]).toBe(params.output.weight.data)
  })

  test('what branches and stacks hand to a layer', () => {
    const { keep, check } = keeper()
    const tap: Pure = parameterless(x => keep(tensor.scale(2)(keep(x))), (x, dy) => keep(tensor.scale(2)(keep(tensor.add(dy)(keep(x))))))
    const sum = parameterless(({ one, two }: { readonly one: Tensor, readonly two: Tensor }) => keep(tensor.add(one)(keep(two))),
      (_, dy: Tensor) => ({ one: keep(dy), two: dy }))
    losses(around(pipe(branches({ one: tap, two: relu }), frozen({ one: noParams, two: noParams }), andThen(sum))), optimizer)
    check(20)
  })

  test('predictions and gradients of a loss', () => {
    const { keep, check } = keeper()
    const right = meanSquaredError()
    losses(around(relu), optimizer, { forward: (p, t) => right.forward(keep(p), t), gradient: (p, t) => keep(right.gradient(keep(p), t)) })
    lossOf(around(relu), { forward: p => tensor.sum(keep(p)), gradient: p => p })(params, batch)
    check(12)
  })

  test('parameters, gradients and states of an optimiser, alone and clipped', () => {
    const { keep, check } = keeper()
    const recording: Optimizer<'m' | 'v'> = {
      init: optimizer.init,
      step: (p, gradient, state) => {
        keep(state.slots)
        const next = optimizer.step(keep(p), keep(gradient), state)
        keep(next.params)
        return next
      }
    }
    losses(around(relu), recording)
    losses(around(relu), withClipping(0.1)(recording))
    applyGradient(recording)(initTraining(recording, params), lossAndGradient(around(relu), meanSquaredError())(params, batch))
    check(40)
  })

  test('parameters that a decay mask and a schedule meet', () => {
    const { keep, check } = keeper()
    let factor: Tensor | undefined
    const o = adamW({
      learningRate: step => tensor.sum(keep(factor ??= tensor.scale(0.05)(tensor.matmul(b)(b)))) * 0 + 0.01 * (step + 1),
      decays: (_, x) => keep(x).shape.length === 2
    })
    losses(around(relu), o)
    check(16)
  })

  test('logits of a sampler, and of one composed of filters', () => {
    const { keep, check } = keeper()
    const sizes = { vocabulary: 6, context: 5, width: 8, layers: 2 }, gptParams = initGpt(sizes)(random.key(1))
    const options = { decoder: decoding(gpt({ heads: 2 }), { context: sizes.context }), params: gptParams, count: 12 }
    const prompt = [1, 2], key = random.key(2)
    const expected = generate({ ...options, sampler: categoricalSampler })(prompt, key)
    expect(generate({ ...options, sampler: logits => categoricalSampler(keep(logits)) })(prompt, key)).toEqual(expected)
    expect(generate({ ...options, sampler: flow((x: Tensor) => tensor.scale(1)(keep(x)), keep, categoricalSampler) })(prompt, key)).toEqual(expected)
    expect(generate({ ...options, sampler: logits => drawKey => sampler({})(keep(tensor.scale(1)(logits)))(drawKey) })(prompt, key)).toEqual(expected)
    check(40)
  })

  test('a decoder whose cache is a Map with a closure, and one of a model of the user', () => {
    const { keep, check } = keeper()
    const sizes = { vocabulary: 6, context: 5, width: 8, layers: 2 }, gptParams = initGpt(sizes)(random.key(1)), model = gpt({ heads: 2 })
    const right = recomputing(model, sizes.context)
    type Cache = Map<string, () => readonly number[]>
    const decoder: Decoder<typeof gptParams, Cache> = {
      empty: p => new Map([['tokens', () => right.empty(keep(p))]]),
      read: (p, cache, tokens) => {
        const [logits, next] = right.read(keep(p), cache.get('tokens')?.() ?? [], tokens)
        return [keep(logits), new Map([['tokens', () => next]])]
      }
    }
    const watched = recomputing({ forward: (p: typeof gptParams, x) => keep(model.forward(keep(p), x)), vjp: model.vjp }, sizes.context)
    const options = { params: gptParams, sampler: categoricalSampler, count: 9 }
    const expected = generate({ ...options, decoder: right })([1, 2], random.key(2))
    expect(generate({ ...options, decoder })([1, 2], random.key(2))).toEqual(expected)
    expect(generate({ ...options, decoder: watched })([1, 2], random.key(2))).toEqual(expected)
    expect(tensor.toArray(nextTokenLogits({ decoder, params: gptParams })([1, 2]))).toEqual(tensor.toArray(nextTokenLogits({ decoder: right, params: gptParams })([1, 2])))
    check(40)
  })

  test('a state of an optimiser that is no plain record comes back itself', () => {
    const seen = new Map([['steps', 0]])
    const o = { ...optimizer, step: <P>(p: P, g: P, s: ReturnType<typeof optimizer.init<P>>) => ({ ...optimizer.step(p, g, s), seen }) }
    const next = trainingStep({ model: around(relu), loss: meanSquaredError(), optimizer: o })(initTraining(o, params), batch, random.key(0))
    expect('seen' in next && next.seen).toBe(seen)
  })

  test('what a predicate makes that says what of a trace to show', () => {
    const { keep, check } = keeper()
    const model = around(relu)
    const names = inspect(model, path => tensor.sum(keep(tensor.matmul(b)(a))) !== 0 && path !== '')(params, batch.input).map(([path]) => path)
    expect(names).toEqual(['hidden.output', 'output.output'])
    lossOf(model, meanSquaredError())(params, batch)
    check(2)
  })

  test('a run inside of a function that a run calls', () => {
    const { keep, check } = keeper()
    const inner = (): readonly number[] => losses(around(relu), optimizer)
    const expected = inner()
    const nested: Pure = parameterless(x => {
      expect(inner()).toEqual(expected)
      return keep(tensor.scale(2)(keep(x)))
    }, (_, dy) => keep(tensor.scale(2)(dy)))
    losses(around(nested), optimizer)
    check(8)
  })

  test('an error of the user leaves everything as it was', () => {
    class Mine extends Error {}
    const mine = new Mine('mine')
    const failing: Pure = { forward: relu.forward, vjp: () => { throw mine } }
    expect(() => losses(around(failing), optimizer)).toThrow(mine)
    expect(inArena(tensor.scale(2)(a))).toBe(false)
    expect(new Set(losses(around(relu), optimizer)).size).toBe(4)
  })
})
