/**
 * Two uses of one parameter: y = tanh(a x) and z = b y, with the loss ½ (z − t)², once with a and b apart and once as one.
 */
import { pipe } from 'fp-ts/lib/function.js'
import { andThen, andThenTied, layer, named, tensor, type Tensor } from 'pullback'
import type { Point } from './plane.js'

type Factor = { readonly factor: Tensor }

const number = (value: number): Tensor => tensor.of([value], 'float64')
const only = (t: Tensor): number => tensor.toArray(t)[0]

/** $y = \tanh(a x)$ */
const squashed = layer({
  forward: ({ factor }: Factor, x: Tensor) => tensor.map(Math.tanh)(tensor.multiply(x)(factor)),
  gradient: ({ factor }, x, dy: Tensor) => {
    const slope = tensor.map(u => 1 - Math.tanh(u) ** 2)(tensor.multiply(x)(factor)), du = tensor.multiply(dy)(slope)
    return { params: { factor: tensor.multiply(x)(du) }, input: tensor.multiply(factor)(du) }
  }
})

/** $z = b y$ */
const scaled = layer({
  forward: ({ factor }: Factor, y: Tensor) => tensor.multiply(y)(factor),
  gradient: ({ factor }, y, dz: Tensor) => ({ params: { factor: tensor.multiply(y)(dz) }, input: tensor.multiply(factor)(dz) })
})

const apart = pipe(squashed, named('a'), andThen('b', scaled))
const tied = pipe(squashed, named('a'), andThenTied('a', scaled))

export const INPUT = 1.2, TARGET = 1.4

const half = (z: number): number => (z - TARGET) ** 2 / 2

/** The output and the loss with two numbers, and the gradient at both. */
export const apartAt = ([a, b]: Point): { readonly output: number, readonly loss: number, readonly gradient: Point } => {
  const [z, pullback] = apart.vjp({ a: { factor: number(a) }, b: { factor: number(b) } }, number(INPUT))
  const { params } = pullback(number(only(z) - TARGET))
  return { output: only(z), loss: half(only(z)), gradient: [only(params.a.factor), only(params.b.factor)] }
}

/** The loss with one number that is used twice, and the gradient at it. */
export const tiedAt = (theta: number): { readonly loss: number, readonly gradient: number } => {
  const [z, pullback] = tied.vjp({ a: { factor: number(theta) } }, number(INPUT))
  return { loss: half(only(z)), gradient: only(pullback(number(only(z) - TARGET)).params.a.factor) }
}
