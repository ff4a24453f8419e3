/**
 * Which functions may work in a region, and how all others are called.
 *
 * In a region a kernel's result is a view of memory that is used again when the region ends. The library's own functions
 * never keep one, so they are *trusted*. Whatever else is called (a layer, a loss, a sampler that somebody wrote, or one of
 * ours with a function of theirs inside) is called *outside*: what it receives is copied out of the arena, and while it runs
 * there is no region, so what it computes and keeps is ordinary. That costs something only where such a function stands.
 *
 * Trust belongs to a function and not to the record that holds it: `{ ...softmax, forward: mine }` is trusted in part.
 *
 * @module
 */
import { ordinaryArray, suspended } from '../kernels/simd/arena.js'
import { mapTensors } from './values.js'

// A register of functions by identity. It grows only by what the library itself makes, and asking changes nothing.
const ours = new WeakSet<object>()

/** Says that the functions of a record, or a function, keep nothing that they compute or receive. */
export const trusted = <A extends object>(value: A): A => {
  if (typeof value === 'function') ours.add(value)
  else for (const f of Object.values(value)) if (typeof f === 'function') ours.add(f as object) // a function is an object
  return value
}

export const isTrusted = (f: object): boolean => ours.has(f)

/** The same value with ordinary tensors: what lies in the arena is copied, once. */
export const ordinary: <A>(value: A) => A = mapTensors(x => {
  const data = ordinaryArray(x.data)
  return data === x.data ? x : { ...x, data }
})

/** `f()` without a region: what it computes is ordinary. */
export const outside: <A>(f: () => A) => A = suspended

/**
 * A function of a record: itself if it is trusted; else a function that calls it there, outside and on ordinary values.
 * Throws `TypeError` if there is none.
 */
export const guardedMethod = <R extends object, K extends keyof R & string>(record: R, name: K): NonNullable<R[K]> => {
  const f = record[name]
  if (typeof f !== 'function') throw new TypeError(`expected a function "${name}", got ${typeof f}`)
  if (isTrusted(f)) return f
  const call = (...args: readonly unknown[]): unknown => outside((): unknown => Reflect.apply(f, record, ordinary(args)))
  // It takes and gives what the function does, for which TypeScript has no words if that is generic.
  return call as NonNullable<R[K]>
}

/** A function itself if it is trusted; else the same function, called outside and on ordinary values. */
export const guarded = <F extends object>(f: F): F => guardedMethod({ f }, 'f')
