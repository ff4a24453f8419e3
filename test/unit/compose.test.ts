import { pipe } from 'fp-ts/lib/function.js'
import { describe, expect, test } from 'vitest'
import {
  andThen, andThenTied, branches, frozen, identityLayer, labelled, type Layer, linear, named, noParams, PrecisionError, relu, residual, rowwise, ShapeError, stack, stackWith, tensor,
  type Gradient, type Memory, type NoParams, type Tensor
} from 'pullback'

// Every layer is made inside of a test, since what a combinator decides when it is called is what is tested here.

type Gain = { readonly gain: Tensor }
type Pure = Layer<NoParams, Tensor, Tensor>

const rowsOf = (x: Tensor): readonly (readonly number[])[] => tensor.toNested(x) as unknown as number[][]
const total = (rows: readonly (readonly number[])[], width: number): readonly number[] => Array.from({ length: width }, (_, j) => rows.reduce((sum, row) => sum + row[j], 0))
const gains = (...values: readonly number[]): Gain => ({ gain: tensor.of(values) })

const running = (x: Tensor, before: readonly number[]): Tensor =>
  tensor.of(rowsOf(x).map((_, t, rows) => total([before, ...rows.slice(0, t + 1)], before.length).slice()))

/** $y_t = g \odot \sum_{s \le t} x_s$: what a position gives depends on those before it, and it shows the sums. */
const cumulative = (): Layer<Gain, Tensor, Tensor> => {
  const scaled = ({ gain }: Gain, x: Tensor): Tensor => tensor.of(rowsOf(x).map(row => row.map((v, j) => v * gain.data[j])))
  const zeros = ({ gain }: Gain): readonly number[] => Array.from(gain.data, () => 0)
  return {
    forward: (params, x) => scaled(params, running(x, zeros(params))),
    vjp: (params, x) => {
      const sums = running(x, zeros(params))
      return [scaled(params, sums), dy => ({
        params: { gain: tensor.of(total(rowsOf(tensor.multiply(dy)(sums)), params.gain.data.length).slice()) },
        input: tensor.of(rowsOf(running(tensor.of(rowsOf(scaled(params, dy)).slice().reverse().map(row => row.slice())), zeros(params))).slice().reverse().map(row => row.slice()))
      })]
    },
    step: (params, memory, x) => {
      const sums = running(x, memory === undefined ? zeros(params) : Array.from((memory as Tensor).data))
      return [scaled(params, sums), tensor.lastRow(sums)]
    },
    trace: (params, x) => {
      const sums = running(x, zeros(params))
      return [scaled(params, sums), [['sums', sums]]]
    }
  }
}

/** The same without a step or a trace: a layer as a user writes one first. */
const bare = (): Layer<Gain, Tensor, Tensor> => {
  const { forward, vjp } = cumulative()
  return { forward, vjp }
}
const silent = (): Layer<Gain, Tensor, Tensor> => {
  const { forward, vjp, step } = cumulative()
  return { forward, vjp, step }
}
/** $y = g \odot x$, row by row. */
const scaling = (): Layer<Gain, Tensor, Tensor> => rowwise({
  forward: ({ gain }, x) => tensor.of(rowsOf(x).map(row => row.map((v, j) => v * gain.data[j]))),
  vjp: ({ gain }, x) => [tensor.of(rowsOf(x).map(row => row.map((v, j) => v * gain.data[j]))), dy => ({
    params: { gain: tensor.of(total(rowsOf(tensor.multiply(dy)(x)), gain.data.length).slice()) }, input: tensor.of(rowsOf(dy).map(row => row.map((v, j) => v * gain.data[j])))
  })]
})

const x = tensor.of([[1, 2], [3, -1], [-2, 5], [4, 4]]), dy = tensor.of([[1, 0], [2, 1], [-1, 3], [1, -2]])
const a = gains(2, 3), b = gains(-1, 2), c = gains(5, 1)

type Readings = 'step' | 'last' | 'rowwise' | 'trace'

interface Case<P> {
  readonly layer: Layer<P, Tensor, Tensor>
  readonly params: P
  readonly has: readonly Readings[]
  /** Where the same is written out: forward and gradient. */
  readonly same: (params: P) => readonly [y: Tensor, gradient: Gradient<P, Tensor>]
  readonly paths: readonly string[]
}

const f = cumulative(), s = scaling()
const through = <P, Q>(first: Layer<P, Tensor, Tensor>, p: P, second: Layer<Q, Tensor, Tensor>, q: Q) => {
  const [y, back1] = first.vjp(p, x), [z, back2] = second.vjp(q, y)
  const { params: dq, input } = back2(dy), { params: dp, input: dx } = back1(input)
  return { z, dp, dq, dx }
}

/** Whether a layer has a reading; its keys are there with what they are for, or not at all. */
const has = (layer: object, reading: string): boolean => {
  const value: unknown = Reflect.get(layer, reading)
  if (reading in layer) expect(reading === 'rowwise' ? value : typeof value).toBe(reading === 'rowwise' ? true : 'function')
  return reading in layer
}

const check = <P>(make: () => Case<P>): void => {
  const { layer, params, same, paths, has: expected } = make()
  const [y, gradient] = same(params), [z, pullback] = layer.vjp(params, x), found = pullback(dy)
  expect(layer.forward(params, x)).toEqual(y)
  expect(z).toEqual(y)
  expect(found.params).toEqual(gradient.params)
  expect(found.input).toEqual(gradient.input)
  expect(['step', 'last', 'rowwise', 'trace'].filter(reading => has(layer, reading))).toEqual(expected)
  for (const cut of [1, 2, 3]) {
    const first = tensor.slice(0, cut)(x), second = tensor.slice(cut, 4)(x)
    for (const read of [layer.step, layer.last]) {
      if (read === undefined) continue
      const whole = read === layer.step
      const [y1, memory] = read(params, undefined, first), [y2] = read(params, memory, second)
      expect(y1).toEqual(tensor.slice(whole ? 0 : cut - 1, cut)(y))
      expect(y2).toEqual(tensor.slice(whole ? cut : 3, 4)(y))
      expect(read(params, memory, second)[0]).toEqual(y2)
    }
  }
  const traced = layer.trace?.(params, x)
  if (traced !== undefined) expect(traced[0]).toEqual(y)
  expect((traced?.[1] ?? []).map(([path]) => path)).toEqual(paths)
}

describe('what a composition reads is what its parts read', () => {
  const all: readonly Readings[] = ['step', 'last', 'rowwise', 'trace']
  const without = (...names: readonly Readings[]) => all.filter(name => !names.includes(name))
  const namedCase = (layer: Layer<Gain, Tensor, Tensor>, paths: readonly string[], ...missing: readonly Readings[]): Case<{ readonly k: Gain }> => ({
    layer: pipe(layer, named('k')), params: { k: a }, paths, has: without(...missing), same: ({ k }) => {
      const [y, back] = layer.vjp(k, x), { params, input } = back(dy)
      return [y, { params: { k: params }, input }]
    }
  })
  const pair = (first: Layer<Gain, Tensor, Tensor>, second: Layer<Gain, Tensor, Tensor>, paths: readonly string[], ...missing: readonly Readings[]): Case<{ readonly f: Gain, readonly g: Gain }> => ({
    layer: pipe(first, named('f'), andThen('g', second)), params: { f: a, g: b }, paths, has: without(...missing), same: p => {
      const { z, dp, dq, dx } = through(first, p.f, second, p.g)
      return [z, { params: { f: dp, g: dq }, input: dx }]
    }
  })
  test('named', () => {
    check(() => namedCase(cumulative(), ['k.sums', 'k.output'], 'last', 'rowwise'))
    check(() => namedCase(scaling(), ['k.output']))
    check(() => namedCase(bare(), ['k.output'], 'step', 'last', 'rowwise'))
  })
  test('one after the other', () => {
    check(() => pair(scaling(), scaling(), ['f.output', 'g.output']))
    check(() => pair(cumulative(), scaling(), ['f.sums', 'f.output', 'g.output'], 'rowwise'))
    check(() => pair(scaling(), cumulative(), ['f.output', 'g.sums', 'g.output'], 'rowwise'))
    check(() => pair(cumulative(), silent(), ['f.sums', 'f.output', 'g.output'], 'rowwise'))
    check(() => pair(bare(), scaling(), ['f.output', 'g.output'], 'step', 'last', 'rowwise'))
    check(() => pair(scaling(), bare(), ['f.output', 'g.output'], 'step', 'last', 'rowwise'))
    check(() => pair(bare(), cumulative(), ['f.output', 'g.sums', 'g.output'], 'step', 'last', 'rowwise'))
  })
  test('what comes after a layer that gives its last output alone gets that alone', () => {
    const seen: number[] = []
    const watched = (): Pure => rowwise({ forward: (_, y) => { seen.push(tensor.toNested(y) instanceof Array ? y.shape[0] : 0); return y }, vjp: (_, y) => [y, d => ({ params: noParams, input: d })] })
    const { last } = pipe(scaling(), named('f'), andThen(watched()), andThen('g', cumulative()), andThen(watched()), andThen('h', scaling()), andThen(watched()))
    last?.({ f: a, g: b, h: c }, undefined, x)
    expect(seen).toEqual([4, 1, 1])
  })
  test('the last repetition of a stack computes the last position alone where it can', () => {
    const seen: number[] = []
    const watched = (): Pure => rowwise({ forward: (_, y) => { seen.push(y.shape[0]); return y }, vjp: (_, y) => [y, d => ({ params: noParams, input: d })] })
    const repeated = pipe(stack(residual(pipe(cumulative(), named('f'), andThen(watched())))), named('h'))
    repeated.last?.({ h: [{ f: a }, { f: b }, { f: c }] }, undefined, x)
    expect(seen).toEqual([4, 4, 1])
  })
  test('a chain of layers without names shows what its parts show', () => {
    const plain = (layer: Layer<Gain, Tensor, Tensor>): Pure => frozen(a)(layer)
    const shown = (layer: Pure) => layer.trace?.(noParams, x)[1].map(([path]) => path)
    expect(shown(pipe(plain(bare()), andThen(plain(bare()))))).toBeUndefined()
    expect(shown(pipe(plain(cumulative()), andThen(plain(bare()))))).toEqual(['sums'])
    expect(shown(pipe(plain(bare()), andThen(plain(cumulative()))))).toEqual(['sums'])
    expect(shown(pipe(plain(cumulative()), andThen(plain(cumulative()))))).toEqual(['sums', 'sums'])
    expect(shown(pipe(plain(cumulative()), labelled('k')))).toEqual(['k.sums', 'k.output'])
    expect(shown(pipe(plain(bare()), labelled('k')))).toEqual(['k.output'])
    for (const [layer, readings] of [[cumulative(), ['step', 'trace']], [bare(), ['trace']], [scaling(), all]] as const)
      expect(all.filter(reading => has(pipe(plain(layer), labelled('k')), reading))).toEqual(readings)
  })
  test('residual', () => {
    const around = (layer: Layer<Gain, Tensor, Tensor>, paths: readonly string[], ...readings: readonly Readings[]) => check(() => ({
      layer: residual(layer), params: a, paths, has: readings, same: p => {
        const [y, back] = layer.vjp(p, x), { params, input } = back(dy)
        return [tensor.add(y)(x), { params, input: tensor.add(input)(dy) }]
      }
    }))
    around(cumulative(), ['sums'], 'step', 'last', 'trace')
    around(scaling(), [], 'step', 'last', 'rowwise')
    around(bare(), [])
  })
  test('a stack', () => {
    const of = (layer: Layer<Gain, Tensor, Tensor>, paths: readonly string[], ...readings: readonly Readings[]) => check(() => ({
      layer: stack(layer), params: [a, b], paths, has: readings, same: ([p, q]) => {
        const { z, dp, dq, dx } = through(layer, p, layer, q)
        return [z, { params: [dp, dq], input: dx }]
      }
    }))
    of(cumulative(), ['0.sums', '0.output', '1.sums', '1.output'], 'step', 'last', 'trace')
    of(scaling(), ['0.output', '1.output'], 'step', 'last', 'rowwise', 'trace')
    of(bare(), ['0.output', '1.output'], 'trace')
    expect(stack(cumulative()).forward([], x)).toBe(x)
    expect(stack(cumulative()).last?.([], undefined, x)).toEqual([tensor.slice(3, 4)(x), undefined])
    expect(stack(cumulative()).vjp([], x)[1](dy)).toEqual({ params: [], input: dy })
  })
  test('a stack makes a layer once, by its index, and says which one does not step', () => {
    const made: number[] = []
    const layer = stackWith(index => {
      made.push(index)
      return index === 1 ? bare() : cumulative()
    })
    layer.forward([a, b, c], x)
    layer.vjp([a, b, c], x)
    expect(made).toEqual([0, 1, 2])
    expect(() => layer.step?.([a, b], undefined, x)).toThrow(new TypeError('expected a layer 1 that steps as layer 0 does'))
    expect(layer.step?.([a], undefined, x)[0]).toEqual(f.forward(a, x))
  })
  test('branches', () => {
    const of = (first: Layer<Gain, Tensor, Tensor>, second: Layer<Gain, Tensor, Tensor>, readings: readonly Readings[], paths: readonly string[]) => {
      const layer = branches({ f: first, g: second }), params = { f: a, g: b }
      const parts = ([[first, a], [second, b]] as const).map(([inner, p]) => [inner.forward(p, x), inner.vjp(p, x)[1](dy)] as const)
      const y = { f: parts[0][0], g: parts[1][0] }
      expect(layer.forward(params, x)).toEqual(y)
      const [z, pullback] = layer.vjp(params, x), { params: found, input } = pullback({ f: dy, g: dy })
      expect(z).toEqual(y)
      expect(found).toEqual({ f: parts[0][1].params, g: parts[1][1].params })
      expect(input).toEqual(tensor.add(parts[1][1].input)(parts[0][1].input))
      expect(all.filter(reading => has(layer, reading))).toEqual(readings)
      expect(layer.trace?.(params, x)[0]).toEqual(y)
      expect(layer.trace?.(params, x)[1].map(([path]) => path)).toEqual(paths)
      if (layer.step === undefined) return
      const [y1, memory] = layer.step(params, undefined, tensor.slice(0, 1)(x)), [y2] = layer.step(params, memory, tensor.slice(1, 4)(x))
      expect([y1, y2]).toEqual([[0, 1], [1, 4]].map(([from, to]) => ({ f: tensor.slice(from, to)(y.f), g: tensor.slice(from, to)(y.g) })))
    }
    of(cumulative(), scaling(), ['step', 'trace'], ['f.sums', 'f.output', 'g.output'])
    of(scaling(), cumulative(), ['step', 'trace'], ['f.output', 'g.sums', 'g.output'])
    of(scaling(), scaling(), ['step', 'rowwise', 'trace'], ['f.output', 'g.output'])
    of(bare(), scaling(), ['trace'], ['f.output', 'g.output'])
    of(scaling(), bare(), ['trace'], ['f.output', 'g.output'])
  })
  test('frozen', () => {
    for (const [layer, readings, paths] of [[cumulative(), ['step', 'trace'], ['sums']], [scaling(), ['step', 'last', 'rowwise'], []], [bare(), [], []]] as const)
      check(() => ({
        layer: frozen(a)(layer), params: noParams, paths, has: readings, same: () => {
          const [y, back] = layer.vjp(a, x)
          return [y, { params: noParams, input: back(dy).input }]
        }
      }))
  })
  test('tied', () => {
    check(() => ({
      layer: pipe(cumulative(), named('k'), andThenTied('k', scaling())), params: { k: a }, paths: ['k.sums', 'k.output'], has: ['step', 'last', 'trace'], same: ({ k }) => {
        const { z, dp, dq, dx } = through(f, k, s, k)
        return [z, { params: { k: { gain: tensor.add(dq.gain)(dp.gain) } }, input: dx }]
      }
    }))
  })
  test('the identity, and a layer that is rowwise', () => {
    check(() => ({ layer: identityLayer<Tensor>(), params: noParams, paths: [], has: ['step', 'last', 'rowwise'], same: () => [x, { params: noParams, input: dy }] }))
    expect(identityLayer<Tensor>().step?.(noParams, undefined, x)).toEqual([x, undefined])
    const tokens = tensor.tokensOf([[1, 2], [3, 4]])
    const last = (value: unknown) => identityLayer<unknown>().last?.(noParams, undefined, value)
    expect(last({ a: x, b: [tokens], n: 3, none: null })).toEqual([{ a: tensor.slice(3, 4)(x), b: [tensor.tokensOf([[2], [4]])], n: 3, none: null }, undefined])
    expect(last(undefined)).toEqual([undefined, undefined])
  })
  test('nothing is remembered where no part remembers anything', () => {
    const memoryOf = <P>(layer: Layer<P, Tensor, Tensor>, params: P): Memory => layer.step?.(params, undefined, x)[1]
    expect(memoryOf(stack(scaling()), [a, b])).toBeUndefined()
    expect(memoryOf(pipe(scaling(), named('f'), andThen('g', scaling())), { f: a, g: b })).toBeUndefined()
    expect(memoryOf(pipe(scaling(), named('f'), andThen('g', cumulative())), { f: a, g: b })).toEqual([undefined, expect.anything()])
  })
  test('the memory of another layer is refused', () => {
    const { step } = stack(cumulative())
    for (const memory of [[undefined], 3, {}, [undefined, undefined, undefined]])
      expect(() => step?.([a, b], memory, x)).toThrow(new TypeError('expected the memory of a layer with 2 parts, got that of another layer'))
    expect(step?.([a, b], [undefined, undefined], x)).toEqual(step?.([a, b], undefined, x))
  })
  test('an output that is a record is shown by its names', () => {
    const layer = pipe(branches({ q: scaling(), r: scaling() }), named('k'))
    expect(layer.trace?.({ k: { q: a, r: b } }, x)[1].map(([path]) => path)).toEqual(['k.q.output', 'k.r.output', 'k.output.q', 'k.output.r'])
    const shapeOf: Layer<NoParams, Tensor, unknown> = { forward: () => ({ n: 3, none: null, nothing: undefined, text: 'ab', x: [x] }), vjp: () => [3, () => ({ params: noParams, input: x })] }
    expect(pipe(shapeOf, labelled('k')).trace?.(noParams, x)[1]).toEqual([['k.output.x.0', x]])
  })
})

describe('an error says where in the model it is thrown', () => {
  class Other extends RangeError {}
  const throwing = (error: unknown, when: 'now' | 'back' | 'input'): Pure => {
    const fail = (): never => { throw error }
    return {
      forward: fail, step: fail, last: fail, trace: fail,
      vjp: when === 'now' ? fail : () => [x, when === 'back' ? fail : () => ({ params: noParams, get input() { return fail() } })]
    }
  }
  const thrownBy = (run: () => unknown): unknown => {
    try {
      run()
    } catch (error) {
      return error
    }
    return 'nothing'
  }
  const ways = (error: unknown): readonly unknown[] => {
    const nested = (when: 'now' | 'back' | 'input') => pipe(stack(pipe(throwing(error, when), labelled('c'))), named('b'), andThen('z', scaling()))
    const params = { b: [noParams], z: a }, inner = pipe(throwing(error, 'now'), labelled('c'))
    const { forward, vjp, step, trace } = nested('now')
    const back = (when: 'back' | 'input') => nested(when).vjp(params, x)[1](dy)
    return [
      ...[() => forward(params, x), () => vjp(params, x), () => step?.(params, undefined, x), () => trace?.(params, x), () => back('back'), () => back('input').input].map(thrownBy),
      thrownBy(() => pipe(inner, named('b.0')).last?.({ 'b.0': noParams }, undefined, x))
    ]
  }
  test('a ShapeError and a PrecisionError', () => {
    for (const error of ways(new ShapeError('op', 'what', [[1], [2]]))) {
      expect(error).toBeInstanceOf(ShapeError)
      expect(error).toMatchObject({ message: 'b.0.c: op: expected what, got [1] and [2]', operation: 'op', expected: 'what', shapes: [[1], [2]], place: 'b.0.c' })
    }
    for (const error of ways(new PrecisionError('op'))) {
      expect(error).toBeInstanceOf(PrecisionError)
      expect(error).toMatchObject({ message: 'b.0.c: op: expected tensors of one precision, got float32 and float64', operation: 'op', place: 'b.0.c' })
    }
  })
  test('a RangeError and a TypeError, with what was thrown as the cause', () => {
    for (const bare of [new RangeError('too large'), new TypeError('no tensor')])
      for (const error of ways(bare)) {
        expect(error instanceof Error && [error.constructor, error.message, error.cause]).toEqual([bare.constructor, `b.0.c: ${bare.message}`, bare])
        expect(error instanceof Error && error.cause === bare).toBe(true)
      }
  })
  test('what somebody may want to recognise stays itself', () => {
    for (const thrown of [new Other('mine'), new Error('plain'), 'a text', undefined, { message: 'a record' }]) for (const error of ways(thrown)) expect(error).toBe(thrown)
  })
  test('parameters of another model', () => {
    const layer = pipe(scaling(), named('k')), repeated = stack(scaling())
    for (const [params, got] of [
      [null, 'null'], [undefined, 'undefined'], [3, 'number'], [{}, 'a record of nothing'], [{ a, b }, 'a record of "a", "b"'], [[a], 'a list of 1']
    ] as const)
      for (const run of [() => layer.forward(params as never, x), () => layer.vjp(params as never, x), () => layer.step?.(params as never, undefined, x), () => layer.last?.(params as never, undefined, x), () => layer.trace?.(params as never, x)])
        expect(run).toThrow(new TypeError(`expected parameters with the name "k", got ${got}`))
    for (const [params, got] of [[null, 'null'], [{ a }, 'a record of "a"'], ['aa', 'string']] as const)
      for (const run of [() => repeated.forward(params as never, x), () => repeated.vjp(params as never, x), () => repeated.step?.(params as never, undefined, x), () => repeated.trace?.(params as never, x)])
        expect(run).toThrow(new TypeError(`expected a list with the parameters of each repetition, got ${got}`))
  })
  test('what is no layer', () => {
    expect(() => pipe({ vjp: relu.vjp } as never, named('k'))).toThrow(new TypeError('a model: expected every part to be a layer with forward and vjp, got a record'))
    expect(() => pipe({ ...linear, step: 3 } as never, named('k'))).toThrow(new TypeError('expected a function "step", got number'))
  })
})
