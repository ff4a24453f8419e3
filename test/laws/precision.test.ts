import fc from 'fast-check'
import { initLinear, linear, meanSquaredError, noParams, parameterless, random, tanh, tensor, type Tensor } from 'pullback'
import { arbitrary, asTests, laws, type Law } from 'pullback/laws'
import { describe, expect, test } from 'vitest'

const single = random.normal([2, 3]), double = random.normal([2, 3], { precision: 'float64' })

describe('points of any precision: parameters as they are drawn, inputs as arbitraries give them', () => {
  asTests(test)(laws.layer(linear, { params: arbitrary.drawn(initLinear(3, 2)), input: arbitrary.tensorOf([2, 3]) }))
})
describe('points of any precision: the other way round', () => {
  asTests(test)(laws.layer(linear, { params: arbitrary.drawn(initLinear(3, 2, { precision: 'float64' })), input: arbitrary.drawn(single) }))
})
describe('points of any precision: a prediction and a target', () => {
  asTests(test)(laws.loss(meanSquaredError(), fc.record({ prediction: arbitrary.drawn(single), target: arbitrary.drawn(double) })))
})

test.each(['gradient', 'gradient entry by entry', 'pullback is linear'])('"%s" says of a layer in single precision that it is', name => {
  const rounded = parameterless((x: Tensor) => tensor.cast('float32')(x), (_, dy: Tensor) => dy)
  const law = laws.layer(rounded, { params: fc.constant(noParams), input: arbitrary.tensorOf([2]) }).find(l => l.name === name)
  const { errorInstance } = fc.check(law?.property ?? expect.fail('no such law'))
  expect(errorInstance).toHaveProperty('message', expect.stringContaining(
    '"output" is in float32 where parameters and input are in float64: a layer computes in the precision of its arguments'))
})

test('a layer for double precision alone is not asked for more', () => {
  const offset = tensor.of([1, 2], 'float64')
  const shifted = parameterless((x: Tensor) => tensor.add(offset)(tanh.forward(noParams, x)), (x, dy: Tensor) => tanh.vjp(noParams, x)[1](dy).input)
  const points = { params: fc.constant(noParams), input: arbitrary.tensorOf([2]) }
  const failing = (all: readonly Law[]) => all.filter(({ property }) => fc.check(property).failed).map(({ name }) => name)
  expect(failing(laws.layer(shifted, points, { singlePrecision: false }))).toEqual([])
  expect(failing(laws.layer(shifted, points))).toContain('single precision')
})
