/**
 * Questions with answers that are checked.
 */

export interface Choice {
  readonly text: string
  readonly right?: true
  readonly says: string
}

export interface NumberQuestion {
  readonly kind: 'number'
  readonly answer: number
  /** How far an answer may be from the true one. */
  readonly tolerance: number
  readonly right: string
  /** What mistakes that people make come to, and what to tell them. */
  readonly mistakes: readonly (readonly [value: number, says: string])[]
  readonly otherwise: string
}

export interface ChoiceQuestion {
  readonly kind: 'choice'
  readonly choices: readonly Choice[]
}

export interface ProgramQuestion {
  readonly kind: 'program'
  readonly start: string
  /** Runs behind the reader's program. The last line that it prints is `right`, or what is wrong. */
  readonly check: string
  readonly right: string
}

export type Question = NumberQuestion | ChoiceQuestion | ProgramQuestion

export interface Verdict {
  readonly right: boolean
  readonly says: string
}

/** A number as people write it: with a comma, with a true minus, as a fraction, as percent. */
export const readNumber = (text: string): number => {
  const plain = text.trim().replaceAll('−', '-').replace(',', '.')
  const [, sign, top, bottom] = /^(-?)(\d+(?:\.\d+)?)\s*\/\s*(\d+(?:\.\d+)?)$/.exec(plain) ?? []
  if (top !== undefined && bottom !== undefined) return (sign === '-' ? -1 : 1) * Number(top) / Number(bottom)
  if (/^-?[\d.]+\s*%$/.test(plain)) return Number(plain.replace('%', '')) / 100
  return plain === '' ? NaN : Number(plain)
}

export const judgeNumber = ({ answer, tolerance, right, mistakes, otherwise }: NumberQuestion, text: string): Verdict => {
  const given = readNumber(text)
  if (Number.isNaN(given)) return { right: false, says: 'That is not a number that I can read. Write it like −1.5 or 3/4.' }
  if (Math.abs(given - answer) <= tolerance) return { right: true, says: right }
  const known = mistakes.find(([value]) => Math.abs(given - value) <= tolerance)
  return { right: false, says: known?.[1] ?? otherwise }
}

export const judgeChoice = ({ choices }: ChoiceQuestion, index: number | undefined): Verdict => {
  const choice = index === undefined ? undefined : choices[index]
  return choice === undefined ? { right: false, says: 'Choose one first.' } : { right: choice.right === true, says: choice.says }
}

/** What the lines of a program and its check say. */
export const judgeProgram = ({ right }: ProgramQuestion, lines: readonly string[], failure: string | undefined): Verdict => {
  if (failure !== undefined) return { right: false, says: failure }
  const last = lines.at(-1)
  return last === 'right' ? { right: true, says: right } : { right: false, says: last ?? 'The program ended without a word.' }
}
