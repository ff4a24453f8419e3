/**
 * Values as a console shows them.
 */

/** Entries of a list and characters of a line that are shown. */
const LONGEST = 24, LONGEST_LINE = 10_000

const list = (items: readonly string[], total: number, [open, close]: readonly [string, string]): string => {
  const shown = total > items.length ? [...items, `… ${total - items.length} more`] : items
  return shown.length === 0 ? `${open}${close}` : `${open} ${shown.join(', ')} ${close}`
}

/** A line of bearable length. */
export const cut = (text: string): string => (text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}… ${text.length - LONGEST_LINE} more characters` : text)

const keyOf = (key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key))

const nested = (value: unknown, depth: number): string => {
  if (typeof value === 'string') return `'${cut(value)}'`
  if (typeof value === 'function') return `[Function: ${value.name || 'anonymous'}]`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (depth > 4) return Array.isArray(value) ? '[Array]' : '[Object]'
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    const entries = value as ArrayLike<unknown>, { length } = entries // a list either way
    const items = Array.from({ length: Math.min(LONGEST, length) }, (_, i) => entries[i])
    return `${Array.isArray(value) ? '' : `${value.constructor.name}(${length}) `}${list(items.map(item => nested(item, depth + 1)), length, ['[', ']'])}`
  }
  const entries = Object.entries(value)
  return list(entries.slice(0, LONGEST).map(([key, item]) => `${keyOf(key)}: ${nested(item, depth + 1)}`), entries.length, ['{', '}'])
}

/** One line for what was given to `console.log`. */
export const show = (values: readonly unknown[]): string =>
  cut(values.slice(0, LONGEST_LINE).map(value => (typeof value === 'string' ? cut(value) : nested(value, 0))).join(' '))
