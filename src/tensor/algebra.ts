/**
 * The algebra of tensors: functions of tensors that return new tensors, data last.
 *
 * @module
 */
import type * as E from 'fp-ts/lib/Eq.js'
import * as kernel from '../kernels/algebra.js'
import { anyNumber, check, functions, precisions, show } from './domain.js'
import { sameShape, sizeOf } from './shape.js'
import {
  checkAlike, checkTensor, freshFor, fromArray, isTensor, isTokens, type Nested, own, type Precision, precisionOf, type Tensor, type Tokens
} from './tensor.js'

/**
 * $y_i = f(x_i)$.
 *
 * @example
 * tensor.toArray(tensor.map(x => x * x)(tensor.of([1, 2, 3]))) // [1, 4, 9]
 *
 * @category entry by entry
 */
export const map = (f: (x: number) => number): ((x: Tensor) => Tensor) => {
  check('tensor.map', 'f', functions, f)
  return x => {
    checkTensor('tensor.map', 'x', x)
    const y = freshFor(x, x.data.length)
    for (let i = 0; i < y.length; i++) y[i] = f(x.data[i])
    return own(x.shape, y)
  }
}

/**
 * $z_i = f(x_i, y_i)$ for two tensors of one shape; `x` is the last argument.
 * Throws `ShapeError` if the shapes differ.
 *
 * @example
 * tensor.toArray(tensor.zipWith(tensor.of([3, 4]), Math.max)(tensor.of([1, 5]))) // [3, 5]
 *
 * @category entry by entry
 */
export const zipWith = (y: Tensor, f: (x: number, y: number) => number) => (x: Tensor): Tensor => {
  check('tensor.zipWith', 'f', functions, f)
  checkAlike('tensor.zipWith', x, y)
  const z = freshFor(x, x.data.length)
  for (let i = 0; i < z.length; i++) z[i] = f(x.data[i], y.data[i])
  return own(x.shape, z)
}

/**
 * $x + y$. Throws `ShapeError` if the shapes differ.
 *
 * @example
 * tensor.toArray(pipe(tensor.of([1, 2]), tensor.add(tensor.of([10, 20])))) // [11, 22]
 *
 * @category entry by entry
 */
export const add = (y: Tensor) => (x: Tensor): Tensor => {
  checkAlike('tensor.add', x, y)
  return own(x.shape, kernel.add(x.data, y.data))
}

/**
 * $x - y$, where `x` is the last argument. Throws `ShapeError` if the shapes differ.
 *
 * @example
 * tensor.toArray(pipe(tensor.of([10, 20]), tensor.subtract(tensor.of([1, 2])))) // [9, 18]
 *
 * @category entry by entry
 */
export const subtract = (y: Tensor) => (x: Tensor): Tensor => {
  checkAlike('tensor.subtract', x, y)
  return own(x.shape, kernel.subtract(x.data, y.data))
}

/**
 * $x \odot y$, the product entry by entry. Throws `ShapeError` if the shapes differ.
 *
 * @example
 * tensor.toArray(pipe(tensor.of([1, 2]), tensor.multiply(tensor.of([10, 20])))) // [10, 40]
 *
 * @category entry by entry
 */
export const multiply = (y: Tensor) => (x: Tensor): Tensor => {
  checkAlike('tensor.multiply', x, y)
  return own(x.shape, kernel.multiply(x.data, y.data))
}

/**
 * $s x$ for a number $s$.
 *
 * @example
 * tensor.toArray(tensor.scale(3)(tensor.of([1, 2]))) // [3, 6]
 *
 * @category entry by entry
 */
export const scale = (s: number): ((x: Tensor) => Tensor) => {
  check('tensor.scale', 's', anyNumber, s)
  return x => {
    checkTensor('tensor.scale', 'x', x)
    return own(x.shape, kernel.scale({ n: x.data.length, factor: s }, x.data))
  }
}

/**
 * The sum of all entries, accumulated in double precision.
 *
 * @example
 * tensor.sum(tensor.of([[1, 2], [3, 4]])) // 10
 *
 * @category folds
 */
export const sum = (x: Tensor): number => {
  checkTensor('tensor.sum', 'x', x)
  return kernel.sum({ n: x.data.length }, x.data)
}

/**
 * $\langle x, y\rangle = \sum_i x_i y_i$. Throws `ShapeError` if the shapes differ.
 *
 * @example
 * tensor.dot(tensor.of([1, 2]))(tensor.of([3, 4])) // 11
 *
 * @category folds
 */
export const dot = (y: Tensor) => (x: Tensor): number => {
  checkAlike('tensor.dot', x, y)
  return kernel.dot({ n: x.data.length }, x.data, y.data)
}

/**
 * $\lVert x \rVert = \sqrt{\langle x, x\rangle}$.
 *
 * @example
 * tensor.norm(tensor.of([3, 4])) // 5
 *
 * @category folds
 */
export const norm = (x: Tensor): number => {
  checkTensor('tensor.norm', 'x', x)
  return Math.sqrt(kernel.dot({ n: x.data.length }, x.data, x.data))
}

/**
 * The entry at the given position, one index for each axis.
 * Throws `RangeError` if the indices do not name an entry.
 *
 * @example
 * tensor.at(1, 0)(tensor.of([[1, 2], [3, 4]])) // 3
 *
 * @category elements
 */
export const at = (...indices: readonly number[]) => (x: Tensor): number => {
  checkTensor('tensor.at', 'x', x)
  const inside = indices.length === x.shape.length
    && indices.every((index, axis) => Number.isInteger(index) && index >= 0 && index < x.shape[axis])
  if (!inside) throw new RangeError(`tensor.at: expected an index within [${x.shape.join(', ')}], got [${indices.join(', ')}]`)
  return x.data[indices.reduce((offset, index, axis) => offset * x.shape[axis] + index, 0)]
}

const checkEntries = (operation: string, x: Tensor | Tokens): void => {
  if (!isTensor(x) && !isTokens(x)) throw new TypeError(`${operation}: expected x to be a tensor or tokens, got ${show(x)}`)
}

/**
 * The entries in row-major order as an ordinary array.
 *
 * @example
 * tensor.toArray(tensor.of([[1, 2], [3, 4]])) // [1, 2, 3, 4]
 *
 * @category conversions
 */
export const toArray = (x: Tensor | Tokens): readonly number[] => {
  checkEntries('tensor.toArray', x)
  return Array.from(x.data)
}

/**
 * The entries in nested arrays, one level for each axis; the inverse of `of`.
 *
 * @example
 * tensor.toNested(tensor.of([[1, 2], [3, 4]])) // [[1, 2], [3, 4]]
 *
 * @category conversions
 */
export const toNested = (x: Tensor | Tokens): Nested => {
  checkEntries('tensor.toNested', x)
  const nest = (axis: number, offset: number): Nested => {
    if (axis === x.shape.length) return x.data[offset]
    const width = sizeOf(x.shape.slice(axis + 1))
    return Array.from({ length: x.shape[axis] }, (_, i) => nest(axis + 1, offset + i * width))
  }
  return nest(0, 0)
}

/**
 * The same numbers in another precision, rounded to nearest if it is the lower one.
 * Throws `RangeError` for a precision that there is not.
 *
 * @example
 * tensor.precisionOf(tensor.cast('float64')(tensor.of([1, 2]))) // 'float64'
 *
 * @category conversions
 */
export const cast = (precision: Precision): ((x: Tensor) => Tensor) => {
  check('tensor.cast', 'precision', precisions, precision)
  return x => {
    checkTensor('tensor.cast', 'x', x)
    return precisionOf(x) === precision ? x : fromArray(x.shape, x.data, precision)
  }
}

/**
 * Equal shape, equal precision and equal entries. As the laws of an equivalence demand, a NaN equals a NaN;
 * +0 equals −0.
 *
 * @example
 * tensor.Eq.equals(tensor.of([1, 2]), tensor.of([1, 2])) // true
 * tensor.Eq.equals(tensor.of([1, 2]), tensor.of([[1, 2]])) // false
 *
 * @category instances
 */
export const Eq: E.Eq<Tensor> = {
  equals: (x, y) => {
    if (!sameShape(x.shape, y.shape) || precisionOf(x) !== precisionOf(y)) return false
    for (let i = 0; i < x.data.length; i++) {
      const a = x.data[i], b = y.data[i]
      if (a !== b && !(Number.isNaN(a) && Number.isNaN(b))) return false
    }
    return true
  }
}
