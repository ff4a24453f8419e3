import { attention, causalMask, layer, noMask, paddingMask, tensor, type Layer, type Mask, type NoParams, type QueryKeyValue, type Tensor } from 'pullback'
import { laws, type Law } from 'pullback/laws'
import { wrongGradient, type Bug } from './bug.js'

const f = Math.fround
const EPSILON = 2 ** -24

/** A sum in single precision, number by number. */
const sum = (x: readonly number[]): number => x.reduce((total, v) => f(total + v), 0)
const singles = (x: ArrayLike<number>): Float32Array => Float32Array.from(x)

const equals = (bug: string, ofLaws: readonly Law[]): Bug => ({ bug, caughtBy: 'kernel equals its definition', laws: ofLaws })

const entryBug = (bug: string, wrong: (x: number) => number, right: (x: number) => number, ulps = 8): Bug => equals(bug, laws.entryKernels(
  x => x.map(wrong), x => singles(Array.from(x, right)), { reason: 'a few units in the last place', bound: expected => ulps * laws.ulp(expected) }))

type Row = (x: readonly number[]) => readonly number[]

const rowBug = (bug: string, wrong: Row, right: Row, bound: (expected: number) => number): Bug => equals(bug, laws.rowKernels(
  x => singles(wrong(Array.from(x))), x => singles(right(Array.from(x))), { reason: 'a few roundings', bound }))

const normalized = (x: readonly number[], mean: number, variance: number): readonly number[] => {
  const r = 1 / Math.sqrt(variance + 1e-5)
  return x.map(v => f(f(v - mean) * f(r)))
}

/** The numbers of a row of single precision never overflow in double precision. */
const layerNorm: Row = x => {
  const rough = x.reduce((a, b) => a + b, 0) / x.length
  const mean = rough + x.reduce((a, b) => a + (b - rough), 0) / x.length
  const r = 1 / Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length + 1e-5)
  return x.map(v => (v - mean) * r)
}
const layerNormBug = (bug: string, wrong: Row): Bug => rowBug(bug, wrong, layerNorm, expected => 16 * EPSILON * Math.abs(expected) + 1e-12)

const softmax: Row = x => {
  const max = x.reduce((a, b) => Math.max(a, b)), e = x.map(v => Math.exp(v - max)), total = e.reduce((a, b) => a + b)
  return e.map(v => v / total)
}
const softmaxBug = (bug: string, wrong: Row): Bug => rowBug(bug, wrong, softmax, () => 300 * EPSILON)

const sigmoid = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)))
const relu = (x: number): number => Math.max(0, x)

type LayerFor = (mask: Mask) => Layer<NoParams, QueryKeyValue, Tensor>
const masks = { causal: causalMask, padding: paddingMask }

/** Adds 0 · b to a, entry by entry: nothing for numbers. */
const leaking = (b: Tensor, a: Tensor): Tensor => tensor.zipWith(b, (x, y) => x + 0 * y)(a)

const reversed = (x: Tensor): Tensor => {
  const [, time, width] = x.shape
  return tensor.fromArray(x.shape, Array.from(x.data, (_, i) => x.data[i + (time - 1 - 2 * (Math.floor(i / width) % time)) * width]), tensor.precisionOf(x))
}

/** Attention with another gradient. */
const gradientBug = (bug: string, change: (x: QueryKeyValue, dx: QueryKeyValue, dy: Tensor) => QueryKeyValue): Bug => {
  const layerFor: LayerFor = mask => wrongGradient(attention(mask), (params, x, dy, right) => ({ params, input: change(x, right.input, dy) }))
  return { bug, caughtBy: 'hidden values do not matter to the gradient', laws: [laws.hiddenGradients(layerFor, masks)] }
}

const leakingOutput: LayerFor = mask => layer({
  forward: (params: NoParams, x: QueryKeyValue) => leaking(reversed(x.value), attention(mask).forward(params, x)),
  gradient: (params: NoParams, x: QueryKeyValue, dy: Tensor) => attention(mask).vjp(params, x)[1](dy)
})

export const kernelBugs: readonly Bug[] = [
  layerNormBug('layer norm: the mean is rounded to single precision', x => {
    const mean = f(x.reduce((a, b) => a + b, 0) / x.length)
    return normalized(x, mean, x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length)
  }),
  layerNormBug('layer norm: squares of single precision', x => {
    const mean = x.reduce((a, b) => a + b, 0) / x.length
    return normalized(x, mean, f(sum(x.map(v => f((v - mean) ** 2))) / x.length))
  }),
  layerNormBug('layer norm: the variance is the mean of squares less the square of the mean', x => {
    const mean = x.reduce((a, b) => a + b, 0) / x.length
    return normalized(x, mean, Math.max(0, x.reduce((a, b) => a + b * b, 0) / x.length - mean * mean))
  }),
  {
    bug: 'layer norm: sums are of the precision of the numbers', caughtBy: 'single precision equals double precision',
    laws: [laws.precisionsAgree(x => {
      const mean = Array.from(x).reduce((a, b) => (x instanceof Float32Array ? f(a + b) : a + b), 0) / x.length
      return x.map(v => v - mean)
    }, { reason: 'two roundings', bound: expected => 4 * EPSILON * Math.abs(expected) + 1e-12 })]
  },
  softmaxBug('softmax kernel: the largest score is not subtracted', x => {
    const e = x.map(v => f(Math.exp(v))), total = sum(e)
    return e.map(v => v / total)
  }),
  softmaxBug('softmax kernel: the mean is subtracted in place of the largest score', x => {
    const mean = x.reduce((a, b) => a + b, 0) / x.length, e = x.map(v => f(Math.exp(v - mean))), total = sum(e)
    return e.map(v => v / total)
  }),
  entryBug('sigmoid: e^−x overflows for negative x', x => f(1 / f(1 + f(Math.exp(-x)))), sigmoid),
  entryBug('tanh: the quotient of exponentials', x => f((f(Math.exp(2 * x)) - 1) / (f(Math.exp(2 * x)) + 1)), Math.tanh),
  entryBug('silu: −∞ times 0', x => x * sigmoid(x), x => Math.max(-1000, x) * sigmoid(x)),
  entryBug('slope of silu: ∞ times 0', x => sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x)), x => {
    const v = Math.max(-1000, Math.min(1000, x))
    return sigmoid(v) + v * sigmoid(v) * (1 - sigmoid(v))
  }),
  entryBug('relu: NaN becomes 0', x => (x > 0 ? x : 0), relu, 0),
  entryBug('relu: subnormal numbers become 0', x => (Math.abs(x) < 2 ** -126 ? 0 : relu(x)), relu, 0),
  { bug: 'attention: a hidden value reaches the sum with the factor 0', caughtBy: 'hidden values do not matter', laws: [laws.hiddenValues(leakingOutput, masks)] },
  {
    bug: 'attention: padding is not hidden from the output', caughtBy: 'hidden values do not matter',
    laws: [laws.hiddenValues(mask => attention(mask.causal ? mask : noMask), masks)]
  },
  gradientBug('attention: a hidden value reaches dQ with the factor 0', (x, dx) =>
    ({ ...dx, query: leaking(reversed(x.key), dx.query) })),
  gradientBug('attention: an earlier query reaches dK with the factor 0', (x, dx) => ({ ...dx, key: leaking(reversed(x.query), dx.key) })),
  gradientBug('attention: an earlier dY reaches dV with the factor 0', (_, dx, dy) => ({ ...dx, value: leaking(reversed(dy), dx.value) })),
  gradientBug('attention: padding has a gradient', (x, dx) => ({ ...dx, value: tensor.zipWith(x.value, (g, v) => (Number.isNaN(v) ? v : g))(dx.value) }))
]
