/**
 * Trading time for memory.
 *
 * @module
 */
import { region } from '../memory/region.js'
import { trusted } from '../memory/trust.js'
import { throughFactors } from './factored.js'
import { guard } from './guard.js'
import { deferred, type Layer } from './layer.js'

/**
 * The same layer, to the bit, that keeps only its input: its pullback computes the inside again. With $n$ blocks of which each keeps
 * $m$ numbers besides its input of $k$ numbers, training keeps $nk + m$ numbers in place of $n(k + m)$, and computes every block forward
 * a second time, which makes a step a sixth to a third longer. `gpt({ heads, recompute: true })` does it for every block.
 * (T. Chen et al., *Training Deep Nets with Sublinear Memory Cost*, 2016.)
 *
 * @example
 * const hidden = recompute(pipe(linear, andThen(relu)))
 * hidden.forward({ weight: tensor.of([[2]]), bias: tensor.of([1]) }, tensor.of([[3]])) // tensor.of([[7]])
 *
 * @category composition
 */
export const recompute = <P, X, Y, DX>(layer: Layer<P, X, Y, DX>): Layer<P, X, Y, DX> =>
  throughFactors(guard(layer), <Z>(f: Layer<P, X, Z, DX>) => trusted<Layer<P, X, Z, DX>>({
    ...f,
    vjp: (params, x) => [region(() => f.forward(params, x)), dy => {
      const { params: dParams, input } = region(() => {
        const gradient = f.vjp(params, x)[1](dy)
        return { params: gradient.params, input: gradient.input }
      })
      return deferred(dParams, () => input)
    }]
  }))
