/** Values as a reader compares them. */
import { show } from '../code/show.js'

export const numberText = (x: number): string => {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'NaN' : x > 0 ? '∞' : '−∞'
  const rounded = Number(x.toPrecision(6))
  const text = rounded !== 0 && (Math.abs(rounded) < 1e-4 || Math.abs(rounded) >= 1e6) ? x.toExponential(3) : String(rounded)
  return (Object.is(rounded, -0) ? '0' : text).replace('-', '−')
}

export const entryAt = (value: unknown, at: readonly number[]): number =>
  (at.length === 0 ? (typeof value === 'number' ? value : NaN) : Array.isArray(value) ? entryAt(value[at[0]], at.slice(1)) : NaN)

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

const listed = (data: ArrayLike<number>, shape: readonly number[], from = 0): string => {
  const [length, ...rest] = shape, size = rest.reduce((a, b) => a * b, 1)
  return length === undefined ? numberText(data[from]) : `[${Array.from({ length }, (_, i) => listed(data, rest, from + i * size)).join(', ')}]`
}

/** A case that a law drew, a line for each part: tensors as nested lists. */
export const caseText = (value: unknown, indent = ''): string => {
  if (!isRecord(value) || ArrayBuffer.isView(value)) return typeof value === 'number' ? numberText(value) : show([typeof value === 'string' ? JSON.stringify(value) : value])
  const { _tag: tag, shape, data } = value
  if (ArrayBuffer.isView(data) && Array.isArray(shape)) {
    const lengths: readonly number[] = shape.map(Number), entries = Array.from(data as unknown as ArrayLike<number>, Number) // the entries of a tensor or of tokens
    return entries.length > 48 ? `[${lengths.join(', ')}] of ${entries.length} numbers` : listed(entries, lengths)
  }
  if (tag === 'Key') return `key ${show([value.high, value.low])}`
  const entries = Object.entries(value)
  if (entries.length === 0) return 'nothing'
  return entries.map(([name, part]) => {
    const text = caseText(part, `${indent}  `)
    return `${indent}${name}:${text.startsWith(' ') ? `\n${text}` : ` ${text}`}`
  }).join('\n')
}
