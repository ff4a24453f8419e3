/**
 * The laws of composition: the chain rule, associativity, identity, and sums over repeated use.
 *
 * @module
 */
import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, andThenTied, identityLayer, named, residual, stack, tensor, type Layer, type NoParams, type Tensor
} from 'pullback'
import * as arbitrary from './arbitraries.js'
import { firstFailing, type Finding, type Law, law } from './law.js'
import { type Points, pointsOf } from './points.js'
import { randomLike, sameBits, snapshot } from './values.js'

/** Two layers with the same parameters and input agree, in output and gradient, to the bit. */
const agree = <P, X, Y, DX>(
  name: string, statement: string, f: Layer<P, X, Y, DX>, g: Layer<P, X, Y, DX>, points: Points<P, X>
): Law => law({
  name, statement,
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point: { params, input }, key }) => {
    const [y, pullback] = f.vjp(params, input), [z, otherPullback] = g.vjp(params, input)
    const dy = randomLike(key)(y)
    return firstFailing([
      sameBits('outputs', snapshot(y), snapshot(z)),
      sameBits('gradients', snapshot(pullback(dy)), snapshot(otherPullback(dy)))
    ])
  }
})

/** $(h \circ g) \circ f = h \circ (g \circ f)$ */
export const associativity = <F, G, H, X, A, B, Y, DX>(
  f: Layer<F, X, A, DX>, g: Layer<G, A, B>, h: Layer<H, B, Y>,
  points: Points<{ readonly f: F, readonly g: G, readonly h: H }, X>
): Law => agree<{ readonly f: F, readonly g: G, readonly h: H }, X, Y, DX>(
  'composition is associative', '$(h \\circ g) \\circ f = h \\circ (g \\circ f)$, outputs and gradients, to the bit',
  pipe(f, named('f'), andThen('g', g), andThen('h', h)),
  pipe(f, named('f'), andThen(pipe(g, named('g'), andThen('h', h)))),
  points)

/** $\mathrm{id} \circ f = f = f \circ \mathrm{id}$ */
export const identityIsNeutral = <P, X, Y>(f: Layer<P, X, Y>, points: Points<{ readonly f: P }, X>): readonly Law[] => {
  const wrapped: Layer<{ readonly f: P }, X, Y> = pipe(f, named('f'))
  return [
    agree('identity on the left', '$\\mathrm{id} \\circ f = f$', wrapped, pipe(wrapped, andThen<NoParams, Y, Y>(identityLayer<Y>())), points),
    agree('identity on the right', '$f \\circ \\mathrm{id} = f$', wrapped, pipe(identityLayer<X>(), andThen('f', f)), points)
  ]
}

/** $(g \circ f)^*(dz) = f^*(g^*(dz))$, each with its own parameters. */
export const chainRule = <P, Q, X, Y, Z, DX>(
  f: Layer<P, X, Y, DX>, g: Layer<Q, Y, Z>, points: Points<{ readonly f: P, readonly g: Q }, X>
): Law => law({
  name: 'chain rule',
  statement: '$(g \\circ f)^*_{\\theta, x} = f^*_{\\theta_f, x} \\circ g^*_{\\theta_g, f(x)}$',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point: { params, input }, key }) => {
    const composed: Layer<{ readonly f: P, readonly g: Q }, X, Z, DX> = pipe(f, named('f'), andThen('g', g))
    const [z, pullback] = composed.vjp(params, input)
    const dz = randomLike(key)(z)
    const [y, pullbackF] = f.vjp(params.f, input)
    const [, pullbackG] = g.vjp(params.g, y)
    const byG = pullbackG(dz), byF = pullbackF(byG.input)
    return firstFailing([
      sameBits('outputs', snapshot(z), snapshot(g.forward(params.g, y))),
      sameBits('gradients', snapshot(pullback(dz)), snapshot({ params: { f: byF.params, g: byG.params }, input: byF.input }))
    ])
  }
})

/** $f^*(dy)$ of `residual(f)` is that of $x + f(x)$. */
export const residualAdds = <P>(f: Layer<P, Tensor, Tensor>, points: Points<P, Tensor>): Law => law({
  name: 'residual',
  statement: '$y = x + f(x)$ and $dx = dy + f^*(dy)$',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point: { params, input }, key }) => {
    const [y, pullback] = residual(f).vjp(params, input)
    const [inside, pullbackF] = f.vjp(params, input)
    const dy = randomLike(key)(y)
    const inner = pullbackF(dy)
    return firstFailing([
      sameBits('outputs', snapshot(y), snapshot(tensor.add(inside)(input))),
      sameBits('gradients', snapshot(pullback(dy)), snapshot({ params: inner.params, input: tensor.add(inner.input)(dy) }))
    ])
  }
})

/** A stack of two is a composition of two. */
export const stackComposes = <P, X>(f: Layer<P, X, X>, points: Points<readonly [P, P], X>): Law => law({
  name: 'stack',
  statement: '$\\mathrm{stack}(f)_{(\\theta_1, \\theta_2)} = f_{\\theta_2} \\circ f_{\\theta_1}$, and with no parameters it is the identity',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point: { params: [p, q], input }, key }): Finding => {
    const twice: Layer<{ readonly p: P, readonly q: P }, X, X> = pipe(f, named('p'), andThen('q', f))
    const [y, pullback] = stack(f).vjp([p, q], input), [z, otherPullback] = twice.vjp({ p, q }, input)
    const dy = randomLike(key)(y)
    const stacked = pullback(dy), composed = otherPullback(dy)
    return firstFailing([
      sameBits('outputs', snapshot(y), snapshot(z)),
      sameBits('gradients of the input', snapshot(stacked.input), snapshot(composed.input)),
      sameBits('gradients of the parameters', snapshot(stacked.params), snapshot([composed.params.p, composed.params.q])),
      sameBits('outputs without repetition', snapshot(stack(f).forward([], input)), snapshot(input))
    ])
  }
})

/** A parameter that is used twice receives the sum of both gradients. */
export const tiedGradientsAdd = <P, X>(f: Layer<P, X, X>, points: Points<P, X>): Law => law({
  name: 'tied parameters',
  statement: 'with $\\theta$ used by both layers, $d\\theta$ is the sum of the gradients that two untied copies receive',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point: { params, input }, key }) => {
    const tied: Layer<{ readonly p: P }, X, X> = pipe(f, named('p'), andThenTied('p', f))
    const untied: Layer<{ readonly p: P, readonly q: P }, X, X> = pipe(f, named('p'), andThen('q', f))
    const [y, pullback] = tied.vjp({ p: params }, input), [z, otherPullback] = untied.vjp({ p: params, q: params }, input)
    const dy = randomLike(key)(y)
    const one = pullback(dy), two = otherPullback(dy)
    const first = snapshot(two.params.p), second = snapshot(two.params.q)
    const sums = first.map(([path, a], leaf) => [path, a.map((ai, i) => ai + second[leaf][1][i])] as const)
    return firstFailing([
      sameBits('outputs', snapshot(y), snapshot(z)),
      sameBits('gradients of the parameter', snapshot(one.params.p), sums)
    ])
  }
})
