/**
 * Attention in the plane, and what the width of queries and keys does to it.
 */
import { attention, attentionWeights, causalMask, noMask, noParams, random, tensor } from 'pullback'
import type { Point } from './plane.js'

export const KEYS: readonly Point[] = [[-1.6, 1], [1.4, 1.3], [1.7, -0.7], [-0.2, -1.6], [-1.7, -0.6]]
export const VALUES: readonly Point[] = [[-1.5, -0.9], [-0.9, 1.4], [1.5, 1.2], [1.6, -1], [0.2, -1.7]]

const point = (data: readonly number[], row: number): Point => [data[2 * row], data[2 * row + 1]]

/**
 * What the query at a position finds, and what a gradient dy at its output becomes. The other positions ask the same, and their
 * outputs have no gradient.
 */
export const attentionAt = (query: Point, position: number, masked: boolean, dy: Point) => {
  const input = {
    query: tensor.of(KEYS.map(() => query), 'float64'), key: tensor.of(KEYS, 'float64'), value: tensor.of(VALUES, 'float64')
  }
  const mask = masked ? causalMask : noMask
  const [y, pullback] = attention(mask).vjp(noParams, input)
  const gradient = pullback(tensor.of(KEYS.map((_, t) => (t === position ? dy : [0, 0])), 'float64')).input
  const weights = tensor.toArray(attentionWeights(mask)(input))
  return {
    weights: weights.slice(position * KEYS.length, (position + 1) * KEYS.length),
    output: point(tensor.toArray(y), position),
    dQuery: point(tensor.toArray(gradient.query), position),
    dValue: VALUES.map((_, s) => point(tensor.toArray(gradient.value), s))
  }
}

export const WIDTHS: readonly number[] = [2, 4, 8, 16, 32, 64, 128, 256, 512]
export const CROWD = { queries: 48, keys: 16 } as const

/** Weights of random queries over random keys of a width, with entries of variance 1: divided by √d, and not. */
export const weightsOfWidth = (width: number) => {
  const draw = random.struct({
    query: random.normal([CROWD.queries, width], { precision: 'float64' }), key: random.normal([CROWD.keys, width], { precision: 'float64' })
  })
  const { query, key } = draw(random.key(width))
  const rows = (factor: number): readonly (readonly number[])[] => {
    const flat = tensor.toArray(attentionWeights(noMask)({ query: tensor.scale(factor)(query), key }))
    return Array.from({ length: CROWD.queries }, (_, row) => flat.slice(row * CROWD.keys, (row + 1) * CROWD.keys))
  }
  // The library divides by √d. A query that is √d times as long undoes that.
  return { scaled: rows(1), plain: rows(Math.sqrt(width)) }
}

/** The mean over all queries of the largest weight: 1/16 if all keys are alike, 1 if one takes all. */
export const meanLargest = (rows: readonly (readonly number[])[]): number =>
  rows.reduce((sum, row) => sum + Math.max(...row), 0) / rows.length
