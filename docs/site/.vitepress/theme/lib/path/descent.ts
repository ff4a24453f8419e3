/**
 * Gradient descent on one weight: y = w x should be the target, at two points.
 */
import { gradientDescent, layer, lossAndGradient, meanSquaredError, tensor, type Tensor } from 'pullback'

type Weight = { readonly w: Tensor }

// y = w x, so dw = ⟨dy, x⟩ and dx = w dy.
const times = layer({
  forward: ({ w }: Weight, x: Tensor) => tensor.scale(tensor.at(0)(w))(x),
  gradient: ({ w }, x, dy: Tensor) => ({ params: { w: tensor.of([tensor.dot(x)(dy)], 'float64') }, input: tensor.scale(tensor.at(0)(w))(dy) })
})

const example = { input: tensor.of([1, 2], 'float64'), target: tensor.of([1.5, 3], 'float64') }
const evaluate = lossAndGradient(times, meanSquaredError())
const of = (w: number): Weight => ({ w: tensor.of([w], 'float64') })

/** The weight with the lowest loss, and how fast the slope grows beside it: L = 5/2 (w − 3/2)², so L″ = 5. */
export const BEST = 1.5
export const CURVATURE = 5

export const START = -0.6

export const lossAndSlope = (w: number): readonly [loss: number, slope: number] => {
  const { loss, gradient } = evaluate(of(w), example)
  return [loss, tensor.at(0)(gradient.w)]
}

/** The next weight. */
export const descend = (w: number, learningRate: number): number => {
  const { init, step } = gradientDescent({ learningRate }), params = of(w)
  return tensor.at(0)(step(params, evaluate(params, example).gradient, init(params)).params.w)
}
