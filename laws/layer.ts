/**
 * The laws of every layer.
 *
 * @module
 */
import fc from 'fast-check'
import { random, tensor, type Gradient, type Key, type Layer, type Precision } from 'pullback'
import * as arbitrary from './arbitraries.js'
import { derivativeAtZero } from './finiteDifferences.js'
import { keeping } from './keeping.js'
import { fails, type Finding, firstFailing, holds, type Law, law, worst } from './law.js'
import { type Point, type Points, pointsOf } from './points.js'
import { keepsPrecision, singlePrecision } from './precision.js'
import { along, inner, inPrecision, largestDifference, leavesOf, mapLeaves, normOf, placeOf, randomLike, sameBits, snapshot, type Snapshot } from './values.js'

const GRADIENT_TOLERANCE = 1e-7
const GRADIENT_REASON = 'double precision: the extrapolated differences are good to about 1e-10, a mistake shows at 1e-2'
/** At most this many entries of one case are differentiated one by one; the law of a direction sees all of them. */
const ENTRIES = 8

/**
 * How large the compared derivatives are: the norm of the gradient, and what rounding leaves of a sum with terms as
 * large as those of ⟨dy, y⟩.
 */
const scaleOf = (gradient: unknown, dy: unknown, y: unknown): number => {
  const absolute = mapLeaves(tensor.map(Math.abs))
  return normOf(gradient) + 1e-5 * inner(absolute(dy), absolute(y), y)
}

const compare = (where: string, analytic: number, numeric: number, scale: number): Finding => ({
  error: analytic === numeric ? 0 : Math.abs(analytic - numeric) / scale,
  explain: () => `${where}: analytic ${analytic}, numeric ${numeric}`
})

/** What the gradient laws look at: the gradient of a layer at a point, and ⟨dy, f⟩ along any line through it. */
const examine = <P, X, Y, DX>(layer: Layer<P, X, Y, DX>, { params, input }: Point<P, X>, key: Key) => {
  const [keyDy, keyDirection] = random.split(key)
  const [y, pullback] = layer.vjp(params, input)
  const dy = randomLike(keyDy)(y)
  const gradient = pullback(dy)
  const alongLine = (direction: Point<unknown, unknown>) => derivativeAtZero(h =>
    inner(dy, layer.forward(along(params, direction.params, h), along(input, direction.input, h)), y))
  return { gradient, scale: scaleOf(gradient, dy, y), alongLine, keyDirection, precision: keepsPrecision('float64', { output: y, gradient }) }
}

/** The derivative with respect to every entry, or by some that the key chooses. */
const entryFindings = <P, X, DX>(
  point: Point<P, X>, gradient: Gradient<P, DX>, scale: number, alongLine: (direction: Point<unknown, unknown>) => number, key?: Key
): readonly Finding[] => {
  const analytic = new Map(leavesOf(gradient))
  const entries = leavesOf(point).flatMap(([path, leaf]) => Array.from(leaf.data, (_, index) => ({ path, leaf, index })))
  const chosen = key === undefined ? entries : random.permutation(entries.length)(key).slice(0, ENTRIES).map(i => entries[i])
  return chosen.map(({ path, leaf, index }) => {
    const unit = mapLeaves((other, at) =>
      tensor.fromArray(other.shape, Array.from(other.data, (_, i) => (at === path && i === index ? 1 : 0)), 'float64'))(point)
    return compare(placeOf(path, leaf.shape, index), analytic.get(path)?.data[index] ?? NaN, alongLine(unit), scale)
  })
}

/** Every tensor of the point has a gradient of its shape under its path. */
const sameForm = <P, X, DX>(point: Point<P, X>, gradient: Gradient<P, DX>): Finding => {
  const found = new Map(leavesOf(gradient))
  for (const [path, leaf] of leavesOf(point)) {
    const g = found.get(path)
    if (g === undefined) return fails(`"${path}" has no gradient`)
    if (g.shape.join() !== leaf.shape.join())
      return fails(`"${path}" of shape [${leaf.shape.join(', ')}] has a gradient of shape [${g.shape.join(', ')}]`)
  }
  return holds
}

/** ⟨dy, Df(θ, x)[u, v]⟩ = ⟨dθ, u⟩ + ⟨dx, v⟩ in a random direction. */
export const gradientAlongDirection = <P, X, Y, DX>(layer: Layer<P, X, Y, DX>, points: Points<P, X>): Law => law({
  name: 'gradient',
  statement: '$\\langle dy, Df(\\theta, x)[u, v]\\rangle = \\langle d\\theta, u\\rangle + \\langle dx, v\\rangle$ for a random direction $(u, v)$',
  tolerance: GRADIENT_TOLERANCE,
  reason: GRADIENT_REASON,
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point, key }) => {
    const { gradient, scale, alongLine, keyDirection, precision } = examine(layer, point, key)
    const form = firstFailing([precision, sameForm(point, gradient)])
    if (form.error !== 0) return form
    const direction = randomLike(keyDirection)(point)
    const found = compare('along a random direction', inner(gradient, direction), alongLine(direction), scale)
    return {
      ...found,
      explain: () => {
        const most = worst(entryFindings(point, gradient, scale, alongLine))
        return `${found.explain()}\n${most.error === 0 ? 'no entry shows it alone' : `most of it at ${most.explain()}`}`
      }
    }
  }
})

/** The gradient entry by entry. */
export const gradientByEntry = <P, X, Y, DX>(layer: Layer<P, X, Y, DX>, points: Points<P, X>): Law => law({
  name: 'gradient entry by entry',
  statement: '$\\partial\\langle dy, f(\\theta, x)\\rangle/\\partial\\theta_i = d\\theta_i$ and the same for $x_i$',
  tolerance: GRADIENT_TOLERANCE,
  reason: GRADIENT_REASON,
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point, key }) => {
    const { gradient, scale, alongLine, keyDirection, precision } = examine(layer, point, key)
    if (precision.error !== 0) return precision
    return worst(entryFindings(point, gradient, scale, alongLine, keyDirection))
  }
})

/** The pullback is linear: f*(a dy + b dy′) = a f*(dy) + b f*(dy′). */
export const pullbackIsLinear = <P, X, Y, DX>(layer: Layer<P, X, Y, DX>, points: Points<P, X>): Law => law({
  name: 'pullback is linear',
  statement: '$f^*(a\\,dy + b\\,dy\') = a f^*(dy) + b f^*(dy\')$',
  tolerance: 1e-12,
  reason: 'double precision: a few thousand roundings of 1e-16',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys, a: fc.integer({ min: -4, max: 4 }), b: fc.integer({ min: -4, max: 4 }) }),
  check: ({ point: { params, input }, key, a, b }) => {
    const [first, second] = random.split(key)
    const [y, pullback] = layer.vjp(params, input)
    const dy1 = randomLike(first)(y), dy2 = randomLike(second)(y)
    const zero = mapLeaves(tensor.map(() => 0))
    const mixed = pullback(along(along(zero(y), dy1, a), dy2, b))
    const g1 = pullback(dy1), g2 = pullback(dy2)
    const precision = keepsPrecision('float64', { output: y, gradient: g1 })
    if (precision.error !== 0) return precision
    const expected = along(along(zero(g1), g1, a), g2, b)
    const scale = Math.abs(a) * normOf(g1) + Math.abs(b) * normOf(g2)
    const difference = normOf(along(mixed, expected, -1))
    return {
      error: difference === 0 ? 0 : difference / scale,
      explain: () => `a = ${a}, b = ${b}: the two sides differ most at ${largestDifference(mixed, expected)}`
    }
  }
})

export interface LayerOptions {
  /** Whether the layer works in single precision, where the fast kernels are; default true. */
  readonly singlePrecision?: boolean | undefined
}

const precisionsOf = ({ singlePrecision: single = true }: LayerOptions): readonly Precision[] => (single ? ['float64', 'float32'] : ['float64'])

/** `vjp` computes the same output as `forward`, to the bit. */
export const vjpAgreesWithForward = <P, X, Y, DX>(layer: Layer<P, X, Y, DX>, points: Points<P, X>, options: LayerOptions = {}): Law => law({
  name: 'vjp agrees with forward',
  statement: 'the first part of `vjp(θ, x)` is `forward(θ, x)`, to the bit, in each precision',
  cases: pointsOf(points),
  check: point => firstFailing(precisionsOf(options).map(precision => {
    const { params, input } = inPrecision(precision)(point)
    return sameBits(`in ${precision}, vjp and forward`, snapshot(layer.vjp(params, input)[0]), snapshot(layer.forward(params, input)))
  }))
})

/** Nothing is written to, and nothing is remembered. */
export const purity = <P, X, Y, DX>(layer: Layer<P, X, Y, DX>, points: Points<P, X>, options: LayerOptions = {}): Law => law({
  name: 'purity',
  statement: 'after `forward`, `vjp` and the pullback, arguments and results have the bits they had, and a second call gives the same bits, in each precision',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point, key }) => firstFailing(precisionsOf(options).map(precision => {
    const at = inPrecision(precision)(point)
    const { params, input } = at
    const before = snapshot(at)
    const run = () => {
      const [y, pullback] = layer.vjp(params, input)
      return { y, dy: randomLike(key)(y), pullback }
    }
    const first = run()
    const results = { y: snapshot(first.y), dy: snapshot(first.dy), gradient: snapshot(first.pullback(first.dy)) }
    const second = run()
    const again = first.pullback(first.dy)
    const same = (what: string, a: Snapshot, b: Snapshot) => sameBits(`in ${precision}, ${what}`, a, b)
    return firstFailing([
      same('the arguments before and after', before, snapshot(at)),
      same('the output before and after', results.y, snapshot(first.y)),
      same('dy before and after', results.dy, snapshot(first.dy)),
      same('the outputs of two calls', results.y, snapshot(second.y)),
      same('two gradients of one pullback', results.gradient, snapshot(again)),
      same('the gradients of two pullbacks', results.gradient, snapshot(second.pullback(second.dy)))
    ])
  }))
})

/**
 * Everything that must hold for any layer, in double precision and in single. One that works in double precision alone,
 * such as a layer with constants of its own, says so: `{ singlePrecision: false }`.
 */
export const layer = <P, X, Y, DX>(f: Layer<P, X, Y, DX>, points: Points<P, X>, options: LayerOptions = {}): readonly Law[] => [
  gradientAlongDirection(f, points),
  gradientByEntry(f, points),
  pullbackIsLinear(f, points),
  vjpAgreesWithForward(f, points, options),
  purity(f, points, options),
  keeping(f, points),
  ...(options.singlePrecision === false ? [] : [singlePrecision(f, points)])
]
