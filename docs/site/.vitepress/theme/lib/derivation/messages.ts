import type { Value } from 'pullback/laws'

/** A letter with its value in a case. */
export interface Shown {
  readonly name: string
  readonly value: Value
}

/** A case in which changed code gives another value than it must. */
export interface Counterexample {
  /** The letters that the code reads. */
  readonly given: readonly Shown[]
  readonly got: Value
  /** What the code must equal: the formula, and finite differences or the step before. */
  readonly wanted: readonly Shown[]
  /** The first entry that differs, by its indices; undefined where the shapes differ. */
  readonly at: readonly number[] | undefined
  readonly cases: number
}

/** What the page asks of the worker of laws. */
export type ToLaw =
  | { readonly kind: 'laws', readonly id: number, readonly page: string, readonly laws: readonly number[], readonly seed: number, readonly cases: number }
  | { readonly kind: 'try', readonly id: number, readonly page: string, readonly place: string, readonly code: string, readonly helpers: readonly string[], readonly aliases: Readonly<Record<string, string>>, readonly seed: number }
  | { readonly kind: 'bug', readonly id: number, readonly bug: string, readonly seed: number }
  | { readonly kind: 'stop', readonly id: number }

/** What the worker tells. `at` says whether the code of a reader runs now, which may never end. */
export type FromLaw =
  | { readonly kind: 'ready' }
  | { readonly kind: 'at', readonly id: number, readonly reader: boolean }
  | { readonly kind: 'law', readonly id: number, readonly law: number, readonly worst: number, readonly cases: number, readonly failure: string | undefined }
  | { readonly kind: 'soFar', readonly id: number, readonly cases: number, readonly worst: number }
  | { readonly kind: 'holds', readonly id: number, readonly cases: number, readonly worst: number }
  | { readonly kind: 'failing', readonly id: number }
  | { readonly kind: 'fails', readonly id: number, readonly example: Counterexample }
  | { readonly kind: 'problem', readonly id: number, readonly text: string }
  | { readonly kind: 'caught', readonly id: number, readonly explanation: string, readonly example: string, readonly cases: number, readonly shrinks: number }
  | { readonly kind: 'done', readonly id: number }
