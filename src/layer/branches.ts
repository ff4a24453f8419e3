/**
 * Several layers on one input.
 *
 * @module
 */
import { add } from '../tensor/algebra.js'
import { type Tensor, zerosLike } from '../tensor/tensor.js'
import type { Gradient, Layer } from './layer.js'

/**
 * Every layer of a record on the same input: $y_k = f_k(\theta_k, x)$. The names of the record become the names
 * of both parameters and outputs. The input feeds every branch, so its gradient is a sum of what comes back through each,
 * all at the one point $x$:
 *
 * $$(d\theta_k, u_k) = (f_k)^*_{\theta_k, x}(dy_k), \qquad dx = \sum_k u_k.$$
 *
 * @category composition
 */
export const branches = <P extends Record<string, unknown>>(
  layers: { readonly [K in keyof P]: Layer<P[K], Tensor, Tensor> }
): Layer<P, Tensor, { readonly [K in keyof P]: Tensor }> => {
  const names: readonly (keyof P)[] = Object.keys(layers)
  // One entry for each name of the record; TypeScript does not follow a record through its list of entries.
  const record = <R>(entry: (name: keyof P) => unknown): R => Object.fromEntries(names.map(name => [name, entry(name)])) as R
  return {
    forward: (params, x) => record(name => layers[name].forward(params[name], x)),
    vjp: (params, x) => {
      const results = new Map(names.map(name => [name, layers[name].vjp(params[name], x)]))
      return [record(name => results.get(name)?.[0]), dy => {
        const gradients = new Map<keyof P, Gradient<unknown, Tensor>>()
        let input = zerosLike(x)
        for (const [name, [, pullback]] of results) {
          const gradient = pullback(dy[name])
          gradients.set(name, gradient)
          input = add(gradient.input)(input)
        }
        return { params: record<P>(name => gradients.get(name)?.params), input }
      }]
    }
  }
}
