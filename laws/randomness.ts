/**
 * The laws of randomness in models: different places never share a mask or a draw.
 *
 * @module
 */
import fc from 'fast-check'
import { random, tensor, type Draw, type Key, type Layer, type Tensor } from 'pullback'
import * as arbitrary from './arbitraries.js'
import { fails, type Finding, firstFailing, holds, type Law, law, worst } from './law.js'
import { type Points, pointsOf } from './points.js'
import { leavesOf, randomLike, sameBits, snapshot } from './values.js'

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)

/** The first two of several things with the same text. */
const repeated = (things: readonly (readonly [name: string, text: string])[]): readonly [string, string] | undefined => {
  const names = new Map<string, string>()
  for (const [name, text] of things) {
    const other = names.get(text)
    if (other !== undefined) return [other, name]
    names.set(text, name)
  }
  return undefined
}

/** Which columns of a gradient are exactly 0 in every row. */
const droppedColumns = (leaf: Tensor): readonly boolean[] => {
  const width = leaf.shape[leaf.shape.length - 1]
  return range(width).map(column => Array.from(leaf.data).every((g, i) => i % width !== column || g === 0))
}

/** A mask and its opposite as one text: who drops what another keeps shares its draws. */
const maskText = (dropped: readonly boolean[]): string => dropped.map(drop => (drop === dropped[0] ? '0' : '1')).join('')

const STEPS = 2

/**
 * Finds dropout masks from outside: a parameter that is added just before a dropout has the gradient 0 exactly where that
 * drops, if the gradient behind it has no other zeros. So `taps` are the paths of such parameters, and the points must be
 * ones where a row of the output depends on its own row alone (no attention between them). Widths of 32 and more leave no
 * room for chance.
 */
export const independentDropout = <P, X, DX>(
  model: (key: Key) => Layer<P, X, Tensor, DX>, points: Points<P, X>, taps: readonly string[]
): Law => law({
  name: 'independent dropout',
  statement: 'the masks of two places, tokens, items or steps differ, and none is the opposite of another',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point: { params, input }, key }) => {
    const masks = range(STEPS).flatMap(step => {
      const [y, pullback] = model(random.foldIn(step)(key)).vjp(params, input)
      const width = y.shape[y.shape.length - 1], dense = randomLike(key)(y)
      return range(y.data.length / width).flatMap(row => {
        const only = tensor.fromArray(y.shape, Array.from(dense.data, (dy, i) => (Math.floor(i / width) === row ? dy : 0)), tensor.precisionOf(y))
        const gradients = new Map(leavesOf(pullback(only).params))
        return taps.map(path => {
          const leaf = gradients.get(path)
          return { name: `"${path}" in row ${row} of step ${step}`, dropped: leaf === undefined ? [] : droppedColumns(leaf) }
        })
      })
    })
    const untouched = masks.find(({ dropped }) => !dropped.includes(true) || !dropped.includes(false))
    if (untouched !== undefined) return fails(`after ${untouched.name} nothing or everything is dropped`)
    const shared = repeated(masks.map(({ name, dropped }) => [name, maskText(dropped)] as const))
    return shared === undefined ? holds : fails(`${shared.join(' and ')} share a mask`)
  }
})

/** More digits than chance repeats, fewer than rounding reaches. */
const DIGITS = 14

/**
 * What two draws from one key have in common whatever their deviation: the ratio of neighbours. For parameters drawn in
 * double precision.
 */
export const independentParameters = <P>(init: Draw<P>): Law => law({
  name: 'independent initial parameters',
  statement: 'no two places of the initial parameters, and no two rows or heads of one, hold the same numbers or multiples of them',
  cases: arbitrary.keys,
  check: key => {
    const ratios = leavesOf(init(key)).filter(([, { data }]) => Array.from(data).some(x => x !== data[0]))
      .flatMap(([path, leaf]) => range(leaf.data.length - 1)
        .map(i => [`"${path}" from entry ${i}`, (leaf.data[i + 1] / leaf.data[i]).toPrecision(DIGITS)] as const))
    if (ratios.length === 0) return fails('nothing is drawn')
    const shared = repeated(ratios)
    return shared === undefined ? holds : fails(`${shared.join(' and ')} hold multiples of the same numbers`)
  }
})

/** How a parameter begins. */
export interface Beginning {
  readonly mean: number
  /** 0: every entry is the mean. */
  readonly deviation: number
}

/** Deviations of a mean of so many entries that chance does not reach in any number of cases. */
const FAR = 7

/** Initial parameters have the mean and the deviation that belong to their path. */
export const initialParameters = <P>(init: Draw<P>, beginningOf: (path: string) => Beginning): Law => law({
  name: 'initial mean and deviation',
  statement: 'every parameter begins with the mean and the deviation of its place; one without deviation is constant',
  tolerance: FAR,
  reason: 'deviations of the estimate',
  cases: arbitrary.keys,
  check: key => worst(leavesOf(init(key)).map(([path, leaf]): Finding => {
    const data = Array.from(leaf.data)
    const { mean, deviation } = beginningOf(path), n = data.length
    if (deviation === 0) return data.every(x => x === mean) ? holds : fails(`"${path}" does not begin with ${mean}`)
    const found = data.reduce((total, x) => total + x, 0) / n
    const spread = Math.sqrt(data.reduce((total, x) => total + (x - mean) ** 2, 0) / n)
    return {
      error: Math.max(Math.abs(found - mean) / (deviation / Math.sqrt(n)), Math.abs(spread / deviation - 1) * Math.sqrt(2 * n)),
      explain: () => `"${path}": mean ${found} and deviation ${spread}, expected ${mean} and ${deviation}`
    }
  }))
})

/** Keys that derive from one, such as those of the steps of a run. */
const family = (key: Key): readonly (readonly [string, Key])[] => [
  ['the key', key], ...range(3).map(i => [`step ${i}`, random.foldIn(i)(key)] as const), ...random.split(key).map((half, i) => [`half ${i}`, half] as const)
]

/** For draws with so many possible values that chance does not repeat one. */
export const independentDraws = <A>(draw: Draw<A>): Law => law({
  name: 'independent draws',
  statement: 'one key draws one value; the keys of different steps draw different ones',
  cases: arbitrary.keys,
  check: key => {
    const drawn = family(key).map(([name, k]) => [name, draw(k), draw(k)] as const)
    const again = firstFailing(drawn.map(([, a, b]) => sameBits('two draws with one key', snapshot(a), snapshot(b))))
    if (again.error !== 0) return again
    const shared = repeated(drawn.map(([name, a]) => [name, JSON.stringify(snapshot(a))] as const))
    return shared === undefined ? holds : fails(`${shared.join(' and ')} draw the same`)
  }
})
