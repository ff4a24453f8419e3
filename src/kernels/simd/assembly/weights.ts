// The weights of attention, block by block of keys.

import { expNegative4, ONE } from './math'

/** Keys of a block, whose sums begin anew: whole panels of both shapes of tile, since no shape may change a bit. */
export const KEYS: i32 = 96

/** Where the largest score is +∞, such scores have the weight 1 and others 0, which is the limit where they grow together. */
@inline
export function limit4(x: v128): v128 {
  return v128.bitselect(x, v128.and(v128.load(ONE), f32x4.eq(x, f32x4.splat(Infinity))), f32x4.ne(x, x))
}

/** The largest scores as numbers that can be subtracted: 0 where nothing is seen, so that e^{−∞} is 0 there. */
@inline
export function shift4(top: v128): v128 {
  return v128.andnot(top, f32x4.eq(top, f32x4.splat(-Infinity)))
}

/** e^{(x − m) s} where m is finite. */
@inline
export function finiteWeight4(x: v128, shift: v128, s: v128): v128 {
  return expNegative4(f32x4.mul(f32x4.sub(x, shift), s))
}

/** The weight e^{(x − m) s} of a score x beside a largest one m ≥ x, before it is divided by the sum of all. */
@inline
export function weight4(x: v128, top: v128, s: v128): v128 {
  return v128.bitselect(limit4(x), finiteWeight4(x, shift4(top), s), f32x4.eq(top, f32x4.splat(Infinity)))
}
