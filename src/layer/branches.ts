/**
 * Several layers on one input.
 *
 * @module
 */
import { add } from '../tensor/algebra.js'
import { check, records } from '../tensor/domain.js'
import { type Tensor, zerosLike } from '../tensor/tensor.js'
import { trusted } from '../memory/trust.js'
import { guard } from './guard.js'
import { deferred, type Layer } from './layer.js'
import { part, placed } from './place.js'
import { memories, together, tracedAt, traceOf } from './readings.js'

/**
 * Every layer of a record on the same input: $y_k = f_k(\theta_k, x)$. The names of the record become the names
 * of both parameters and outputs. The input feeds every branch, so its gradient is a sum of what comes back through each,
 * all at the one point $x$:
 *
 * $$(d\theta_k, u_k) = (f_k)^*_{\theta_k, x}(dy_k), \qquad dx = \sum_k u_k.$$
 *
 * @example
 * const both = branches({ plus: relu, smooth: tanh })
 * const { plus, smooth } = both.forward({ plus: noParams, smooth: noParams }, tensor.of([-1, 1]))
 * tensor.toArray(plus) // [0, 1]
 * tensor.toArray(smooth) // [-0.7616, 0.7616]
 *
 * @category composition
 */
export const branches = <P extends Record<string, unknown>>(
  layers: { readonly [K in keyof P]: Layer<P[K], Tensor, Tensor> }
): Layer<P, Tensor, { readonly [K in keyof P]: Tensor }> => {
  check('branches', 'layers', records, layers)
  const names: readonly (keyof P & string)[] = Object.keys(layers)
  // One entry for each name of the record; TypeScript does not follow a record through its list of entries.
  const record = <R>(entry: (name: keyof P & string, index: number) => unknown): R => Object.fromEntries(names.map((name, i) => [name, entry(name, i)])) as R
  const branch = record<typeof layers>(name => placed(name, guard(layers[name])))
  const steps = names.flatMap(name => branch[name].step ?? [])
  return trusted<Layer<P, Tensor, { readonly [K in keyof P]: Tensor }>>({
    forward: (params, x) => record(name => branch[name].forward(part(name, params), x)),
    vjp: (params, x) => {
      const results = names.map(name => branch[name].vjp(part(name, params), x))
      return [record((_, i) => results[i][0]), dy => {
        const gradients = names.map((name, i) => results[i][1](dy[name]))
        return deferred(record<P>((_, i) => gradients[i].params), () => gradients.reduce((sum, { input }) => add(input)(sum), zerosLike(x)))
      }]
    },
    ...(steps.length === names.length && {
      step: (params, memory, x) => {
        const before = memories(memory, names.length)
        const results = steps.map((step, i) => step(part(names[i], params), before[i], x))
        return [record((_, i) => results[i][0]), together(results.map(([, next]) => next))]
      }
    }),
    ...(names.every(name => branch[name].rowwise === true) && { rowwise: true }),
    trace: (params, x) => {
      const results = names.map(name => traceOf(branch[name])(part(name, params), x))
      return [record((_, i) => results[i][0]), results.flatMap(([y, entries], i) => tracedAt(names[i], y, entries))]
    }
  })
}
