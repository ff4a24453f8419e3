/**
 * The table of a page's letters.
 */
import type { Derivation } from 'pullback/laws'

const cell = (text: string): string => text.replace(/\|/g, '\\|')

const shapeOf = (shape: readonly string[]): string => (shape.length === 0 ? 'a number' : `\`[${shape.join(', ')}]\``)

/** Letter, shape, meaning and name in the code. */
export const lettersTable = ({ letters: { axes, letters, functions, counters } }: Derivation, prose: (text: string) => string): readonly string[] => {
  const rows = [
    ...Object.entries(letters).map(([name, { latex, shape, meaning }]) => [`$${latex}$`, shapeOf(shape), prose(meaning), `\`${name}\``]),
    ...Object.entries(functions).map(([name, { latex, meaning, takes, gives, parameter }]) =>
      [`$${latex}${parameter === undefined ? '' : `(${parameter})`}$`, parameter === undefined ? `${takes.map(shapeOf).join(', ')} to ${shapeOf(gives)}` : 'a function of a number', prose(meaning), `\`${name}\``]),
    ...Object.entries(axes).map(([name, { meaning, indices }]) =>
      [`$${name}$`, 'a size', `${prose(meaning)}${indices.length === 0 ? '' : `; indices ${indices.map(index => `$${index}$`).join(', ')}`}`, '']),
    ...(counters.length === 0 ? [] : [[counters.map(index => `$${index}$`).join(', '), 'counting', 'indices without an axis', '']])
  ]
  if (rows.length === 0) return []
  return ['## Letters', ['| letter | shape | meaning | in the code |', '| --- | --- | --- | --- |',
    ...rows.map(row => `| ${row.map(cell).join(' | ')} |`)].join('\n')]
}
