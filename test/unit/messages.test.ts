import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { layer, linear, noParams, parameterless, softmax, tensor, type LinearParams, type Loss, type Tensor } from 'pullback'
import { arbitrary, laws, type Law } from 'pullback/laws'

/** What `fc.assert` says of the law of that name. */
const messageOf = (all: readonly Law[], name: string): string => {
  const found = all.find(law => law.name === name)
  if (found === undefined) throw new Error(`no law "${name}"`)
  try {
    fc.assert(found.property)
  } catch (error) {
    if (error instanceof Error) return `${error.message}\n${error.cause instanceof Error ? error.cause.message : ''}`
  }
  return 'it holds'
}

/** The entry [1, 0] of the weight's gradient is too large by 1. */
const wrongLinear = layer({
  forward: (params: LinearParams, x: Tensor) => linear.forward(params, x),
  gradient: (params: LinearParams, x: Tensor, dy: Tensor) => {
    const { params: { weight, bias }, input } = linear.vjp(params, x)[1](dy)
    const shifted = tensor.fromArray(weight.shape, Array.from(weight.data, (v, i) => (i === weight.shape[1] ? v + 1 : v)), 'float64')
    return { params: { weight: shifted, bias }, input }
  }
})

const points = {
  params: fc.record({ weight: arbitrary.tensorOf([2, 3]), bias: arbitrary.tensorOf([3]) }), input: arbitrary.tensorOf([1, 2])
}

describe('a law that fails says', () => {
  test.each(['gradient', 'gradient entry by entry'])('%s: which entry of which parameter, both numbers, the case and how to repeat it', name => {
    const message = messageOf(laws.layer(wrongLinear, points), name)
    expect(message).toContain(`law "${name}" fails: $`)
    expect(message).toMatch(/"params\.weight" \[1, 0\]: analytic -?[\d.e-]+, numeric -?[\d.e-]+/)
    expect(message).toMatch(/relative error [\d.e-]+, tolerance 1e-7 \(/)
    expect(message).toContain('Counterexample: [{"point":{"params":{"weight":')
    expect(message).toMatch(/seed: -?\d+, path: "[\d:]+"/)
  })

  test('linearity: where the sides differ most', () => {
    const squares = parameterless((x: Tensor) => x, (_, dy: Tensor) => tensor.multiply(dy)(dy))
    expect(messageOf(laws.layer(squares, { params: fc.constant(noParams), input: arbitrary.tensorOf([2, 2]) }), 'pullback is linear'))
      .toMatch(/the two sides differ most at "input" \[[01], [01]\]: -?[\d.e-]+ against -?[\d.e-]+/)
  })

  test('purity: which entry changed', () => {
    let calls = 0
    const counting = parameterless((x: Tensor) => tensor.map(v => v + calls++)(x), (_, dy: Tensor) => dy)
    expect(messageOf(laws.layer(counting, { params: fc.constant(noParams), input: arbitrary.tensorOf([2]) }), 'purity'))
      .toMatch(/the outputs of two calls differ: entry 0: \S+ against \S+/)
  })

  test('a loss: which entry of the prediction', () => {
    const wrong: Loss<Tensor, Tensor> = {
      forward: (p, t) => tensor.sum(tensor.map(v => v * v)(tensor.subtract(t)(p))),
      gradient: (p, t) => tensor.scale(3)(tensor.subtract(t)(p))
    }
    expect(messageOf(laws.loss(wrong, fc.record({ prediction: arbitrary.tensorOf([1, 2]), target: arbitrary.tensorOf([1, 2]) })), 'gradient'))
      .toMatch(/"prediction" \[0, [01]\]: analytic -?[\d.e-]+, numeric -?[\d.e-]+/)
  })

  test('a softmax: which entry a shift changes', () => {
    const unstable = { ...softmax, forward: (_: typeof noParams, x: Tensor) => tensor.map(v => v / 1000)(x) }
    expect(messageOf(laws.softmax(unstable), 'shift invariance')).toMatch(/a shift by -?\d+ changes most of all entry \[.*\]: \S+ against \S+/)
  })

  test('a kernel: which entry, and the bound', () => {
    const all = laws.kernels(
      (x: Float32Array) => x.map(v => (v > 2 ? v + 1 : v)), (x: Float32Array) => x,
      { cases: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1 }).map(x => Float32Array.from(x)), bound: laws.ulp, reason: 'one rounding' })
    expect(messageOf(all, 'kernel equals its definition')).toMatch(/entry 0: 4, expected 3, within [\d.e-]+/)
    expect(messageOf(all, 'purity')).toBe('it holds')
  })
})
