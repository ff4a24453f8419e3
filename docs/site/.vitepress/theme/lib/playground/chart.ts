/**
 * The geometry of a chart of losses.
 */
import type { Point } from './curve.js'

export interface Series {
  readonly name: string
  /** The name of the variable with its colour. */
  readonly colour: string
  readonly dashed?: boolean | undefined
  readonly points: readonly Point[]
}

export interface Tick {
  readonly at: number
  readonly text: string
}

export interface Line extends Pick<Series, 'name' | 'colour' | 'dashed'> {
  readonly path: string
  readonly end: { readonly x: number, readonly y: number }
  /** Where the label stands: beside the end, moved away from other labels. */
  readonly labelY: number
}

export interface Chart {
  readonly width: number
  readonly height: number
  readonly plot: { readonly left: number, readonly right: number, readonly top: number, readonly bottom: number }
  readonly steps: readonly Tick[]
  readonly values: readonly Tick[]
  readonly lines: readonly Line[]
}

const MARGIN = { left: 40, right: 74, top: 12, bottom: 26 }
const BETWEEN_LABELS = 15

/** Places at least so far from each other, in their order, none below the bottom. */
export const apart = (places: readonly number[], bottom: number): readonly number[] => {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]), moved = [...places]
  order.forEach((index, i) => { if (i > 0) moved[index] = Math.max(moved[index], moved[order[i - 1]] + BETWEEN_LABELS) })
  const over = Math.max(0, (moved[order[order.length - 1]] ?? 0) - bottom)
  return moved.map(place => place - over)
}

/** The smallest of 1, 2 and 5 times a power of ten of which at most `count` reach the end. */
const tickStep = (end: number, count: number): number => {
  const power = 10 ** Math.floor(Math.log10(end / count))
  return power * ([1, 2, 5].find(factor => factor * power * count >= end) ?? 10)
}

/** The multiples of a round number from 0 to the end. */
export const ticks = (end: number, count: number): readonly number[] => {
  const step = tickStep(end, count)
  return Array.from({ length: Math.floor(end / step * (1 + 1e-9)) + 1 }, (_, i) => Number((i * step).toPrecision(6)))
}

const round = (x: number): number => Math.round(x * 10) / 10

export const chartOf = (series: readonly Series[], { width, height }: { readonly width: number, readonly height: number }): Chart => {
  const plot = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom }
  const all = series.flatMap(({ points }) => points)
  const last = Math.max(10, ...all.map(([step]) => step)), most = Math.max(0.1, ...all.map(([, value]) => value))
  const ceiling = Math.ceil(most / tickStep(most, 4)) * tickStep(most, 4)
  const x = (step: number): number => plot.left + step / last * (plot.right - plot.left)
  const y = (value: number): number => plot.bottom - value / ceiling * (plot.bottom - plot.top)
  const shown = series.filter(({ points }) => points.length > 0)
  const ends = shown.map(({ points }) => {
    const [step, value] = points[points.length - 1]
    return { x: round(x(step)), y: round(y(value)) }
  })
  const labels = apart(ends.map(end => end.y), plot.bottom)
  return {
    width, height, plot,
    steps: ticks(last, width < 420 ? 3 : 5).map(step => ({ at: round(x(step)), text: step.toLocaleString('en') })),
    values: ticks(ceiling, 4).map(value => ({ at: round(y(value)), text: String(value) })),
    lines: shown.map(({ name, colour, dashed, points }, i) => ({
      name, colour, dashed, end: ends[i], labelY: labels[i],
      path: `M${points.map(([step, value]) => `${round(x(step))} ${round(y(value))}`).join('L')}`
    }))
  }
}
