import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  block, causalMask, dropout, initBlock, masked, MonoidMask, noMask, noParams, paddingMask, random, sinusoidalTable, tensor, type Mask
} from 'pullback'

interface Sizes {
  readonly batch: number
  readonly heads: number
  readonly queries: number
  readonly keys: number
}

const sizes: fc.Arbitrary<Sizes> = fc.record({
  batch: fc.integer({ min: 1, max: 3 }), heads: fc.integer({ min: 1, max: 2 }), queries: fc.integer({ min: 1, max: 3 }), keys: fc.integer({ min: 1, max: 4 })
})

/** A mask, and whether it shows key s to query t of item b. */
interface Known {
  readonly mask: Mask
  readonly shows: (b: number, t: number, s: number) => boolean
}

const known = ({ batch, queries, keys }: Sizes): fc.Arbitrary<Known> => fc.oneof(
  fc.constant({ mask: noMask, shows: () => true }),
  fc.constant({ mask: causalMask, shows: (_: number, t: number, s: number) => s <= t + keys - queries }),
  fc.array(fc.integer({ min: 0, max: keys }), { minLength: batch, maxLength: batch })
    .map(lengths => ({ mask: paddingMask(lengths, keys), shows: (b: number, _: number, s: number) => s < lengths[b] })))

const cases = sizes.chain(size => fc.record({ size: fc.constant(size), a: known(size), b: known(size), c: known(size), key: fc.nat().map(random.key) }))

const both = (a: Known, b: Known): Known =>
  ({ mask: MonoidMask.concat(a.mask, b.mask), shows: (i, t, s) => a.shows(i, t, s) && b.shows(i, t, s) })

/** Item, query and key of every score. */
const places = ({ batch, heads, queries, keys }: Sizes) => Array.from({ length: batch * heads * queries * keys }, (_, i) =>
  [Math.floor(i / keys / queries / heads), Math.floor(i / keys) % queries, i % keys] as const)

describe('masks', () => {
  test('together they show what every one of them shows; a hidden score is −∞ and its gradient 0', () => {
    fc.assert(fc.property(cases, ({ size, a, b, c, key }) => {
      const x = random.normal([size.batch, size.heads, size.queries, size.keys])(key), dy = random.normal(x.shape)(random.foldIn(1)(key))
      for (const { mask, shows } of [a, both(a, b), both(both(a, b), c), both(a, both(b, c))]) {
        const [y, pullback] = masked(mask).vjp(noParams, x)
        const visible = places(size).map(([item, t, s]) => shows(item, t, s))
        expect(Array.from(y.data)).toEqual(visible.map((shown, i) => (shown ? x.data[i] : -Infinity)))
        expect(Array.from(pullback(dy).input.data)).toEqual(visible.map((shown, i) => (shown ? dy.data[i] : 0)))
      }
    }))
  })
  test('without a mask nothing changes: noMask is the unit', () => {
    fc.assert(fc.property(cases, ({ a: { mask } }) => {
      expect(MonoidMask.concat(MonoidMask.empty, mask)).toEqual(mask)
      expect(MonoidMask.concat(mask, MonoidMask.empty)).toEqual(mask)
    }))
    expect(MonoidMask.concat(noMask, noMask)).toEqual({ causal: false })
  })
  test('scores of one item need no batch axis; a batch of none has no scores', () => {
    const y = masked(MonoidMask.concat(causalMask, paddingMask([1], 2))).forward(noParams, tensor.of([[1, 2], [3, 4]]))
    expect(Array.from(y.data)).toEqual([1, -Infinity, 3, -Infinity])
    expect(masked(paddingMask([], 2)).forward(noParams, tensor.zeros([0, 1, 2])).shape).toEqual([0, 1, 2])
  })
})

describe('dropout inside of a block', () => {
  const params = initBlock({ width: 4, layers: 2 })(random.key(0)), x = random.normal([2, 3, 4])(random.key(1))
  const dropping = (rate: number, key: number) =>
    Array.from(block({ heads: 2, mask: causalMask, dropout: { rate, key: random.key(key) } }).forward(params, x).data)
  const without = Array.from(block({ heads: 2, mask: causalMask }).forward(params, x).data)
  test('drops, by its key', () => {
    expect(dropping(0.5, 1)).not.toEqual(without)
    expect(dropping(0.5, 1)).not.toEqual(dropping(0.5, 2))
    expect(dropping(0.5, 1)).toEqual(dropping(0.5, 1))
    expect(dropping(0, 1)).toEqual(without)
  })
  test('drops as often as its rate says, and scales what it keeps', () => {
    const ones = tensor.full([40_000], 1, 'float64'), y = Array.from(dropout(0.25, random.key(2)).forward(noParams, ones).data)
    expect(new Set(y)).toEqual(new Set([0, 4 / 3]))
    // Five standard errors of 40000 draws.
    expect(Math.abs(y.filter(v => v === 0).length / y.length - 0.25)).toBeLessThan(5 * Math.sqrt(0.25 * 0.75 / 40_000))
  })
})

test('tables are of single precision unless asked otherwise', () => {
  expect(tensor.precisionOf(sinusoidalTable(2, 2))).toBe('float32')
  expect(tensor.precisionOf(sinusoidalTable(2, 2, 'float64'))).toBe('float64')
})
