/**
 * The chain rule, written once.
 *
 * @module
 */
import { trusted } from '../memory/trust.js'
import { factoredForm, type Factors, withFactored } from './factored.js'
import { guard } from './guard.js'
import { deferred, type Layer, type Step } from './layer.js'
import { lastOf, memories, together, traceOf } from './readings.js'

/** A layer in a chain, with its parameters among those of the whole. */
export interface Link<R, P, X, Y, DX> {
  readonly layer: Layer<P, X, Y, DX>
  readonly paramsIn: (params: R) => P
}

/**
 * First `f`, then `g`: $z = g(\theta_g, f(\theta_f, x))$. With $y = f(\theta_f, x)$,
 *
 * $$(d\theta_g, dy) = g^*_{\theta_g, y}(dz), \qquad (d\theta_f, dx) = f^*_{\theta_f, x}(dy).$$
 *
 * `join` makes the gradient of the whole of $d\theta_f$ and $d\theta_g$.
 */
export const chain = <R, P, Q, X, Y, Z, DX>(
  first: Link<R, P, X, Y, DX>, second: Link<R, Q, Y, Z, Y>, join: (dF: P, dG: Q) => R
): Layer<R, X, Z, DX> => {
  const f = guard(first.layer), g = guard(second.layer)
  const ofF = first.paramsIn, ofG = second.paramsIn
  const stepF = f.step, stepG = g.step
  // What reads every position on its own needs the last one alone, if that is all that is asked for.
  const untilG = g.rowwise === true ? lastOf(f) : stepF, atG = lastOf(g)
  const factored = factoredForm(second.layer)
  return withFactored(trusted<Layer<R, X, Z, DX>>({
    forward: (params, x) => g.forward(ofG(params), f.forward(ofF(params), x)),
    vjp: (params, x) => {
      const [y, pullbackF] = f.vjp(ofF(params), x)
      const [z, pullbackG] = g.vjp(ofG(params), y)
      return [z, dz => {
        const { params: dG, input: dy } = pullbackG(dz)
        const gradientF = pullbackF(dy)
        return deferred(join(gradientF.params, dG), () => gradientF.input)
      }]
    },
    ...(stepF && stepG && { step: through(stepF, stepG) }),
    ...(untilG && atG && { last: through(untilG, atG) }),
    ...(f.rowwise && g.rowwise && { rowwise: true }),
    ...((f.trace ?? g.trace) && {
      trace: (params, x) => {
        const [y, inF] = traceOf(f)(ofF(params), x), [z, inG] = traceOf(g)(ofG(params), y)
        return [z, [...inF, ...inG]]
      }
    })
  }), factored && chain<R, P, Q, X, Y, Factors, DX>(first, { layer: factored, paramsIn: ofG }, join))

  function through(readF: Step<P, X, Y>, readG: Step<Q, Y, Z>): Step<R, X, Z> {
    return (params, memory, x) => {
      const [memoryF, memoryG] = memories(memory, 2)
      const [y, nextF] = readF(ofF(params), memoryF, x), [z, nextG] = readG(ofG(params), memoryG, y)
      return [z, together([nextF, nextG])]
    }
  }
}
