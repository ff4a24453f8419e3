/**
 * Layer norm on a row of three numbers, as geometry.
 */
import { initLayerNorm, layerNormWith, random, tensor } from 'pullback'

export type Vector = readonly [x: number, y: number, z: number]

const vector = ([x, y, z]: readonly number[]): Vector => [x, y, z]

export const plus = (a: Vector, b: Vector): Vector => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
export const times = (s: number, a: Vector): Vector => [s * a[0], s * a[1], s * a[2]]
export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
export const lengthOf = (a: Vector): number => Math.sqrt(dot(a, a))

const along = (direction: Vector, a: Vector): Vector => times(dot(a, direction) / dot(direction, direction), direction)

export const ONES: Vector = [1, 1, 1]
/** Two directions of the plane of mean 0, at a right angle and of length √3 each. */
export const PLANE: readonly [Vector, Vector] = [times(Math.sqrt(1.5), [1, -1, 0]), times(Math.sqrt(0.5), [1, 1, -2])]

const params = initLayerNorm(3, { precision: 'float64' })(random.key(0))

/**
 * The row normalised, and what the library pulls dy back to: as a whole, and in its three parts along 1, along x̂, and the rest. The
 * pullback is linear, so the three results add up to dx.
 */
export const layerNormAt = (x: Vector, dy: Vector, epsilon: number) => {
  const [y, pullback] = layerNormWith(epsilon).vjp(params, tensor.of(x, 'float64'))
  const pulled = (part: Vector): Vector => vector(tensor.toArray(pullback(tensor.of(part, 'float64')).input))
  const normal = vector(tensor.toArray(y)), mean = (x[0] + x[1] + x[2]) / 3
  const centred = plus(x, times(-mean, ONES)), variance = dot(centred, centred) / 3
  const common = along(ONES, dy), radial = lengthOf(normal) === 0 ? times(0, dy) : along(normal, dy)
  const rest = plus(dy, times(-1, plus(common, radial)))
  return {
    normal, centred, mean, dx: pulled(dy), inverseDeviation: 1 / Math.sqrt(variance + epsilon), survives: epsilon / (variance + epsilon),
    parts: [{ name: 'along 1', part: common, result: pulled(common) }, { name: 'along x̂', part: radial, result: pulled(radial) }, { name: 'the rest', part: rest, result: pulled(rest) }]
  } as const
}

/** Where we look from, as two angles. */
export interface View { readonly turn: number, readonly tilt: number }

/** The directions of the picture, to the right and up, in space: without a tilt the vector of ones points up. */
export const axesOf = ({ turn, tilt }: View): readonly [right: Vector, up: Vector] => {
  const [a, b] = PLANE.map(direction => times(Math.sqrt(1 / 3), direction)), ones = times(Math.sqrt(1 / 3), ONES)
  return [
    plus(times(-Math.sin(turn), a), times(Math.cos(turn), b)),
    plus(times(Math.cos(tilt), ones), times(-Math.sin(tilt), plus(times(Math.cos(turn), a), times(Math.sin(turn), b))))
  ]
}
