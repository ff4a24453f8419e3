/**
 * Matrix products: SIMD for single precision, the reference elsewhere.
 *
 * @module
 */
import type { Floats, FreshFloats } from './floats.js'
import * as reference from './reference/gemm.js'
import { affine as referenceAffine } from './reference/rows.js'
import { call } from './simd/arena.js'
import { instance, type Kernels } from './simd/instance.js'

export type Gemm = reference.Gemm

const scratch = instance?.kernels.gemmScratchBytes.value ?? 0

const flag = (value: boolean): 0 | 1 => (value ? 1 : 0)

const run = ({ batch, m, n, k, transposeA, transposeB }: Gemm, { gemm: simd }: Kernels, c: number, a: number, b: number, free: number): void =>
  simd(c, a, b, batch, m, n, k, flag(transposeA), flag(transposeB), free)

/** $C_b = \mathrm{op}(A_b)\,\mathrm{op}(B_b)$ for every $b$ of the batch, where op is the identity or the transposition. */
export const gemm = (sizes: Gemm, a: Floats, b: Floats): FreshFloats => {
  const done = call({ reads: [a, b], writes: [sizes.batch * sizes.m * sizes.n], scratch }, (kernels, [pa, pb], [c], free) =>
    run(sizes, kernels, c, pa, pb, free))
  return done === undefined ? reference.gemm(sizes, a, b) : done[0][0]
}

/** $C = \mathrm{op}(A)\,\mathrm{op}(B) + \mathbf 1 r^\top$: a row added to every row of the product. */
export const affine = (sizes: Gemm, a: Floats, b: Floats, row: Floats): FreshFloats => {
  const rows = sizes.batch * sizes.m
  const done = call({ reads: [a, b, row], writes: [rows * sizes.n], scratch }, (kernels, [pa, pb, pr], [c], free) => {
    run(sizes, kernels, c, pa, pb, free)
    kernels.addToRows(c, pr, rows, sizes.n)
  })
  return done === undefined ? referenceAffine(sizes, a, b, row) : done[0][0]
}
