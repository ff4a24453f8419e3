/**
 * A line through a few points, and how far it is from them.
 */
import { linear, meanSquaredError, tensor } from 'pullback'
import type { Point } from './plane.js'

/** Hours of sun and cups of lemonade sold in tens; made by hand. */
export const DAYS: readonly Point[] = [[1, 1.6], [2, 1.4], [3, 3], [4.5, 2.9], [6, 4.4]]

const input = tensor.of(DAYS.map(([x]) => [x])), target = tensor.of(DAYS.map(([, t]) => [t]))

export interface Fit {
  readonly predictions: readonly number[]
  /** The mean of the squares. */
  readonly loss: number
}

export const fit = (slope: number, bias: number): Fit => {
  const prediction = linear.forward({ weight: tensor.of([[slope]]), bias: tensor.of([bias]) }, input)
  return { predictions: tensor.toArray(prediction), loss: meanSquaredError().forward(prediction, target) }
}
