/**
 * Derivations of the functions of one number.
 *
 * @module
 */
import fc from 'fast-check'
import { gelu as geluLayer, geluTanh as geluTanhLayer, leakyRelu, sigmoid as sigmoidLayer, silu as siluLayer, tanh as tanhLayer, type Layer, type NoParams, type Tensor } from 'pullback'
import { REACH } from '../finiteDifferences.js'
import { size, vectors } from './cases.js'
import { derivation, numericGradient } from './derivation.js'
import { asTensor, numbers, vector, type Vector } from './notation.js'

interface Case {
  readonly x: Vector
  readonly dy: Vector
}

const cases: fc.Arbitrary<Case> = size().chain(n => fc.record({ x: vectors(n, 3), dy: vectors(n) }))

const forward = (layer: Layer<NoParams, Tensor, Tensor>) => ({ x }: Case): Vector => numbers(layer.forward({}, asTensor(x)))

const gradient = (layer: Layer<NoParams, Tensor, Tensor>) => ({ x, dy }: Case): Vector =>
  numbers(layer.vjp({}, asTensor(x))[1](asTensor(dy)).input)

/** $\sigma(x) = 1/(1 + e^{-x})$ */
const sigma = (x: number): number => 1 / (1 + Math.exp(-x))

const sigmoidOf = ({ x }: Case): Vector => x.map(sigma)

export const sigmoid = derivation<Case>({
  name: 'sigmoid', source: 'src/layers/sigmoid.ts', cases,
  introduction: 'The logistic sigmoid brings every number between 0 and 1. It acts on each entry alone, so the Jacobian is diagonal and $dx_i = \\sigma\'(x_i)\\,dy_i$. Shapes: any.',
  definition: { formula: String.raw`y_i = \sigma(x_i) = \frac{1}{1 + e^{-x_i}}`, compute: sigmoidOf, library: forward(sigmoidLayer) },
  chains: [{
    quantity: 'dx_i', numeric: numericGradient(sigmoidOf, 'x'), library: gradient(sigmoidLayer),
    steps: [{
      text: 'The quotient rule $(1/u)\' = -u\'/u^2$ with $u = 1 + e^{-x}$ and $u\' = -e^{-x}$.',
      formula: String.raw`dx_i = \frac{e^{-x_i}}{(1 + e^{-x_i})^2}\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => Math.exp(-x[i]) / (1 + Math.exp(-x[i])) ** 2 * dy[i])
    }, {
      text: 'The fraction is a product of two; the first of them is $\\sigma(x_i)$.',
      formula: String.raw`dx_i = \sigma(x_i) \cdot \frac{e^{-x_i}}{1 + e^{-x_i}}\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => sigma(x[i]) * (Math.exp(-x[i]) / (1 + Math.exp(-x[i]))) * dy[i])
    }, {
      text: 'The second is $1 - \\sigma(x_i)$, since $1 - \\frac{1}{1 + e^{-x}} = \\frac{e^{-x}}{1 + e^{-x}}$. With $y$ kept from the forward pass no exponential is left.',
      formula: String.raw`dx_i = y_i\,(1 - y_i)\,dy_i`,
      compute: ({ x, dy }) => {
        const y = x.map(sigma)
        return vector(x.length, i => y[i] * (1 - y[i]) * dy[i])
      }
    }]
  }]
})

const tanhOf = ({ x }: Case): Vector => x.map(Math.tanh)

export const tanh = derivation<Case>({
  name: 'tanh', source: 'src/layers/tanh.ts', cases,
  introduction: 'The hyperbolic tangent brings every number between −1 and 1, entry by entry. Shapes: any.',
  definition: {
    formula: String.raw`y_i = \tanh x_i = \frac{\sinh x_i}{\cosh x_i}`,
    compute: ({ x }) => x.map(v => Math.sinh(v) / Math.cosh(v)), library: forward(tanhLayer)
  },
  chains: [{
    quantity: 'dx_i', numeric: numericGradient(tanhOf, 'x'), library: gradient(tanhLayer),
    steps: [{
      text: 'The quotient rule with $\\sinh\' = \\cosh$ and $\\cosh\' = \\sinh$.',
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
      compute: ({ x, dy }) => {
        const y = x.map(Math.tanh)
        return vector(x.length, i => (1 - y[i] ** 2) * dy[i])
      }
    }]
  }]
})

interface Sloped extends Case {
  readonly a: number
}

const leakyReluOf = ({ x, a }: Sloped): Vector => x.map(v => (v > 0 ? v : a * v))

export const relu = derivation<Sloped>({
  name: 'relu and leakyRelu', source: 'src/layers/relu.ts',
  introduction: 'The leaky rectifier keeps positive numbers and multiplies the others with a slope $a$; relu is the case $a = 0$. Shapes: any. At $x = 0$ there is no derivative, every number between $a$ and 1 is a subgradient, and the library takes $a$; the cases below keep away from 0.',
  definition: {
    formula: String.raw`y_i = \begin{cases} x_i & x_i > 0 \\ a\,x_i & x_i \le 0 \end{cases}`,
    compute: leakyReluOf, library: c => forward(leakyRelu(c.a))(c)
  },
  cases: fc.record({ point: cases, a: fc.constantFrom(0, 0.01, 0.5) }).map(({ point, a }) =>
    ({ ...point, a, x: point.x.map(v => (v < 0 ? v - 2 * REACH : v + 2 * REACH)) })),
  chains: [{
    quantity: 'dx_i', numeric: numericGradient(leakyReluOf, 'x'), library: c => gradient(leakyRelu(c.a))(c),
    steps: [{
      text: 'On each side of zero the function is linear: its derivative is the slope there.',
      formula: String.raw`dx_i = \begin{cases} dy_i & x_i > 0 \\ a\,dy_i & x_i < 0 \end{cases}`,
      compute: ({ x, a, dy }) => vector(x.length, i => (x[i] > 0 ? dy[i] : a * dy[i]))
    }]
  }]
})

const siluOf = ({ x }: Case): Vector => x.map(v => v * sigma(v))

export const silu = derivation<Case>({
  name: 'silu', source: 'src/layers/silu.ts', cases,
  introduction: 'The sigmoid-weighted linear unit: the number itself times how open its gate is. Shapes: any.',
  definition: { formula: String.raw`y_i = x_i\,\sigma(x_i)`, compute: siluOf, library: forward(siluLayer) },
  chains: [{
    quantity: 'dx_i', numeric: numericGradient(siluOf, 'x'), library: gradient(siluLayer),
    steps: [{
      text: 'The product rule, with $\\sigma\'(x) = \\frac{e^{-x}}{(1 + e^{-x})^2}$.',
      formula: String.raw`dx_i = \Big(\sigma(x_i) + x_i\,\frac{e^{-x_i}}{(1 + e^{-x_i})^2}\Big)\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => (sigma(x[i]) + x[i] * Math.exp(-x[i]) / (1 + Math.exp(-x[i])) ** 2) * dy[i])
    }, {
      text: 'The derivative of the sigmoid in terms of its value, as the derivation of the sigmoid ends: $\\sigma\' = \\sigma(1 - \\sigma)$.',
      formula: String.raw`dx_i = \big(\sigma(x_i) + x_i\,\sigma(x_i)(1 - \sigma(x_i))\big)\,dy_i`,
      compute: ({ x, dy }) => vector(x.length, i => (sigma(x[i]) + x[i] * sigma(x[i]) * (1 - sigma(x[i]))) * dy[i])
    }]
  }]
})

/** $\varphi(x) = e^{-x^2/2}/\sqrt{2\pi}$, the standard normal density. */
const density = (x: number): number => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI)

/** $\Phi(x) = \frac12 + \varphi(x)\,\big(x + \frac{x^3}{1 \cdot 3} + \frac{x^5}{1 \cdot 3 \cdot 5} + \dots\big)$, the standard normal distribution. */
const distribution = (x: number): number => {
  let term = x, series = x
  for (let k = 3; Math.abs(term) > 1e-18; k += 2) {
    term *= x * x / k
    series += term
  }
  return 0.5 + density(x) * series
}

const geluOf = ({ x }: Case): Vector => x.map(v => v * distribution(v))

export const gelu = derivation<Case>({
  name: 'gelu', source: 'src/layers/gelu.ts', cases,
  introduction: 'The Gaussian error linear unit in its exact form: the number times the probability that a standard normal number is smaller. Shapes: any.',
  definition: { formula: String.raw`y_i = x_i\,\Phi(x_i)`, compute: geluOf, library: forward(geluLayer) },
  chains: [{
    quantity: 'dx_i', numeric: numericGradient(geluOf, 'x'), library: gradient(geluLayer),
    steps: [{
      text: 'The product rule; the derivative of a distribution is its density, $\\Phi\' = \\varphi$.',
      formula: String.raw`dx_i = \big(\Phi(x_i) + x_i\,\varphi(x_i)\big)\,dy_i, \qquad \varphi(x) = \frac{e^{-x^2/2}}{\sqrt{2\pi}}`,
      compute: ({ x, dy }) => vector(x.length, i => (distribution(x[i]) + x[i] * density(x[i])) * dy[i])
    }]
  }]
})

const C = Math.sqrt(2 / Math.PI)

/** $u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)$ */
const inner = (x: number): number => C * (x + 0.044715 * x ** 3)

/** $u' = \sqrt{2/\pi}\,(1 + 3 \cdot 0.044715\,x^2)$ */
const innerSlope = (x: number): number => C * (1 + 3 * 0.044715 * x ** 2)

const geluTanhOf = ({ x }: Case): Vector => x.map(v => 0.5 * v * (1 + Math.tanh(inner(v))))

export const geluTanh = derivation<Case>({
  name: 'geluTanh', source: 'src/layers/gelu.ts', cases,
  introduction: 'The form of the GELU that GPT-2 uses: $\\Phi$ is replaced by a hyperbolic tangent. Shapes: any.',
  definition: {
    formula: String.raw`y_i = \tfrac12 x_i\,(1 + \tanh u_i), \qquad u_i = \sqrt{2/\pi}\,(x_i + 0.044715\,x_i^3)`,
    compute: geluTanhOf, library: forward(geluTanhLayer)
  },
  chains: [{
    quantity: 'dx_i', numeric: numericGradient(geluTanhOf, 'x'), library: gradient(geluTanhLayer),
    steps: [{
      text: 'The product rule, the chain rule, and $\\tanh\' = 1 - \\tanh^2$.',
      formula: String.raw`dx_i = \Big(\tfrac12 (1 + \tanh u_i) + \tfrac12 x_i\,(1 - \tanh^2 u_i)\,u_i'\Big)\,dy_i, \qquad u_i' = \sqrt{2/\pi}\,(1 + 3 \cdot 0.044715\,x_i^2)`,
      compute: ({ x, dy }) => vector(x.length, i => {
        const t = Math.tanh(inner(x[i]))
        return (0.5 * (1 + t) + 0.5 * x[i] * (1 - t ** 2) * innerSlope(x[i])) * dy[i]
      })
    }, {
      text: 'Multiply numerator and denominator of $\\tanh u = \\frac{e^u - e^{-u}}{e^u + e^{-u}}$ out: $\\tfrac12(1 + \\tanh u) = \\frac{e^u}{e^u + e^{-u}} = \\frac{1}{1 + e^{-2u}} = \\sigma(2u)$. So $y = x\\,\\sigma(2u)$; the product and chain rules again, with $\\sigma\' = \\sigma(1 - \\sigma)$. One exponential serves function and derivative.',
      formula: String.raw`dx_i = \big(\sigma_i + x_i\,\sigma_i (1 - \sigma_i)\,2u_i'\big)\,dy_i, \qquad \sigma_i = \sigma(2u_i)`,
      compute: ({ x, dy }) => vector(x.length, i => {
        const s = sigma(2 * inner(x[i]))
        return (s + x[i] * s * (1 - s) * 2 * innerSlope(x[i])) * dy[i]
      })
    }]
  }]
})
