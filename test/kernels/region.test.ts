import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  andThen, crossEntropy, deferred, gpt, gradientDescent, initGpt, initLinear, kernelsInUse, layer, linear, lossAndGradient, lossOf, meanSquaredError, named, random, relu, stack, tensor, tree,
  type LinearParams, type Tensor
} from 'pullback'
import { pipe } from 'fp-ts/lib/function.js'
import { crossEntropyGradient } from '../../src/kernels/crossEntropy.js'
import { addGemm } from '../../src/kernels/gemm.js'
import { resident } from '../../src/kernels/simd/arena.js'
import { overwriting, region, regionLoop, settled } from '../../src/memory/region.js'

const numbers = (x: Tensor): readonly number[] => Array.from(x.data)
const inArena = (x: Tensor): boolean => resident(x.data)

/** Writes over everything that a left region may have used. */
const overwrite = (): void => {
  region(() => tensor.sum(tensor.full([1_000_000], 77)))
}

describe('regions', () => {
  test('what survives a region is an ordinary array with its numbers', () => {
    const x = tensor.of([1, 2, 3])
    const y = region(() => tensor.add(x)(tensor.scale(2)(x)))
    overwrite()
    expect(inArena(y)).toBe(false)
    expect(numbers(y)).toEqual([3, 6, 9])
  })

  test('a deferred gradient is computed once, before its region ends', () => {
    const x = tensor.of([1, 2, 3])
    let computed = 0
    const { params, input } = region(() => {
      const y = tensor.scale(2)(x)
      return deferred({ y }, () => {
        computed++
        return tensor.add(x)(y)
      })
    })
    expect(computed).toBe(1)
    overwrite()
    expect(inArena(input)).toBe(false)
    expect([params.y, input].map(numbers)).toEqual([[2, 4, 6], [3, 6, 9]])
  })

  test('training never computes the gradient of the first input', () => {
    const first = layer({
      forward: (params: LinearParams, x: Tensor) => linear.forward(params, x),
      gradient: (params: LinearParams, x: Tensor, dy: Tensor) =>
        deferred(linear.vjp(params, x)[1](dy).params, (): Tensor => { throw new Error('somebody read it') })
    })
    const model = pipe(stack(pipe(first, andThen(relu))), named('hidden'), andThen('output', linear))
    const [a, b] = random.split(random.key(0)), x = tensor.of([[1, 2]])
    const params = { hidden: [initLinear(2, 3)(a)], output: initLinear(3, 2)(b) }
    expect(() => lossAndGradient(model, meanSquaredError())(params, { input: x, target: x })).not.toThrow()
    expect(() => model.vjp(params, x)[1](x).input).toThrow('somebody read it')
  })

  test('what was outside of a region comes back itself, and what is no tensor stays as it is', () => {
    const x = tensor.of([1, 2]), bytes = new Float64Array([1, 2]), nothing: { readonly a: number } | null = null
    const result = region(() => ({ x, bytes, nothing, list: [x, 'text', undefined], y: tensor.scale(2)(x) }))
    expect(result.x).toBe(x)
    expect(result.list[0]).toBe(x)
    expect(result.bytes).toBe(bytes)
    expect(result).toEqual({ x, bytes, nothing, list: [x, 'text', undefined], y: tensor.of([2, 4]) })
    expect(region(() => null)).toBe(null)
    expect(region(() => 'text')).toBe('text')
    expect(region(() => tensor.scale(2)(x))).toEqual(tensor.of([2, 4]))
  })

  test('an error inside a loop leaves its region', () => {
    const failing = (): unknown => regionLoop(tensor.of([1]), x => {
      if (x.data[0] > 4) throw new RangeError('too large')
      return tensor.scale(2)(x)
    })
    expect(failing).toThrow(new RangeError('too large'))
    // Outside of every region a result is an ordinary array.
    expect(inArena(tensor.scale(2)(tensor.of([1, 2])))).toBe(false)
  })

  test('nested regions move their results down without mixing them up', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(30), fc.boolean()), { minLength: 1, maxLength: 8 }), parts => {
      const expected = parts.map(([length], i) => Array.from({ length }, (_, j) => i + j / 64))
      const made = (i: number): Tensor => tensor.scale(0.5)(tensor.fromArray([expected[i].length], expected[i].map(v => 2 * v)))
      const result = region(() => {
        const before = tensor.scale(1)(tensor.of([42, 43]))
        const inner = region(() => {
          const all = parts.map((_, i) => made(i))
          const twice = tensor.reshape([all[0].data.length, 1])(all[0])
          return { kept: all.filter((_, i) => parts[i][1]).reverse(), first: all[0], twice, before }
        })
        tensor.scale(3)(tensor.full([50], 9))
        return { inner, before }
      })
      overwrite()
      expect(numbers(result.before)).toEqual([42, 43])
      expect(numbers(result.inner.before)).toEqual([42, 43])
      expect(numbers(result.inner.first)).toEqual(expected[0])
      expect(numbers(result.inner.twice)).toEqual(expected[0])
      expect(result.inner.kept.map(numbers)).toEqual(expected.filter((_, i) => parts[i][1]).reverse())
    }))
  })

  test('an error leaves nothing behind', () => {
    expect(() => region(() => region(() => tensor.add(tensor.of([1]))(tensor.of([1, 2]))))).toThrow('tensor.add')
    expect(inArena(tensor.scale(2)(tensor.of([1])))).toBe(false)
  })

  test('values of double precision and values from outside pass through', () => {
    const x = tensor.of([1, 2], 'float64'), y = tensor.of([5])
    expect(region(() => ({ x: tensor.scale(2)(x), y, n: 3 }))).toEqual({ x: tensor.of([2, 4], 'float64'), y, n: 3 })
  })

  test('settled parameters have the same numbers', () => {
    const x = { a: tensor.of([1, 2]), b: [tensor.of([3], 'float64')] }
    expect(region(() => settled(x))).toEqual(x)
  })

  test('a gradient in a region has the bits of one outside', () => {
    const params = initGpt({ vocabulary: 7, context: 6, width: 8, layers: 2 })(random.key(0))
    const batch = { input: tensor.tokensOf([[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]]), target: tensor.tokensOf([[2, 3, 4, 5, 6, 1], [1, 1, 1, 1, 1, 1]]) }
    const model = gpt({ heads: 2 })
    const inside = lossAndGradient(model, crossEntropy())(params, batch)
    const [y, pullback] = model.vjp(params, batch.input)
    const outside = pullback(crossEntropy().gradient(y, batch.target)).params
    expect(crossEntropy().forward(y, batch.target)).toBe(inside.loss)
    expect(lossOf(model, crossEntropy())(params, batch)).toBe(inside.loss)
    tree.flatten(outside).forEach(([path, leaf], i) => expect([path, numbers(leaf)]).toEqual([path, numbers(tree.flatten(inside.gradient)[i][1])]))
  })

  test('what does not fit is computed all the same', () => {
    // Each copy takes 64 MB of the arena: more of them than it can hold.
    const x = tensor.full([2 ** 24], 1)
    const total = region(() => {
      let sum = x
      for (let i = 0; i < 20; i++) sum = tensor.add(x)(sum)
      return { last: tensor.at(2 ** 24 - 1)(sum), small: tensor.scale(2)(tensor.of([1.5])) }
    })
    expect(total.last).toBe(21)
    expect(numbers(total.small)).toEqual([3])
  })

  test('only what nobody else holds is written over: once in a value, and in the arena', () => {
    const g = tensor.of([1, 2, 3]), step = gradientDescent({ learningRate: 1 })
    const moved = (p: Tensor): Tensor => step.step(p, g, step.init(p)).params
    const result = region(() => {
      const [alone, twice] = settled([tensor.of([10, 20, 30]), tensor.of([10, 20, 30])]), ordinary = tensor.of([10, 20, 30])
      return overwriting({ alone, a: twice, b: twice, ordinary }, () => {
        const results = [alone, twice, ordinary].map(moved)
        return { results: results.map(numbers), written: [alone, twice, ordinary].map(numbers) }
      })
    })
    expect(result.results).toEqual([[9, 18, 27], [9, 18, 27], [9, 18, 27]])
    const inPlace = kernelsInUse() === 'reference' ? [10, 20, 30] : [9, 18, 27]
    expect(result.written).toEqual([inPlace, [10, 20, 30], [10, 20, 30]])
  })

  test('a sum of products and a gradient of logits have the same bits where they take the place of what they read', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 40 }), (m, n, k) => {
      const at = (length: number, seed: number) => tensor.fromArray([length], Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + seed)))
      const sizes = { m, n, k, transposeA: true, transposeB: false }, targets = Int32Array.from({ length: m }, (_, i) => (i * 7) % (n + 1) - 1)
      const gradientSizes = { rows: m, width: n, ignored: -1, scale: 0.3 }
      const [sum, gradient] = [(x: Tensor) => addGemm(sizes, x.data, at(m * k, 1).data, at(k * n, 2).data), (x: Tensor) => crossEntropyGradient(gradientSizes, x.data, targets)]
      for (const f of [sum, gradient]) {
        const elsewhere = Array.from(f(at(m * n, 0)))
        const found = region(() => {
          const [x] = settled([at(m * n, 0)]), y = overwriting(x, () => f(x))
          return { numbers: Array.from(y), replaced: x.data[0] === y[0] }
        })
        expect(found.numbers).toEqual(elsewhere)
        if (kernelsInUse() !== 'reference') expect(found.replaced).toBe(true)
      }
    }), { numRuns: 60, examples: [[53, 261, 7], [3, 2, 5]] })
  })
})
