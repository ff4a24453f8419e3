/**
 * Where arrays of single precision live while kernels work on them.
 *
 * Outside of a region a kernel copies its arguments into the arena and its result out of it. Inside of one, results
 * stay: the array that a kernel returns is a view of the arena, and the next kernel reads it where it is. A region is a
 * stack frame, entered and left by `memory/region.ts`, which copies out what survives it. Results that find no room are copied out, as
 * outside of a region; a call that does not fit by itself is left to the reference kernels; `memoryInUse` tells of both.
 *
 * **Why nobody sees a view change.** A part of the arena is used again when the region that filled it has ended, so a view
 * must not outlive its region. Two kinds of functions run inside of one. The library's own (`memory/trust.ts` knows them)
 * keep no array beyond their return: layers and optimisers hold their options, pullbacks end with the step that made them,
 * and the result of the region is copied out. All other functions are called while the region is *suspended*: their
 * arguments are copied out first (`ordinaryArray`), and as the depth is 0 while they run, every kernel and every region in
 * them gives ordinary arrays, which nothing ever writes to. So a view is only ever held by functions that are known to
 * let it go. The parts of the arena below `top` still belong to the suspended region and are not touched meanwhile.
 *
 * Together with `threads.ts`, this is the one place of the library with mutable state. It never shows: which array holds a number does not change
 * the number.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../floats.js'
import { type Arguments, ARENA_BEGIN, instance, isShared } from './instance.js'
import { noteNoRoom, noteRefused } from './memory.js'
import { endInterrupted, type Pieces, run, threadsFor } from './threads.js'

const ALIGNMENT = 16
const PAGE = 2 ** 16

/** The memory as it is now: it is seen through a new buffer when it has grown, and the old ones still show the same memory. */
const seenNow = () => {
  if (instance === undefined) return { floats: new Float32Array(0), integers: new Int32Array(0), end: 0 }
  const { buffer } = instance.memory
  return { floats: new Float32Array(buffer), integers: new Int32Array(buffer), end: buffer.byteLength }
}

let seen = seenNow()
const buffers = new Set<unknown>([seen.floats.buffer])

const arena: { top: number, depth: number, expendable: ReadonlySet<unknown> } = { top: ARENA_BEGIN, depth: 0, expendable: new Set() }

/**
 * How far arrays that stay may reach. Behind them there is room for calls of kernels for which nothing else is left: their arguments are copied
 * in and their results out, as outside of a region.
 */
const stayLimit = instance === undefined ? 0 : instance.limit - Math.min(instance.limit / 4, 2 ** 29)

/** Notes that arrays that stay would reach farther than they may. */
const noteNoPlace = (end: number): void => { noteNoRoom(end + (instance?.limit ?? 0) - stayLimit) }

/** How often at least the same can be appended to an array that has been copied. */
const ROOM = 16

/** Bytes by which the memory grows at least. */
const STEP = 2 ** 24

/** Whether there is memory up to a place, which may let it grow: by at least a quarter, so that it seldom does. */
const reaches = (end: number): boolean => {
  if (end <= seen.end) return true
  if (instance === undefined) return false
  const { limit, memory } = instance
  const grow = (to: number): boolean => {
    try {
      return to <= limit && memory.grow(Math.ceil((to - seen.end) / PAGE)) >= 0
    } catch {
      return false
    }
  }
  if (!isShared(memory) || (!grow(Math.max(end, seen.end * 1.25, seen.end + STEP)) && !grow(end))) {
    noteNoRoom(end)
    return false
  }
  seen = seenNow()
  buffers.add(seen.floats.buffer)
  return true
}

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/** Whether an array is a part of the arena. */
export const resident = (array: unknown): array is Float32Array =>
  array instanceof Float32Array && (array.buffer === seen.floats.buffer || buffers.has(array.buffer))

const view = (start: number, length: number): Float32Array =>
  length === 0 ? new Float32Array(length) : new Float32Array(seen.floats.buffer, start, length)

/** A view of whatever is there. */
const place = (length: number): Float32Array | undefined => {
  const end = arena.top + padded(4 * length)
  if (arena.depth === 0) return undefined
  endInterrupted()
  if (end > stayLimit) noteNoPlace(end)
  if (end > stayLimit || !reaches(end)) {
    noteRefused()
    return undefined
  }
  const array = view(arena.top, length)
  arena.top = end
  return array
}

/** A view of zeros in the arena; undefined outside of a region and where the arena is full. */
export const allocate = (length: number): Float32Array | undefined => {
  const array = place(length)
  if (array !== undefined && length > 0) instance?.kernels.zero(array.byteOffset, 4 * length)
  return array
}

/** What a kernel reads: numbers in single precision, ids, or nothing. */
export type Argument = Float32Array | Int32Array | undefined

/**
 * Runs a kernel on arrays, of which it writes as many as there are lengths. Undefined, with nothing run, where there are no SIMD
 * kernels or the arena is full.
 */
export const call = (
  name: keyof Arguments, reads: readonly Argument[], writes: readonly number[], numbers: readonly number[], pieces: Pieces, scratch: number,
  inPlace = 0
): readonly [FreshFloats[], number | void] | undefined => {
  if (instance === undefined) return undefined
  endInterrupted()
  const { top } = arena
  let end = top
  const args: number[] = []
  let replaced = false
  for (let i = 0; i < writes.length; i++) {
    const old = i < inPlace ? reads[i] : undefined
    if (old !== undefined && arena.expendable.has(old) && old.length === writes[i]) {
      args.push(old.byteOffset)
      replaced = true
    } else {
      args.push(end)
      end += padded(4 * writes[i])
    }
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
  const each = padded(scratch), threads = each === 0 ? threadsFor(pieces) : Math.min(threadsFor(pieces), Math.max(1, Math.floor((instance.limit - end) / each)))
  if (!reaches(end + each * threads)) {
    noteRefused()
    return undefined
  }
  const stays = arena.depth > 0 && kept <= stayLimit
  if (arena.depth > 0 && !stays) {
    noteNoPlace(kept)
    noteRefused()
  }
  if (end > kept)
    for (let i = 0; i < reads.length; i++) {
      const array = reads[i], at = args[writes.length + i]
      if (array === undefined || at < kept) continue
      if (array instanceof Float32Array) seen.floats.set(array, at / 4)
      else seen.integers.set(array, at / 4)
    }
  for (const number of numbers) args.push(number)
  const result = run(name, args, pieces, end, each, threads, !replaced)
  const made = writes.map((length, i) => (stays || (arena.depth > 0 && args[i] < top) ? view(args[i], length) : seen.floats.slice(args[i] / 4, args[i] / 4 + length)))
  if (stays) arena.top = kept
  return [made, result]
}

/** A place with room for more numbers behind those that it holds. */
interface Room {
  filled: number
  readonly capacity: number
}

/** The rooms of the arrays that begin one. */
const rooms = new WeakMap<object, Room>()

const put = (at: number, array: Float32Array): void => {
  if (resident(array)) instance?.kernels.move(at, array.byteOffset, 4 * array.length)
  else seen.floats.set(array, at / 4)
}

/**
 * The numbers of `a` and then those of `b`, in the arena of the current region. If nobody has put anything behind `a` yet and there is
 * room, `b` is put there, which no array shows that was made before; else both are copied, to where there is room for half as much
 * again. So an array that grows is seldom copied. Undefined outside of a region, and where the arena is full.
 */
export const extended = (a: Floats, b: Floats): Float32Array | undefined => {
  if (arena.depth === 0 || !(a instanceof Float32Array && b instanceof Float32Array)) return undefined
  const length = a.length + b.length, room = rooms.get(a)
  if (room !== undefined && room.filled === a.length && length <= room.capacity) {
    put(a.byteOffset + 4 * a.length, b)
    room.filled = length
    const longer = view(a.byteOffset, length)
    rooms.set(longer, room)
    return longer
  }
  const whole = place(length + Math.max(Math.ceil(length / 2), ROOM * b.length))
  if (whole === undefined || length === 0) return whole?.subarray(0, 0)
  put(whole.byteOffset, a)
  put(whole.byteOffset + 4 * a.length, b)
  const array = view(whole.byteOffset, length)
  rooms.set(array, { filled: length, capacity: whole.length })
  return array
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

/**
 * `f()`, in which a kernel that can may write over these arrays: nobody else holds them, and nobody reads them any more. Ordinary
 * arrays, and arrays that are there twice, are never written to.
 */
export const expending = <A>(arrays: readonly Floats[], f: () => A): A => {
  const before = arena.expendable, places = new Map<number, number>()
  const inside = arrays.filter(resident).filter(({ length }) => length > 0)
  for (const { byteOffset } of inside) places.set(byteOffset, (places.get(byteOffset) ?? 0) + 1)
  arena.expendable = new Set(inside.filter(({ byteOffset }) => places.get(byteOffset) === 1))
  try {
    return f()
  } finally {
    arena.expendable = before
  }
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
  // Moved towards the mark in the order of their places, no array is overwritten before it has moved. Of those that begin at one
  // place, which a room has from time to time, the longest comes first.
  const moved = new Map<Floats, Float32Array>()
  let from = -1, to = mark, room: Room | undefined
  arena.top = mark
  for (const array of survivors.filter(inside).sort((x, y) => x.byteOffset - y.byteOffset || y.length - x.length)) {
    if (array.byteOffset !== from) {
      from = array.byteOffset
      to = arena.top
      room = rooms.get(array)
      if (to !== from) {
        instance?.kernels.move(to, from, 4 * array.length)
        room = room && { filled: array.length, capacity: room.capacity }
      }
      arena.top += padded(4 * (room?.capacity ?? array.length))
    }
    if (to === from) continue
    const there = view(to, array.length)
    if (room !== undefined) rooms.set(there, room)
    moved.set(array, there)
  }
  return survivors.map(array => moved.get(array) ?? array)
}

/** Leaves a region that ends in an error. */
export const abandon = (mark: number): void => {
  arena.depth--
  arena.top = mark
}
