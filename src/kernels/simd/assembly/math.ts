// Transcendental functions on four numbers at once.

/**
 * e^x by x = n ln 2 + r with |r| ≤ ln(2)/2, a polynomial for e^r (S. Moshier, Cephes, expf), and 2^n in two factors so
 * that the result may be subnormal or infinite. NaN stays NaN.
 */
@inline
export function exp4(x: v128): v128 {
  x = f32x4.max(f32x4.min(x, f32x4.splat(89)), f32x4.splat(-105))
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504)))
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.12194440e-4)))
  let y = f32x4.add(f32x4.mul(f32x4.splat(1.9875691500e-4), r), f32x4.splat(1.3981999507e-3))
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(8.3334519073e-3))
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(4.1665795894e-2))
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(1.6666665459e-1))
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(5.0000001201e-1))
  y = f32x4.add(f32x4.add(f32x4.mul(y, f32x4.mul(r, r)), r), f32x4.splat(1))
  const k = i32x4.trunc_sat_f32x4_s(n)
  const half = i32x4.shr_s(k, 1), rest = i32x4.sub(k, half), bias = i32x4.splat(127)
  return f32x4.mul(f32x4.mul(y, i32x4.shl(i32x4.add(half, bias), 23)), i32x4.shl(i32x4.add(rest, bias), 23))
}

/** 1/(1 + e^−x), as e^x/(1 + e^x) for x < 0, where it keeps its relative precision. */
@inline
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1)
  const e = exp4(f32x4.neg(f32x4.abs(x)))
  return f32x4.div(v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0))), f32x4.add(one, e))
}

/**
 * tanh x: an odd polynomial near 0 (Cephes, tanhf), elsewhere 1 − 2/(e^{2|x|} + 1) with the sign of x.
 */
@inline
export function tanh4(x: v128): v128 {
  const magnitude = f32x4.abs(x), z = f32x4.mul(x, x), one = f32x4.splat(1)
  let p = f32x4.add(f32x4.mul(f32x4.splat(-5.70498872745e-3), z), f32x4.splat(2.06390887954e-2))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-5.37397155531e-2))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(1.33314422036e-1))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-3.33332819422e-1))
  const near = f32x4.add(f32x4.mul(f32x4.mul(p, z), x), x)
  const e = exp4(f32x4.add(magnitude, magnitude))
  const far = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(e, one)))
  const signed = v128.or(far, v128.and(x, f32x4.splat(-0.0)))
  return v128.bitselect(near, signed, f32x4.lt(magnitude, f32x4.splat(0.625)))
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
