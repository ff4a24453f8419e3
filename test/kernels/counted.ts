/** Counts which kernels run, so that a comparison of the reference with itself cannot pass for one of two kernels. */
import { expect } from 'vitest'
import type * as arena from '../../src/kernels/simd/arena.js'
import { instance } from '../../src/kernels/simd/instance.js'

const counts = { simd: 0, reference: 0 }

/** `arena.ts` with a `call` that counts, for `vi.mock`. */
export const counted = (original: typeof arena): typeof arena => ({
  ...original,
  call: (...args) => {
    const [name, reads, writes, numbers] = args
    // The types state what the functions of the module take; this is what they do take: pieces from, to and scratch are the last, and
    // for a product whether it is the first of its job.
    const behind = name === 'gemm' || name === 'addGemm' ? 4 : 3
    if (instance !== undefined) expect(instance.kernels[name].length, `arguments of ${name}`).toBe(reads.length + writes.length + numbers.length + behind)
    const done = original.call(...args)
    if (done === undefined) counts.reference++
    else counts.simd++
    return done
  }
})

/** The kernels that the environment asks for: everything but the reference has an instance. */
export const wantedKernels = process.env.PULLBACK_KERNELS || 'fused'

/** What a test ran, since the last look: SIMD and nothing else, unless the reference was asked for. */
export const expectKernels = (): void => {
  const { simd, reference } = counts
  Object.assign(counts, { simd: 0, reference: 0 })
  expect(instance?.kind ?? 'reference').toBe(wantedKernels)
  if (wantedKernels === 'reference') expect(simd).toBe(0)
  else expect(reference, 'calls that were left to the reference').toBe(0)
}
