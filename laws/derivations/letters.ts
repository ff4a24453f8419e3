/**
 * The letters of a page, each declared once: how it is printed, its shape, what it means, what it is called in the code, and
 * where its value comes from.
 *
 * @module
 */
import fc from 'fast-check'
import type { Value } from './arrays.js'
import { real } from './cases.js'
import { FormulaError, type Vocabulary } from './formula.js'

/** The lengths of the axes in one case, by letter. */
export type Sizes = Readonly<Record<string, number>>

/** An axis: a size, and the indices that run over it. */
export interface Axis {
  readonly meaning: string
  readonly indices: readonly string[]
  readonly min: number
  readonly max: number
  /** The length in the example with numbers. */
  readonly example: number
  /** The axes that begin with this one: its indices may stand on them. */
  readonly within: readonly string[]
}

export interface AxisOptions {
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly example?: number | undefined
  readonly within?: string | undefined
}

const words = (text: string): readonly string[] => text.split(' ').filter(word => word !== '')

/** `axis('i j', 'inputs')`: a size with its indices, from 1 to 3 in the cases unless said otherwise. */
export const axis = (indices: string, meaning: string, { min = 1, max = 3, example = 2, within = '' }: AxisOptions = {}): Axis =>
  ({ meaning, indices: words(indices), min, max, example, within: words(within) })

interface Declared {
  readonly latex: string
  readonly shape: readonly string[]
  readonly meaning: string
}

export interface Given extends Declared {
  readonly kind: 'given'
  readonly entries: (sizes: Sizes) => fc.Arbitrary<number>
  /** The entry at a place of the example. */
  readonly example: (place: number, sizes: Sizes) => number
}

/** A given whose entries come about by chance, with finitely many outcomes. */
export interface Chance<C> extends Declared {
  readonly kind: 'chance'
  readonly outcomes: (c: C, sizes: Sizes) => readonly (readonly [value: number, probability: number])[]
}

export interface Defined<C> extends Declared {
  readonly kind: 'defined'
  /** Empty where only the code can say it. */
  readonly formula: string
  readonly compute: (c: C, sizes: Sizes) => Value
}

/** $\partial\ell/\partial\text{by}$: what a chain derives. */
export interface Sought<C> extends Declared {
  readonly kind: 'sought'
  readonly by: keyof C & string
}

export type Letter<C> = Given | Chance<C> | Defined<C> | Sought<C>

export interface GivenOptions {
  readonly entries?: (fc.Arbitrary<number> | ((sizes: Sizes) => fc.Arbitrary<number>)) | undefined
  readonly example?: ((place: number, sizes: Sizes) => number) | undefined
}

/** A value that every case draws; the shape is letters of axes with spaces between them, '' for a number. */
export const given = (latex: string, shape: string, meaning: string, { entries = real(2), example }: GivenOptions = {}): Given => ({
  kind: 'given', latex, shape: words(shape), meaning,
  entries: typeof entries === 'function' ? entries : () => entries,
  // Small halves that differ from place to place and from letter to letter, none of them 0.
  example: example ?? (place => (((7 * place + 3 * latex.length + latex.charCodeAt(latex.length - 1)) % 9 - 4) || 5) / 2)
})

/** A number that is the same in all cases. */
export const constant = (latex: string, meaning: string, value: number): Given =>
  given(latex, '', meaning, { entries: fc.constant(value), example: () => value })

/** A number that is drawn by chance: every outcome with its probability, over which means are taken exactly. */
export const chance = <C>(latex: string, shape: string, meaning: string, outcomes: Chance<C>['outcomes']): Chance<C> =>
  ({ kind: 'chance', latex, shape: words(shape), meaning, outcomes })

/** A value with the formula that defines it and the same in code. */
export const defined = <C>(latex: string, shape: string, meaning: string, formula: string, compute: (c: C, sizes: Sizes) => Value): Defined<C> =>
  ({ kind: 'defined', latex, shape: words(shape), meaning, formula, compute })

/** The gradient at another letter. */
export const gradientAt = <C>(latex: string, shape: string, by: keyof C & string, meaning: string): Sought<C> =>
  ({ kind: 'sought', latex, shape: words(shape), meaning, by })

/** A function of a page: of one number, with a formula, or of arrays, from the library or from the code. */
export interface FunctionLetter {
  readonly latex: string
  readonly meaning: string
  /** The letter of the number that it takes; undefined where it takes arrays. */
  readonly parameter: string | undefined
  readonly formula: string
  /** The shapes that it takes and gives. */
  readonly takes: readonly (readonly string[])[]
  readonly gives: readonly string[]
  /** The value at the arguments; the other letters are there for what a layer is built from, such as its mask. */
  readonly compute: (values: readonly Value[], c: Case) => Value
  /** The pullback at a point, from the library; without it the transposed Jacobian is measured. */
  readonly pullback: ((point: readonly Value[], dy: Value, c: Case) => readonly Value[]) | undefined
}

/** The values of a case by their names in the code, for functions, which do not know the page. */
export type Case = Readonly<Record<string, Value>>

/** A function of one number: `numeric('\\sigma', 'u', 'the sigmoid', '\\frac{1}{1 + e^{-u}}', u => …)`. */
export const numeric = (latex: string, parameter: string, meaning: string, formula: string, compute: (u: number) => number): FunctionLetter => ({
  latex, parameter, meaning, formula, takes: [[]], gives: [], pullback: undefined,
  compute: ([value]) => {
    if (typeof value !== 'number') throw new FormulaError(`${latex} takes a number`)
    return compute(value)
  }
})

/** A function of arrays, with the shapes that it takes and gives. */
export const mapping = (
  latex: string, takes: readonly string[], gives: string, meaning: string,
  compute: FunctionLetter['compute'], pullback?: NonNullable<FunctionLetter['pullback']>
): FunctionLetter => ({ latex, parameter: undefined, meaning, formula: '', takes: takes.map(words), gives: words(gives), compute, pullback })

/** Everything a page declares. */
export interface Letters<C> {
  readonly axes: Readonly<Record<string, Axis>>
  readonly letters: { readonly [K in keyof C & string]: Letter<C> }
  readonly functions: Readonly<Record<string, FunctionLetter>>
  /** Indices that count without an axis. */
  readonly counters: readonly string[]
}

export const lettersOf = <C>({ letters }: Letters<C>): readonly (readonly [name: keyof C & string, letter: Letter<C>])[] =>
  // The keys of the record are the names of its fields.
  (Object.keys(letters) as (keyof C & string)[]).map(name => [name, letters[name]] as const)

/** Every letter once. Throws `FormulaError` for one that is declared twice or that always means something else. */
export const vocabularyOf = <C>(page: Letters<C>): Vocabulary => {
  const found: (readonly [string, 'value' | 'size' | 'index' | 'function'])[] = [
    ...Object.keys(page.axes).filter(isLetter).map(size => [size, 'size'] as const),
    ...Object.values(page.axes).flatMap(({ indices }) => indices.map(index => [index, 'index'] as const)),
    ...page.counters.map(index => [index, 'index'] as const),
    ...lettersOf(page).map(([, { latex }]) => [latex, 'value'] as const),
    ...Object.values(page.functions).map(({ latex }) => [latex, 'function'] as const)
  ]
  const parameters = Object.values(page.functions).flatMap(({ parameter }) => (parameter === undefined ? [] : [parameter]))
  const seen = new Set(['e', '\\pi'])
  for (const [letter] of found) {
    if (seen.has(letter)) throw new FormulaError(`the letter ${letter} is used for two things`)
    seen.add(letter)
  }
  const taken = parameters.find(parameter => seen.has(parameter))
  if (taken !== undefined) throw new FormulaError(`the letter ${taken} is used for two things`)
  return { letters: new Map(found) }
}

/** Whether an axis is a letter and not computed from others, as Hd is. */
export const isLetter = (axisName: string): boolean => /^(?:\\[a-zA-Z]+|[a-zA-Z])(?:_(?:[a-zA-Z0-9]|\{[^}]*\}))?$/.test(axisName)
