import fc from 'fast-check'
import { arbitrary, asTests, laws } from 'pullback/laws'
import { expect, test } from 'vitest'
import { softplus, wrongSoftplus } from './layers.js'

const points = { params: fc.constant({}), input: arbitrary.tensors() }

asTests(test)(laws.layer(softplus, points))

test('the laws reject a wrong gradient', () => {
  const rejecting = laws.layer(wrongSoftplus, points).filter(({ property }) => fc.check(property).failed).map(({ name }) => name)
  expect(rejecting).toContain('gradient')
})
