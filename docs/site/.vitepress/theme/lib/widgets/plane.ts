/**
 * From numbers to places in a picture, and back.
 */

/** Two numbers: a point, or a vector. */
export type Point = readonly [x: number, y: number]

export interface Scale {
  readonly to: (value: number) => number
  readonly from: (place: number) => number
}

/** The straight line through two pairs. */
export const scaleOf = ([a, b]: Point, [p, q]: Point): Scale => ({
  to: value => p + (value - a) / (b - a) * (q - p),
  from: place => a + (place - p) / (q - p) * (b - a)
})

export const clamp = (low: number, high: number) => (value: number): number => Math.min(high, Math.max(low, value))

/** To the nearest multiple, so that what is dragged reads as a short number. */
export const snap = (unit: number) => (value: number): number => Math.round(value / unit) / Math.round(1 / unit)

/** So many numbers from one to another, evenly. */
export const evenly = (from: number, to: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => from + (to - from) * i / (count - 1))

/** Points as the `d` of a path. */
export const pathOf = (points: readonly Point[], closed = false): string =>
  points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(2)} ${y.toFixed(2)}`).join('') + (closed && points.length > 0 ? 'Z' : '')

const turn = ([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point): number => (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)

/** One half of the hull, from the points in their order from left to right or from right to left. */
const chainOf = (points: readonly Point[]): readonly Point[] => points.reduce<readonly Point[]>((chain, point) => {
  let kept = chain
  while (kept.length > 1 && turn(kept[kept.length - 2], kept[kept.length - 1], point) <= 0) kept = kept.slice(0, -1)
  return [...kept, point]
}, [])

/** The corners of the smallest convex set that holds the points (A. Andrew's monotone chain, 1979). */
export const hullOf = (points: readonly Point[]): readonly Point[] => {
  if (points.length < 3) return points
  const sorted = [...points].sort(([ax, ay], [bx, by]) => ax - bx || ay - by)
  return [...chainOf(sorted).slice(0, -1), ...chainOf(sorted.reverse()).slice(0, -1)]
}

/** Where an edge from `a` to `b` crosses a level, if it does. */
const crossing = (level: number, a: Point, fa: number, b: Point, fb: number): readonly Point[] => {
  if ((fa < level) === (fb < level)) return []
  const t = (level - fa) / (fb - fa)
  return [[a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]]
}

/**
 * The line on which a function of the plane has one value, as the `d` of a path: every square of a grid is cut into two
 * triangles, and a triangle is crossed once or not at all.
 */
export const contourOf = (values: readonly (readonly number[])[], at: (column: number, row: number) => Point) => (level: number): string => {
  const segments: string[] = []
  for (let row = 0; row + 1 < values.length; row++)
    for (let column = 0; column + 1 < values[row].length; column++) {
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([dx, dy]) =>
        ({ place: at(column + dx, row + dy), value: values[row + dy][column + dx] }))
      for (const [i, j, k] of [[0, 1, 2], [0, 2, 3]]) {
        const edges = [[i, j], [j, k], [k, i]].flatMap(([p, q]) =>
          crossing(level, corners[p].place, corners[p].value, corners[q].place, corners[q].value))
        if (edges.length === 2) segments.push(pathOf(edges))
      }
    }
  return segments.join('')
}
