/** Numbers as a reader compares them. */
export const numberText = (x: number): string => {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'NaN' : x > 0 ? '∞' : '−∞'
  const rounded = Number(x.toPrecision(6))
  const text = rounded !== 0 && (Math.abs(rounded) < 1e-4 || Math.abs(rounded) >= 1e6) ? x.toExponential(3) : String(rounded)
  return (Object.is(rounded, -0) ? '0' : text).replace('-', '−')
}

export const entryAt = (value: unknown, at: readonly number[]): number =>
  (at.length === 0 ? (typeof value === 'number' ? value : NaN) : Array.isArray(value) ? entryAt(value[at[0]], at.slice(1)) : NaN)
