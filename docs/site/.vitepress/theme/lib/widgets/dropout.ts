/**
 * Dropout of a few numbers under one key, and its mean over many.
 */
import { dropout, noParams, random, tensor } from 'pullback'

export const X: readonly number[] = [1, 2, -1, 0.5, 1.5, -2]
export const DY: readonly number[] = [0.5, -1, 1, 2, -0.5, 1]
export const KEYS = 2000

const x = tensor.of(X, 'float64'), dy = tensor.of(DY, 'float64'), ones = tensor.full([X.length], 1, 'float64')
const keyOf = (index: number) => random.foldIn(index)(random.key(7))

/** The mask $m_i/(1 - p)$, the output and the gradient under the key with an index. */
export const droppedAt = (rate: number, index: number) => {
  const layer = dropout(rate, keyOf(index)), [y, pullback] = layer.vjp(noParams, x)
  return { mask: tensor.toArray(layer.forward(noParams, ones)), y: tensor.toArray(y), dx: tensor.toArray(pullback(dy).input) }
}

/** The mean of the output over the first keys, for each number of keys at which the picture has a point. */
export const runningMeans = (rate: number): readonly { readonly keys: number, readonly means: readonly number[] }[] => {
  const sums = X.map(() => 0), points: { readonly keys: number, readonly means: readonly number[] }[] = []
  for (let index = 0, next = 1; index < KEYS; index++) {
    for (const [i, y] of tensor.toArray(dropout(rate, keyOf(index)).forward(noParams, x)).entries()) sums[i] += y
    const keys = index + 1
    if (keys < next && keys < KEYS) continue
    points.push({ keys, means: sums.map(sum => sum / keys) })
    next = Math.max(keys + 1, Math.ceil(keys * 1.08))
  }
  return points
}
