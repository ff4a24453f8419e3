/** What laws found in this page, for all parts of it that show them. */
import { shallowReactive } from 'vue'

export interface Result {
  readonly worst: number
  readonly cases: number
  readonly failure: string | undefined
}

const results = shallowReactive(new Map<string, Result>())

export const resultOf = (page: string, law: number): Result | undefined => results.get(`${page} ${law}`)

export const keep = (page: string, law: number, result: Result): void => { results.set(`${page} ${law}`, result) }

/** A law of a page, with what was measured when the page was written. */
export interface MeasuredLaw {
  readonly i: number
  readonly text: string
  readonly worst: number
  readonly cases: number
  readonly tolerance: number
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹'

const raised = (exponent: string): string => Array.from(exponent, digit => (digit === '-' ? '⁻' : digit === '+' ? '' : SUPERSCRIPTS[Number(digit)])).join('')

/** The largest error that was found, in words: error 1.2·10⁻¹⁴. */
export const errorText = (error: number): string => {
  if (error === 0) return 'no error'
  const [mantissa, exponent] = error.toExponential(1).split('e')
  return `error ${exponent === undefined ? String(error) : `${mantissa}·10${raised(exponent)}`}`
}

export const worstText = (error: number): string => (error === 0 ? errorText(error) : `worst ${errorText(error)}`)
