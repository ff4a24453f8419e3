/**
 * Regions: `region(f)` is `f()`, computed without copying arrays between kernels.
 *
 * @module
 */
import { abandon, enter, expending, leave, settle } from '../kernels/simd/arena.js'
import type { Floats } from '../kernels/floats.js'
import type { Tensor } from '../tensor/tensor.js'
import { map } from '../tree/tree.js'
import { mapTensors, tensorsIn } from './values.js'

/** Leaves a region with a result, which takes its place in memory from `mark` on, or outside of it. */
const leaveWith = <A>(mark: number, result: A, tensors: readonly Tensor[]): A => {
  const arrays = tensors.map(({ data }) => data)
  const moved = leave(mark, arrays)
  if (moved.every((array, i) => array === arrays[i])) return result
  const places = new Map<Floats, Floats>(arrays.map((array, i) => [array, moved[i]]))
  return mapTensors(x => {
    const data = places.get(x.data) ?? x.data
    return data === x.data ? x : { ...x, data }
  })(result)
}

/** Runs `f` in a region, and moves its result to `mark`, by default to where the region began. */
const inside = <A>(f: () => A, mark?: number): A => {
  const begin = enter(), tensors: Tensor[] = []
  let result: A
  try {
    // What is deferred is computed now, once.
    result = mapTensors(x => {
      tensors.push(x)
      return x
    })(f())
  } catch (error) {
    abandon(begin)
    throw error
  }
  return leaveWith(mark ?? begin, result, tensors)
}

/**
 * `f()`. While it runs, results of kernels stay in their memory; what it returns is moved out of it. The result must be
 * data, numbers and tensors in records and arrays, since a function could keep what ends with the region. What user code
 * puts beside them is ordinary and stays as it is.
 */
export const region = <A>(f: () => A): A => inside(f)

/**
 * The last state of a loop that goes on as long as `step` gives a new one. Each state takes the place of the one before
 * it, so a loop of any length needs the memory of one step.
 */
export const regionLoop = <S>(initial: S, step: (state: S) => S | undefined): S => {
  const begin = enter()
  let current = initial
  try {
    for (let next = inside(() => step(current), begin); next !== undefined; next = inside(() => step(current), begin)) current = next
  } catch (error) {
    abandon(begin)
    throw error
  }
  return leaveWith(begin, current, tensorsIn(current))
}

/** The same tree, copied to where kernels read it without copying, for the rest of the current region. */
export const settled: <P>(tree: P) => P = map(leaf => ({ ...leaf, data: settle(leaf.data) }))

/** The same for a value that may hold anything besides: what is no tensor stays as it is. */
export const settledValue: <A>(value: A) => A = mapTensors(x => ({ ...x, data: settle(x.data) }))

/** `f()`, in which kernels may write over the tensors of a value that nobody else holds, and nobody reads any more. */
export const overwriting = <A>(value: unknown, f: () => A): A => expending(tensorsIn(value).map(({ data }) => data), f)
