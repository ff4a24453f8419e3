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

/** An even number. */
export const MOST_POINTS = 400

export const emptyCurve: Curve = { size: 1, means: [], rest: [] }

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

/** With more values. When there are as many means as there may be, each two become one. */
export const extended = (values: readonly number[]) => (curve: Curve): Curve => {
  let { size } = curve, means = [...curve.means], rest = [...curve.rest]
  for (const value of values) {
    rest.push(value)
    if (rest.length < size) continue
    means.push(meanOf(rest))
    rest = []
    if (means.length < MOST_POINTS) continue
    means = Array.from({ length: MOST_POINTS / 2 }, (_, i) => (means[2 * i] + means[2 * i + 1]) / 2)
    size *= 2
  }
  return { size, means, rest }
}

/** Each mean in the middle of its steps. */
export const pointsOf = ({ size, means }: Curve): readonly Point[] => means.map((mean, i) => [i * size + size / 2, mean])

/** With one more point; of too many, every second one stays. */
export const appended = (point: Point) => (points: readonly Point[]): readonly Point[] =>
  points.length < MOST_POINTS ? [...points, point] : [...points.filter((_, i) => i % 2 === 0), point]
