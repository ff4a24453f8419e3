// What attention may see, and what must not matter where it may not.

@inline
export function roundUp(n: i32, multiple: i32): i32 {
  return (n + multiple - 1) / multiple * multiple
}

/** With a causal mask a query at t sees the keys before t + 1 + S − T, for the last query stands at the last key. */
@inline
export function reachOf(t: i32, queries: i32, keys: i32, causal: bool): i32 {
  return causal ? max(0, min(keys, t + 1 + keys - queries)) : keys
}

/** Whether the padding shows a key. */
@inline
export function kept(visible: usize, key: i32): bool {
  return visible == 0 || load<i32>(visible + 4 * key) != 0
}

/** Whether a number is infinite or NaN. */
@inline
export function strange(x: f32): bool {
  return !(x - x == 0)
}

/**
 * What is hidden has the weight 0, and 0 times a number is 0, but 0 · ∞ and 0 · NaN are NaN. So infinities and NaN are taken
 * out of what is multiplied with weights, and who calls this sees to it that they come back where they can be seen. Whether there
 * were any. `count` is a multiple of 8.
 */
export function takeOut(packed: usize, count: i32): bool {
  const end = packed + 4 * count
  let differences = f32x4.splat(0)
  for (let at = packed; at < end; at += 32) {
    const x = v128.load(at), y = v128.load(at, 16)
    differences = v128.or(differences, v128.or(f32x4.sub(x, x), f32x4.sub(y, y)))
  }
  if (!v128.any_true(differences)) return false
  for (let at = packed; at < end; at += 16) {
    const x = v128.load(at)
    v128.store(at, v128.and(x, f32x4.eq(f32x4.sub(x, x), f32x4.splat(0))))
  }
  return true
}
