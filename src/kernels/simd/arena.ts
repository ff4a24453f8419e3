/**
 * Where arrays of single precision live while kernels work on them.
 *
 * Outside of a region a kernel copies its arguments into the arena and its result out of it. Inside of one, results
 * stay: the array that a kernel returns is a view of the arena, and the next kernel reads it where it is. A region is a
 * stack frame, entered and left by `memory/region.ts`, which copies out what survives it. What does not fit is left to the
 * reference kernels and ordinary arrays.
 *
 * **Why nobody sees a view change.** A part of the arena is used again when the region that filled it has ended, so a view
 * must not outlive its region. Two kinds of functions run inside of one. The library's own (`memory/trust.ts` knows them)
 * keep no array beyond their return: layers and optimisers hold their options, pullbacks end with the step that made them,
 * and the result of the region is copied out. All other functions are called while the region is *suspended*: their
 * arguments are copied out first (`ordinaryArray`), and as the depth is 0 while they run, every kernel and every region in
 * them gives ordinary arrays, which nothing ever writes to. So a view is only ever held by functions that are known to
 * let it go. The parts of the arena below `top` still belong to the suspended region and are not touched meanwhile.
 *
 * This is the one place of the library with mutable state. It never shows: which array holds a number does not change
 * the number.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'
import { type Arguments, ARENA_BEGIN, instance } from './instance.js'

/** How many pieces a kernel may be cut into. */
export interface Pieces {
  readonly count: number
  /** About how many multiplications, or as much work, there are in all. */
  readonly work: number
}

const ALIGNMENT = 16
const whole = instance === undefined ? undefined : new Float32Array(instance.memory.buffer)
const wholeIntegers = instance === undefined ? undefined : new Int32Array(instance.memory.buffer)
const END = instance === undefined ? 0 : instance.memory.buffer.byteLength

const arena = { top: ARENA_BEGIN, depth: 0 }

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

const resident = (array: unknown): array is Float32Array =>
  array instanceof Float32Array && whole !== undefined && array.buffer === whole.buffer

const view = (start: number, length: number): Float32Array =>
  whole === undefined || length === 0 ? new Float32Array(length) : whole.subarray(start / 4, start / 4 + length)

/** A view of whatever is there. */
const place = (length: number): Float32Array | undefined => {
  const end = arena.top + padded(4 * length)
  if (arena.depth === 0 || end > END) return undefined
  const array = view(arena.top, length)
  arena.top = end
  return array
}

/** A view of zeros in the arena; undefined outside of a region and where the arena is full. */
export const allocate = (length: number): Float32Array | undefined => place(length)?.fill(0)

/** What a kernel reads: numbers in single precision, ids, or nothing. */
export type Argument = Float32Array | Int32Array | undefined

/**
 * Runs a kernel on arrays, of which it writes as many as there are lengths. Undefined, with nothing run, where there are no SIMD
 * kernels or the arena is full.
 */
export const call = (
  name: keyof Arguments, reads: readonly Argument[], writes: readonly number[], numbers: readonly number[], { count }: Pieces, scratch: number
): readonly [FreshFloats[], number | void] | undefined => {
  if (instance === undefined || whole === undefined || wholeIntegers === undefined) return undefined
  let end = arena.top
  const args: number[] = []
  for (const length of writes) {
    args.push(end)
    end += padded(4 * length)
  }
  const kept = end
  for (const array of reads) {
    if (array === undefined) args.push(0)
    else if (resident(array)) args.push(array.byteOffset)
    else {
      args.push(end)
      end += padded(4 * array.length)
    }
  }
  if (end + scratch > END) return undefined
  for (const [i, array] of reads.entries()) {
    const at = args[writes.length + i]
    if (array === undefined || at < kept) continue
    if (array instanceof Float32Array) whole.set(array, at / 4)
    else wholeIntegers.set(array, at / 4)
  }
  const places = args.slice(0, writes.length)
  args.push(...numbers, 0, count, end)
  const result = instance.kernels[name](...args)
  if (arena.depth === 0) return [places.map((at, i) => whole.slice(at / 4, at / 4 + writes[i])), result]
  arena.top = kept
  return [places.map((at, i) => view(at, writes[i])), result]
}

/** The ordinary array with the numbers of a view. A view's numbers do not change while anybody can reach it. */
const ordinaryOf = new WeakMap<Floats, Float32Array>()

/** A copy in the arena of the current region; the array itself where it is there, or cannot be. */
export const settle = (array: Floats): Floats => {
  if (arena.depth === 0 || resident(array) || !(array instanceof Float32Array)) return array
  const copy = place(array.length)
  if (copy === undefined) return array
  copy.set(array)
  ordinaryOf.set(copy, array)
  return copy
}

/** An array outside of the arena with the same numbers: the array itself, the one that was settled, or a copy. */
export const ordinaryArray = (array: Floats): Floats => {
  if (!resident(array)) return array
  const known = ordinaryOf.get(array)
  if (known !== undefined) return known
  const copy = new Float32Array(array)
  ordinaryOf.set(array, copy)
  return copy
}

/** `f()` as if there were no region: what it computes lies in ordinary arrays. */
export const suspended = <A>(f: () => A): A => {
  const { depth } = arena
  if (depth === 0) return f()
  arena.depth = 0
  try {
    return f()
  } finally {
    arena.depth = depth
  }
}

/** Enters a region. */
export const enter = (): number => {
  arena.depth++
  return arena.top
}

/**
 * Leaves a region, and gives the arrays that survive it a place outside: ordinary arrays where this was the outermost
 * region, the beginning of its own part of the arena otherwise. Returns the new arrays in the order of the old ones.
 */
export const leave = (mark: number, survivors: readonly Floats[]): readonly Floats[] => {
  arena.depth--
  // An empty array shares its place with the array behind it; it holds nothing to move.
  const inside = (array: Floats): array is Float32Array => array.length > 0 && resident(array) && array.byteOffset >= mark
  if (arena.depth === 0) {
    arena.top = mark
    return survivors.map(array => (inside(array) ? ordinaryArray(array) : array))
  }
  // Moved towards the mark in the order of their places, no array is overwritten before it has moved.
  const moved = new Map<number, Float32Array>()
  arena.top = mark
  for (const array of survivors.filter(inside).sort((a, b) => a.byteOffset - b.byteOffset)) {
    if (moved.has(array.byteOffset)) continue
    whole?.copyWithin(arena.top / 4, array.byteOffset / 4, array.byteOffset / 4 + array.length)
    moved.set(array.byteOffset, view(arena.top, array.length))
    arena.top += padded(4 * array.length)
  }
  return survivors.map(array => (inside(array) ? moved.get(array.byteOffset) ?? array : array))
}

/** Leaves a region that ends in an error. */
export const abandon = (mark: number): void => {
  arena.depth--
  arena.top = mark
}
