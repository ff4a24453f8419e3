/**
 * Users' layers inside the library's.
 *
 * @module
 */
import { guardedMethod, isTrusted, ordinary, outside } from '../memory/trust.js'
import { check, having } from '../tensor/domain.js'
import { deferred, type Layer } from './layer.js'

const layers = having('a layer', 'forward', 'vjp')

/**
 * The same layer, safe to be called in a region: what is not trusted is called outside it, its pullback too. A
 * combinator guards the layers that it is given, and is trusted itself. Throws `TypeError` for what is not a layer.
 */
export const guard = <P, X, Y, DX>(f: Layer<P, X, Y, DX>): Layer<P, X, Y, DX> => {
  check('a model', 'every part', layers, f)
  return {
    forward: guardedMethod(f, 'forward'),
    vjp: isTrusted(f.vjp) ? f.vjp : (params, x) => {
      const [y, pullback] = outside(() => f.vjp(ordinary(params), ordinary(x)))
      return [y, dy => {
        const gradient = outside(() => pullback(ordinary(dy)))
        return deferred(gradient.params, () => outside(() => gradient.input))
      }]
    },
    ...(f.step && { step: guardedMethod(f, 'step') }),
    ...(f.last && { last: guardedMethod(f, 'last') }),
    ...(f.rowwise && { rowwise: f.rowwise }),
    ...(f.trace && { trace: guardedMethod(f, 'trace') })
  }
}
