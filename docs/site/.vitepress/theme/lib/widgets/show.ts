/**
 * Numbers as a reader sees them.
 */

/** A number with so many digits, a true minus sign, and no minus before a zero; −∞ is what a mask writes. */
export const fixed = (value: number, digits = 2): string => {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞'
  const text = value.toFixed(digits)
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−')
}

/** Short for cells: at most so many digits, without the zeros at the end. */
export const short = (value: number, digits = 2): string => {
  const text = fixed(value, digits)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** In parentheses if negative, as a factor in a sum. */
export const factor = (value: number, digits = 2): string => (value < 0 ? `(${short(value, digits)})` : short(value, digits))

export const percent = (share: number): string => `${fixed(100 * share, Math.abs(share) >= 0.0005 && Math.abs(share) < 0.095 ? 1 : 0)} %`

/** Three significant digits, as a power of ten where that is shorter. */
export const significant = (value: number): string => {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size >= 1e-3 && size < 1e5) return short(value, Math.max(0, 2 - Math.floor(Math.log10(size))))
  const [mantissa, exponent] = value.toExponential(1).split('e')
  return `${mantissa.replace('-', '−')} · 10${Array.from(String(Number(exponent)), c => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)])).join('')}`
}

/** With the separators of a large count. */
export const count = (n: number): string => n.toLocaleString('en-US')

const LOWERED = '₀₁₂₃₄₅₆₇₈₉'

/** An index below the line, for pictures; text has `<sub>`. */
export const lowered = (n: number): string => Array.from(String(n), digit => LOWERED[Number(digit)]).join('')
