/**
 * Keeping: whatever a function of yours receives, makes or keeps in a run of training or generation is an ordinary value,
 * which has the same bits for ever. Kernels work in memory that they use again, and these laws show that nobody can tell.
 *
 * @module
 */
import { pipe } from 'fp-ts/lib/function.js'
import fc from 'fast-check'
import {
  andThen, generate, gpt, initGpt, initLinear, leakyRelu, linear, lossAndGradient, lossOf, meanSquaredError, named, PrecisionError, random,
  recomputing, initTraining, tensor, trainingStep, type Decoder, type Key, type Layer, type Loss, type NoParams, type Optimizer, type Sampler, type Tensor
} from 'pullback'
import * as arbitrary from './arbitraries.js'
import { firstFailing, type Finding, fails, holds, type Law, law } from './law.js'
import { type Point, type Points, pointsOf } from './points.js'
import { inner, inPrecision, randomLike, sameBits, type Snapshot, snapshot } from './values.js'

const RUNS = 3

/** Where a function writes down everything that it meets, as it was then. */
const notebook = () => {
  const met: (readonly [value: unknown, before: Snapshot])[] = []
  return {
    note: <A>(value: A): A => {
      met.push([value, snapshot(value)])
      return value
    },
    /** Everything still has its bits. */
    unchanged: (): Finding => firstFailing(met.map(([value, before]) => sameBits('a value when it was met and at the end', before, snapshot(value))))
  }
}

type Note = ReturnType<typeof notebook>['note']

const watchedLayer = <P, X, Y, DX>(note: Note, f: Layer<P, X, Y, DX>): Layer<P, X, Y, DX> => ({
  forward: (params, x) => note(f.forward(note(params), note(x))),
  vjp: (params, x) => {
    const [y, pullback] = f.vjp(note(params), note(x))
    note(y)
    return [y, dy => note(pullback(note(dy)))]
  }
})

const single = inPrecision('float32')

/** $\langle c, y\rangle$, whose gradient is $c$. */
const linearLoss = <Y>(key: Key): Loss<Y, unknown> => ({
  forward: y => inner(randomLike(key)(y), y),
  gradient: y => randomLike(key)(y)
})

const nowhere: Loss<Tensor, undefined> = { forward: () => 0, gradient: y => y }

/** Numbers of something else where the kernels worked before. */
const overwrite = (): void => {
  lossOf(leakyRelu(0.5), nowhere)({}, { input: tensor.full([4096], -3), target: undefined })
}

/**
 * What a layer gives at a point, found out in a run, since a layer may behave differently when it is first called in one:
 * whether that is a tensor, and at which point (one with constants in double precision cannot be called in single precision).
 */
const tried = <P, X, Y, DX>(f: Layer<P, X, Y, DX>, point: Point<P, X>): readonly [Point<P, X>, tensors: boolean] => {
  let tensors = tensor.isTensor(point.input)
  const attempt = ({ params, input }: Point<P, X>): void => {
    lossOf(f, {
      forward: y => {
        tensors = tensors && tensor.isTensor(y)
        return 0
      },
      gradient: y => y
    })(params, { input, target: undefined })
  }
  const near = single(point)
  try {
    attempt(near)
    return [near, tensors]
  } catch (error) {
    if (!(error instanceof PrecisionError)) throw error
    attempt(point)
    return [point, tensors]
  }
}

/** Layers that together change nothing but where in memory the next one works, and what lies before it. */
const unchanging = (count: number): Layer<NoParams, Tensor, Tensor> =>
  Array.from({ length: count }, () => pipe(leakyRelu(2), andThen(leakyRelu(0.5)))).reduce((f, g) => pipe(f, andThen(g)), leakyRelu(1))

/** Between layers that change nothing, so that a layer meets what kernels gave and not what the caller gave. */
const amid = <P, X, Y, DX>(f: Layer<P, X, Y, DX>, tensors: boolean, count: number): Layer<{ readonly f: P }, X, Y, DX> => {
  const alone: Layer<{ readonly f: P }, X, Y, DX> = pipe(f, named('f'))
  // The types of input and output were found out.
  return tensors
    ? pipe(unchanging(count), andThen('f', f as unknown as Layer<P, Tensor, Tensor>), andThen(leakyRelu(1))) as unknown as typeof alone
    : alone
}

/** Training with a layer keeps what the layer met, and computes what the layer computes outside it. */
export const keeping = <P, X, Y, DX>(f: Layer<P, X, Y, DX>, points: Points<P, X>): Law => law({
  name: 'keeping',
  statement: 'while a model trains, what a layer receives and makes keeps its bits, and losses and gradients have those of `vjp`',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point, key }) => {
    const [{ params, input }, tensors] = tried(f, point)
    const { note, unchanged } = notebook()
    const loss = linearLoss<Y>(key), example = { input, target: undefined }
    const runs = [f, watchedLayer(note, f)].flatMap(layer => Array.from({ length: RUNS }, (_, i) => {
      const model = amid(layer, tensors, i)
      const run = { ...lossAndGradient(model, loss)({ f: params }, example), evaluated: lossOf(model, loss)({ f: params }, example) }
      overwrite()
      return run
    }))
    const [y, pullback] = f.vjp(params, input)
    const gradient = { f: pullback(loss.gradient(y, undefined)).params }, value = loss.forward(y, undefined)
    return firstFailing([
      unchanged(),
      ...runs.map(run => sameBits('a run of training and the layer alone', snapshot(run), snapshot({ loss: value, gradient, evaluated: value })))
    ])
  }
})

/** The same for a loss. */
export const lossKeeping = <T>(loss: Loss<Tensor, T>, points: fc.Arbitrary<{ readonly prediction: Tensor, readonly target: T }>): Law => law({
  name: 'keeping',
  statement: 'while a model trains, what a loss receives and makes keeps its bits, and the loss is that of `forward`',
  cases: points,
  check: point => {
    const { prediction, target } = single(point)
    const { note, unchanged } = notebook()
    const watched: Loss<Tensor, T> = {
      forward: (p, t) => loss.forward(note(p), note(t)),
      gradient: (p, t) => note(loss.gradient(note(p), note(t)))
    }
    const runs = [loss, watched].flatMap(each => Array.from({ length: RUNS }, (_, i) => {
      const run = lossAndGradient(unchanging(i), each)({}, { input: prediction, target }).loss
      overwrite()
      return run
    }))
    const value = loss.forward(prediction, target)
    return firstFailing([unchanged(), ...runs.map(run => sameBits('the loss in a run and alone', snapshot(run), snapshot(value)))])
  }
})

/** The same for an optimiser. */
export const optimizerKeeping = <S extends string>(optimizer: Optimizer<S>): Law => law({
  name: 'keeping',
  statement: 'while a model trains, what an optimiser receives and makes keeps its bits, and each step is that of `step`',
  cases: arbitrary.keys,
  check: key => {
    const { note, unchanged } = notebook()
    const watched: Optimizer<S> = {
      init: params => note(optimizer.init(note(params))),
      step: (params, gradient, state) => note(optimizer.step(note(params), note(gradient), note(state)))
    }
    const [a, b, c] = random.splitMany(3)(key)
    const params = initLinear(3, 2)(a), batch = { input: random.normal([4, 3])(b), target: random.normal([4, 2])(c) }
    const model = pipe(linear, andThen(leakyRelu(1))), loss = meanSquaredError()
    const runs = [optimizer, watched].map(each => {
      let trained = initTraining(each, params)
      for (let i = 0; i < RUNS; i++) {
        trained = trainingStep({ model, loss, optimizer: each })(trained, batch, key)
        overwrite()
      }
      return { params: trained.params, state: trained.state }
    })
    let alone = initTraining(optimizer, params)
    for (let i = 0; i < RUNS; i++) {
      const [y, pullback] = model.vjp(alone.params, batch.input)
      alone = optimizer.step(alone.params, pullback(loss.gradient(y, batch.target)).params, alone.state)
    }
    const expected = snapshot({ params: alone.params, state: alone.state })
    return firstFailing([unchanged(), ...runs.map(run => sameBits('a run of training and the optimiser alone', snapshot(run), expected))])
  }
})

const sizes = { vocabulary: 5, context: 6, width: 4, layers: 1 }
const COUNT = 8

/** Generation as it is defined: read, choose, read what was chosen. */
const byHand = <P, C>(decoder: Decoder<P, C>, params: P, sampler: Sampler, prompt: readonly number[], key: Key): readonly number[] => {
  let cache = decoder.empty(params), unread = prompt
  return Array.from({ length: COUNT }, (_, i) => {
    const [logits, next] = decoder.read(params, cache, unread)
    const token = sampler(logits)(random.foldIn(i)(key))
    cache = next
    unread = [token]
    return token
  })
}

const sameTokens = (what: string, a: readonly number[], b: readonly number[]): Finding =>
  a.join() === b.join() ? holds : fails(`${what}: ${a.join(', ')} against ${b.join(', ')}`)

/** The same for a sampler. */
export const samplerKeeping = (sampler: Sampler): Law => law({
  name: 'keeping',
  statement: 'while a model generates, the logits that a sampler receives keep their bits, and it chooses what it chooses alone',
  cases: arbitrary.keys,
  check: key => {
    const { note, unchanged } = notebook()
    const decoder = recomputing(gpt({ heads: 2 }), sizes.context), params = arbitrary.noisy(initGpt(sizes))(key)
    const watched: Sampler = logits => sampler(note(logits))
    const runs = [sampler, watched].map(each => generate({ decoder, params, sampler: each, count: COUNT })([0, 1], key))
    const expected = byHand(decoder, params, sampler, [0, 1], key)
    return firstFailing([unchanged(), ...runs.map(run => sameTokens('the tokens of a run and of the sampler alone', run, expected))])
  }
})

/** The same for a decoder, whose cache may be any value. */
export const decoderKeeping = <P, C>(decoder: Decoder<P, C>, sampler: Sampler, points: fc.Arbitrary<{ readonly params: P, readonly prompt: readonly number[] }>): Law => law({
  name: 'keeping',
  statement: 'while a model generates, what a decoder receives and makes keeps its bits, and the tokens are those of reading by hand',
  cases: fc.record({ point: points, key: arbitrary.keys }),
  check: ({ point: { params, prompt }, key }) => {
    const { note, unchanged } = notebook()
    const watched: Decoder<P, C> = {
      empty: p => note(decoder.empty(note(p))),
      read: (p, cache, tokens) => {
        const [logits, next] = decoder.read(note(p), note(cache), tokens)
        return [note(logits), note(next)]
      }
    }
    const runs = [decoder, watched].map(each => generate({ decoder: each, params, sampler, count: COUNT })(prompt, key))
    const expected = byHand(decoder, params, sampler, prompt, key)
    return firstFailing([unchanged(), ...runs.map(run => sameTokens('the tokens of a run and of reading by hand', run, expected))])
  }
})
