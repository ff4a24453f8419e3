/**
 * What the program writes, without what could command a terminal: names, prompts and symbols come from outside.
 */
import { printable } from 'pullback'

export const print = (text: string): void => { process.stdout.write(`${printable(text)}\n`) }

const LONGEST = 500

/** A problem as one line. */
export const failure = (problem: string): string => {
  const line = printable(problem.trim().replace(/\s*\n\s*/g, ' '))
  return `error: ${line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line}\n`
}
