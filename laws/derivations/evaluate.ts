/**
 * What a formula is worth: the number or array that the very formula gives that a page prints. This is no computer algebra:
 * it evaluates, on the numbers of one case.
 *
 * @module
 */
import { derivativeAtZero } from '../finiteDifferences.js'
import {
  type Axial, axial, AxisError, describe, type Evaluated, entryOf, isAxial, mapEvaluated, multiply, tabulate, transpose, type Value, zip
} from './arrays.js'
import { type Comparison, FormulaError, type Node, type Relation } from './formula.js'

/** What the letters of a page are worth in one case. */
export interface World {
  /** A value or a size by its letter. */
  readonly valueOf: (letter: string) => Evaluated
  /** The shape that a value was declared with, by letters. */
  readonly shapeOf: (letter: string) => readonly string[]
  /** The axis of an index; undefined where the letter is no index, '' for one that counts freely. */
  readonly axisOf: (letter: string) => string | undefined
  readonly lengthOf: (axis: string) => number
  /** Whether an index of one axis may stand on another, which is part of it. */
  readonly reaches: (from: string, to: string) => boolean
  readonly call: (letter: string, args: readonly Evaluated[]) => Evaluated
  readonly pullback: (letter: string, point: readonly Evaluated[], dy: Evaluated) => Evaluated
  /** $\partial a/\partial b$, with the axes of both. */
  readonly derivative: (of: string, by: string) => Evaluated
  /** The worlds that chance can lead to, with their probabilities. */
  readonly outcomes: () => readonly (readonly [World, number])[]
}

type Bindings = Readonly<Record<string, number>>

const FUNCTIONS: Readonly<Record<string, (x: number) => number>> = {
  '\\exp': Math.exp, '\\ln': Math.log, '\\sin': Math.sin, '\\cos': Math.cos, '\\tanh': Math.tanh, '\\sinh': Math.sinh, '\\cosh': Math.cosh,
  '\\sqrt': Math.sqrt, '|': Math.abs, '\\lfloor': Math.floor, '\\lceil': Math.ceil
}

const CONSTANTS: Readonly<Record<string, number>> = { '\\pi': Math.PI, '\\infty': Infinity, e: Math.E }

const COMPARE: Readonly<Record<Comparison, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b, '\\ne': (a, b) => a !== b, '<': (a, b) => a < b, '>': (a, b) => a > b, '\\le': (a, b) => a <= b, '\\ge': (a, b) => a >= b
}

const numberOf = (value: Evaluated, what: string): number => {
  if (typeof value !== 'number') throw new AxisError(`${what} is ${describe(value)}, expected a number`)
  return value
}

const flat = (value: Value): readonly number[] => (typeof value === 'number' ? [value] : value.flatMap(flat))

/** A formula's own definitions come first, then the world. */
export const evaluator = (world: World, definitions: readonly Relation[] = []) => {
  const memo = new Map<string, Evaluated | 'begun'>()

  const remembered = (key: string, compute: () => Evaluated): Evaluated => {
    const known = memo.get(key)
    if (known === 'begun') throw new FormulaError(`${key} is defined by itself`)
    if (known !== undefined) return known
    memo.set(key, 'begun')
    const value = compute()
    memo.set(key, value)
    return value
  }

  /** The letter that a left side defines, with its indices. */
  const defined = (side: Node): readonly { readonly letter: string, readonly at: readonly Node[] }[] =>
    side.kind === 'name' ? [{ letter: side.name, at: [] }]
      : side.kind === 'entry' && side.of.kind === 'name' ? [{ letter: side.of.name, at: side.at }]
        : side.kind === 'tuple' ? side.items.flatMap(defined) : []

  const equations = definitions.flatMap(relation => {
    const parts = defined(relation.sides[0])
    return parts.map(({ letter, at }, part) => ({ letter, at, relation, part: relation.sides[0].kind === 'tuple' ? part : undefined }))
  })
  const isLocal = (letter: string): boolean => equations.some(e => e.letter === letter)

  const indicesIn = (node: Node): readonly string[] =>
    node.kind === 'name' ? (world.axisOf(node.name) === undefined ? [] : [node.name])
      : node.kind === 'plus' ? node.terms.flatMap(({ term }) => indicesIn(term))
        : node.kind === 'times' ? [...indicesIn(node.left), ...indicesIn(node.right)] : []

  /** The values of the letters of a pattern at which it gives a number: k + 1 gives 3 at k = 2. */
  const solve = (pattern: Node, wanted: number, bound: Bindings): Bindings | undefined => {
    const free = indicesIn(pattern).filter(letter => !(letter in bound))
    const search = (letters: readonly string[], found: Bindings): Bindings | undefined => {
      if (letters.length === 0) return run(pattern, found) === wanted ? found : undefined
      const [letter, ...others] = letters
      for (let value = 0; value < world.lengthOf(world.axisOf(letter) ?? ''); value++) {
        const solved = search(others, { ...found, [letter]: value })
        if (solved !== undefined) return solved
      }
      return undefined
    }
    return search(free, bound)
  }

  const chained = (relation: Relation, bound: Bindings): Evaluated => {
    const values = relation.sides.slice(1).map(side => run(side, bound))
    if (relation.comparisons.some(c => c !== '=')) throw new FormulaError('a definition that is not an equation')
    for (const value of values.slice(1)) assertEqual(values[0], value)
    return values[values.length - 1]
  }

  /** One entry of what a formula defines itself. Where several equations give it they must agree. */
  const localEntry = (letter: string, at: readonly number[]): Evaluated => remembered(`${letter} at [${at.join()}]`, () => {
    const shape = world.shapeOf(letter)
    const found = equations.flatMap(({ at: patterns, relation, part, ...equation }): readonly Evaluated[] => {
      if (equation.letter !== letter || patterns.length > at.length) return []
      const bound = patterns.reduce<Bindings | undefined>((known, pattern, axis) => {
        checkIndex(pattern, shape[axis], letter)
        return known === undefined ? undefined : solve(pattern, at[axis], known)
      }, {})
      if (bound === undefined) return []
      const values = remembered(`equation ${definitions.indexOf(relation)} at ${JSON.stringify(bound)}`, () => chained(relation, bound))
      const value = part === undefined || typeof values === 'number' || isAxial(values) ? values : values[part]
      const rest = at.slice(patterns.length)
      if (isAxial(value) ? value.row || value.axes.join() !== shape.slice(patterns.length).join() : rest.length > 0 || typeof value !== 'number')
        throw new AxisError(`${letter} is declared as [${shape.join(', ')}], its formula gives ${describe(value)} for ${patterns.length} indices`)
      return [isAxial(value) ? entryOf(value, rest) : value]
    })
    if (found.length === 0) throw new FormulaError(`no equation gives ${letter} at [${at.join(', ')}]`)
    for (const other of found.slice(1)) assertEqual(found[0], other)
    return found[0]
  })

  const localValue = (letter: string): Evaluated => {
    const shape = world.shapeOf(letter)
    return axial(shape, tabulate(shape.map(world.lengthOf), at => numberOf(localEntry(letter, at), letter)))
  }

  const checkIndex = (index: Node, axis: string | undefined, letter: string): void => {
    if (axis === undefined) throw new AxisError(`${letter} has too many indices`)
    if (index.kind !== 'name') return
    const own = world.axisOf(index.name)
    if (own === undefined || own === '' || own === axis || !/^\\?[a-zA-Z]+$/.test(axis) || world.reaches(own, axis)) return
    throw new AxisError(`the index ${index.name} runs over ${own}, but stands where ${letter} has ${axis}`)
  }

  const holdsIn = (relation: Relation, bound: Bindings): boolean => {
    const values = relation.sides.map(side => numberOf(run(side, bound), 'a side of a condition'))
    return relation.comparisons.every((comparison, i) => COMPARE[comparison](values[i], values[i + 1]))
  }

  const scalar = (name: string, primes: number): ((x: number) => number) => {
    const f = FUNCTIONS[name] ?? ((x: number) => numberOf(world.call(name, [x]), name))
    if (primes === 0) return f
    if (primes > 1) throw new FormulaError('a second derivative is not evaluated')
    return x => derivativeAtZero(h => f(x + h))
  }

  const call = (name: string, primes: number, args: readonly Evaluated[]): Evaluated => {
    if (name === '\\max' || name === '\\min') return Math[name === '\\max' ? 'max' : 'min'](...args.map(a => numberOf(a, name)))
    if (name === '\\lVert') {
      const [of] = args
      return Math.sqrt((isAxial(of) ? flat(of.entries) : [numberOf(of, 'a norm')]).reduce((total, v) => total + v * v, 0))
    }
    if (primes === 0 && !(name in FUNCTIONS)) return world.call(name, args)
    if (args.length !== 1) throw new FormulaError(`${name} takes one argument`)
    return mapEvaluated(scalar(name, primes), args[0])
  }

  const rangeOf = (node: Node & { readonly kind: 'over' }, bound: Bindings): readonly number[] => {
    const { index, range } = node
    if (range.kind === 'between') {
      const from = numberOf(run(range.from, bound), 'a bound'), to = numberOf(run(range.to, bound), 'a bound')
      return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
    }
    const axis = world.axisOf(index)
    if (axis === undefined || axis === '') throw new FormulaError(`${index} has no range`)
    return Array.from({ length: world.lengthOf(axis) }, (_, i) => i)
      .filter(value => range.kind === 'all' || holdsIn(range.condition, { ...bound, [index]: value }))
  }

  const over = (node: Node & { readonly kind: 'over' }, bound: Bindings): Evaluated => {
    if (node.index in bound) throw new FormulaError(`the index ${node.index} is used twice`)
    const at = (value: number): Evaluated => run(node.body, { ...bound, [node.index]: value })
    const values = rangeOf(node, bound).map(at)
    if (values.length === 0) {
      if (node.operator === '\\max' || node.operator === '\\min') throw new FormulaError('the largest of nothing')
      if (node.operator === '\\prod') return 1
      // A sum of nothing has the shape of its terms.
      const axis = world.axisOf(node.index)
      return node.range.kind === 'such' && axis !== undefined && world.lengthOf(axis) > 0 ? mapEvaluated(() => 0, at(0)) : 0
    }
    switch (node.operator) {
      case '\\sum': return values.reduce((a, b) => zip('a sum', (x, y) => x + y, a, b))
      case '\\prod': return values.reduce(multiply)
      case '\\max': return Math.max(...values.map(v => numberOf(v, 'a maximum')))
      case '\\min': return Math.min(...values.map(v => numberOf(v, 'a minimum')))
    }
  }

  const derivative = (node: Node & { readonly kind: 'partial' }, bound: Bindings): Evaluated => {
    const [of] = defined(node.of), [by] = defined(node.by)
    if (of === undefined || by === undefined) throw new FormulaError('a derivative of what is no letter')
    const whole = world.derivative(of.letter, by.letter)
    const shapes = [world.shapeOf(of.letter), world.shapeOf(by.letter)]
    if (of.at.length === 0 && by.at.length === 0) return whole
    if (of.at.length !== shapes[0].length || by.at.length !== shapes[1].length) throw new AxisError(`∂${of.letter}/∂${by.letter} has too few indices`)
    of.at.forEach((index, axis) => { checkIndex(index, shapes[0][axis], of.letter) })
    by.at.forEach((index, axis) => { checkIndex(index, shapes[1][axis], by.letter) })
    const at = [...of.at, ...by.at].map(index => numberOf(run(index, bound), 'an index'))
    return isAxial(whole) ? entryOf(whole, at) : whole
  }

  const entry = (node: Node & { readonly kind: 'entry' }, bound: Bindings): Evaluated => {
    const at = node.at.map(index => numberOf(run(index, bound), 'an index'))
    if (node.of.kind === 'name' && isLocal(node.of.name)) {
      const letter = node.of.name, shape = world.shapeOf(letter), { length } = shape
      node.at.forEach((index, axis) => { checkIndex(index, shape[axis], letter) })
      if (at.length === length) return localEntry(letter, at)
      // Only the part that is asked for: a recursion does not need the whole.
      const rest = shape.slice(at.length)
      return axial(rest, tabulate(rest.map(world.lengthOf), more => numberOf(localEntry(letter, [...at, ...more]), letter)))
    }
    const value = run(node.of, bound)
    if (!isAxial(value)) throw new AxisError(`${describe(value)} has no entries`)
    const letter = node.of.kind === 'name' ? node.of.name : 'this'
    node.at.forEach((index, axis) => { checkIndex(index, value.axes[axis], letter) })
    return entryOf(value, at)
  }

  const mean = (of: Node, variance: boolean, bound: Bindings): Evaluated => {
    const values = world.outcomes().map(([outcome, probability]) =>
      ({ value: evaluator(outcome, definitions).run(of, bound), probability }))
    const average = (f: (x: number) => number): Evaluated => values
      .map(({ value, probability }) => mapEvaluated(x => probability * f(x), value))
      .reduce((a, b) => zip('a mean', (x, y) => x + y, a, b))
    const first = average(x => x)
    return variance ? zip('a variance', (square, m) => square - m * m, average(x => x * x), first) : first
  }

  const run = (node: Node, bound: Bindings): Evaluated => {
    switch (node.kind) {
      case 'number': return node.value
      case 'name': {
        if (node.name in bound) return bound[node.name]
        if (node.name in CONSTANTS) return CONSTANTS[node.name]
        if (world.axisOf(node.name) !== undefined) throw new FormulaError(`the index ${node.name} is not bound`)
        return isLocal(node.name) ? localValue(node.name) : world.valueOf(node.name)
      }
      case 'entry': return entry(node, bound)
      case 'plus': return node.terms
        .map(({ sign, term }) => (sign === 1 ? run(term, bound) : mapEvaluated(v => -v, run(term, bound))))
        .reduce((a, b) => zip('a sum', (x, y) => x + y, a, b))
      case 'times': {
        const left = run(node.left, bound), right = run(node.right, bound)
        return node.by === 'product' ? multiply(left, right)
          : node.by === 'entrywise' ? zip('an entrywise product', (x, y) => x * y, left, right)
            : mapEvaluated(v => v / numberOf(right, 'a denominator'), left)
      }
      case 'power': {
        const base = run(node.base, bound), exponent = numberOf(run(node.exponent, bound), 'an exponent')
        return mapEvaluated(v => (v === Math.E ? Math.exp(exponent) : v ** exponent), numberOf(base, 'a base of a power'))
      }
      case 'transpose': return transpose(run(node.of, bound))
      case 'call': {
        const value = call(node.name, node.primes, node.arguments.map(argument => run(argument, bound)))
        return node.power === 1 ? value : mapEvaluated(v => v ** node.power, value)
      }
      case 'pullback': {
        const [dy] = node.arguments.map(argument => run(argument, bound))
        return world.pullback(node.name, node.point.map(part => run(part, bound)), dy)
      }
      case 'over': return over(node, bound)
      case 'partial': return derivative(node, bound)
      case 'delta': return numberOf(run(node.left, bound), 'an index') === numberOf(run(node.right, bound), 'an index') ? 1 : 0
      case 'bracket': return holdsIn(node.condition, bound) ? 1 : 0
      case 'cases': {
        const row = node.rows.find(({ condition }) => condition === undefined || holdsIn(condition, bound))
        if (row === undefined) throw new FormulaError('no case applies')
        return run(row.value, bound)
      }
      case 'mean': return mean(node.of, node.variance, bound)
      case 'tuple': return node.items.map(item => run(item, bound))
    }
  }

  return {
    run, value: localValue,
    /** The letters that the formula defines itself. */
    locals: Array.from(new Set(equations.map(({ letter }) => letter))),
    /** Relations that define nothing and say something. */
    others: definitions.filter(relation => defined(relation.sides[0]).length === 0)
  }
}

/** A relative difference that rounding, or the measurement of a derivative, explains. */
const CLOSE = 1e-7

/** Throws where two values differ in shape, or by more than rounding. */
export const assertEqual = (a: Evaluated, b: Evaluated): void => {
  const differ = (x: number, y: number): number => {
    if (!(Object.is(x, y) || Math.abs(x - y) <= CLOSE * (1 + Math.abs(x) + Math.abs(y)))) throw new FormulaError(`the sides of an equation differ: ${x} and ${y}`)
    return 0
  }
  if (Array.isArray(a) && Array.isArray(b)) (a as readonly Evaluated[]).forEach((part, i) => { assertEqual(part, (b as readonly Evaluated[])[i]) })
  else zip('an equation', differ, a, b)
}

export type { Axial }
