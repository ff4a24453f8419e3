/**
 * The words of a formula in LaTeX, without what only sets it.
 *
 * @module
 */

/** A command, a letter, a number or a sign. */
export type Token = string

/** Space and the sizes of brackets have no meaning. */
const SETTING = new Set(['\\,', '\\;', '\\:', '\\!', '\\ ', '\\big', '\\Big', '\\bigg', '\\Bigg', '\\bigl', '\\bigr', '\\Bigl', '\\Bigr', '\\left', '\\right'])

/** Different ways to set one thing. */
const SAME: Readonly<Record<string, Token>> = {
  '\\tfrac': '\\frac', '\\dfrac': '\\frac', '\\quad': '\\qquad', '\\lbrack': '[', '\\rbrack': ']', '\\times': '\\cdot', '\\mid': '|', '\\lvert': '|', '\\rvert': '|', '−': '-'
}

const PATTERN = /\\(?:text|mathrm|mathbf|mathbb|operatorname)\s*\{[^}]*\}|\\math(?:bf|bb|rm)\s+[A-Za-z0-9]|\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|[^\s]/g

/** `\mathbf{1}` and `\mathbf 1` are one word. */
const normalised = (word: string): Token => {
  const match = /^\\(mathrm|mathbf|mathbb|operatorname)[\s{]+([^}]+?)\}?$/.exec(word)
  return match === null ? SAME[word] ?? word : `\\${match[1]}{${match[2]}}`
}

/** Arguments of one digit, as in `\frac12`: the digits of a number that follows a fraction stand alone. */
const digits = (words: readonly Token[]): readonly Token[] => words.flatMap((word, i) => {
  const before = words[i - 1]
  return /^\d\d+$/.test(word) && (before === '\\frac' || before === '^' || before === '_') ? Array.from(word) : [word]
})

export const tokensOf = (formula: string): readonly Token[] =>
  digits((formula.match(PATTERN) ?? []).map(normalised).filter(word => !SETTING.has(word)))
