/**
 * The letters of a page, each declared once: how it is printed, its shape, what it means, what it is called in the code, and
 * where its value comes from.
 *
 * @module
 */
import fc from 'fast-check'
import { type Evaluated, axial, tabulate, type Value } from './arrays.js'
import { derivativeAtZero } from '../finiteDifferences.js'
import { real } from './cases.js'
import type { World } from './evaluate.js'
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
  readonly min?: number
  readonly max?: number
  readonly example?: number
  readonly within?: string
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
  readonly entries?: fc.Arbitrary<number> | ((sizes: Sizes) => fc.Arbitrary<number>)
  readonly example?: (place: number, sizes: Sizes) => number
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

const PRODUCT = /^[A-Za-z0-9]+$/

/** The length of an axis such as `N`, `Hd`, `3Hd` or `L + 1`. */
export const lengthOf = (sizes: Sizes, name: string): number => {
  if (name in sizes) return sizes[name]
  const parts = name.split('+').map(part => part.trim())
  return parts.reduce((total, part) => {
    if (!PRODUCT.test(part)) throw new FormulaError(`the axis ${name} is not declared`)
    return total + (part.match(/\d+|[A-Za-z]/g) ?? []).reduce((product, factor) => {
      const length = /^\d/.test(factor) ? Number(factor) : sizes[factor]
      if (length === undefined) throw new FormulaError(`the axis ${name} is not declared`)
      return product * length
    }, 1)
  }, 0)
}

/** One case: the sizes and the values that are given. */
export interface Drawn {
  readonly sizes: Sizes
  readonly given: Readonly<Record<string, Value>>
}

const filled = (lengths: readonly number[], entries: readonly number[]): Value => {
  let place = 0
  return tabulate(lengths, () => entries[place++])
}

const lengthsIn = (sizes: Sizes, shape: readonly string[]): readonly number[] => shape.map(name => lengthOf(sizes, name))

const countOf = (lengths: readonly number[]): number => lengths.reduce((a, b) => a * b, 1)

/** The cases that the laws of a page try. Chance is drawn among its outcomes, evenly. */
export const casesOf = <C>(page: Letters<C>, fits: (sizes: Sizes) => boolean): fc.Arbitrary<Drawn> => {
  const sizes = fc.record(Object.fromEntries(Object.entries(page.axes).filter(([name]) => isLetter(name))
    .map(([name, { min, max }]) => [name, fc.integer({ min, max })]))).filter(fits)
  return sizes.chain(lengths => fc.record(Object.fromEntries(lettersOf(page).flatMap(([name, letter]) => {
    if (letter.kind !== 'given' && letter.kind !== 'chance') return []
    const shape = lengthsIn(lengths, letter.shape), count = countOf(shape)
    const entries = letter.kind === 'given' ? letter.entries(lengths) : fc.nat(1000)
    return [[name, fc.array(entries, { minLength: count, maxLength: count }).map(list => filled(shape, list))]]
  }))).map(drawn => ({ sizes: lengths, given: drawn })))
}

/** The case that the page shows in numbers. */
export const exampleOf = <C>(page: Letters<C>): Drawn => {
  const sizes = Object.fromEntries(Object.entries(page.axes).filter(([name]) => isLetter(name)).map(([name, { example }]) => [name, example]))
  return {
    sizes,
    given: Object.fromEntries(lettersOf(page).flatMap(([name, letter]) => {
      if (letter.kind !== 'given' && letter.kind !== 'chance') return []
      const shape = lengthsIn(sizes, letter.shape)
      return [[name, filled(shape, Array.from({ length: countOf(shape) }, (_, place) => (letter.kind === 'given' ? letter.example(place, sizes) : place)))]]
    }))
  }
}

/** Throws where a value does not have the lengths of its declared shape. */
const checkShape = (letter: string, value: Value, [length, ...rest]: readonly number[]): void => {
  if (typeof value === 'number' ? length !== undefined : value.length !== length) throw new FormulaError(`the code of ${letter} does not have the declared shape`)
  if (typeof value !== 'number') value.forEach(part => { checkShape(letter, part, rest) })
}

const flat = (value: Value): readonly number[] => (typeof value === 'number' ? [value] : value.flatMap(flat))

const replaced = (value: Value, place: number, entry: number): Value => {
  let index = 0
  const visit = (part: Value): Value => (typeof part === 'number' ? (index++ === place ? entry : part) : part.map(visit))
  return visit(value)
}

/** What computes each letter that is not given. */
export type Computes<C> = ReadonlyMap<string, (c: C, sizes: Sizes) => Value>

/** The values of a case by their names in the code, each computed when it is read; `overrides` replace what would be computed. */
export const valuesOf = <C>(page: Letters<C>, computes: Computes<C>, drawn: Drawn, overrides: Readonly<Record<string, Value>> = {}): C => {
  const memo = new Map<string, Value>(Object.entries(overrides))
  const c = {}
  for (const [name, letter] of lettersOf(page)) {
    Object.defineProperty(c, name, {
      enumerable: true,
      get: (): Value => {
        const known = memo.get(name)
        if (known !== undefined) return known
        const value = letter.kind === 'given' ? drawn.given[name]
          : letter.kind === 'chance' ? settled(letter.outcomes(c as C, drawn.sizes).map(([outcome]) => outcome), drawn.given[name])
            : computes.get(name)?.(c as C, drawn.sizes)
        if (value === undefined) throw new FormulaError(`nothing computes ${name}`)
        memo.set(name, value)
        return value
      }
    })
  }
  return c as C // every letter has its getter
}

const settled = (outcomes: readonly number[], draws: Value): Value =>
  typeof draws === 'number' ? outcomes[draws % outcomes.length] : draws.map(part => settled(outcomes, part))

/** $\partial a/\partial b$ for every entry of both, by finite differences: for each entry of $b$ those of $a$. */
export const differences = <C>(
  page: Letters<C>, computes: Computes<C>, drawn: Drawn, overrides: Readonly<Record<string, Value>>,
  of: (c: C) => readonly number[], by: keyof C & string
): readonly (readonly number[])[] => {
  const at = valuesOf(page, computes, drawn, overrides)[by] as Value // every letter is a value
  return flat(at).map((entry, place) => {
    const known = new Map<number, readonly number[]>()
    const moved = (h: number): readonly number[] => {
      const before = known.get(h)
      if (before !== undefined) return before
      const values = of(valuesOf(page, computes, drawn, { ...overrides, [by]: replaced(at, place, entry + h) }))
      known.set(h, values)
      return values
    }
    return moved(0).map((_, j) => derivativeAtZero(h => moved(h)[j]))
  })
}

/** The value of a function, with the shape that it was declared with. */
const apply = ({ latex, takes, gives, compute }: FunctionLetter, args: readonly Evaluated[], c: Case): Evaluated => {
  if (args.length !== takes.length) throw new FormulaError(`${latex} takes ${takes.length} values, got ${args.length}`)
  return axial(gives, compute(args.map((value, i) => plain(latex, value, takes[i])), c))
}

const plain = (what: string, value: Evaluated, shape: readonly string[]): Value => {
  if (typeof value === 'number' && shape.length === 0) return value
  if (typeof value === 'object' && 'axes' in value && !value.row && value.axes.join() === shape.join()) return value.entries
  throw new FormulaError(`${what} takes [${shape.join(', ')}]`)
}

/** What the letters of a page are worth in one case. */
export const worldOf = <C>(
  page: Letters<C>, computes: Computes<C>, drawn: Drawn, overrides: Readonly<Record<string, Value>> = {},
  more: ReadonlyMap<string, number> = new Map()
): World => {
  const c = valuesOf(page, computes, drawn, overrides)
  const byLatex = new Map(lettersOf(page).map(([name, letter]) => [letter.latex, { name, letter }]))
  const functions = new Map(Object.values(page.functions).map(f => [f.latex, f]))
  const axes = new Map<string, string>([
    ...page.counters.map(index => [index, ''] as const),
    ...Object.entries(page.axes).flatMap(([name, { indices }]) => indices.map(index => [index, name] as const))
  ])
  const jacobians = new Map<string, Evaluated>()
  const functionOf = (letter: string): FunctionLetter => {
    const f = functions.get(letter)
    if (f === undefined) throw new FormulaError(`${letter} is no function`)
    return f
  }
  const declared = (letter: string) => {
    const found = byLatex.get(letter)
    if (found === undefined) throw new FormulaError(`${letter} has no value`)
    return found
  }
  return {
    valueOf: letter => {
      const extra = more.get(letter)
      if (extra !== undefined) return extra
      if (letter in drawn.sizes) return drawn.sizes[letter]
      const { name, letter: { shape } } = declared(letter)
      const value = c[name] as Value // every letter is a value
      checkShape(letter, value, lengthsIn(drawn.sizes, shape))
      return axial(shape, value)
    },
    shapeOf: letter => declared(letter).letter.shape,
    axisOf: letter => axes.get(letter),
    lengthOf: name => lengthOf(drawn.sizes, name),
    reaches: (from, to) => page.axes[from]?.within.includes(to) ?? false,
    call: (letter, args) => {
      const f = functionOf(letter)
      const [argument] = args
      return f.parameter !== undefined && typeof argument === 'object' && 'axes' in argument
        ? { ...argument, entries: mapped(f, argument.entries) }
        : apply(f, args, c as Case)
    },
    pullback: (letter, point, dy) => {
      const f = functionOf(letter)
      const shapes = f.parameter === undefined ? f.takes : point.map(p => (typeof p === 'object' && 'axes' in p ? p.axes : []))
      const gives = f.parameter === undefined ? f.gives : shapes[0]
      const compute = (values: readonly Value[]): Value => (f.parameter === undefined ? f.compute(values, c as Case) : mapped(f, values[0]))
      if (point.length !== shapes.length) throw new FormulaError(`${letter} has ${shapes.length} arguments, its point has ${point.length}`)
      const values = point.map((p, i) => plain(`the point of ${letter}`, p, shapes[i])), cotangent = plain(`the pullback of ${letter}`, dy, gives)
      const given = f.pullback?.(values, cotangent, c as Case), weights = flat(cotangent)
      const pulled = values.map((value, which): Evaluated => {
        if (given !== undefined) return axial(shapes[which], given[which])
        const entries = flat(value).map((entry, place) => derivativeAtZero(h =>
          flat(compute(values.map((v, i) => (i === which ? replaced(v, place, entry + h) : v)))).reduce((total, y, i) => total + weights[i] * y, 0)))
        return axial(shapes[which], filled(lengthsIn(drawn.sizes, shapes[which]), entries))
      })
      return pulled.length === 1 ? pulled[0] : pulled
    },
    derivative: (of, by) => {
      const key = `${of} by ${by}`
      const known = jacobians.get(key)
      if (known !== undefined) return known
      const a = declared(of), b = declared(by)
      const columns = differences(page, computes, drawn, overrides, moved => flat(moved[a.name] as Value), b.name)
      const shape = [...a.letter.shape, ...b.letter.shape]
      const entries = flat(c[a.name] as Value).flatMap((_, j) => columns.map(column => column[j]))
      const value = axial(shape, filled(lengthsIn(drawn.sizes, shape), entries))
      jacobians.set(key, value)
      return value
    },
    outcomes: () => {
      const chances = lettersOf(page).flatMap(([name, letter]) => (letter.kind === 'chance' && !(name in overrides) ? [{ name, letter }] : []))
      if (chances.length === 0) throw new FormulaError('a mean without chance')
      const all = chances.reduce<readonly (readonly [Readonly<Record<string, Value>>, number])[]>((list, { name, letter }) => {
        const shape = lengthsIn(drawn.sizes, letter.shape), outcomes = letter.outcomes(c, drawn.sizes)
        const draws = Array.from({ length: countOf(shape) }).reduce<readonly (readonly [readonly number[], number])[]>(
          some => some.flatMap(([entries, p]) => outcomes.map(([value, q]) => [[...entries, value], p * q] as const)), [[[], 1]])
        return list.flatMap(([record, p]) => draws.map(([entries, q]) => [{ ...record, [name]: filled(shape, entries) }, p * q] as const))
      }, [[{}, 1]])
      return all.map(([record, probability]) => [worldOf(page, computes, drawn, { ...overrides, ...record }, more), probability] as const)
    }
  }
}

/** A function of one number on every entry. */
const mapped = (f: FunctionLetter, value: Value): Value => (typeof value === 'number' ? f.compute([value], {}) : value.map(part => mapped(f, part)))
