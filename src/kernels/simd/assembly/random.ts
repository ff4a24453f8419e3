// Random bits: the block cipher Threefry-2x32 on four counters at once.

@inline
function rotated(x: v128, r: i32): v128 {
  return v128.or(i32x4.shl(x, r), i32x4.shr_u(x, 32 - r))
}

@inline
function round(x: v128, y: v128, r: i32): v128 {
  return v128.xor(rotated(y, r), x)
}

/** y = x kept where the key keeps an entry, else 0; in pieces of eight entries, which take the two words of four blocks. */
export function dropout(
  y: usize, x: usize, high: u32, low: u32, threshold: u32, kept: f32, n: i32, from: i32, to: i32, _: usize
): void {
  const factor = f32x4.splat(kept), least = i32x4.splat(threshold)
  const k0 = i32x4.splat(high), k1 = i32x4.splat(low), k2 = i32x4.splat(high ^ low ^ 0x1bd11bda)
  for (let piece = from; piece < to; piece++) {
    let a = k0, b = i32x4.add(i32x4.add(i32x4.splat(4 * piece), i32x4(0, 1, 2, 3)), k1)
    a = i32x4.add(a, b); b = round(a, b, 13)
    a = i32x4.add(a, b); b = round(a, b, 15)
    a = i32x4.add(a, b); b = round(a, b, 26)
    a = i32x4.add(a, b); b = round(a, b, 6)
    a = i32x4.add(a, k1); b = i32x4.add(i32x4.add(b, k2), i32x4.splat(1))
    a = i32x4.add(a, b); b = round(a, b, 17)
    a = i32x4.add(a, b); b = round(a, b, 29)
    a = i32x4.add(a, b); b = round(a, b, 16)
    a = i32x4.add(a, b); b = round(a, b, 24)
    a = i32x4.add(a, k2); b = i32x4.add(i32x4.add(b, k0), i32x4.splat(2))
    a = i32x4.add(a, b); b = round(a, b, 13)
    a = i32x4.add(a, b); b = round(a, b, 15)
    a = i32x4.add(a, b); b = round(a, b, 26)
    a = i32x4.add(a, b); b = round(a, b, 6)
    a = i32x4.add(a, k0); b = i32x4.add(i32x4.add(b, k1), i32x4.splat(3))
    a = i32x4.add(a, b); b = round(a, b, 17)
    a = i32x4.add(a, b); b = round(a, b, 29)
    a = i32x4.add(a, b); b = round(a, b, 16)
    a = i32x4.add(a, b); b = round(a, b, 24)
    a = i32x4.add(a, k1); b = i32x4.add(i32x4.add(b, k2), i32x4.splat(4))
    a = i32x4.add(a, b); b = round(a, b, 13)
    a = i32x4.add(a, b); b = round(a, b, 15)
    a = i32x4.add(a, b); b = round(a, b, 26)
    a = i32x4.add(a, b); b = round(a, b, 6)
    a = i32x4.add(a, k2); b = i32x4.add(i32x4.add(b, k0), i32x4.splat(5))
    const at: usize = 32 * piece
    v128.store(y + at, v128.and(f32x4.mul(v128.load(x + at), factor), i32x4.ge_u(a, least)))
    if (8 * piece + 4 < n) v128.store(y + at + 16, v128.and(f32x4.mul(v128.load(x + at + 16), factor), i32x4.ge_u(b, least)))
  }
}
