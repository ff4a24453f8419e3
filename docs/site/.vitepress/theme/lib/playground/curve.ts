/**
 * Curves of any length in few points.
 */

/** Means of so many neighbouring values each, and the values that make no mean yet. */
export interface Curve {
  readonly size: number
  readonly means: readonly number[]
  readonly rest: readonly number[]
}

export type Point = readonly [step: number, value: number]

export const MOST_POINTS = 400

export const emptyCurve: Curve = { size: 1, means: [], rest: [] }

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

const halved = ({ size, means, rest }: Curve): Curve => ({
  size: 2 * size,
  means: Array.from({ length: Math.floor(means.length / 2) }, (_, i) => (means[2 * i] + means[2 * i + 1]) / 2),
  rest: means.length % 2 === 0 ? rest : [...Array.from({ length: size }, () => means[means.length - 1]), ...rest]
})

/** With more values. Once there are too many means, each two become one. */
export const extended = (values: readonly number[]) => (curve: Curve): Curve => {
  const all = [...curve.rest, ...values], count = Math.floor(all.length / curve.size)
  const fresh = Array.from({ length: count }, (_, i) => meanOf(all.slice(i * curve.size, (i + 1) * curve.size)))
  let next: Curve = { size: curve.size, means: [...curve.means, ...fresh], rest: all.slice(count * curve.size) }
  while (next.means.length > MOST_POINTS) next = halved(next)
  return next
}

/** Each mean in the middle of its steps. */
export const pointsOf = ({ size, means }: Curve): readonly Point[] => means.map((mean, i) => [i * size + size / 2, mean])

/** With one more point; of too many, every second one stays. */
export const appended = (point: Point) => (points: readonly Point[]): readonly Point[] =>
  points.length < MOST_POINTS ? [...points, point] : [...points.filter((_, i) => i % 2 === 0), point]
