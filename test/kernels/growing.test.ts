/** Arrays that grow: nobody sees that something is put behind them. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tensor, type Tensor } from 'pullback'
import { append } from '../../src/kernels/growing.js'
import { instance } from '../../src/kernels/simd/instance.js'
import { region, regionLoop } from '../../src/memory/region.js'
import { outside } from '../../src/memory/trust.js'
import { own } from '../../src/tensor/tensor.js'

const joined = (x: Tensor, more: readonly number[]): Tensor => {
  const data = append(x.data, Float32Array.from(more))
  return own([data.length], data)
}
const numbers = (x: Tensor): readonly number[] => Array.from(x.data)
const place = (x: Tensor): number => (x.data instanceof Float32Array ? x.data.byteOffset : -1)

/** To which of the arrays that there are something is appended, how much, and where that happens. */
const histories = fc.array(fc.record({ to: fc.nat(30), count: fc.nat(5), where: fc.constantFrom('here', 'inner', 'outside') }), { maxLength: 30 })

describe('appending', () => {
  test('changes no array that there is, in whichever order and region', () => {
    fc.assert(fc.property(histories, history => {
      const expected: (readonly number[])[] = [[]]
      const made = region(() => {
        const all: Tensor[] = [tensor.zeros([0])]
        history.forEach(({ to, count, where }, step) => {
          const from = to % all.length, more = Array.from({ length: count }, (_, i) => 100 * step + i + 1)
          const made = () => joined(all[from], more)
          all.push(where === 'here' ? made() : where === 'inner' ? region(() => { tensor.full([7], 9); return made() }) : outside(made))
          expected.push([...expected[from], ...more])
          tensor.scale(2)(tensor.full([5], 3))
        })
        expect(all.map(numbers)).toEqual(expected)
        return all
      })
      region(() => tensor.sum(tensor.full([100_000], 77)))
      expect(made.map(numbers)).toEqual(expected)
    }))
  })
  test('in a loop leaves what there is in its place', () => {
    const places = new Set<number>()
    const { long, other } = regionLoop({ long: tensor.of([1]), other: tensor.of([2]), old: tensor.of([0]), n: 0 }, ({ long: x, other: y, n }) => {
      if (n === 200) return undefined
      tensor.scale(2)(tensor.full([50], n))
      places.add(place(x))
      return { long: joined(x, [n]), other: n % 3 === 0 ? joined(y, [n, n]) : y, old: x, n: n + 1 }
    })
    expect(numbers(long)).toEqual([1, ...Array.from({ length: 200 }, (_, n) => n)])
    expect(numbers(other)).toEqual([2, ...Array.from({ length: 67 }, (_, i) => [3 * i, 3 * i]).flat()])
    if (instance !== undefined) expect(places.size).toBeLessThan(20)
  })
  test('a loop that goes back to what it had before sees what that had', () => {
    const last = regionLoop({ kept: tensor.of([1, 2]), n: 0, seen: [] as readonly (readonly number[])[] }, ({ kept, n, seen }) => {
      if (n === 40) return undefined
      const one = joined(kept, [n]), two = joined(kept, [-n])
      return { kept: n % 2 === 0 ? one : two, n: n + 1, seen: [...seen, numbers(one), numbers(two)] }
    })
    const expected: number[] = [1, 2]
    last.seen.forEach((seen, i) => {
      const n = Math.floor(i / 2)
      if (i % 2 === 0 && n > 0) expected.push(n % 2 === 1 ? n - 1 : 1 - n)
      expect(seen).toEqual([...expected, i % 2 === 0 ? n : -n])
    })
  })
  test('two that share a place are both moved whole, whichever is named first', () => {
    const made = region(() => {
      const { short, long } = region(() => {
        tensor.scale(2)(tensor.full([100], 9)) // so that what is kept has to move
        const begun = joined(tensor.of([1, 2]), [3])
        return { short: begun, long: joined(begun, [4, 5]) }
      })
      tensor.scale(2)(tensor.full([100], 7))
      return { first: numbers(short), second: numbers(long) }
    })
    expect(made).toEqual({ first: [1, 2, 3], second: [1, 2, 3, 4, 5] })
  })
  test('in double precision', () => {
    expect(Array.from(append(Float64Array.of(1), Float64Array.of(2, 3)))).toEqual([1, 2, 3])
    expect(region(() => Array.from(append(Float64Array.of(1), Float64Array.of(2, 3))))).toEqual([1, 2, 3])
  })
})
