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

/** The largest error that was found, in words. */
export const errorText = (error: number): string => (error === 0 ? 'no error' : `error ${Number.isFinite(error) ? error.toExponential(1).replace('-', '−') : String(error)}`)
