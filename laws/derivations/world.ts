/**
 * What the letters of a page are worth in one case: values, functions, pullbacks, derivatives, and the outcomes of chance.
 *
 * @module
 */
import { derivativeAtZero } from '../finiteDifferences.js'
import { axial, type Evaluated, type Value } from './arrays.js'
import { checkShape, type Computes, countOf, type Drawn, filled, flat, lengthOf, lengthsIn, replaced, valuesOf } from './drawn.js'
import type { World } from './evaluate.js'
import { FormulaError } from './formula.js'
import { type Case, type FunctionLetter, type Letters, lettersOf } from './letters.js'

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
