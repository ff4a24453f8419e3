/**
 * One neuron with two inputs, and fruits that it should tell apart.
 */
import { linear, tensor } from 'pullback'
import type { Point } from './plane.js'

export interface Fruit {
  /** How sweet and how sour it is, less the average. */
  readonly at: Point
  readonly lemon: boolean
}

const lemons: readonly Point[] = [[-1.9, -0.4], [-0.8, 1], [0.6, 2.3], [-1.4, 1.7], [-2.3, 0.6]]
const apples: readonly Point[] = [[-1.4, -1.1], [1.6, 1.9], [0, 0.4], [1.9, 0.3], [0.6, -1.6]]

/** Made by hand, so that a line tells them apart, and none through the origin does. */
export const FRUITS: readonly Fruit[] = [...lemons.map(at => ({ at, lemon: true })), ...apples.map(at => ({ at, lemon: false }))]

/** What the neuron says of points. */
export const scoresOf = (points: readonly Point[], w1: number, w2: number, b: number): readonly number[] =>
  tensor.toArray(linear.forward({ weight: tensor.of([[w1], [w2]]), bias: tensor.of([b]) }, tensor.of(points)))

/** Which fruits lie on their side: lemons above 0, apples below. */
export const rightOf = (scores: readonly number[]): readonly boolean[] => scores.map((score, i) => score !== 0 && score > 0 === FRUITS[i].lemon)

/** The part of the rectangle |x| ≤ X, |y| ≤ Y where the score is at least 0, as a polygon. Its corners where the score is 0 are the ends of the line. */
export const positiveSide = (w1: number, w2: number, b: number, X: number, Y: number): readonly Point[] => {
  const corners: readonly Point[] = [[-X, -Y], [X, -Y], [X, Y], [-X, Y]]
  const score = ([x, y]: Point): number => w1 * x + w2 * y + b
  return corners.flatMap((from, i): readonly Point[] => {
    const to = corners[(i + 1) % 4], a = score(from), z = score(to), t = a / (a - z)
    const crossing: readonly Point[] = a > 0 !== z > 0 ? [[from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])]] : []
    return a > 0 ? [from, ...crossing] : crossing
  })
}

/** The ends of the line where the score is 0, if the rectangle meets it. */
export const boundary = (w1: number, w2: number, b: number, X: number, Y: number): readonly Point[] =>
  positiveSide(w1, w2, b, X, Y).filter(([x, y]) => Math.abs(w1 * x + w2 * y + b) < 1e-9 * (1 + Math.abs(w1 * x) + Math.abs(w2 * y)))
