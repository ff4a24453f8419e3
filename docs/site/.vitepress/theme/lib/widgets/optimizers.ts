/**
 * Three optimisers in one long valley: ℓ(a, b) = ½ (a² / 16 + b²).
 */
import { adam, gradientDescent, momentum, type Optimizer, tensor, type Tensor } from 'pullback'
import type { Point } from './plane.js'

export const START: Point = [-3.4, 1.5]

export const lossAt = ([a, b]: Point): number => (a * a / 16 + b * b) / 2
export const gradientAt = ([a, b]: Point): Point => [a / 16, b]

type Params = { readonly theta: Tensor }

const walk = <S extends string>(optimizer: Optimizer<S>, steps: number): readonly Point[] => {
  const path: Point[] = [START]
  let params: Params = { theta: tensor.of(START, 'float64') }, state = optimizer.init(params)
  for (let step = 0; step < steps; step++) {
    const gradient = { theta: tensor.of(gradientAt(path[step]), 'float64') }
    const updated = optimizer.step(params, gradient, state)
    params = updated.params
    state = updated.state
    const [a, b] = tensor.toArray(params.theta)
    path.push([a, b])
  }
  return path
}

/** The way of each optimiser; Adam's steps are about as long as its rate, so it gets a smaller one. */
export const pathsOf = (rate: number, steps: number): readonly { readonly name: string, readonly path: readonly Point[] }[] => [
  { name: 'gradient descent', path: walk(gradientDescent({ learningRate: rate }), steps) },
  { name: 'momentum', path: walk(momentum({ learningRate: rate / 4 }), steps) },
  { name: 'Adam', path: walk(adam({ learningRate: rate / 4 }), steps) }
]
