/**
 * The tensors in a value: a tensor, or a plain record or array of values. Anything else (a `Map`, an instance of a class, a
 * function) is made by user code, holds ordinary tensors only, and is left alone.
 *
 * @module
 */
import { isTensor, type Tensor } from '../tensor/tensor.js'

const isPlain = (value: object): boolean => {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const isNode = (value: unknown): value is object => typeof value === 'object' && value !== null && isPlain(value)

/** Every tensor in a value. */
export const tensorsIn = (value: unknown): readonly Tensor[] => {
  if (isTensor(value)) return [value]
  return isNode(value) ? Object.values(value).flatMap(tensorsIn) : []
}

const mapValue = (f: (x: Tensor) => Tensor, value: unknown): unknown => {
  if (isTensor(value)) return f(value)
  if (!isNode(value)) return value
  const entries = Object.entries(value)
  const children = entries.map(([, child]) => mapValue(f, child))
  // A property that is computed when it is read gives another value each time, so what holds one is rebuilt.
  const changed = entries.some(([key, child], i) => child !== children[i] || Object.getOwnPropertyDescriptor(value, key)?.get !== undefined)
  if (!changed) return value
  return Array.isArray(value) ? children : Object.fromEntries(entries.map(([key], i) => [key, children[i]]))
}

/** The same value with another tensor at every place; itself if nothing changes. Deferred parts are computed, once. */
export const mapTensors = (f: (x: Tensor) => Tensor) => <A>(value: A): A =>
  mapValue(f, value) as A // the same type, which a recursion over keys cannot show
