/**
 * The law of single precision, in which the fast kernels work.
 *
 * @module
 */
import fc from 'fast-check'
import { random, tensor, type Key, type Layer, type Precision } from 'pullback'
import * as arbitrary from './arbitraries.js'
import { fails, type Finding, holds, type Law, law, worst } from './law.js'
import { type Point, type Points, pointsOf } from './points.js'
import { inner, inPrecision, largestDifference, leavesOf, mapLeaves, normOf, randomLike } from './values.js'

/** A layer computes in the precision of its arguments, so a point of one precision has results of that one. */
export const keepsPrecision = (precision: Precision, results: { readonly output: unknown, readonly gradient: unknown }): Finding => {
  const other = leavesOf(results).find(([, leaf]) => tensor.precisionOf(leaf) !== precision)
  if (other === undefined) return holds
  const [path, leaf] = other
  return fails(`"${path}" is in ${tensor.precisionOf(leaf)} where parameters and input are in ${precision}: ` +
    'a layer computes in the precision of its arguments (tensor.precisionOf, tensor.cast)')
}

const SINGLE = 2 ** -24
/** As many roundings as may add up, each as far-reaching as those of the arguments. */
const SINGLE_ROUNDINGS = 64
/** In one alone the changes might cancel. */
const PERTURBATIONS = 2

/** Every number rounded up or down by as much as single precision might. */
const perturbed = (key: Key) => <A>(value: A): A => {
  const signs = new Map(leavesOf(randomLike(key)(value)))
  return mapLeaves((leaf, path) => tensor.zipWith(signs.get(path) ?? leaf, (x, sign) => x * (sign < 0 ? 1 - SINGLE : 1 + SINGLE))(leaf))(value)
}

/**
 * In single precision, where the fast kernels work, a layer gives what it gives in double precision, up to rounding. How far
 * a rounding reaches depends on the point (layer norm of nearly equal numbers magnifies it without bound), so it is
 * measured there: by the change $\kappa u$ of the exact result when every argument changes by $\pm u$ of itself.
 */
export const singlePrecision = <P, X, Y, DX>(layer: Layer<P, X, Y, DX>, points: Points<P, X>): Law => law({
  name: 'single precision',
  statement: 'outputs and gradients in float32 equal those in float64 within $64\\,u\\,(1 + \\kappa)$, $u = 2^{-24}$, relative to their norm (for gradients, and that of dy), where they change by $\\kappa u$ when every argument changes by $\\pm u$ of itself',
  tolerance: SINGLE * SINGLE_ROUNDINGS,
  reason: 'roundings of 2^-24 that add up in a small layer; a mistake shows at 1e-2',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point, key }) => {
    const single = inPrecision('float32'), double = inPrecision('float64')
    const resultsAt = ({ params, input }: Point<P, X>, dyOf: (y: Y) => Y) => {
      const [output, pullback] = layer.vjp(params, input)
      const dy = dyOf(output)
      return { dy, results: { output, gradient: pullback(dy) } }
    }
    // All begin with numbers that single precision holds.
    const near = single(point), exact = double(near)
    const { dy, results } = resultsAt(exact, y => double(single(randomLike(key)(y))))
    const others = Array.from({ length: PERTURBATIONS }, (_, i) => {
      const [keyPoint, keyDy] = random.split(random.foldIn(i)(key))
      return resultsAt(perturbed(keyPoint)(exact), () => perturbed(keyDy)(dy)).results
    })
    const fast = resultsAt(near, () => single(dy)).results
    const kept = keepsPrecision('float32', fast)
    if (kept.error !== 0) return kept
    // Infinite entries, such as masked scores, have no distance; a NaN where there should be a number makes the error NaN.
    const distance = (a: unknown, b: unknown, least: number): number => {
      const leaves = new Map(leavesOf(b))
      const difference = mapLeaves((leaf, path) => tensor.zipWith(leaves.get(path) ?? leaf, (x, y) => (Number.isFinite(y) ? x - y : 0))(leaf))
      return normOf(difference(double(a))) / (least + Math.sqrt(inner(b, b)))
    }
    // The gradient of a softmax that is all but decided is the small difference of numbers as large as dy.
    return worst(([['output', 1e-3], ['gradient', 1e-3 + normOf(dy)]] as const).map(([what, least]) => {
      const reach = Math.max(...others.map(other => distance(other[what], results[what], least))) / SINGLE
      return {
        error: distance(fast[what], results[what], least) / (1 + reach),
        explain: () => `the ${what} differs most at ${largestDifference(double(fast[what]), results[what])}, where κ = ${reach}`
      }
    }))
  }
})
