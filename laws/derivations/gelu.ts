/**
 * Derivations of the two forms of the GELU.
 *
 * @module
 */
import { gelu as geluLayer, geluTanh as geluTanhLayer } from 'pullback'
import { axes, type Entrywise, inputGradient, outputGradient, sigmoidFunction, sigma, wide } from './activations.js'
import { derivation } from './derivation.js'
import { constant, defined, given, gradientAt, numeric } from './letters.js'
import { asTensor, vector, type Vector } from './notation.js'

/** $\varphi(x) = e^{-x^2/2}/\sqrt{2\pi}$, the standard normal density. */
const density = (z: number): number => Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI)

/** $\Phi(x) = \frac12 + \varphi(x)\,\big(x + \frac{x^3}{1 \cdot 3} + \frac{x^5}{1 \cdot 3 \cdot 5} + \dots\big)$, the standard normal distribution. */
const distribution = (z: number): number => {
  let term = z, series = z
  for (let k = 3; Math.abs(term) > 1e-18; k += 2) {
    term *= z * z / k
    series += term
  }
  return 0.5 + density(z) * series
}

const INTEGRAL = String.raw`\int_{-\infty}^z \varphi(t)\,dt`

export const gelu = derivation<Entrywise>({
  name: 'gelu', source: 'src/layers/gelu.ts', about: ['gelu'], uses: ['pointwise'],
  introduction: 'The Gaussian error linear unit in its exact form: the number times the probability that a standard normal number is smaller.',
  axes,
  functions: {
    density: numeric('\\varphi', 'w', 'the standard normal density', String.raw`\frac{e^{-w^2/2}}{\sqrt{2\pi}}`, density),
    distribution: numeric('\\Phi', 'z', 'the standard normal distribution', INTEGRAL, distribution)
  },
  letters: {
    x: given('x', 'N', 'input', wide),
    y: defined('y', 'N', 'output', String.raw`y_i = x_i\,\Phi(x_i)`, ({ x }) => x.map(v => v * distribution(v))),
    dy: outputGradient, dx: inputGradient
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x }) => geluLayer.forward({}, asTensor(x)) }],
  chains: [{
    of: 'dx', library: ({ x, dy }) => geluLayer.vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'The product rule.',
      formula: String.raw`dx_i = \big(\Phi(x_i) + x_i\,\Phi'(x_i)\big)\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => (distribution(x[i]) + x[i] * density(x[i])) * dy[i])
    }, {
      text: 'The derivative of a distribution is its density: $\\Phi\'(x_i) = \\varphi(x_i)$.',
      formula: String.raw`dx_i = \big(\Phi(x_i) + x_i\,\varphi(x_i)\big)\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => (distribution(x[i]) + x[i] * density(x[i])) * dy[i])
    }]
  }],
  claims: [{
    title: 'What pins the distribution down',
    text: 'A function with this derivative and the value one half at 0 is the distribution, so the integral itself need not be evaluated.',
    formulas: [String.raw`\Phi'(x_i) = \varphi(x_i), \qquad \Phi(0) = \frac12, \qquad \Phi(-x_i) = 1 - \Phi(x_i)`]
  }],
  unevaluated: { [INTEGRAL]: 'an integral; its derivative and its value at 0 are evaluated in its place' }
})

interface GeluTanh extends Entrywise {
  readonly c: number
  readonly u: Vector
  readonly slope: Vector
  readonly s: Vector
}

export const geluTanh = derivation<GeluTanh>({
  name: 'geluTanh', source: 'src/layers/gelu.ts', about: ['geluTanh'], uses: ['gelu', 'sigmoid', 'tanh'],
  introduction: 'The form of the GELU that GPT-2 uses: the normal distribution is replaced by a hyperbolic tangent of a cubic $u$.',
  axes, functions: { sigma: sigmoidFunction },
  letters: {
    x: given('x', 'N', 'input', wide),
    c: constant('c', 'a constant, $c = \\sqrt{2/\\pi}$', Math.sqrt(2 / Math.PI)),
    u: defined('u', 'N', 'the cubic', String.raw`u_i = c\,(x_i + 0.044715\,x_i^3)`, ({ x, c }) => x.map(v => c * (v + 0.044715 * v ** 3))),
    slope: defined("u'", 'N', 'its slope', String.raw`u'_i = c\,(1 + 3 \cdot 0.044715\,x_i^2)`, ({ x, c }) => x.map(v => c * (1 + 3 * 0.044715 * v ** 2))),
    s: defined('s', 'N', 'a sigmoid', String.raw`s_i = \sigma(2u_i)`, ({ u }) => u.map(v => sigma(2 * v))),
    y: defined('y', 'N', 'output', String.raw`y_i = \tfrac12\,x_i\,(1 + \tanh u_i)`, ({ x, u }) => vector(x.length, i => 0.5 * x[i] * (1 + Math.tanh(u[i])))),
    dy: outputGradient, dx: gradientAt('dx', 'N', 'x', 'gradient at the input')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x }) => geluTanhLayer.forward({}, asTensor(x)) }],
  chains: [{
    of: { derivative: String.raw`\partial u_i/\partial x_i` },
    steps: [{
      text: 'A polynomial, term by term: this is $u\'_i$.',
      formula: String.raw`\frac{\partial u_i}{\partial x_i} = c\,(1 + 3 \cdot 0.044715\,x_i^2) = u'_i`,
      compute: ({ x, c }) => x.map(v => c * (1 + 3 * 0.044715 * v ** 2))
    }]
  }, {
    of: 'dx', library: ({ x, dy }) => geluTanhLayer.vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'The product rule for $x_i$ and the bracket, and the chain rule through $u_i$.',
      formula: String.raw`dx_i = \Big(\tfrac12\,(1 + \tanh u_i) + \tfrac12\,x_i\,\tanh'(u_i)\,\frac{\partial u_i}{\partial x_i}\Big)\,dy_i`,
      compute: ({ x, u, slope, dy }) => vector(x.length, i =>
        (0.5 * (1 + Math.tanh(u[i])) + 0.5 * x[i] / Math.cosh(u[i]) ** 2 * slope[i]) * dy[i])
    }, {
      text: 'The derivative of the tanh in terms of its value: $\\tanh\'(u_i) = 1 - \\tanh^2 u_i$.',
      formula: String.raw`dx_i = \Big(\tfrac12\,(1 + \tanh u_i) + \tfrac12\,x_i\,(1 - \tanh^2 u_i)\,u'_i\Big)\,dy_i`,
      compute: ({ x, u, slope, dy }) => vector(x.length, i => {
        const t = Math.tanh(u[i])
        return (0.5 * (1 + t) + 0.5 * x[i] * (1 - t ** 2) * slope[i]) * dy[i]
      })
    }, {
      text: 'A tanh is a ratio of exponentials, $\\tanh u_i = \\frac{e^{u_i} - e^{-u_i}}{e^{u_i} + e^{-u_i}}$. So $\\tfrac12\\,(1 + \\tanh u_i) = \\frac{e^{u_i}}{e^{u_i} + e^{-u_i}} = \\frac{1}{1 + e^{-2u_i}} = s_i$.',
      formula: String.raw`dx_i = \Big(s_i + \tfrac12\,x_i\,(1 - \tanh^2 u_i)\,u'_i\Big)\,dy_i`,
      compute: ({ x, u, slope, s, dy }) => vector(x.length, i => (s[i] + 0.5 * x[i] * (1 - Math.tanh(u[i]) ** 2) * slope[i]) * dy[i])
    }, {
      text: 'In the same way $\\tfrac12\\,(1 - \\tanh u_i) = 1 - s_i$, and $1 - \\tanh^2 u_i = (1 + \\tanh u_i)(1 - \\tanh u_i) = 4\\,s_i\\,(1 - s_i)$. One exponential serves the function, $y_i = x_i\\,s_i$, and its derivative.',
      formula: String.raw`dx_i = \big(s_i + x_i\,s_i\,(1 - s_i)\,2u'_i\big)\,dy_i`,
      compute: ({ x, slope, s, dy }) => vector(x.length, i => (s[i] + x[i] * s[i] * (1 - s[i]) * 2 * slope[i]) * dy[i])
    }]
  }]
})
