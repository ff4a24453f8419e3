/**
 * Regions: `region(f)` is `f()`, computed without copying arrays between kernels.
 *
 * @module
 */
import { abandon, enter, leave, settle } from '../kernels/simd/arena.js'
import type { Floats } from '../kernels/floats.js'
import { isTensor, type Tensor } from '../tensor/tensor.js'
import { map } from './tree.js'

/** Every tensor in a value: a tensor, or a record or array of values. */
const tensorsOf = (value: unknown): readonly Tensor[] => {
  if (isTensor(value)) return [value]
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) ? Object.values(value).flatMap(tensorsOf) : []
}

/** The same data with every deferred part computed, once. */
const computed = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || isTensor(value) || ArrayBuffer.isView(value)) return value
  return Array.isArray(value)
    ? value.map(computed)
    : Object.fromEntries(Object.entries(value).map(([key, child]) => [key, computed(child)]))
}

const withArrays = (value: unknown, arrays: ReadonlyMap<Floats, Floats>): unknown => {
  if (isTensor(value)) {
    const data = arrays.get(value.data)
    return data === undefined || data === value.data ? value : { ...value, data }
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  return Array.isArray(value)
    ? value.map(child => withArrays(child, arrays))
    : Object.fromEntries(Object.entries(value).map(([key, child]) => [key, withArrays(child, arrays)]))
}

/** Leaves a region with a result, which takes its place in memory from `mark` on, or outside of it. */
const leaveWith = <A>(mark: number, result: A): A => {
  const arrays = tensorsOf(result).map(({ data }) => data)
  const moved = leave(mark, arrays)
  // The same value with its tensors elsewhere, which a recursion over keys cannot show.
  return withArrays(result, new Map(arrays.map((array, i) => [array, moved[i]]))) as A
}

/** Runs `f` in a region, and moves its result to `mark`, by default to where the region began. */
const inside = <A>(f: () => A, mark?: number): A => {
  const begin = enter()
  let result: A
  try {
    result = computed(f()) as A // the same type, which a recursion over keys cannot show
  } catch (error) {
    abandon(begin)
    throw error
  }
  return leaveWith(mark ?? begin, result)
}

/**
 * `f()`. While it runs, results of kernels stay in their memory; what it returns is moved out of it. The result must be
 * data, numbers and tensors in records and arrays, since a function could keep what ends with the region.
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
  return leaveWith(begin, current)
}

/** The same tree, copied to where kernels read it without copying, for the rest of the current region. */
export const settled: <P>(tree: P) => P = map(leaf => ({ ...leaf, data: settle(leaf.data) }))
