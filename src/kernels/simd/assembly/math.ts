// Transcendental functions on four numbers at once.

// Constants lie four times in memory and are loaded where they are used: V8 builds a constant vector anew in every round
// of a loop, in three instructions. Polynomials are summed in pairs (G. Estrin, 1960), since what limits these loops is
// the length of the chain from one operation to the next.

export const ONE: usize = memory.data<f32>([1, 1, 1, 1], 16)
const SIGN: usize = memory.data<f32>([-0.0, -0.0, -0.0, -0.0], 16)
const EXP_MAX: usize = memory.data<f32>([89, 89, 89, 89], 16)
const EXP_MIN: usize = memory.data<f32>([-105, -105, -105, -105], 16)
const NORMAL_MIN: usize = memory.data<f32>([-87, -87, -87, -87], 16)
const LOG2_E: usize = memory.data<f32>([1.44269504, 1.44269504, 1.44269504, 1.44269504], 16)
/** Added to a small number, it leaves the nearest integer in the lowest bits. */
const ROUNDING: usize = memory.data<f32>([12582912, 12582912, 12582912, 12582912], 16)
const ROUNDING_BITS: usize = memory.data<i32>([0x4B400000, 0x4B400000, 0x4B400000, 0x4B400000], 16)
const BIAS: usize = memory.data<i32>([127, 127, 127, 127], 16)
const LN2_HIGH: usize = memory.data<f32>([0.693359375, 0.693359375, 0.693359375, 0.693359375], 16)
const LN2_LOW: usize = memory.data<f32>([-2.12194440e-4, -2.12194440e-4, -2.12194440e-4, -2.12194440e-4], 16)
const EXP_2: usize = memory.data<f32>([5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1], 16)
const EXP_3: usize = memory.data<f32>([1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1], 16)
const EXP_4: usize = memory.data<f32>([4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2], 16)
const EXP_5: usize = memory.data<f32>([8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3], 16)
const EXP_6: usize = memory.data<f32>([1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3], 16)
const EXP_7: usize = memory.data<f32>([1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4], 16)
const TANH_3: usize = memory.data<f32>([-3.33332819422e-1, -3.33332819422e-1, -3.33332819422e-1, -3.33332819422e-1], 16)
const TANH_5: usize = memory.data<f32>([1.33314422036e-1, 1.33314422036e-1, 1.33314422036e-1, 1.33314422036e-1], 16)
const TANH_7: usize = memory.data<f32>([-5.37397155531e-2, -5.37397155531e-2, -5.37397155531e-2, -5.37397155531e-2], 16)
const TANH_9: usize = memory.data<f32>([2.06390887954e-2, 2.06390887954e-2, 2.06390887954e-2, 2.06390887954e-2], 16)
const TANH_11: usize = memory.data<f32>([-5.70498872745e-3, -5.70498872745e-3, -5.70498872745e-3, -5.70498872745e-3], 16)
const TANH_NEAR: usize = memory.data<f32>([0.625, 0.625, 0.625, 0.625], 16)

/** x y + z, rounded once where the engine has relaxed SIMD and the processor a fused operation, otherwise twice. */
@inline
export function madd(x: v128, y: v128, z: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? v128.relaxed_madd<f32>(x, y, z) : f32x4.add(z, f32x4.mul(x, y))
}

/**
 * e^x by x = n ln 2 + r with |r| ≤ ln(2)/2, a polynomial for e^r (S. Moshier, Cephes, expf), and 2^n in two factors so
 * that the result may be subnormal or infinite. NaN stays NaN.
 */
@inline
export function exp4(x: v128): v128 {
  return expWithin4(f32x4.pmax(f32x4.pmin(x, v128.load(EXP_MAX)), v128.load(EXP_MIN)))
}

/**
 * e^x for x ≤ 0, or NaN; 0 for x < −87, where it is subnormal or nearly so. A processor may take a hundred times as long for a product
 * that is subnormal, and hidden scores of −∞ are many.
 */
@inline
export function expNegative4(x: v128): v128 {
  const least = v128.load(NORMAL_MIN), rounded = roundedExponent(f32x4.pmax(x, least))
  const y = f32x4.mul(expRest4(f32x4.pmax(x, least), rounded), i32x4.shl(i32x4.add(i32x4.sub(rounded, v128.load(ROUNDING_BITS)), v128.load(BIAS)), 23))
  return v128.andnot(y, f32x4.lt(x, least))
}

/** x/ln 2, rounded, in the lowest bits. */
@inline
function roundedExponent(x: v128): v128 {
  return madd(x, v128.load(LOG2_E), v128.load(ROUNDING))
}

/** e^r for what is left of x then. */
@inline
function expRest4(x: v128, rounded: v128): v128 {
  const n = f32x4.sub(rounded, v128.load(ROUNDING))
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, v128.load(LN2_HIGH))), f32x4.mul(n, v128.load(LN2_LOW)))
  const square = f32x4.mul(r, r)
  const high = madd(v128.load(EXP_7), r, v128.load(EXP_6))
  const middle = madd(v128.load(EXP_5), r, v128.load(EXP_4))
  const low = madd(v128.load(EXP_3), r, v128.load(EXP_2))
  const p = madd(madd(high, square, middle), square, low)
  return f32x4.add(madd(p, square, r), v128.load(ONE))
}

/** e^x for −110 ≤ x ≤ 89, or NaN. */
@inline
export function expWithin4(x: v128): v128 {
  const rounded = roundedExponent(x), y = expRest4(x, rounded), k = i32x4.sub(rounded, v128.load(ROUNDING_BITS))
  const half = i32x4.shr_s(k, 1), rest = i32x4.sub(k, half), bias = v128.load(BIAS)
  return f32x4.mul(f32x4.mul(y, i32x4.shl(i32x4.add(half, bias), 23)), i32x4.shl(i32x4.add(rest, bias), 23))
}

/** 1/(1 + e^−x), as e^x/(1 + e^x) for x < 0, where it keeps its relative precision. */
@inline
export function sigmoid4(x: v128): v128 {
  return sigmoidFrom(expWithin4(f32x4.pmax(v128.or(x, v128.load(SIGN)), v128.load(EXP_MIN))), x)
}

/** The same for |x| ≤ 110, or NaN. */
@inline
export function sigmoidWithin4(x: v128): v128 {
  return sigmoidFrom(expWithin4(v128.or(x, v128.load(SIGN))), x)
}

/** The sigmoid of x from e^−|x|. */
@inline
function sigmoidFrom(e: v128, x: v128): v128 {
  const one = v128.load(ONE)
  return f32x4.div(v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0))), f32x4.add(one, e))
}

/**
 * tanh x: an odd polynomial near 0 (Cephes, tanhf), elsewhere 1 − 2/(e^{2|x|} + 1) with the sign of x.
 */
@inline
export function tanh4(x: v128): v128 {
  const magnitude = v128.andnot(x, v128.load(SIGN)), z = f32x4.mul(x, x), one = v128.load(ONE)
  const high = madd(v128.load(TANH_11), z, v128.load(TANH_9))
  const middle = madd(v128.load(TANH_7), z, v128.load(TANH_5))
  const p = madd(madd(high, f32x4.mul(z, z), middle), z, v128.load(TANH_3))
  const near = madd(f32x4.mul(p, z), x, x)
  const e = exp4(f32x4.add(magnitude, magnitude))
  const far = f32x4.sub(one, f32x4.div(f32x4.add(one, one), f32x4.add(e, one)))
  const signed = v128.or(far, v128.and(x, v128.load(SIGN)))
  return v128.bitselect(near, signed, f32x4.lt(magnitude, v128.load(TANH_NEAR)))
}

@inline
export function sum4(x: v128): f32 {
  return (f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1)) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
}

@inline
export function max4(x: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)), max<f32>(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)))
}

/** Up to three numbers at the end of a row, the other lanes filled with `filler`. */
@inline
export function loadTail(from: usize, count: i32, filler: f32): v128 {
  let x = f32x4.splat(filler)
  x = f32x4.replace_lane(x, 0, load<f32>(from))
  if (count > 1) x = f32x4.replace_lane(x, 1, load<f32>(from, 4))
  if (count > 2) x = f32x4.replace_lane(x, 2, load<f32>(from, 8))
  return x
}

@inline
export function storeTail(to: usize, count: i32, x: v128): void {
  store<f32>(to, f32x4.extract_lane(x, 0))
  if (count > 1) store<f32>(to, f32x4.extract_lane(x, 1), 4)
  if (count > 2) store<f32>(to, f32x4.extract_lane(x, 2), 8)
}

/** The four numbers of a vector as two pairs of double precision. */
@inline
export function low2(x: v128): v128 {
  return f64x2.promote_low_f32x4(x)
}

@inline
export function high2(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 0))
}

@inline
export function sum2(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1)
}
