/**
 * Derivations of the functions of one number.
 *
 * @module
 */
import fc from 'fast-check'
import {
  leakyRelu, pointwise as pointwiseLayer, pointwiseFromOutput, pointwiseWithSlope, sigmoid as sigmoidLayer,
  silu as siluLayer, tanh as tanhLayer, tensor
} from 'pullback'
import { REACH } from '../finiteDifferences.js'
import { real } from './cases.js'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt, numeric } from './letters.js'
import { asTensor, delta, matrix, vector, vectorOf, type Vector } from './notation.js'

export interface Entrywise {
  readonly x: Vector
  readonly y: Vector
  readonly dy: Vector
  readonly dx: Vector
}

export const axes = { N: axis('i j', 'entries', { max: 4, example: 3 }) }

export const wide = { entries: real(3) }

export const outputGradient = given('dy', 'N', 'gradient at the output')

export const inputGradient = gradientAt<Entrywise>('dx', 'N', 'x', 'gradient at the input')

interface Pointwise extends Entrywise {
  readonly fromOutput: Vector
  readonly withSlope: Vector
}

const softplus = (u: number): number => Math.log1p(Math.exp(u))

const slope = (u: number): number => 1 / (1 + Math.exp(-u))

export const pointwise = derivation<Pointwise>({
  name: 'pointwise: functions of one number', source: 'src/layer/pointwise.ts', about: ['pointwise', 'pointwiseFromOutput', 'pointwiseWithSlope'], uses: ['conventions'],
  introduction: 'A function $f$ of one number, applied to every entry. Any differentiable $f$ will do; in the cases it is the softplus.',
  axes, functions: { f: numeric('f', 'u', 'any function of one number; here the softplus', String.raw`\ln(1 + e^u)`, softplus) },
  letters: {
    x: given('x', 'N', 'input', wide),
    y: defined('y', 'N', 'output', 'y_i = f(x_i)', ({ x }) => x.map(softplus)),
    dy: outputGradient, dx: gradientAt('dx', 'N', 'x', 'gradient at the input'),
    fromOutput: defined('g', 'N', 'what `pointwiseFromOutput` gives for $dx$, from the derivative in terms of $y$', '', ({ x, dy }) =>
      vectorOf(pointwiseFromOutput(softplus, y => 1 - Math.exp(-y)).vjp({}, asTensor(x))[1](asTensor(dy)).input)),
    withSlope: defined('h', 'N', 'what `pointwiseWithSlope` gives for $dx$, from the slope kept by the forward pass', '', ({ x, dy }) =>
      vectorOf(pointwiseWithSlope(tensor.map(softplus), z => [tensor.map(softplus)(z), tensor.map(slope)(z)]).vjp({}, asTensor(x))[1](asTensor(dy)).input))
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x }) => pointwiseLayer(softplus, slope).forward({}, asTensor(x)) }],
  chains: [{
    of: { derivative: String.raw`\partial y_j/\partial x_i` },
    steps: [{
      text: 'Every output depends on one input, the one at its own place. So the Jacobian is diagonal.',
      formula: String.raw`\frac{\partial y_j}{\partial x_i} = \delta_{ij}\,f'(x_i)`,
      compute: ({ x }) => matrix(x.length, x.length, (j, i) => delta(i, j) * slope(x[i]))
    }]
  }, {
    of: 'dx', library: ({ x, dy }) => pointwiseLayer(softplus, slope).vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'The pullback sums over all outputs.',
      formula: String.raw`dx_i = \sum_j dy_j\,\frac{\partial y_j}{\partial x_i} = \sum_j dy_j\,\delta_{ij}\,f'(x_i)`,
      compute: ({ x, dy }) => vector(x.length, i => dy.reduce((total, d, j) => total + d * delta(i, j) * slope(x[i]), 0))
    }, {
      text: 'The delta leaves the term $?j = i$. Everything on the pages of the activations is about finding $f\'$.',
      formula: String.raw`dx_i = f'(x_i)\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => slope(x[i]) * dy[i])
    }]
  }],
  claims: [{
    title: 'From the output, or with the slope kept',
    text: 'Where the derivative is shorter in terms of the output, the output is all that is kept. For the softplus $f\'(x_i) = 1 - e^{-y_i}$. Both give the same gradient.',
    formulas: [String.raw`g_i = dx_i, \qquad h_i = dx_i`]
  }],
  cost: 'One product for each entry, beside what $f$ and its derivative cost themselves.'
})

export const sigma = (z: number): number => 1 / (1 + Math.exp(-z))

export const sigmoidFunction = numeric('\\sigma', 'z', 'the logistic sigmoid', String.raw`\frac{1}{1 + e^{-z}}`, sigma)

interface Sigmoid extends Entrywise {
  readonly u: Vector
}

export const sigmoid = derivation<Sigmoid>({
  name: 'sigmoid', source: 'src/layers/sigmoid.ts', about: ['sigmoid'], uses: ['pointwise'],
  introduction: 'The logistic sigmoid brings every number between 0 and 1, entry by entry.',
  axes, functions: { sigma: sigmoidFunction },
  letters: {
    x: given('x', 'N', 'input', wide),
    u: defined('u', 'N', 'the denominator', 'u_i = 1 + e^{-x_i}', ({ x }) => x.map(v => 1 + Math.exp(-v))),
    y: defined('y', 'N', 'output', String.raw`y_i = \sigma(x_i) = \frac{1}{u_i}`, ({ u }) => u.map(v => 1 / v)),
    dy: outputGradient, dx: gradientAt('dx', 'N', 'x', 'gradient at the input')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x }) => sigmoidLayer.forward({}, asTensor(x)) }],
  chains: [{
    of: 'dx', library: ({ x, dy }) => sigmoidLayer.vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'The derivative of $1/u_i$ is minus that of $u_i$ over $u_i^2$, and $\\partial u_i/\\partial x_i = -e^{-x_i}$.',
      formula: String.raw`dx_i = \frac{e^{-x_i}}{(1 + e^{-x_i})^2}\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => Math.exp(-x[i]) / (1 + Math.exp(-x[i])) ** 2 * dy[i])
    }, {
      text: 'The fraction is a product of two; the first of them is $\\sigma(x_i)$.',
      formula: String.raw`dx_i = \sigma(x_i) \cdot \frac{e^{-x_i}}{1 + e^{-x_i}}\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => sigma(x[i]) * (Math.exp(-x[i]) / (1 + Math.exp(-x[i]))) * dy[i])
    }, {
      text: 'The second is $1 - \\sigma(x_i) = \\frac{e^{-x_i}}{1 + e^{-x_i}}$. With $y$ kept from the forward pass no exponential is left.',
      formula: String.raw`dx_i = y_i\,(1 - y_i)\,dy_i`,
      compute: ({ y, dy }) => vector(y.length, i => y[i] * (1 - y[i]) * dy[i])
    }]
  }],
  claims: [{
    title: 'What the derivative says',
    text: 'It is at most $\\frac14$, at 0, and vanishes on both sides: a sigmoid that is sure learns slowly.',
    formulas: [String.raw`\sigma'(x_i) = y_i\,(1 - y_i) \le \frac14, \qquad \sigma'(0) = \frac14, \qquad \sigma(-x_i) = 1 - \sigma(x_i)`]
  }],
  cost: 'One exponential for each entry forward; from the output kept, two products backward.'
})

export const tanh = derivation<Entrywise>({
  name: 'tanh', source: 'src/layers/tanh.ts', about: ['tanh'], uses: ['pointwise', 'sigmoid'],
  introduction: 'The hyperbolic tangent brings every number between −1 and 1, entry by entry.',
  axes, functions: { sigma: sigmoidFunction },
  letters: {
    x: given('x', 'N', 'input', wide),
    y: defined('y', 'N', 'output', String.raw`y_i = \tanh x_i = \frac{\sinh x_i}{\cosh x_i}`, ({ x }) => x.map(v => Math.sinh(v) / Math.cosh(v))),
    dy: outputGradient, dx: inputGradient
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x }) => tanhLayer.forward({}, asTensor(x)) }],
  chains: [{
    of: 'dx', library: ({ x, dy }) => tanhLayer.vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'The quotient rule with $\\sinh\' x_i = \\cosh x_i$ and $\\cosh\' x_i = \\sinh x_i$.',
      formula: String.raw`dx_i = \frac{\cosh x_i \cosh x_i - \sinh x_i \sinh x_i}{\cosh^2 x_i}\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i =>
        (Math.cosh(x[i]) * Math.cosh(x[i]) - Math.sinh(x[i]) * Math.sinh(x[i])) / Math.cosh(x[i]) ** 2 * dy[i])
    }, {
      text: 'Divide both terms of the numerator by $\\cosh^2 x_i$.',
      formula: String.raw`dx_i = \Big(1 - \frac{\sinh^2 x_i}{\cosh^2 x_i}\Big)\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => (1 - Math.sinh(x[i]) ** 2 / Math.cosh(x[i]) ** 2) * dy[i])
    }, {
      text: 'The fraction is the square of $y_i$.',
      formula: String.raw`dx_i = (1 - y_i^2)\,dy_i`,
      compute: ({ y, dy }) => vector(y.length, i => (1 - y[i] ** 2) * dy[i])
    }]
  }],
  claims: [{
    title: 'The same curve as the sigmoid',
    text: 'A tanh is a sigmoid of twice the number, stretched to the range from −1 to 1. Its slope at 0 is 1, four times that of the sigmoid.',
    formulas: [String.raw`\tanh x_i = 2\,\sigma(2 x_i) - 1, \qquad \tanh' 0 = 1`]
  }],
  cost: 'One exponential for each entry forward; from the output kept, two products backward.'
})

interface Sloped extends Entrywise {
  readonly a: number
  readonly atZero: Vector
}

const awayFromZero = { entries: real(3).map(v => (v < 0 ? v - 2 * REACH : v + 2 * REACH)) }

export const relu = derivation<Sloped>({
  name: 'relu and leakyRelu', source: 'src/layers/relu.ts', about: ['relu', 'leakyRelu'], uses: ['pointwise'],
  introduction: 'The leaky rectifier keeps positive numbers and multiplies the others with a slope $a$; relu is the case $?a = 0$.',
  axes,
  letters: {
    x: given('x', 'N', 'input, away from 0', awayFromZero),
    a: given('a', '', 'slope on the left', { entries: fc.constantFrom(0, 0.01, 0.5), example: () => 0.5 }),
    y: defined('y', 'N', 'output', String.raw`y_i = \begin{cases} x_i & x_i > 0 \\ a\,x_i & \text{otherwise} \end{cases}`, ({ x, a }) => x.map(v => (v > 0 ? v : a * v))),
    dy: outputGradient, dx: gradientAt('dx', 'N', 'x', 'gradient at the input'),
    atZero: defined('g', 'N', 'what the library gives for $dx$ at the point 0', '', ({ a, dy }) =>
      vectorOf(leakyRelu(a).vjp({}, asTensor(dy.map(() => 0)))[1](asTensor(dy)).input))
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x, a }) => leakyRelu(a).forward({}, asTensor(x)) }],
  chains: [{
    of: 'dx', library: ({ x, a, dy }) => leakyRelu(a).vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'On each side of zero the function is linear: its derivative is the slope there.',
      formula: String.raw`dx_i = \begin{cases} dy_i & x_i > 0 \\ a\,dy_i & x_i < 0 \end{cases}`,
      compute: ({ x, a, dy }) => vector(x.length, i => (x[i] > 0 ? dy[i] : a * dy[i]))
    }]
  }],
  claims: [{
    title: 'At zero',
    text: 'At 0 there is no derivative. For $a \\le 1$ the function is convex and every number from $a$ to 1 is a subgradient; like other libraries we take the left slope, for relu 0.',
    formulas: [String.raw`g_i = a\,dy_i`]
  }],
  cost: 'A comparison for each entry in both directions: the cheapest activation.'
})

export const silu = derivation<Entrywise>({
  name: 'silu', source: 'src/layers/silu.ts', about: ['silu'], uses: ['sigmoid'],
  introduction: 'The sigmoid-weighted linear unit: the number itself times how open its gate is.',
  axes, functions: { sigma: sigmoidFunction },
  letters: {
    x: given('x', 'N', 'input', wide),
    y: defined('y', 'N', 'output', String.raw`y_i = x_i\,\sigma(x_i)`, ({ x }) => x.map(v => v * sigma(v))),
    dy: outputGradient, dx: inputGradient
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x }) => siluLayer.forward({}, asTensor(x)) }],
  chains: [{
    of: 'dx', library: ({ x, dy }) => siluLayer.vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'The product rule.',
      formula: String.raw`dx_i = \big(\sigma(x_i) + x_i\,\sigma'(x_i)\big)\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => (sigma(x[i]) + x[i] * Math.exp(-x[i]) / (1 + Math.exp(-x[i])) ** 2) * dy[i])
    }, {
      text: 'The derivative of the sigmoid in terms of its value, as its own page ends: $\\sigma\'(x_i) = \\sigma(x_i)(1 - \\sigma(x_i))$.',
      formula: String.raw`dx_i = \big(\sigma(x_i) + x_i\,\sigma(x_i)(1 - \sigma(x_i))\big)\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => (sigma(x[i]) + x[i] * sigma(x[i]) * (1 - sigma(x[i]))) * dy[i])
    }]
  }]
})
