import fc from 'fast-check'
import { noParams, parameterless, sigmoid, tanh, tensor, type Layer, type NoParams, type Tensor } from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { type Bug, wrongInputGradient } from './bug.js'

const points = { params: fc.constant(noParams), input: arbitrary.tensorOf([2, 2]) }

const isSingle = (x: Tensor): boolean => tensor.precisionOf(x) === 'float32'
const single = tensor.cast('float32'), double = tensor.cast('float64')

/** One layer in double precision, another in single. */
const split = (right: Layer<NoParams, Tensor, Tensor>, wrong: Layer<NoParams, Tensor, Tensor>): Layer<NoParams, Tensor, Tensor> => ({
  forward: (params, x) => (isSingle(x) ? wrong : right).forward(params, x),
  vjp: (params, x) => (isSingle(x) ? wrong : right).vjp(params, x)
})

const writing = parameterless((x: Tensor) => {
  // The bug: a view of the argument's memory is written to.
  const numbers = x.data as Float32Array
  numbers.set([0.5])
  return tanh.forward(noParams, x)
}, (x, dy: Tensor) => tanh.vjp(noParams, x)[1](dy).input)

/** Mistakes with precision, and mistakes in single precision alone, where the fast kernels are. */
export const precisionBugs: readonly Bug[] = [
  {
    bug: 'the output is always in single precision', caughtBy: 'gradient',
    laws: laws.layer(parameterless((x: Tensor) => single(tanh.forward(noParams, x)), (x, dy: Tensor) => tanh.vjp(noParams, x)[1](double(dy)).input), points)
  },
  {
    bug: 'the gradient is always in single precision', caughtBy: 'gradient entry by entry',
    laws: laws.layer(wrongInputGradient(tanh, (x, dy) => single(tanh.vjp(noParams, x)[1](dy).input)), points)
  },
  {
    bug: 'the gradient is always in double precision', caughtBy: 'single precision',
    laws: laws.layer(wrongInputGradient(tanh, (x, dy) => double(tanh.vjp(noParams, x)[1](dy).input)), points)
  },
  { bug: 'another function in single precision', caughtBy: 'single precision', laws: laws.layer(split(tanh, sigmoid), points) },
  {
    bug: 'forward and vjp round differently in single precision', caughtBy: 'vjp agrees with forward',
    laws: laws.layer(split(tanh, { forward: (_, x) => single(tanh.forward(noParams, double(x))), vjp: tanh.vjp }), { ...points, input: arbitrary.tensorOf([8, 8]) })
  },
  { bug: 'the argument is written to in single precision', caughtBy: 'purity', laws: laws.layer(split(tanh, writing), points) }
]
