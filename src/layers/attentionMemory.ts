/**
 * Attention that reads a sequence in pieces.
 *
 * With a causal mask the output at a position depends on earlier ones through their keys and values alone, and those do not
 * change when a position is added. So the memory holds $K_{1..t}$ and $V_{1..t}$, and new queries are put to them and to
 * their own:
 *
 * $$y_{t+1} = \mathrm{softmax}\!\Big(\frac{q_{t+1} K_{1..t+1}^\top}{\sqrt d}\Big) V_{1..t+1}.$$
 *
 * Positions are the first axis of what is remembered, keys `[T, ..., d]` and values `[T, ..., e]`, so that the next one stands behind
 * all others and nothing has to be moved.
 *
 * @module
 */
import { attentionStep } from '../kernels/attentionStep.js'
import { append } from '../kernels/growing.js'
import { mergeHeads, splitHeads } from '../kernels/heads.js'
import type { Memory } from '../layer/layer.js'
import { isPlain } from '../tensor/domain.js'
import { matricesOf, sameShape, ShapeError, sizeOf } from '../tensor/shape.js'
import { checkPrecision, isTensor, own, type Tensor } from '../tensor/tensor.js'

/** `[..., T, d]` as `[T, ..., d]`. */
const positionsFirst = (x: Tensor): Tensor => {
  const { batch, rows, columns } = matricesOf('attention', x.shape), shape = [rows, ...x.shape.slice(0, -2), columns]
  return batch === 1 || rows === 1
    ? { ...x, shape }
    : own(shape, mergeHeads({ batch: 1, heads: batch, time: rows, width: columns, parts: 1 }, x.data))
}

/** `[T, ..., d]` as `[..., T, d]`. */
const positionsInside = (x: Tensor): Tensor => {
  const [time, ...rest] = x.shape, leading = rest.slice(0, -1), width = rest[rest.length - 1]
  return own([...leading, time, width], splitHeads({ batch: 1, heads: sizeOf(leading), time, width, parts: 1 }, x.data)[0])
}

interface Positions {
  readonly key: Tensor
  readonly value: Tensor
}

interface Input extends Positions {
  readonly query: Tensor
}

/** Keys and values of the positions that were read. */
const remembered = (memory: Memory): Positions => {
  if (isPlain(memory) && 'key' in memory && 'value' in memory && isTensor(memory.key) && isTensor(memory.value)) {
    const { key, value } = memory
    if (key.shape[0] !== value.shape[0])
      throw new ShapeError('attention', 'a memory of as many keys as values [T, ...]', [key.shape, value.shape])
    return { key, value }
  }
  throw new TypeError('attention: expected a memory of keys and values, got that of another layer')
}

const appended = (more: Tensor, x: Tensor): Tensor => {
  const rest = more.shape.slice(1)
  if (!sameShape(rest, x.shape.slice(1)))
    throw new ShapeError('attention', `a memory of positions [T, ${rest.join(', ')}], as those that are read`, [x.shape])
  checkPrecision('attention', x, more)
  return own([x.shape[0] + more.shape[0], ...rest], append(x.data, more.data))
}

/** So many queries read the memory where it lies; more are worth arranging it. */
const FEW = 4

/** The `step` of attention whose `forward` this is. */
export const stepWith = (forward: (input: Input) => Tensor) => (
  memory: Memory, input: Input
): readonly [Tensor, Memory] => {
  const { query } = input, read = { key: positionsFirst(input.key), value: positionsFirst(input.value) }
  if (memory === undefined) return [forward(input), read]
  const before = remembered(memory), now = { key: appended(read.key, before.key), value: appended(read.value, before.value) }
  const { batch: heads, rows: queries, columns: width } = matricesOf('attention', query.shape), keys = now.key.shape[0]
  if (queries > FEW) return [forward({ query, key: positionsInside(now.key), value: positionsInside(now.value) }), now]
  const valueWidth = input.value.shape[input.value.shape.length - 1]
  const y = attentionStep({ heads, queries, keys, width, valueWidth }, query.data, now.key.data, now.value.data)
  return [own([...query.shape.slice(0, -1), valueWidth], y), now]
}
