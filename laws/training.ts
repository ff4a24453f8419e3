/**
 * The laws of batches drawn from data, of learning rates, and of a step of training.
 *
 * @module
 */
import fc from 'fast-check'
import {
  random, tensor, type Draw, type Example, type Key, type Layer, type LinearOptions, type Loss, type Optimizer, type Schedule, type Tokens, type trainingStep,
  type WarmupCosineOptions, type WindowOptions
} from 'pullback'
import * as arbitrary from './arbitraries.js'
import { fails, type Finding, firstFailing, holds, type Law, law, worst } from './law.js'
import { type Points, pointsOf } from './points.js'
import { sameBits, snapshot } from './values.js'

/** So many draws that chance leaves out none of a handful of values. */
const DRAWS = 160

/** Windows of a sequence, each with what follows its tokens; every place is drawn, the first and the last too. */
export const windows = (drawing: (tokens: Tokens, options: WindowOptions) => Draw<Example<Tokens, Tokens>>): Law => law({
  name: 'windows of a sequence',
  statement: 'rows are consecutive tokens, the target of a token is the one after it, a window begins at every place where it fits, and the windows of a batch begin anywhere of their own',
  cases: fc.record({ batch: arbitrary.axis(3), context: arbitrary.axis(4), places: arbitrary.axis(5), key: arbitrary.keys }),
  check: ({ batch, context, places, key }) => {
    // Every token is its own position, counted from 100.
    const tokens = tensor.tokensFromArray([context + places], Array.from({ length: context + places }, (_, i) => 100 + i))
    const starts = new Set<number>()
    let apart = batch === 1 || places === 1
    for (let draw = 0; draw < DRAWS; draw++) {
      const { input, target } = drawing(tokens, { batch, context })(random.foldIn(draw)(key))
      if (input.shape.join() !== [batch, context].join() || target.shape.join() !== input.shape.join())
        return fails(`inputs of the shape [${input.shape.join(', ')}] and targets of the shape [${target.shape.join(', ')}], expected [${batch}, ${context}]`)
      for (let i = 0; i < input.data.length; i++) {
        const begin = input.data[i - i % context]
        if (input.data[i] !== begin + i % context) return fails(`position ${i} holds ${input.data[i]} in a window that begins with ${begin}`)
        if (target.data[i] !== input.data[i] + 1) return fails(`the target of ${input.data[i]} is ${target.data[i]}`)
        starts.add(begin)
        apart ||= begin !== input.data[0]
      }
    }
    if (!apart) return fails('all windows of a batch begin at one place')
    const expected = Array.from({ length: places }, (_, i) => 100 + i)
    const found = Array.from(starts).sort((a, b) => a - b)
    return found.join() === expected.join() ? holds : fails(`windows begin at ${found.join(', ')}, expected ${expected.join(', ')}`)
  }
})

/** An epoch: every example once, in batches of one size, in an order that chance decides. */
export const epochs = (shuffling: (count: number, size: number) => Draw<readonly (readonly number[])[]>): Law => law({
  name: 'epoch',
  statement: 'the batches of an epoch hold every index once, all but the last have the size asked for, and every index may come first',
  cases: fc.record({ count: fc.nat(6), size: arbitrary.axis(4), key: arbitrary.keys }),
  check: ({ count, size, key }) => {
    const firsts = new Set<number | undefined>()
    for (let draw = 0; draw < DRAWS; draw++) {
      const batches = shuffling(count, size)(random.foldIn(draw)(key)), all = batches.flat()
      if (all.length !== count || new Set(all).size !== count || !all.every(i => Number.isInteger(i) && i >= 0 && i < count))
        return fails(`${count} examples: got ${JSON.stringify(batches)}`)
      if (batches.some((batch, i) => batch.length === 0 || batch.length > size || (i < batches.length - 1 && batch.length !== size)))
        return fails(`batches of ${size}: got ${JSON.stringify(batches)}`)
      firsts.add(all[0])
    }
    return firsts.size === Math.max(1, count) ? holds : fails(`of ${count} indices, ${firsts.size} ever came first`)
  }
})

/** Also such as no sum of rates gives exactly. */
const rates = fc.integer({ min: 0, max: 1000 }).map(k => k / 1000)
const near = (what: string, found: number, expected: number): Finding =>
  ({ error: Math.abs(found - expected), explain: () => `${what} is ${found}, expected ${expected}` })
const steps = (from: number, to: number): readonly number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

/** A straight line from one rate to the other, which then stays. */
export const linearRate = (make: (options: LinearOptions) => Schedule): Law => law({
  name: 'a straight line',
  statement: '$\\eta_0 = a$, every step changes the rate by $(b - a)/S$, and $\\eta_s = b$ exactly for $s \\ge S$',
  tolerance: 1e-14,
  reason: 'double precision: a few roundings of numbers of at most 1',
  cases: fc.record({ from: rates, to: rates, count: fc.integer({ min: 1, max: 20 }) }),
  check: ({ from, to, count }) => {
    const rate = make({ from, to, steps: count })
    return worst([
      near('the first rate', rate(0), from),
      ...steps(0, count).map(s => near(`the change after step ${s}`, rate(s + 1) - rate(s), (to - from) / count)),
      ...steps(count, count + 3).map(s => (rate(s) === to ? holds : fails(`the rate of step ${s} is ${rate(s)}, expected ${to}`)))
    ])
  }
})

/** Warm-up in a straight line, then half a wave of the cosine. */
export const warmupCosineRate = (make: (options: WarmupCosineOptions) => Schedule): Law => law({
  name: 'warm-up and cosine',
  statement: 'the first $w$ steps rise by $a/(w + 1)$ each, beginning with that; step $w$ has the peak $a$; then $\\eta_{w + i} + \\eta_{S - i} = a + b$ with $\\eta = \\frac{3a + b}{4}$ at a third of the way; $\\eta_s = b$ exactly for $s \\ge S$',
  tolerance: 1e-14,
  reason: 'double precision: a few roundings of numbers of at most 1',
  cases: fc.record({ peak: rates, final: rates, warmup: fc.nat(8), thirds: fc.nat(6) }),
  check: ({ peak, final, warmup, thirds }) => {
    const end = warmup + 3 * thirds, rate = make({ peak, final, warmup, steps: end })
    return worst([
      ...steps(0, warmup).map(s => near(`the rate of step ${s}`, rate(s), peak * (s + 1) / (warmup + 1))),
      // A warm-up that takes all steps is followed by the end.
      near('the peak', rate(warmup), thirds === 0 ? final : peak),
      near('the rate at a third of the way', rate(warmup + thirds), thirds === 0 ? final : (3 * peak + final) / 4),
      ...steps(0, 3 * thirds).map(i => near(`the sum of steps ${warmup + i} and ${end - i}`, rate(warmup + i) + rate(end - i), peak + final)),
      ...steps(end, end + 3).map(s => (rate(s) === final ? holds : fails(`the rate of step ${s} is ${rate(s)}, expected ${final}`)))
    ])
  }
})

/** What the law of a step compares with: the model of a key, what judges it, and what moves it. */
export interface StepParts<P, X, Y, DX, T, S extends string> {
  readonly model: (key: Key) => Layer<P, X, Y, DX>
  readonly loss: Loss<Y, T>
  readonly optimizer: Optimizer<S>
  readonly target: (prediction: Y, key: Key) => T
}

/** A step of training is the optimiser's step along the gradient of the loss of the model for the step's key. */
export const trainingStepIsItsParts = <P, X, Y, DX, T, S extends string>(
  stepping: typeof trainingStep, { model, loss, optimizer, target: targetFor }: StepParts<P, X, Y, DX, T, S>, points: Points<P, X>
): Law => law({
  name: 'a step of training',
  statement: '$\\theta\' , s\' = \\mathrm{step}(\\theta, d\\theta, s)$ with $d\\theta = f^*(\\partial\\ell/\\partial\\hat y)$ and the loss before the step, where $f$ is the model for the key, twice in a row, to the bit',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point: { params, input }, key }) => {
    const target = targetFor(model(key).forward(params, input), key)
    const step = stepping({ model, loss, optimizer })
    const byHand = (at: P, state: ReturnType<typeof optimizer.init<P>>, k: Key) => {
      const [y, pullback] = model(k).vjp(at, input)
      return { ...optimizer.step(at, pullback(loss.gradient(y, target)).params, state), loss: loss.forward(y, target) }
    }
    const begin = { params, state: optimizer.init(params) }, second = random.foldIn(1)(key)
    const one = step(begin, { input, target }, key), two = step(one, { input, target }, second)
    const expected = byHand(params, begin.state, key), then = byHand(expected.params, expected.state, second)
    return firstFailing([
      sameBits('the first steps', snapshot(one), snapshot(expected)), sameBits('the second steps', snapshot(two), snapshot(then))
    ])
  }
})
