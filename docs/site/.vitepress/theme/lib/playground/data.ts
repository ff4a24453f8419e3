/**
 * Points of two classes in the plane, drawn from a key.
 */
import { random, tensor, type Draw, type Tensor } from 'pullback'

export const DATA_SETS = ['circles', 'moons', 'spirals', 'xor'] as const

export type DataSet = typeof DATA_SETS[number]

/** Shapes: points [N, 2], labels [N, 1], which are 0 or 1. */
export interface Labelled {
  readonly points: Tensor
  readonly labels: Tensor
}

type Place = readonly [x: number, y: number]

/** The place and the class of a point from two uniform numbers and its index; classes alternate where a set has a curve for each. */
const PLACES: { readonly [set in DataSet]: (u: number, v: number, i: number) => readonly [...Place, label: number] } = {
  // A disc and a ring around it. The root makes points as dense at the rim of the disc as in its middle.
  circles: (u, v, i) => {
    const label = i % 2, radius = label === 0 ? 0.45 * Math.sqrt(u) : 0.75 + 0.25 * u, angle = 2 * Math.PI * v
    return [radius * Math.cos(angle), radius * Math.sin(angle), label]
  },
  // Two half circles, each with its end in the middle of the other.
  moons: (u, _, i) => {
    const label = i % 2, angle = Math.PI * u, x = 0.62 * Math.cos(angle), y = 0.62 * Math.sin(angle)
    return label === 0 ? [x - 0.31, y - 0.16, 0] : [0.31 - x, 0.16 - y, 1]
  },
  // One and a half turns, the second arm half a turn behind.
  spirals: (u, _, i) => {
    const label = i % 2, radius = 0.08 + 0.92 * u, angle = 3 * Math.PI * u + Math.PI * label
    return [radius * Math.cos(angle), radius * Math.sin(angle), label]
  },
  // Four squares with a lane between them.
  xor: (u, v) => {
    const away = (w: number): number => (w < 0.5 ? -0.08 - 1.84 * w : 0.08 + 1.84 * (w - 0.5))
    return [away(u), away(v), u < 0.5 === v < 0.5 ? 0 : 1]
  }
}

/** So many points of a set, each moved by normal noise of this deviation. */
export const pointsOf = (set: DataSet, noise: number, count: number): Draw<Labelled> => key => {
  const [placeKey, noiseKey] = random.split(key)
  const uniform = random.uniform([count, 2])(placeKey).data, moved = random.normal([count, 2], { deviation: noise })(noiseKey).data
  const places = Array.from({ length: count }, (_, i) => PLACES[set](uniform[2 * i], uniform[2 * i + 1], i))
  return {
    points: tensor.of(places.map(([x, y], i) => [x + moved[2 * i], y + moved[2 * i + 1]])),
    labels: tensor.of(places.map(([, , label]) => [label]))
  }
}
