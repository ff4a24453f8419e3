/**
 * A small case in numbers, and the picture of which entries depend on which.
 */
import type { Derivation, Value } from 'pullback/laws'

const LARGEST = 36

/** More letters than this would be a page of numbers. */
const MOST_LETTERS = 26

/** A line holds matrices of about this many columns. */
const WIDEST = 9

const numberText = (x: number): string => {
  if (x === -Infinity) return '-\\infty'
  const rounded = Number(x.toPrecision(3))
  return Object.is(rounded, -0) || Math.abs(rounded) < 1e-12 ? '0' : Math.abs(rounded) < 1e-4 || Math.abs(rounded) >= 1e6 ? rounded.toExponential().replace(/e\+?(-?\d+)/, ' \\cdot 10^{$1}') : String(rounded)
}

const sizeOf = (value: Value): number => (typeof value === 'number' ? 1 : value.reduce<number>((total, part) => total + sizeOf(part), 0))

const depthOf = (value: Value): number => (typeof value === 'number' ? 0 : 1 + (value.length === 0 ? 0 : depthOf(value[0])))

const columnsOf = (value: Value): number => (typeof value === 'number' || value.length === 0 || typeof value[0] === 'number' ? 1 : value[0].length)

const row = (value: Value): string => (typeof value === 'number' ? numberText(value) : value.map(part => numberText(typeof part === 'number' ? part : NaN)).join(' & '))

const matrixText = (value: Value): string => {
  if (typeof value === 'number') return numberText(value)
  // A vector is a column.
  return `\\begin{pmatrix} ${value.map(row).join(' \\\\ ')} \\end{pmatrix}`
}

/** The values of the letters in one small case. */
export const exampleIn = ({ letters: { letters }, example: { values, drawn: { sizes } } }: Derivation): readonly string[] => {
  const shown = Object.entries(letters).flatMap(([name, { latex }]) => {
    const value = values[name]
    return sizeOf(value) > LARGEST || depthOf(value) > 2 ? [] : [{ formula: `${latex} = ${matrixText(value)}`, width: 2 + columnsOf(value) }]
  })
  if (shown.length === 0 || shown.length > MOST_LETTERS) return []
  const lines = shown.reduce<readonly { readonly formula: string, readonly width: number }[]>((list, next) => {
    const last = list[list.length - 1]
    return last !== undefined && last.width + next.width <= WIDEST
      ? [...list.slice(0, -1), { formula: `${last.formula}, \\qquad ${next.formula}`, width: last.width + next.width }] : [...list, next]
  }, [])
  const lengths = Object.entries(sizes).map(([name, length]) => `$${name} = ${length}$`)
  return [
    '## In numbers',
    `One case${lengths.length === 0 ? '' : ` with ${lengths.join(', ')}`}, rounded to three digits:`,
    ...lines.map(({ formula }) => `$$\n${formula}\n$$`)
  ]
}

const entriesOf = (latex: string, lengths: readonly number[]): readonly string[] =>
  lengths.reduce<readonly (readonly number[])[]>((list, length) => list.flatMap(at => Array.from({ length }, (_, i) => [...at, i])), [[]])
    .map(at => (at.length === 0 ? `$${latex}$` : `$${latex.length > 1 && !/^\\?[A-Za-z]+$/.test(latex) ? `(${latex})` : latex}_{${at.join('')}}$`))

const lengthsOf = (value: Value): readonly number[] => (typeof value === 'number' ? [] : [value.length, ...(value.length === 0 ? [] : lengthsOf(value[0]))])

/** Which entries of the output depend on which of each input, in the example. */
export const dependenceTable = (derivation: Derivation): readonly string[] => {
  const { outputs, letters: { letters }, example: { values } } = derivation
  const inputs = Object.entries(letters).flatMap(([, letter]) => (letter.kind === 'sought' && letters[letter.by].kind === 'given' ? [letter.by] : []))
  const tables = outputs.filter(({ gradient }) => gradient !== undefined).flatMap(({ value }) => inputs.flatMap(input => {
    const rows = sizeOf(values[value]), columns = sizeOf(values[input])
    if (rows > 9 || columns > 9 || columns < 2) return []
    const depends = derivation.dependence(value, input)
    const heads = entriesOf(letters[input].latex, lengthsOf(values[input])), names = entriesOf(letters[value].latex, lengthsOf(values[value]))
    return [[
      `| | ${heads.join(' | ')} |`, `| --- |${heads.map(() => ' :-: |').join('')}`,
      ...depends.map((line, j) => `| ${names[j]} | ${line.map(does => (does ? '●' : '·')).join(' | ')} |`)
    ].join('\n')]
  }))
  return tables.length === 0 ? [] : ['## Which depends on which', 'In a small case, where ● marks a derivative that is not 0:', ...tables]
}
