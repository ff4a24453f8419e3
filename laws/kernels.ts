/**
 * The laws of fast functions of arrays: they compute what their plain definition computes.
 *
 * @module
 */
import fc from 'fast-check'
import * as arbitrary from './arbitraries.js'
import { firstFailing, type Finding, holds, type Law, law } from './law.js'
import { sameBits, snapshot } from './values.js'

/** A function of arrays, such as a kernel written in WebAssembly. */
export type Kernel<Case> = (testCase: Case) => ArrayLike<number>

export interface KernelOptions<Case> {
  readonly cases: fc.Arbitrary<Case>
  /**
   * How far an entry may be from that of the definition, as a number. In units of the last place it is
   * `(expected) => n * ulp(expected)`.
   */
  readonly bound: (expected: number, index: number, testCase: Case) => number
  /** Why the bound is what it is. */
  readonly reason: string
}

/** The distance of a number of single precision to the next larger one. */
export const ulp = (x: number): number => {
  const magnitude = Math.abs(x)
  return magnitude < 2 ** -126 ? 2 ** -149 : 2 ** (Math.floor(Math.log2(magnitude)) - 23)
}

/** The largest distance relative to its bound. NaN belongs with NaN, an infinity with itself. */
const compared = <Case>(
  found: ArrayLike<number>, expected: ArrayLike<number>, { bound }: KernelOptions<Case>, testCase: Case
): Finding => {
  if (found.length !== expected.length)
    return { error: Infinity, explain: () => `${found.length} entries, expected ${expected.length}` }
  return Array.from(found).reduce<Finding>((worst, x, i) => {
    const y = expected[i]
    // The two zeros are equal: no sum can be told from another by them.
    const error = x === y || (Number.isNaN(x) && Number.isNaN(y)) ? 0 : Math.abs(x - y) / bound(y, i, testCase)
    return error <= worst.error ? worst
      : { error: Number.isNaN(error) ? Infinity : error, explain: () => `entry ${i}: ${x}, expected ${y}, within ${bound(y, i, testCase)}` }
  }, holds)
}

/** Everything that must hold of a fast function and its definition. */
export const kernels = <Case>(fast: Kernel<Case>, definition: Kernel<Case>, options: KernelOptions<Case>): readonly Law[] => [
  law({
    name: 'kernel equals its definition',
    statement: '$|f_i(x) - \\hat f_i(x)| \\le b_i$, with NaN and infinities at the same entries',
    tolerance: 1,
    reason: `relative to the bound: ${options.reason}`,
    cases: options.cases,
    check: testCase => compared(fast(testCase), definition(testCase), options, testCase)
  }),
  law({
    name: 'purity',
    statement: 'arguments keep their bits, and a second call gives the same bits',
    cases: options.cases,
    check: testCase => {
      const before = snapshot(testCase), first = Array.from(fast(testCase)), second = Array.from(fast(testCase))
      return firstFailing([
        sameBits('the arguments before and after', before, snapshot(testCase)),
        sameBits('two calls', [['', first]], [['', second]])
      ])
    }
  })
]

/** Functions of one array of single precision. */
export type ArrayKernel = Kernel<Float32Array>

const exceptions = fc.constantFrom(Infinity, -Infinity, NaN)

/** Hard numbers, an infinity or a NaN among them, in arrays that end inside a vector. */
const hardArrays: fc.Arbitrary<Float32Array> =
  fc.array(fc.oneof({ weight: 8, arbitrary: arbitrary.hardNumber('float32') }, { weight: 1, arbitrary: exceptions }), { minLength: 1, maxLength: 19 })
    .map(numbers => Float32Array.from(numbers))

/** `kernels` for a function entry by entry, over the whole range of single precision, infinities and NaN included. */
export const entryKernels = (
  fast: ArrayKernel, definition: ArrayKernel, { bound, reason }: { readonly bound: (expected: number, x: number) => number, readonly reason: string }
): readonly Law[] => kernels(fast, definition, { cases: hardArrays, reason, bound: (expected, i, x) => bound(expected, x[i]) })

/** `kernels` for a function of a row, over rows where sums are hard: constant, offset, extreme, subnormal, and wide. */
export const rowKernels = (
  fast: ArrayKernel, definition: ArrayKernel, { bound, reason }: Pick<KernelOptions<Float32Array>, 'bound' | 'reason'>
): readonly Law[] => kernels(fast, definition, {
  cases: arbitrary.hardRow({ precision: 'float32' }).map(row => Float32Array.from(row)), reason, bound
})

/** A function of one row in either precision: the same numbers give the same result, as far as single precision goes. */
export const precisionsAgree = (
  f: (x: Float32Array | Float64Array) => ArrayLike<number>, { bound, reason }: Pick<KernelOptions<Float32Array>, 'bound' | 'reason'>
): Law => {
  const cases = arbitrary.hardRow({ precision: 'float32' }).map(row => Float32Array.from(row))
  return law({
    name: 'single precision equals double precision',
    statement: '$|f_{32}(x)_i - f_{64}(x)_i| \\le b_i$ for numbers of single precision',
    tolerance: 1,
    reason: `relative to the bound: ${reason}`,
    cases,
    check: x => compared(f(x), Float32Array.from(f(Float64Array.from(x))), { cases, bound, reason }, x)
  })
}
