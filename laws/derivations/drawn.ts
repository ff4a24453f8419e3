/**
 * The cases of a page: lengths for its axes, numbers for what is given, and from them every other letter.
 *
 * @module
 */
import fc from 'fast-check'
import { tabulate, type Value } from './arrays.js'
import { FormulaError } from './formula.js'
import { isLetter, type Letters, lettersOf, type Sizes } from './letters.js'

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

export const filled = (lengths: readonly number[], entries: readonly number[]): Value => {
  let place = 0
  return tabulate(lengths, () => entries[place++])
}

export const lengthsIn = (sizes: Sizes, shape: readonly string[]): readonly number[] => shape.map(name => lengthOf(sizes, name))

export const countOf = (lengths: readonly number[]): number => lengths.reduce((a, b) => a * b, 1)

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
export const checkShape = (letter: string, value: Value, [length, ...rest]: readonly number[]): void => {
  if (typeof value === 'number' ? length !== undefined : value.length !== length) throw new FormulaError(`the code of ${letter} does not have the declared shape`)
  if (typeof value !== 'number') value.forEach(part => { checkShape(letter, part, rest) })
}

export const flat = (value: Value): readonly number[] => (typeof value === 'number' ? [value] : value.flatMap(flat))

export const replaced = (value: Value, place: number, entry: number): Value => {
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
