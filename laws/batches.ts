/**
 * The laws of batches: a batch is nothing but its items, and its parts together are the whole.
 *
 * @module
 */
import fc from 'fast-check'
import {
  lossAndGradient, random, tensor, type Example, type Layer, type Loss, type LossAndGradient, type Tensor, type Tokens, type Weight
} from 'pullback'
import * as arbitrary from './arbitraries.js'
import { type Finding, type Law, law, worst } from './law.js'
import { type Points, pointsOf } from './points.js'
import type { LossPoint } from './loss.js'
import { along, largestDifference, normOf, randomLike } from './values.js'

const isTokens = (value: object): value is Tokens => '_tag' in value && value._tag === 'Tokens'

const taken = (items: readonly number[], value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (!tensor.isTensor(value) && !isTokens(value))
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, taken(items, child)]))
  const shape = [items.length, ...value.shape.slice(1)]
  const width = value.shape.slice(1).reduce((product, length) => product * length, 1)
  const entries = items.flatMap(item => Array.from({ length: width }, (_, i) => value.data[item * width + i]))
  return tensor.isTensor(value) ? tensor.fromArray(shape, entries, tensor.precisionOf(value)) : tensor.tokensFromArray(shape, entries)
}

/** Some items of a batch, in the order given: of a tensor, of tokens, or of a record of them. */
// The same kind of value, which no recursion over keys can show.
const take = (items: readonly number[]) => <A>(value: A): A => taken(items, value) as A

/** The length of the first axis of the first tensor or tokens in a value. */
const itemsIn = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0
  return tensor.isTensor(value) || isTokens(value) ? value.shape[0] : Math.max(0, ...Object.values(value).map(itemsIn))
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)

/** How far two values of one form are from each other, relative to the second. */
const distance = (what: string, found: unknown, expected: unknown): Finding => {
  const difference = normOf(along(found, expected, -1))
  return {
    error: difference === 0 ? 0 : difference / (1e-3 + normOf(expected)),
    explain: () => `${what} differ most at ${largestDifference(found, expected)}`
  }
}

/** The sum of values of one form. */
const sumOf = <A>(values: readonly A[]): A => values.slice(1).reduce((a, b) => along(a, b, 1), values[0])

const TOLERANCE = 1e-11
const REASON = 'double precision: sums in another order'

/**
 * For layers whose inputs and outputs have the batch as their first axis, and that treat its items alike (no dropout, no mask
 * of single items).
 */
export const batches = <P, X, Y, DX>(f: Layer<P, X, Y, DX>, points: Points<P, X>): readonly Law[] => [
  law({
    name: 'a batch is its items',
    statement: '$f(\\theta, x)_b = f(\\theta, x_b)$, $dx_b$ is that of $x_b$ alone, and $d\\theta$ is the sum over the items',
    tolerance: TOLERANCE, reason: REASON,
    cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
    check: ({ point: { params, input }, key }) => {
      const [y, pullback] = f.vjp(params, input)
      const dy = randomLike(key)(y), whole = pullback(dy)
      const alone = range(itemsIn(input)).map(b => {
        const [yb, pullbackB] = f.vjp(params, take([b])(input))
        return { b, y: yb, gradient: pullbackB(take([b])(dy)) }
      })
      return worst([
        ...alone.flatMap(item => [
          distance(`outputs of item ${item.b}`, take([item.b])(y), item.y),
          distance(`gradients of item ${item.b}`, take([item.b])(whole.input), item.gradient.input)
        ]),
        ...(alone.length === 0 ? [] : [distance('gradients of the parameters', whole.params, sumOf(alone.map(({ gradient }) => gradient.params)))])
      ])
    }
  }),
  law({
    name: 'items have no order',
    statement: '$f(\\theta, Px) = P f(\\theta, x)$ for every order $P$ of the items; their gradients are permuted, and $d\\theta$ is the same',
    tolerance: TOLERANCE, reason: REASON,
    cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
    check: ({ point: { params, input }, key }) => {
      const order = random.permutation(itemsIn(input))(key), permuted = take(order)
      const [y, pullback] = f.vjp(params, input), [z, otherPullback] = f.vjp(params, permuted(input))
      const dy = randomLike(key)(y), a = pullback(dy), b = otherPullback(permuted(dy))
      return worst([
        distance(`outputs in the order ${order.join(', ')}`, z, permuted(y)),
        distance('gradients of the input', b.input, permuted(a.input)),
        distance('gradients of the parameters', b.params, a.params)
      ])
    }
  })
]

const weightOf = <T>({ weight }: Loss<Tensor, T>, target: T): Weight => (weight === undefined ? itemsIn(target) : weight(target))

/** With what the loss of each item is multiplied, by what the loss says of the targets. */
const sharesOf = (weights: readonly Weight[]): readonly number[] => {
  const total = weights.reduce<number>((sum, weight) => sum + (weight === 'sum' ? 0 : weight), 0)
  return weights.map(weight => (weight === 'sum' ? 1 : weight === 0 ? 0 : weight / total))
}

/** For losses of predictions and targets whose first axis is the batch. */
export const lossBatches = <T>(l: Loss<Tensor, T>, points: fc.Arbitrary<LossPoint<T>>): readonly Law[] => [
  law({
    name: 'a loss is that of its items',
    statement: '$\\ell(p, t) = \\sum_b \\frac{w_b}{\\sum_c w_c}\\,\\ell(p_b, t_b)$ for a mean with the weights $w_b$ of the targets, $\\sum_b \\ell(p_b, t_b)$ for a sum; so for the gradients',
    tolerance: TOLERANCE, reason: REASON,
    cases: points,
    check: ({ prediction, target }) => {
      const items = range(itemsIn(prediction)).map(b => ({ prediction: take([b])(prediction), target: take([b])(target) }))
      const shares = sharesOf(items.map(item => weightOf(l, item.target)))
      const losses = items.map((item, b) => shares[b] * l.forward(item.prediction, item.target))
      const gradient = l.gradient(prediction, target), value = l.forward(prediction, target)
      const expected = losses.reduce((a, b) => a + b, 0)
      return worst([
        { error: Math.abs(value - expected) / (1e-3 + Math.abs(expected)), explain: () => `the loss is ${value}, its items give ${expected}` },
        ...items.map((item, b) => distance(`gradients of item ${b}`, take([b])(gradient),
          tensor.scale(shares[b])(l.gradient(item.prediction, item.target))))
      ])
    }
  }),
  law({
    name: 'items have no order',
    statement: '$\\ell(Pp, Pt) = \\ell(p, t)$ for every order $P$ of the items, and the gradients are permuted',
    tolerance: TOLERANCE, reason: REASON,
    cases: fc.record({ point: points, key: arbitrary.keys }),
    check: ({ point: { prediction, target }, key }) => {
      const permuted = take(random.permutation(itemsIn(prediction))(key))
      const a = l.forward(prediction, target), b = l.forward(permuted(prediction), permuted(target))
      return worst([
        { error: Math.abs(a - b) / (1e-3 + Math.abs(a)), explain: () => `the loss is ${a}, and ${b} in another order` },
        distance('gradients', l.gradient(permuted(prediction), permuted(target)), permuted(l.gradient(prediction, target)))
      ])
    }
  })
]

export interface ExamplePoint<P, X, T> extends Example<X, T> {
  readonly params: P
}

/** What adds up parts gives what the whole gives, whatever counts in them: uneven parts, and parts in which nothing does. */
export const sharding = <P, X, Y, DX, T>(
  sharded: (count: number, part: (params: P, example: Example<X, T>) => LossAndGradient<P>) => (params: P, batch: Example<X, T>) => LossAndGradient<P>,
  model: Layer<P, X, Y, DX>, loss: Loss<Y, T>, points: fc.Arbitrary<ExamplePoint<P, X, T>>
): Law => law({
  name: 'parts make the whole',
  statement: '$\\ell$ and $d\\theta$ of a batch cut into any number of parts are those of the whole',
  tolerance: TOLERANCE, reason: REASON,
  cases: fc.record({ point: points, place: fc.nat() }),
  check: ({ point: { params, input, target }, place }) => {
    const whole = lossAndGradient(model, loss), count = 1 + place % itemsIn(input)
    const expected = whole(params, { input, target }), found = sharded(count, whole)(params, { input, target })
    return worst([
      { error: Math.abs(found.loss - expected.loss) / (1e-3 + Math.abs(expected.loss)), explain: () => `${count} parts: the loss is ${found.loss}, that of the whole ${expected.loss}` },
      distance(`${count} parts: gradients`, found.gradient, expected.gradient)
    ])
  }
})
