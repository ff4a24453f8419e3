/**
 * The laws of masks: what a mask hides does not matter, whatever it holds.
 *
 * @module
 */
import fc from 'fast-check'
import { noParams, random, tensor, type Key, type Layer, type Mask, type NoParams, type QueryKeyValue, type Tensor, type Tokens } from 'pullback'
import * as arbitrary from './arbitraries.js'
import { fails, type Finding, firstFailing, holds, type Law, law } from './law.js'
import { type Points, pointsOf } from './points.js'
import { randomLike, sameBits, snapshot } from './values.js'

/** The masks that the laws of attention need. */
export interface HidingMasks {
  readonly causal: Mask
  readonly padding: (lengths: readonly number[], time: number) => Mask
}

/** `[B, T, d]` for queries, keys and values. */
export const queryKeyValue = (scale = 2, minTime = 1): fc.Arbitrary<QueryKeyValue> =>
  fc.record({ b: arbitrary.axis(2), t: arbitrary.axis(4, minTime), d: arbitrary.axis(3), e: arbitrary.axis(3) }).chain(({ b, t, d, e }) =>
    arbitrary.treeOf({ query: [b, t, d], key: [b, t, d], value: [b, t, e] }, { scale }))

/** `x` with position `s` of item 0 taken from `other`. Shapes: `[B, T]` or `[B, T, D]`. */
const withPosition = <X extends Tensor | Tokens>(x: X, other: X, s: number): X => {
  const width = x.shape.slice(2).reduce((product, length) => product * length, 1)
  const entries = Array.from(x.data, (v, i) => (Math.floor(i / width) === s ? other.data[i] : v))
  // The same kind of value; TypeScript does not follow the kind of a generic value.
  return (tensor.isTensor(x) ? tensor.fromArray(x.shape, entries, tensor.precisionOf(x)) : tensor.tokensFromArray(x.shape, entries)) as X
}

/**
 * What stands at a padded position changes no other position, to the bit: neither those before it nor, where the model is
 * causal, the padded ones after it. `change` must give other values from a position on.
 */
export const paddingHides = <P, X extends Tensor | Tokens, DX>(
  modelFor: (lengths: readonly number[], time: number) => Layer<P, X, Tensor, DX>, points: Points<P, X>, change: (x: X, from: number, key: Key) => X
): Law => law({
  name: 'padding is seen by nobody else',
  statement: '$x_r = x\'_r$ for all positions $r$ but a padded one $s$ implies $y_r = y\'_r$ for all $r \\ne s$, to the bit',
  cases: fc.record({ point: pointsOf(points).filter(({ input }) => input.shape[1] > 1), key: arbitrary.keys, place: fc.nat() })
    .map(({ point: { params, input }, key, place }) => {
      const s = place % (input.shape[1] - 1)
      return { params, input, s, other: withPosition(input, change(input, s, key), s) }
    })
    .filter(({ input, other }) => sameBits('inputs', snapshot(input), snapshot(other)).error !== 0),
  check: ({ params, input, s, other }) => {
    const [items, time] = input.shape, f = modelFor(Array.from({ length: items }, () => s), time)
    const y = f.forward(params, input), z = f.forward(params, other), width = y.shape[2]
    const wrong = Array.from(y.data).findIndex((v, i) => Math.floor(i / width) !== s && !Object.is(v, z.data[i]))
    return wrong < 0 ? holds : fails(`position ${s} of item 0 is padding and changed; position ${Math.floor(wrong / width)}: ${y.data[wrong]} became ${z.data[wrong]}`)
  }
})

type LayerFor = (mask: Mask) => Layer<NoParams, QueryKeyValue, Tensor>

/** What may stand where nobody looks. */
const junk = fc.constantFrom(NaN, Infinity, -Infinity, 3e38, -0, 7)

/** `[B, T, D]` with the numbers of some positions replaced. */
const replaced = (x: Tensor, from: number, to: number, by: number): Tensor => {
  const [, time, width] = x.shape
  return tensor.fromArray(x.shape, Array.from(x.data, (v, i) => {
    const t = Math.floor(i / width) % time
    return t >= from && t < to ? by : v
  }), tensor.precisionOf(x))
}

/** The numbers of `[B, T, D]` at positions `from ≤ t < to`. */
const positions = (x: Tensor, from: number, to: number): readonly number[] => {
  const [, time, width] = x.shape
  return Array.from(x.data).filter((_, i) => Math.floor(i / width) % time >= from && Math.floor(i / width) % time < to)
}

const sameNumbers = (what: string, a: readonly number[], b: readonly number[]): Finding => sameBits(what, [['', a]], [['', b]])

const allZero = (what: string, numbers: readonly number[]): Finding => {
  const wrong = numbers.find(x => x !== 0)
  return wrong === undefined ? holds : fails(`${what} is ${wrong}`)
}

/** Values, a place `from` at which positions that are hidden begin, and what they hold. Time goes over more than one tile of a kernel. */
const hiddenCases = fc.record({
  time: fc.integer({ min: 2, max: 14 }), d: arbitrary.axis(9), e: arbitrary.axis(9), precision: fc.constantFrom('float32' as const, 'float64' as const)
}).chain(({ time, d, e, precision }) => fc.record({
  key: arbitrary.keys, from: fc.integer({ min: 1, max: time - 1 }), junk, time: fc.constant(time)
}).map(({ key, ...rest }) => {
  const drawn = (index: number, width: number): Tensor =>
    random.uniform([2, time, width], { min: -2, max: 2, precision })(random.foldIn(index)(key))
  return { ...rest, x: { query: drawn(0, d), key: drawn(1, d), value: drawn(2, e) }, dy: drawn(3, e) }
}))

/** What a mask hides does not matter to the output, whatever it holds. */
export const hiddenValues = (
  layerFor: LayerFor, masks: HidingMasks
): Law => law({
  name: 'hidden values do not matter',
  statement: 'keys and values after $t$ (causal), or of padding, change no bit of an output that may not see them, be they ∞ or NaN',
  cases: hiddenCases,
  check: ({ x, from, time, junk: by }) => {
    const other = { query: x.query, key: replaced(x.key, from, time, by), value: replaced(x.value, from, time, by) }
    const outputs = (mask: Mask, input: QueryKeyValue, to: number) => positions(layerFor(mask).forward(noParams, input), 0, to)
    const padding = masks.padding([from, from], time)
    return firstFailing([
      sameNumbers('causal outputs before the change', outputs(masks.causal, x, from), outputs(masks.causal, other, from)),
      sameNumbers('outputs beside padding', outputs(padding, x, time), outputs(padding, other, time))
    ])
  }
})

/** What a mask hides does not matter to the gradient, whatever it holds, and has none itself. */
export const hiddenGradients = (
  layerFor: LayerFor, masks: HidingMasks
): Law => law({
  name: 'hidden values do not matter to the gradient',
  statement: 'hidden keys and values, and for later keys earlier queries and $dY$, change no bit of $dQ$, $dK$ and $dV$ of what may not see them; the $dK$ and $dV$ of padding are 0',
  cases: hiddenCases,
  check: ({ x, dy, from, time, junk: by }) => {
    const gradient = (mask: Mask, input: QueryKeyValue, g: Tensor) => layerFor(mask).vjp(noParams, input)[1](g).input
    const later = { query: x.query, key: replaced(x.key, from, time, by), value: replaced(x.value, from, time, by) }
    const padding = masks.padding([from, from], time)
    const right = gradient(masks.causal, x, dy), changed = gradient(masks.causal, later, dy)
    const earlier = gradient(masks.causal, { ...x, query: replaced(x.query, 0, from, by) }, replaced(dy, 0, from, by))
    const padded = gradient(padding, x, dy), changedPadding = gradient(padding, later, dy)
    return firstFailing([
      sameNumbers('causal dQ before the change', positions(right.query, 0, from), positions(changed.query, 0, from)),
      ...(['key', 'value'] as const).flatMap(name => [
        sameNumbers(`gradients of a later ${name}`, positions(right[name], from, time), positions(earlier[name], from, time)),
        sameNumbers(`gradients of a ${name} beside padding`, positions(padded[name], 0, from), positions(changedPadding[name], 0, from)),
        allZero(`a gradient of a padded ${name}`, positions(changedPadding[name], from, time))
      ]),
      sameNumbers('dQ beside padding', positions(padded.query, 0, time), positions(changedPadding.query, 0, time))
    ])
  }
})

/** Keys and values of padding change nothing and have no gradient, whatever the lengths. */
export const paddingDoesNotMatter = (layerFor: LayerFor, masks: HidingMasks): Law => law({
  name: 'padding does not matter',
  statement: 'with a padding mask, keys and values of padding change nothing, to the bit, and have gradients of exactly 0',
  cases: queryKeyValue(2, 2).chain(x => {
    const [items, time] = x.key.shape
    // The first item always has padding and something before it.
    const lengths = fc.tuple(fc.integer({ min: 1, max: time - 1 }), fc.array(fc.integer({ min: 0, max: time }), { minLength: items - 1, maxLength: items - 1 }))
    return fc.record({ x: fc.constant(x), key: arbitrary.keys, lengths: lengths.map(([first, others]) => [first, ...others]) })
  }),
  check: ({ x, key, lengths }) => {
    const time = x.key.shape[1], f = layerFor(masks.padding(lengths, time))
    const hidden = (a: Tensor, i: number): boolean => {
      const row = Math.floor(i / a.shape[2])
      return row % time >= lengths[Math.floor(row / time)]
    }
    const noise = randomLike(key)(x)
    const other = (a: Tensor, b: Tensor): Tensor =>
      tensor.fromArray(a.shape, Array.from(a.data, (v, i) => (hidden(a, i) ? b.data[i] : v)), 'float64')
    const changed = { query: x.query, key: other(x.key, noise.key), value: other(x.value, noise.value) }
    const [y, pullback] = f.vjp(noParams, x), [z, otherPullback] = f.vjp(noParams, changed)
    const dy = randomLike(key)(y), dx = pullback(dy).input
    const leak = [dx.key, dx.value].flatMap(d => Array.from(d.data).filter((g, i) => hidden(d, i) && g !== 0))
    return firstFailing([
      sameBits('outputs', snapshot(y), snapshot(z)),
      sameBits('gradients of the queries', snapshot(dx.query), snapshot(otherPullback(dy).input.query)),
      leak.length === 0 ? holds : fails(`padding has the gradient ${leak[0]}`)
    ])
  }
})
