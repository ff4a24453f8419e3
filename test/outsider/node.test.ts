import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { arbitrary, asTests, laws } from 'pullback/laws'
import { softplus, wrongSoftplus } from './layers.js'

const points = { params: fc.constant({}), input: arbitrary.tensors() }

asTests((name, run) => { void test(`softplus: ${name}`, run) })(laws.layer(softplus, points))

void test('a wrong gradient is rejected with a message that says where', () => {
  const [gradient] = laws.layer(wrongSoftplus, points)
  assert.throws(() => { fc.assert(gradient.property) }, (error: Error) => {
    const message = `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`
    return message.includes('analytic') && message.includes('seed')
  })
})
