/**
 * Composition: the chain rule, written once. Data last, for `pipe`.
 *
 * @module
 */
import { region } from '../memory/region.js'
import { outside, trusted } from '../memory/trust.js'
import { add } from '../tensor/algebra.js'
import { check, functions, show, texts } from '../tensor/domain.js'
import type { Tensor } from '../tensor/tensor.js'
import { chain } from './chain.js'
import { throughFactors } from './factored.js'
import { guard } from './guard.js'
import { deferred, type Gradient, type Layer, type Memory, type NoParams, noParams, type Step, type TraceEntry } from './layer.js'
import { listed, part, placed } from './place.js'
import { lastOf, lastPosition, memories, rowwise, together, tracedAt, traceOf } from './readings.js'

/** Two records as one. */
export type Merge<P, Q> = P & Q extends infer R ? { readonly [K in keyof R]: R[K] } : never

/**
 * `unknown`, or a type that nothing fits and whose name says why, if parameters are a list or a single tensor: those
 * merge with nothing until they have a name, as in `pipe(stack(f), named('blocks'))`.
 */
export type Mergeable<P> = P extends readonly unknown[] | Tensor
  ? { readonly 'a list or a tensor of parameters needs a name before it is merged': P }
  : unknown

/** `unknown`, or a type that nothing fits and whose name says why, if two records share a name. */
export type Disjoint<P, Q> = keyof P & keyof Q extends never
  ? unknown
  : { readonly 'parameter name used twice': keyof P & keyof Q }

/**
 * The layer that changes nothing: $y = x$, so $dx = dy$.
 *
 * @example
 * tensor.toArray(identityLayer<Tensor>().forward(noParams, tensor.of([1, 2]))) // [1, 2]
 *
 * @category constructors
 */
export const identityLayer = <X>(): Layer<NoParams, X, X> => rowwise(trusted<Layer<NoParams, X, X>>({
  forward: (_, x) => x,
  vjp: (_, x) => [x, dy => ({ params: noParams, input: dy })]
}))

/**
 * Puts the parameters of a layer under a name: `P` becomes `{ [name]: P }`. What the layer throws names the place, and so
 * does what its trace shows, with the output as `name.output`.
 *
 * @example
 * const model = pipe(linear, named('output'))
 * model.forward({ output: initLinear(2, 3)(random.key(0)) }, tensor.zeros([4, 2])).shape // [4, 3]
 *
 * @category parameters
 */
export const named = <const K extends string>(name: K) =>
  <P, X, Y, DX>(layer: Layer<P, X, Y, DX>): Layer<{ readonly [k in K]: P }, X, Y, DX> => {
    check('named', 'name', texts, name)
    // A record with the one key `name`; TypeScript widens a computed key to `string`.
    const wrap = (params: P) => ({ [name]: params }) as { readonly [k in K]: P }
    return throughFactors(placed(name, guard(layer)), <Z>(f: Layer<P, X, Z, DX>) => trusted<Layer<{ readonly [k in K]: P }, X, Z, DX>>({
      forward: (params, x) => f.forward(part(name, params), x),
      vjp: (params, x) => {
        const [y, pullback] = f.vjp(part(name, params), x)
        return [y, dy => {
          const gradient = pullback(dy)
          return deferred(wrap(gradient.params), () => gradient.input)
        }]
      },
      ...(f.step && { step: under(f.step) }),
      ...(f.last && { last: under(f.last) }),
      ...(f.rowwise && { rowwise: true }),
      trace: (params, x) => {
        const [y, entries] = traceOf(f)(part(name, params), x)
        return [y, tracedAt(name, y, entries)]
      }
    }))

    function under<Z>(step: Step<P, X, Z>): Step<{ readonly [k in K]: P }, X, Z> {
      return (params, memory, x) => step(part(name, params), memory, x)
    }
  }

/**
 * Names a layer without parameters, for errors and traces alone: its output is `name.output`.
 *
 * @example
 * const model = pipe(relu, labelled('hidden'))
 * inspect(model, () => true)(noParams, tensor.of([-1, 1])).map(([path, value]) => [path, tensor.toArray(value)]) // [['hidden.output', [0, 1]]]
 *
 * @category parameters
 */
export const labelled = (name: string) => <X, Y, DX>(layer: Layer<NoParams, X, Y, DX>): Layer<NoParams, X, Y, DX> => {
  check('labelled', 'name', texts, name)
  return throughFactors(placed(name, guard(layer)), <Z>(f: Layer<NoParams, X, Z, DX>) => trusted<Layer<NoParams, X, Z, DX>>({
    ...f,
    trace: (params, x) => {
      const [y, entries] = traceOf(f)(params, x)
      return [y, tracedAt(name, y, entries)]
    }
  }))
}

/** $g(\theta_g, f(\theta_f, x))$ on the merged record $\theta = \theta_f \cup \theta_g$. */
const compose = <P, X, Y, DX, Q, Z>(f: Layer<P, X, Y, DX>, g: Layer<Q, Y, Z>): Layer<Merge<P, Q>, X, Z, DX> => {
  // A merged record is both of its parts: each layer reads its own names from it and leaves the others alone.
  const both = (params: Merge<P, Q>) => params as P & Q
  return chain({ layer: f, paramsIn: both }, { layer: g, paramsIn: both }, (dF, dG) => {
    const first: object = Object.assign({}, dF)
    for (const name in dG)
      if (Object.hasOwn(first, name)) throw new TypeError(`andThen: expected names that differ, got parameters ${show(name)} of both layers`)
    return { ...first, ...dG } as Merge<P, Q>
  })
}

/**
 * First `f`, then `g`: $z = g(\theta_g, f(\theta_f, x))$. By the chain rule, with $y = f(\theta_f, x)$,
 *
 * $$(d\theta_g, dy) = g^*_{\theta_g, y}(dz), \qquad (d\theta_f, dx) = f^*_{\theta_f, x}(dy).$$
 *
 * The parameters of both merge into one record; a name that occurs in both is a type error, and the pullback throws `TypeError`.
 * `andThen('name', g)` is short for `andThen(pipe(g, named('name')))`.
 *
 * @example
 * const model = pipe(linear, named('hidden'), andThen(relu), andThen('output', linear))
 * const params = { hidden: initLinear(2, 8)(random.key(0)), output: initLinear(8, 1)(random.key(1)) }
 * model.forward(params, tensor.zeros([4, 2])).shape // [4, 1]
 *
 * @category composition
 */
export function andThen<Q, Y, Z>(g: Layer<Q, Y, Z> & Mergeable<Q>):
  <P, X, DX>(f: Layer<P, X, Y, DX> & Mergeable<P> & Disjoint<P, Q>) => Layer<Merge<P, Q>, X, Z, DX>
export function andThen<const K extends string, Q, Y, Z>(name: K, g: Layer<Q, Y, Z>):
  <P, X, DX>(f: Layer<P, X, Y, DX> & Mergeable<P> & Disjoint<P, { readonly [k in K]: Q }>) =>
    Layer<Merge<P, { readonly [k in K]: Q }>, X, Z, DX>
export function andThen<Q, Y, Z>(...args: readonly [Layer<Q, Y, Z>] | readonly [string, Layer<Q, Y, Z>]): unknown {
  return <P, X, DX>(f: Layer<P, X, Y, DX>) =>
    args.length === 1 ? compose(f, args[0]) : compose(f, named(args[0])(args[1]))
}

/**
 * $y = x + f(\theta, x)$ on tensors. The sum passes $dy$ to both of its terms, and the input feeds both of
 * them, so
 *
 * $$(d\theta, u) = f^*_{\theta, x}(dy), \qquad dx = dy + u.$$
 *
 * Throws `ShapeError` if the layer changes the shape of its input.
 * (K. He et al., *Deep Residual Learning for Image Recognition*, 2016, eq. 1.)
 *
 * @example
 * tensor.toArray(residual(relu).forward(noParams, tensor.of([-1, 2]))) // [-1, 4]
 *
 * @category composition
 */
export const residual = <P>(layer: Layer<P, Tensor, Tensor>): Layer<P, Tensor, Tensor> => {
  const f = guard(layer), { step, trace } = f, last = lastOf(f)
  return trusted<Layer<P, Tensor, Tensor>>({
    forward: (params, x) => add(f.forward(params, x))(x),
    vjp: (params, x) => {
      const [y, pullback] = f.vjp(params, x)
      return [add(y)(x), dy => {
        const gradient = pullback(dy)
        return deferred(gradient.params, () => add(gradient.input)(dy))
      }]
    },
    ...(step && {
      step: (params, memory, x) => {
        const [y, next] = step(params, memory, x)
        return [add(y)(x), next]
      }
    }),
    ...(last && {
      last: (params, memory, x) => {
        const [y, next] = last(params, memory, x)
        return [add(y)(lastPosition(x)), next]
      }
    }),
    ...(f.rowwise && { rowwise: true }),
    ...(trace && {
      trace: (params, x) => {
        const [y, entries] = trace(params, x)
        return [add(y)(x), entries]
      }
    })
  })
}

/**
 * Repeats a layer, with one record of parameters for each repetition: depth is data.
 *
 * $$h_0 = x, \qquad h_{k+1} = f_k(\theta_k, h_k), \qquad y = h_L, \qquad
 *   dh_L = dy, \qquad (d\theta_k, dh_k) = (f_k)^*_{\theta_k, h_k}(dh_{k+1}), \qquad dx = dh_0.$$
 *
 * The layers come from their index, for what differs between repetitions without being a parameter, such as
 * the key of a dropout.
 *
 * @example
 * const model = stackWith(index => (index === 0 ? relu : tanh))
 * tensor.toArray(model.forward([noParams, noParams], tensor.of([-1, 1]))) // [0, 0.7616]
 *
 * @category composition
 */
export const stackWith = <P, X>(layerAt: (index: number) => Layer<P, X, X>): Layer<readonly P[], X, X> => {
  check('stackWith', 'layerAt', functions, layerAt)
  // A layer is a value, so that of an index is made once.
  const made: Layer<P, X, X>[] = []
  const f = (index: number): Layer<P, X, X> => made[index] ??= placed(String(index), guard(outside(() => layerAt(index))))
  const stepOf = (index: number): Step<P, X, X> => {
    const { step } = f(index)
    if (step === undefined) throw new TypeError(`expected a layer ${index} that steps as layer 0 does`)
    return step
  }
  const through = (stepAt: (index: number) => Step<P, X, X>): Step<readonly P[], X, X> => (params, memory, x) => {
    const before = memories(memory, listed(params).length), after: Memory[] = []
    const y = params.reduce((input, p, index) => {
      const step = stepAt(index), [output, next] = region(() => step(p, before[index], input))
      after.push(next)
      return output
    }, x)
    return [y, together(after)]
  }
  return trusted<Layer<readonly P[], X, X>>({
    // What a repetition computes on its way ends with it.
    forward: (params, x) => listed(params).reduce((y, p, index) => region(() => f(index).forward(p, y)), x),
    vjp: (params, x) => {
      const pullbacks: ((dy: X) => Gradient<P, X>)[] = []
      const y = listed(params).reduce((input, p, index) => {
        const [output, pullback] = f(index).vjp(p, input)
        pullbacks.push(pullback)
        return output
      }, x)
      return [y, dy => pullbacks.reduceRight<Gradient<readonly P[], X>>((after, pullback, index) => {
        const pulled = () => pullback(after.input)
        // What a pullback computes on its way ends with it, so the next one works in the same part of the cache. After the
        // last one there is no next, and a region would compute an input gradient that may never be read.
        const gradient = index === 0 ? pulled() : region(pulled)
        return deferred([gradient.params, ...after.params], () => gradient.input)
      }, { params: [], input: dy })]
    },
    ...(f(0).step && {
      step: through(stepOf),
      last: (params, memory, x) => {
        const end = listed(params).length - 1
        return end < 0 ? [lastPosition(x), memory] : through(index => (index < end ? stepOf(index) : lastOf(f(index)) ?? stepOf(index)))(params, memory, x)
      }
    }),
    trace: (params, x) => {
      const entries: TraceEntry[] = []
      const y = listed(params).reduce((input, p, index) => {
        const [output, inside] = traceOf(f(index))(p, input)
        entries.push(...tracedAt(String(index), output, inside))
        return output
      }, x)
      return [y, entries]
    }
  })
}

/**
 * Repeats one layer, with one record of parameters for each repetition: `stackWith` of a constant.
 *
 * @example
 * const model = pipe(stack(pipe(linear, andThen(relu))), named('blocks'))
 * const blocks = random.replicate(3, initLinear(4, 4))(random.key(0))
 * model.forward({ blocks }, tensor.zeros([2, 4])).shape // [2, 4]
 *
 * @category composition
 */
export const stack = <P, X>(f: Layer<P, X, X>): Layer<readonly P[], X, X> => {
  const repeated = stackWith(() => f)
  // Of layers that differ, the first cannot speak for all.
  return f.rowwise ? trusted<Layer<readonly P[], X, X>>({ ...repeated, rowwise: true }) : repeated
}
