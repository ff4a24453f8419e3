import { noParams, tensor, type Layer, type Memory, type NoParams, type Tensor } from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import fc from 'fast-check'
import type { Bug } from './bug.js'

type Step = NonNullable<Layer<NoParams, Tensor, Tensor>['step']>

const points = { params: fc.constant(noParams), input: arbitrary.tensorOf([5, 3]) }

/** Row t is the sum of the rows up to t. */
const sums = (x: Tensor): Tensor => {
  const width = x.shape[1], y: number[] = []
  for (let i = 0; i < x.data.length; i++) y.push(x.data[i] + (i < width ? 0 : y[i - width]))
  return tensor.fromArray(x.shape, y, tensor.precisionOf(x))
}

/** Sums of all positions up to each, which remember the positions themselves; `append` and `seen` can be wrong. */
const stepping = (append: (x: Tensor, more: Tensor) => Tensor, seen = (memory: Memory): Memory => memory): Layer<NoParams, Tensor, Tensor> => {
  const step: Step = (_, memory, x) => {
    const before = seen(memory), now = tensor.isTensor(before) ? append(before, x) : x
    return [tensor.lastRows(x.shape[0])(sums(now)), now]
  }
  return { forward: (_, x) => sums(x), vjp: (_, x) => [sums(x), dy => ({ params: noParams, input: dy })], step }
}

const right = (x: Tensor, more: Tensor): Tensor => tensor.appendRows(more)(x)

/** Room behind every array that it has made, without looking whether something is there. */
const overwriting = (): ((x: Tensor, more: Tensor) => Tensor) => {
  const rooms = new WeakMap<object, Float64Array>()
  return (x, more) => {
    const room = rooms.get(x.data) ?? new Float64Array(100)
    if (!rooms.has(x.data)) room.set(Array.from(x.data))
    room.set(Array.from(more.data), x.data.length)
    rooms.set(x.data, room)
    const data = room.subarray(0, x.data.length + more.data.length)
    rooms.set(data, room)
    return { ...x, shape: [x.shape[0] + more.shape[0], x.shape[1]], data }
  }
}

const stepBug = (bug: string, caughtBy: string, layer: Layer<NoParams, Tensor, Tensor>): Bug => ({ bug, caughtBy, laws: laws.stepping(layer, points) })

export const readingBugs: readonly Bug[] = [
  stepBug('a step that appends over what another continuation wrote', 'memory is a value', stepping(overwriting())),
  stepBug('a step that writes to its memory', 'memory is a value', stepping((x, more) => {
    const data = x.data as Float64Array // the planted mistake: a write through the read-only view
    data[0] += 1
    return right({ ...x, data: data.slice() }, more)
  })),
  stepBug('a step that forgets', 'reading in pieces', stepping(right, () => undefined)),
  stepBug('a step that puts new positions before the old ones', 'reading in pieces', stepping((x, more) => right(more, x))),
  stepBug('a first step that is not forward', 'the first step is forward', { ...stepping(right), forward: (_, x) => tensor.scale(1 + 1e-15)(sums(x)) }),
  stepBug('the first position as the last one', 'the last position', {
    ...stepping(right), last: (_, __, x) => [tensor.slice(0, 1)(sums(x)), x]
  })
]
