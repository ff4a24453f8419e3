/**
 * Kernels of one array as functions of a tensor.
 *
 * @module
 */
import type { Floats, FreshFloats } from '../kernels/floats.js'
import { checkTensor, own, type Tensor } from '../tensor/tensor.js'

/** A kernel that works entry by entry, as a function of a tensor. Throws `TypeError` for anything else. */
export const entries = (operation: string, kernel: (x: Floats) => FreshFloats) => (x: Tensor): Tensor => {
  checkTensor(operation, 'x', x)
  return own(x.shape, kernel(x.data))
}

/** A kernel that gives two arrays, such as a value and a slope, as a function of a tensor. */
export const pairs = (operation: string, kernel: (x: Floats) => readonly [FreshFloats, FreshFloats]) =>
  (x: Tensor): readonly [Tensor, Tensor] => {
    checkTensor(operation, 'x', x)
    const [y, z] = kernel(x.data)
    return [own(x.shape, y), own(x.shape, z)]
  }
