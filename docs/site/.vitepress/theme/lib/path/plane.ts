/**
 * What the pictures of the path share: numbers as text, and numbers as places.
 */

/** A number as it is printed: a true minus sign, and no minus before a zero. */
export const shown = (x: number, digits = 2): string => {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'not a number' : x > 0 ? '∞' : '−∞'
  const text = Math.abs(x) >= 1e6 ? x.toExponential(1).replace('e+', 'e') : x.toFixed(digits)
  return (Number(text) === 0 ? text.replace('-', '') : text).replaceAll('-', '−')
}

/** Takes [a, b] to [c, d] by a straight line. */
export const scale = (a: number, b: number, c: number, d: number) => (x: number): number => c + (x - a) / (b - a) * (d - c)

export type Point = readonly [x: number, y: number]

/** The `points` attribute of a polyline. */
export const pointsOf = (points: readonly Point[]): string => points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(' ')

/** `count` numbers from a to b in equal steps. */
export const range = (a: number, b: number, count: number): readonly number[] => Array.from({ length: count }, (_, i) => a + (b - a) * i / (count - 1))

export const percent = (p: number): string => `${p > 0 && p < 0.001 ? '< 0.1' : (100 * p).toFixed(p > 0 && p < 0.1 ? 1 : 0)} %`

/** The same heights, moved as little as this simple way can, so that labels that stand beside each other are `gap` apart. */
export const apart = (labels: readonly { readonly x: number, readonly y: number }[], gap: number, reach: number): readonly number[] => {
  const moved = labels.map(({ y }) => y), order = labels.map((_, i) => i).sort((i, j) => labels[i].y - labels[j].y)
  order.forEach((i, place) => {
    for (const j of order.slice(0, place)) if (Math.abs(labels[i].x - labels[j].x) < reach) moved[i] = Math.max(moved[i], moved[j] + gap)
  })
  return moved
}
