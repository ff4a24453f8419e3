/**
 * What a derivation is made of, and what is made of it.
 *
 * @module
 */
import type { Tensor } from 'pullback'
import type { Finding, Law } from '../law.js'
import type { Value } from './arrays.js'
import type { casesOf, Drawn } from './drawn.js'
import type { Relation } from './formula.js'
import type { Letters, Sizes } from './letters.js'

export interface Step<C> {
  /** Why this formula equals the one before it. Formulae in it are evaluated too. */
  readonly text: string
  readonly formula: string
  readonly compute: (c: C, sizes: Sizes) => Value
}

/** What the library gives: a tensor, several, or a number. */
export type FromLibrary = Tensor | number | readonly FromLibrary[]

/** The derivation of one quantity: a gradient, or the derivative on the left of its formulae. */
export interface Chain<C> {
  readonly of: (keyof C & string) | { readonly derivative: string }
  readonly steps: readonly Step<C>[]
  /** The quantity as the library computes it; without it the chain is a lemma, and later formulae use its letter. */
  readonly library?: ((c: C, sizes: Sizes) => FromLibrary) | undefined
}

/** What follows, or what a page is about besides its gradients: text, and formulae that hold in every case. */
export interface Claim {
  readonly title?: string | undefined
  readonly text: string
  readonly formulas?: readonly string[] | undefined
}

export interface Output<C> {
  readonly value: keyof C & string
  /** The gradient at this output; without it the output is a loss. */
  readonly gradient?: keyof C & string | undefined
  readonly library?: ((c: C, sizes: Sizes) => FromLibrary) | undefined
  /** Printed and compared with the library, but no part of what is differentiated. */
  readonly aside?: boolean | undefined
}

export interface DerivationDefinition<C> extends Partial<Letters<C>> {
  readonly name: string
  /** The file of the library that this is about. */
  readonly source: string
  /** Exports of the library whose gradient this page derives. */
  readonly about?: readonly string[] | undefined
  /** What is computed. */
  readonly introduction: string
  readonly letters: Letters<C>['letters']
  readonly outputs?: readonly Output<C>[] | undefined
  readonly chains?: readonly Chain<C>[] | undefined
  readonly claims?: readonly Claim[] | undefined
  /** What the forward pass and the gradient cost. */
  readonly cost?: string | undefined
  /** The names of the pages that this one builds on. */
  readonly uses?: readonly string[] | undefined
  /** Which sizes go together. */
  readonly fits?: ((sizes: Sizes) => boolean) | undefined
  /** Which values the laws try: not those where a function is too steep for finite differences. */
  readonly admits?: ((c: C) => boolean) | undefined
  /** Formulae that are printed and not evaluated, each with the reason. */
  readonly unevaluated?: Readonly<Record<string, string>> | undefined
}

/** One formula of a page in its place, so that a test can put a mistake into it. */
export interface Place {
  /** `dx, step 2`; `definition of y`; `claim 1`; `text of …`. */
  readonly name: string
  readonly formula: string
  readonly relations: readonly Relation[]
  /** What the law of this place finds in a case with other relations here. An error of at most 1 means that they hold. */
  readonly check: (relations: readonly Relation[], drawn: Drawn) => Finding
  /** The same with another formula in LaTeX, as a reader may write it. An error of at most 1 means that it holds in the case. */
  readonly tried: (formula: string, drawn: Drawn) => Finding
}

/** A derivation for its readers: its cases are inside of its laws. */
export interface Derivation {
  readonly name: string
  readonly source: string
  readonly about: readonly string[]
  readonly introduction: string
  readonly letters: Letters<Record<string, Value>>
  readonly outputs: readonly { readonly value: string, readonly gradient: string | undefined, readonly inLibrary: boolean }[]
  readonly chains: readonly {
    /** As its steps are called. */
    readonly name: string
    /** In LaTeX. */
    readonly quantity: string
    readonly steps: readonly Pick<Step<never>, 'text' | 'formula'>[]
    readonly endsInLibrary: boolean
  }[]
  readonly claims: readonly Claim[]
  readonly cost: string
  readonly uses: readonly string[]
  readonly unevaluated: Readonly<Record<string, string>>
  readonly laws: readonly Law[]
  /** Every formula that is evaluated. */
  readonly places: readonly Place[]
  /** Every function beside a formula: what it gives in a case, what it must be equal to, and which of these another value in its place is not, if any. */
  readonly functions: readonly {
    readonly name: string
    readonly value: (drawn: Drawn) => Value
    readonly against: readonly { readonly name: string, readonly value: (drawn: Drawn) => Value }[]
    readonly noticedBy: (value: Value, drawn: Drawn) => string | undefined
  }[]
  readonly cases: ReturnType<typeof casesOf>
  /** The values of every letter in a case, each computed when it is read. */
  readonly valuesIn: (drawn: Drawn) => Readonly<Record<string, Value>>
  /** The values of every letter in the example. */
  readonly example: { readonly drawn: Drawn, readonly values: Readonly<Record<string, Value>> }
  /** For an output and a letter: which entries of the output depend on which of the letter, in the example. */
  readonly dependence: (output: string, by: string) => readonly (readonly boolean[])[]
}
