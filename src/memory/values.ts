/**
 * The tensors in a value: a tensor, or a plain record or array of values. Anything else (a `Map`, an instance of a class, a
 * function) is made by user code, holds ordinary tensors only, and is left alone.
 *
 * @module
 */
import { isTensor, type Tensor } from '../tensor/tensor.js'

const isRecord = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const isNode = (value: unknown): value is object => typeof value === 'object' && value !== null

const collect = (found: Tensor[], value: unknown): void => {
  if (!isNode(value)) return
  if (isTensor(value)) found.push(value)
  else if (Array.isArray(value)) for (const child of value) collect(found, child)
  else if (isRecord(value)) for (const child of Object.values(value)) collect(found, child)
}

/** Every tensor in a value. */
export const tensorsIn = (value: unknown): readonly Tensor[] => {
  const found: Tensor[] = []
  collect(found, value)
  return found
}

const mapList = (f: (x: Tensor) => Tensor, list: readonly unknown[]): readonly unknown[] => {
  let changed: unknown[] | undefined
  for (let i = 0; i < list.length; i++) {
    if (!isNode(list[i])) continue
    const child = mapValue(f, list[i])
    if (child !== list[i]) (changed ??= list.slice())[i] = child
  }
  return changed ?? list
}

const mapRecord = (f: (x: Tensor) => Tensor, record: object): object => {
  const keys = Object.keys(record), children: unknown[] = []
  let changed = false
  for (const key of keys) {
    const child: unknown = (record as Readonly<Record<string, unknown>>)[key], next = mapValue(f, child) // a key of its own
    children.push(next)
    // A property that is computed when it is read gives another value each time, so what holds one is rebuilt.
    changed ||= next !== child || Object.getOwnPropertyDescriptor(record, key)?.get !== undefined
  }
  return changed ? Object.fromEntries(keys.map((key, i) => [key, children[i]])) : record
}

const mapValue = (f: (x: Tensor) => Tensor, value: unknown): unknown => {
  if (!isNode(value)) return value
  if (isTensor(value)) return f(value)
  if (Array.isArray(value)) return mapList(f, value)
  return isRecord(value) ? mapRecord(f, value) : value
}

/** The same value with another tensor at every place; itself if nothing changes. Deferred parts are computed, once. */
export const mapTensors = (f: (x: Tensor) => Tensor) => <A>(value: A): A =>
  mapValue(f, value) as A // the same type, which a recursion over keys cannot show
