/**
 * The chain rule with counted products: dz J₂ J₁, bracketed in one way or the other.
 */
import { pipe } from 'fp-ts/lib/function.js'
import { andThen, linear, named, random, ShapeError, tensor, type Tensor } from 'pullback'

/** Entries of x, of y = f(x), and of z = g(y). */
export interface Sizes { readonly x: number, readonly y: number, readonly z: number }

/** Which product comes first, or the two Jacobians in the order of the functions. */
export type Order = 'backward' | 'forward' | 'wrong'

const whole = (rows: number, columns: number, seed: number): Tensor =>
  tensor.fromArray([rows, columns], tensor.toArray(random.integers([rows, columns], -2, 3)(random.key(seed))), 'float64')

/** The gradient at the end, and the Jacobians of two linear layers: those are their weights, transposed. */
export const factorsOf = ({ x, y, z }: Sizes) => ({ dz: whole(1, z, 1), second: whole(z, y, 5), first: whole(y, x, 3) })

interface Product { readonly value: Tensor, readonly multiplications: number }

/** A matrix product, and how many numbers are multiplied for it: one for each entry of the result and each term of its sum. */
const times = (a: Product, b: Product): Product => ({
  value: tensor.matmul(b.value)(a.value),
  multiplications: a.multiplications + b.multiplications + a.value.shape[0] * a.value.shape[1] * b.value.shape[1]
})

const given = (value: Tensor): Product => ({ value, multiplications: 0 })

export type Outcome =
  | { readonly fits: true, readonly dx: readonly number[], readonly multiplications: number }
  | { readonly fits: false, readonly left: number, readonly right: number, readonly where: 'dz and J₁' | 'dz J₁ and J₂' }

export const pulledIn = (order: Order, sizes: Sizes): Outcome => {
  const factors = factorsOf(sizes), dz = given(factors.dz), second = given(factors.second), first = given(factors.first)
  try {
    const { value, multiplications } = order === 'backward' ? times(times(dz, second), first)
      : order === 'forward' ? times(dz, times(second, first))
        : times(times(dz, first), second)
    return { fits: true, dx: tensor.toArray(value), multiplications }
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error
    return sizes.z === sizes.y
      ? { fits: false, left: sizes.x, right: sizes.z, where: 'dz J₁ and J₂' }
      : { fits: false, left: sizes.z, right: sizes.y, where: 'dz and J₁' }
  }
}

/** What the library's composition of the two layers pulls back. */
export const ofLibrary = (sizes: Sizes): readonly number[] => {
  const { dz, second, first } = factorsOf(sizes)
  const model = pipe(linear, named('f'), andThen('g', linear))
  const layerOf = (jacobian: Tensor) => ({ weight: tensor.transpose(jacobian), bias: tensor.zeros([jacobian.shape[0]], 'float64') })
  const [, pullback] = model.vjp({ f: layerOf(first), g: layerOf(second) }, tensor.zeros([1, sizes.x], 'float64'))
  return tensor.toArray(pullback(dz).input)
}
