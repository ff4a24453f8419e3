/**
 * Numbers and symbols as the pages show them.
 */

export const count = (value: number): string => value.toLocaleString('en')

/** Two digits that count, without powers of ten where they are not needed. */
export const brief = (value: number): string => (value === 0 ? '0' : value >= 0.001 && value < 10_000 ? Number(value.toPrecision(2)).toString() : value.toExponential(1))

/** A symbol that can be seen. */
export const visible = (symbol: string): string => (symbol === ' ' ? '␣' : symbol === '\n' ? '↵' : symbol === '\t' ? '⇥' : symbol)
