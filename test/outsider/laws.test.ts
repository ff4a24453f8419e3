import fc from 'fast-check'
import { arbitrary, asTests, derivation, laws, numericGradient } from 'pullback/laws'
import { initLinear, linear, tensor, type Tensor } from 'pullback'
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

const values = fc.array(fc.integer({ min: -16, max: 16 }).map(k => k / 8), { minLength: 2, maxLength: 2 })
const softplusOf = ({ x }: { readonly x: readonly number[], readonly dy: readonly number[] }) => x.map(v => Math.log(1 + Math.exp(v)))
const numbers = (x: Tensor) => Array.from(x.data)

asTests((name, run) => { test(`derivation: ${name}`, run) })(derivation({
  name: 'softplus', source: 'layers.ts', introduction: 'A smooth rectifier.',
  definition: {
    formula: String.raw`y_i = \ln(1 + e^{x_i})`, compute: softplusOf,
    library: ({ x }) => numbers(softplus.forward({}, tensor.of(x, 'float64')))
  },
  cases: fc.record({ x: values, dy: values }),
  chains: [{
    quantity: 'dx_i', numeric: numericGradient(softplusOf, 'x'),
    library: ({ x, dy }) => numbers(softplus.vjp({}, tensor.of(x, 'float64'))[1](tensor.of(dy, 'float64')).input),
    steps: [
      { text: 'The chain rule.', formula: String.raw`\frac{e^{x_i}}{1 + e^{x_i}}\,dy_i`, compute: ({ x, dy }) => x.map((v, i) => Math.exp(v) / (1 + Math.exp(v)) * dy[i]) },
      { text: 'Divide by the exponential.', formula: String.raw`\sigma(x_i)\,dy_i`, compute: ({ x, dy }) => x.map((v, i) => dy[i] / (1 + Math.exp(-v))) }
    ]
  }]
}).laws)
