/**
 * Matrix products.
 *
 * @module
 */
import type { Floats, FreshFloats } from './floats.js'
import { kernel } from './kernel.js'
import * as reference from './reference/gemm.js'
import { instance } from './simd/instance.js'

export type Gemm = reference.Gemm

const scratch = instance?.kernels.gemmScratchBytes.value ?? 0

/** Rows and columns of a piece of C, as `assembly/gemm.ts` cuts it: fewer columns where there are few rows. */
const ROWS = 24
const COLUMNS = 256
const FEW = 5
const FEW_COLUMNS = 64
/** With few rows the time is that of reading B: as long as so many multiplications for each of its numbers. */
const READING = 4

const flag = (value: boolean): 0 | 1 => (value ? 1 : 0)

/**
 * $C_b = \mathrm{op}(A_b)\,\mathrm{op}(B_b)$ for every $b$ of the batch, where op is the identity or the transposition; a row is added
 * to every row of the products if there is one.
 */
const products = kernel('matmul', (sizes: Gemm, reads: readonly [a: Floats, b: Floats, row: Floats | undefined], writes: readonly [c: FreshFloats]) => reference.gemm(sizes, reads, writes))({
  reads: ({ batch, m, n, k }: Gemm) => [batch * m * k, batch * k * n, n],
  writes: ({ batch, m, n }) => [batch * m * n],
  numbers: ({ batch, m, n, k, transposeA, transposeB }) => [batch, m, n, k, flag(transposeA), flag(transposeB)],
  scratch: () => scratch,
  pieces: ({ batch, m, n, k }) => (m < FEW
    ? { count: batch * Math.ceil(n / FEW_COLUMNS), work: batch * n * k * (READING + m) }
    : { count: batch * Math.ceil(m / ROWS) * Math.ceil(n / COLUMNS), work: batch * m * n * k }),
  fast: 'gemm'
})

/** $C_b = \mathrm{op}(A_b)\,\mathrm{op}(B_b)$ */
export const gemm = Object.assign(
  (sizes: Gemm, a: Floats, b: Floats) => products(sizes, a, b, undefined),
  { reference: (sizes: Gemm, a: Floats, b: Floats) => products.reference(sizes, a, b, undefined) })

/** $C = \mathrm{op}(A)\,\mathrm{op}(B) + \mathbf 1 r^\top$: a row added to every row of the product. */
export const affine: typeof products & ((sizes: Gemm, a: Floats, b: Floats, row: Floats) => FreshFloats) = products

/** $C = C_0 + \mathrm{op}(A)\,\mathrm{op}(B)$, which may take the place of $C_0$: a product that is summed over blocks of its inner index. */
export const addGemm = kernel('addGemm', reference.addGemm)({
  reads: ({ m, n, k }: reference.Product) => [m * n, m * k, k * n],
  writes: ({ m, n }) => [m * n],
  numbers: ({ m, n, k, transposeA, transposeB }) => [m, n, k, flag(transposeA), flag(transposeB)],
  scratch: () => scratch, inPlace: 1,
  pieces: ({ m, n, k }) => ({ count: Math.ceil(m / ROWS) * Math.ceil(n / COLUMNS), work: m * n * k }),
  fast: 'addGemm'
})
