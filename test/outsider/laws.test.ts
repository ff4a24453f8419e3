import fc from 'fast-check'
import { arbitrary, asTests, axis, defined, derivation, given, gradientAt, laws, numeric } from 'pullback/laws'
import { initLinear, linear, tensor } from 'pullback'
import { expect, test } from 'vitest'
import { softplus, wrongSoftplus } from './layers.js'

const points = { params: fc.constant({}), input: arbitrary.tensors() }

asTests(test)(laws.layer(softplus, points))

// Parameters as they are drawn, and inputs as arbitraries give them.
asTests((name, run) => { test(`linear: ${name}`, run) })(
  laws.layer(linear, { params: arbitrary.drawn(initLinear(3, 2)), input: arbitrary.tensorOf([4, 3]) }))

test('the laws run on the fast kernels too', () => {
  expect(laws.layer(softplus, points).map(({ name }) => name)).toContain('single precision')
})

test('the laws reject a wrong gradient', () => {
  const rejecting = laws.layer(wrongSoftplus, points).filter(({ property }) => fc.check(property).failed).map(({ name }) => name)
  expect(rejecting).toContain('gradient')
})

interface Softplus {
  readonly x: readonly number[]
  readonly y: readonly number[]
  readonly dy: readonly number[]
  readonly dx: readonly number[]
}

asTests((name, run) => { test(`derivation: ${name}`, run) })(derivation<Softplus>({
  name: 'softplus', source: 'layers.ts', introduction: 'A smooth rectifier, entry by entry: $y_i > 0$.',
  axes: { N: axis('i', 'entries') },
  functions: { sigma: numeric('\\sigma', 'z', 'the logistic sigmoid', String.raw`\frac{1}{1 + e^{-z}}`, z => 1 / (1 + Math.exp(-z))) },
  letters: {
    x: given('x', 'N', 'input'),
    y: defined('y', 'N', 'output', String.raw`y_i = \ln(1 + e^{x_i})`, ({ x }) => x.map(v => Math.log(1 + Math.exp(v)))),
    dy: given('dy', 'N', 'gradient at the output'),
    dx: gradientAt('dx', 'N', 'x', 'gradient at the input')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x }) => softplus.forward({}, tensor.of(x, 'float64')) }],
  chains: [{
    of: 'dx', library: ({ x, dy }) => softplus.vjp({}, tensor.of(x, 'float64'))[1](tensor.of(dy, 'float64')).input,
    steps: [
      { text: 'The chain rule.', formula: String.raw`dx_i = \frac{e^{x_i}}{1 + e^{x_i}}\,dy_i`, compute: ({ x, dy }) => x.map((v, i) => Math.exp(v) / (1 + Math.exp(v)) * dy[i]) },
      { text: 'Divide by the exponential.', formula: String.raw`dx_i = \sigma(x_i)\,dy_i`, compute: ({ x, dy }) => x.map((v, i) => dy[i] / (1 + Math.exp(-v))) }
    ]
  }]
}).laws)
