/**
 * What a derivation is: the letters of a page, the formulae that define its output, a chain of formulae for every gradient, and
 * what follows from them. Each formula is evaluated as it is printed and held equal to the code beside it; each step is held
 * equal to the one before it, the first to finite differences, the last to the gradient of the library.
 *
 * The same value gives the laws, which the tests run, and the pages that `npm run derivations` writes. It needs no files, so a
 * browser can run it too.
 *
 * @module
 */
import { tensor, type Tensor } from 'pullback'
import { type Finding, type Law, law } from '../law.js'
import { AxisError, describe, type Evaluated, isAxial, tabulate, type Value } from './arrays.js'
import { assertEqual, evaluator } from './evaluate.js'
import { type Comparison, FormulaError, type Node, read, type Relation, type Vocabulary } from './formula.js'
import {
  casesOf, type Chance, type Computes, differences, type Drawn, exampleOf, type FunctionLetter, type Letter, type Letters, lettersOf, type Sizes, valuesOf, vocabularyOf, worldOf
} from './letters.js'

export type { Value } from './arrays.js'

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
  readonly library?: (c: C, sizes: Sizes) => FromLibrary
}

/** What follows, or what a page is about besides its gradients: text, and formulae that hold in every case. */
export interface Claim {
  readonly title?: string
  readonly text: string
  readonly formulas?: readonly string[]
}

export interface Output<C> {
  readonly value: keyof C & string
  /** The gradient at this output; without it the output is a loss. */
  readonly gradient?: keyof C & string
  readonly library?: (c: C, sizes: Sizes) => FromLibrary
  /** Printed and compared with the library, but no part of what is differentiated. */
  readonly aside?: boolean
}

export interface DerivationDefinition<C> extends Partial<Letters<C>> {
  readonly name: string
  /** The file of the library that this is about. */
  readonly source: string
  /** Exports of the library whose gradient this page derives. */
  readonly about?: readonly string[]
  /** What is computed. */
  readonly introduction: string
  readonly letters: Letters<C>['letters']
  readonly outputs?: readonly Output<C>[]
  readonly chains?: readonly Chain<C>[]
  readonly claims?: readonly Claim[]
  /** What the forward pass and the gradient cost. */
  readonly cost?: string
  /** The names of the pages that this one builds on. */
  readonly uses?: readonly string[]
  /** Which sizes go together. */
  readonly fits?: (sizes: Sizes) => boolean
  /** Formulae that are printed and not evaluated, each with the reason. */
  readonly unevaluated?: Readonly<Record<string, string>>
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
  /** Every function beside a formula; `caught` names what notices when its result is changed. */
  readonly functions: readonly { readonly name: string, readonly caught: (change: (value: Value) => Value, drawn: Drawn) => readonly string[] }[]
  readonly cases: ReturnType<typeof casesOf>
  /** The values of every letter in the example. */
  readonly example: { readonly drawn: Drawn, readonly values: Readonly<Record<string, Value>> }
  /** For an output and a letter: which entries of the output depend on which of the letter, in the example. */
  readonly dependence: (output: string, by: string) => readonly (readonly boolean[])[]
}

/** Below this, a difference counts as it is, not relative to the quantity. */
const FLOOR = 1e-2

const ROUNDING = 1e-11, MEASURED = 1e-7

const entriesOf = (value: Value): readonly number[] => (typeof value === 'number' ? [value] : value.flatMap(entriesOf))

const shapeOf = (value: Value): string =>
  (typeof value === 'number' ? '' : value.length === 0 ? '0' : `${value.length} ${shapeOf(value[0])}`).trim()

/** Same shape, same numbers. */
const equal = (first: Value, second: Value): Finding => {
  if (shapeOf(first) !== shapeOf(second))
    return { error: Infinity, explain: () => `the shape [${shapeOf(first)}] against [${shapeOf(second)}]` }
  const a = entriesOf(first), b = entriesOf(second)
  if (a.length !== b.length) return { error: Infinity, explain: () => `${a.length} numbers against ${b.length}` }
  // Hidden scores are −∞ on both sides; Object.is lets them, and nothing else that is not finite, be equal.
  const off = a.map((x, i) => (Object.is(x, b[i]) ? 0 : Math.abs(x - b[i])))
  const size = Math.hypot(...b.filter(Number.isFinite), FLOOR)
  const place = off.reduce((worst, d, i) => (Number.isNaN(d) || d > off[worst] ? i : worst), 0)
  return { error: off.length === 0 ? 0 : off[place] / size, explain: () => `entry ${place}: ${a[place]} against ${b[place]}` }
}

const fromLibrary = (value: FromLibrary): Value =>
  typeof value === 'number' ? value : tensor.isTensor(value) ? tensor.toNested(value) : value.map(fromLibrary)

const plain = (value: Evaluated): Value => {
  if (typeof value === 'number') return value
  if (!isAxial(value)) return value.map(plain)
  if (value.row) throw new FormulaError('the result is a row')
  return value.entries
}

const entriesIn = (value: Evaluated): Value => (typeof value === 'number' ? value : isAxial(value) ? value.entries : value.map(entriesIn))

/** Throws where the sides of a relation have other axes. */
const sameAxes = (a: Evaluated, b: Evaluated): void => {
  if (describe(a) !== describe(b)) throw new AxisError(`${describe(a)} on one side and ${describe(b)} on the other`)
}

/** Every node below one, itself included. */
export const nodesIn = (node: Node): readonly Node[] => {
  const inRelation = ({ sides }: Relation): readonly Node[] => sides.flatMap(nodesIn)
  const below = (): readonly Node[] => {
    switch (node.kind) {
      case 'number': case 'name': return []
      case 'entry': return [node.of, ...node.at].flatMap(nodesIn)
      case 'plus': return node.terms.flatMap(({ term }) => nodesIn(term))
      case 'times': case 'delta': return [node.left, node.right].flatMap(nodesIn)
      case 'power': return [node.base, node.exponent].flatMap(nodesIn)
      case 'transpose': case 'mean': return nodesIn(node.of)
      case 'call': return node.arguments.flatMap(nodesIn)
      case 'pullback': return [...node.point, ...node.arguments].flatMap(nodesIn)
      case 'over': return [
        ...(node.range.kind === 'such' ? inRelation(node.range.condition) : node.range.kind === 'between' ? [node.range.from, node.range.to].flatMap(nodesIn) : []),
        ...nodesIn(node.body)
      ]
      case 'partial': return [node.of, node.by].flatMap(nodesIn)
      case 'bracket': return inRelation(node.condition)
      case 'cases': return node.rows.flatMap(({ value, condition }) => [...nodesIn(value), ...(condition === undefined ? [] : inRelation(condition))])
      case 'tuple': return node.items.flatMap(nodesIn)
    }
  }
  return [node, ...below()]
}

/** The indices of a relation that no sum binds, in the order in which they are read. */
const freeIndices = ({ sides }: Relation, vocabulary: Vocabulary): readonly string[] => {
  const nodes = sides.flatMap(nodesIn)
  const bound = new Set(nodes.flatMap(node => (node.kind === 'over' ? [node.index] : [])))
  const all = nodes.flatMap(node => (node.kind === 'name' && vocabulary.letters.get(node.name) === 'index' ? [node.name] : []))
  return Array.from(new Set(all)).filter(index => !bound.has(index))
}

const measures = (relations: readonly Relation[]): boolean => relations.some(({ sides }) => sides.flatMap(nodesIn)
  .some(node => node.kind === 'partial' || node.kind === 'pullback' || (node.kind === 'call' && node.primes > 0)))

const COMPARE: Readonly<Record<Comparison, (a: number, b: number, slack: number) => boolean>> = {
  '=': (a, b, slack) => Object.is(a, b) || Math.abs(a - b) <= slack, '\\ne': (a, b) => a !== b,
  '<': (a, b, slack) => a < b + slack, '>': (a, b, slack) => a > b - slack, '\\le': (a, b, slack) => a <= b + slack, '\\ge': (a, b, slack) => a >= b - slack
}

/** The formulae in a text: `$…$` says something of the case, `$?…$` is a condition or a name that is only read. */
export const formulasIn = (text: string): readonly { readonly formula: string, readonly condition: boolean }[] =>
  Array.from(text.matchAll(/\$([^$]+)\$/g), ([, inside]) => ({ formula: inside.replace(/^\?/, ''), condition: inside.startsWith('?') }))

/** A text as it is printed. */
export const printed = (text: string): string => text.replace(/\$\?/g, '$')

/** Makes a derivation of its definition. Throws `FormulaError` for a formula that cannot be read. */
export const derivation = <C>(definition: DerivationDefinition<C>): Derivation => {
  const { name, source, introduction, outputs = [], chains = [], claims = [], unevaluated = {}, fits = () => true } = definition
  const page: Letters<C> = {
    axes: definition.axes ?? {}, letters: definition.letters, functions: definition.functions ?? {}, counters: definition.counters ?? []
  }
  const where = <A>(place: string, run: () => A): A => {
    try { return run() } catch (error) {
      if (error instanceof FormulaError) throw new FormulaError(`${name}, ${place}: ${error.message}`)
      throw error
    }
  }
  const vocabulary = where('letters', () => vocabularyOf(page))
  const letterOf = (letter: keyof C & string): Letter<C> => page.letters[letter]

  const computes: Computes<C> = new Map([
    ...lettersOf(page).flatMap(([letter, declared]) => (declared.kind === 'defined' ? [[letter, declared.compute] as const] : [])),
    ...chains.flatMap(({ of, steps }) => (typeof of === 'string' ? [[of, steps[steps.length - 1].compute] as const] : []))
  ])
  const valuesIn = (drawn: Drawn): C => valuesOf(page, computes, drawn)
  const world = (drawn: Drawn) => worldOf(page, computes, drawn)

  /** The relations of a display; none where it is not evaluated. */
  const relationsOf = (place: string, formula: string): readonly Relation[] =>
    (formula === '' || formula in unevaluated ? [] : where(place, () => read(formula, vocabulary)))

  const numericOf = ({ of, steps }: Chain<C>, drawn: Drawn): Value => {
    if (typeof of !== 'string') {
      const [first] = relationsOf(of.derivative, steps[0].formula)
      return overIndices(first, [first.sides[0]], drawn)
    }
    const sought = letterOf(of)
    if (sought.kind !== 'sought') throw new FormulaError(`${of} is not sought`)
    const measured = outputs.filter(({ aside }) => aside !== true)
    const weights = measured.map(({ gradient }) => (gradient === undefined ? [1] : entriesOf(valuesIn(drawn)[gradient] as Value)))
    const columns = differences(page, computes, drawn, {}, c => [measured.reduce((total, { value }, o) =>
      entriesOf(c[value] as Value).reduce((sum, y, i) => sum + weights[o][i] * y, total), 0)], sought.by)
    const entries = columns.map(([d]) => d)
    let place = 0
    const like = (value: Value): Value => (typeof value === 'number' ? entries[place++] : value.map(like))
    return like(valuesIn(drawn)[sought.by] as Value)
  }

  /** The value of the last of some sides for all values of the free indices of their relation. */
  const overIndices = (relation: Relation, sides: readonly Node[], drawn: Drawn): Value => {
    const here = world(drawn), { run } = evaluator(here), free = freeIndices({ ...relation, sides: [relation.sides[0]] }, vocabulary)
    return tabulate(free.map(index => here.lengthOf(here.axisOf(index) ?? '')), at => {
      const bound = Object.fromEntries(free.map((index, i) => [index, at[i]]))
      const values = sides.map(side => run(side, bound))
      for (const value of values.slice(1)) assertEqual(values[0], value)
      const last = plain(values[values.length - 1])
      if (typeof last !== 'number') throw new FormulaError('a derivative that is no number')
      return last
    })
  }

  /** What the formula of a step or a definition gives, as it is printed. */
  const valueOf = (of: Chain<C>['of'], relations: readonly Relation[], drawn: Drawn): Value => {
    if (typeof of !== 'string') return overIndices(relations[0], relations[0].sides.slice(1), drawn)
    const target = letterOf(of).latex
    const here = world(drawn), { value, locals, others } = evaluator(here, relations)
    const finding = holdsIn(others, drawn)
    if (!(finding.error <= MEASURED)) throw new FormulaError(`beside it: ${finding.explain()}`)
    // What a formula says of other letters on its way must be what these letters are.
    for (const letter of locals) {
      if (letter === target) continue
      const { error, explain } = equal(plain(value(letter)), plain(here.valueOf(letter)))
      if (!(error <= MEASURED)) throw new FormulaError(`${letter} is something else: ${explain()}`)
    }
    return plain(value(target))
  }

  /** A relation that holds for all values of its free indices. */
  const holdsIn = (relations: readonly Relation[], drawn: Drawn): Finding => {
    const here = world(drawn), { run } = evaluator(here)
    const slack = measures(relations) ? MEASURED : ROUNDING
    let finding: Finding = { error: 0, explain: () => 'holds' }
    for (const relation of relations) {
      const free = freeIndices(relation, vocabulary)
      tabulate(free.map(index => here.lengthOf(here.axisOf(index) ?? '')), at => {
        const values = relation.sides.map(side => run(side, Object.fromEntries(free.map((index, i) => [index, at[i]]))))
        relation.comparisons.forEach((comparison, i) => {
          sameAxes(values[i], values[i + 1])
          const a = entriesIn(values[i]), b = entriesIn(values[i + 1])
          if (comparison === '=') {
            const { error, explain } = equal(a, b)
            if (!(error <= finding.error)) finding = { error, explain }
          } else {
            const left = entriesOf(a), right = entriesOf(b)
            const size = 1 + Math.hypot(...left.filter(Number.isFinite), ...right.filter(Number.isFinite))
            if (left.length !== right.length || !left.every((v, k) => COMPARE[comparison](v, right[k], slack * size)))
              finding = { error: Infinity, explain: () => `${left.join(', ')} ${comparison} ${right.join(', ')} does not hold` }
          }
        })
        return 0
      })
    }
    return finding
  }

  const guarded = (run: () => Finding): Finding => {
    try { return run() } catch (error) {
      if (error instanceof Error) return { error: Infinity, explain: () => error.message }
      throw error
    }
  }

  const nameOf = (of: Chain<C>['of']): string => (typeof of === 'string' ? of : of.derivative)

  const places: Place[] = []
  const laws: Law[] = []
  const cases = casesOf(page, fits)

  const equation = (
    title: string, statement: string, tolerance: number, check: (drawn: Drawn) => Finding
  ): void => {
    laws.push(law({
      name: title, statement, cases, tolerance,
      reason: tolerance === MEASURED
        ? 'double precision: the extrapolated differences are good to about 1e-10, a mistake shows at 1e-2'
        : 'double precision: the same number by other roundings',
      check: drawn => guarded(() => check(drawn))
    }))
  }

  /** A formula that is evaluated, with its law. */
  const evaluated = (
    place: string, title: string, formula: string, relations: readonly Relation[], check: (relations: readonly Relation[], drawn: Drawn) => Finding,
    known: Vocabulary = vocabulary
  ): void => {
    if (relations.length === 0) return
    const tolerance = measures(relations) ? MEASURED : ROUNDING
    const scaled = (changed: readonly Relation[], drawn: Drawn): Finding => guarded(() => {
      const { error, explain } = check(changed, drawn)
      return { error: error / tolerance, explain }
    })
    places.push({ name: place, formula, relations, check: scaled, tried: (other, drawn) => guarded(() => scaled(read(other, known), drawn)) })
    equation(title, formula, tolerance, drawn => check(relations, drawn))
  }

  const texts = (place: string, text: string): void => {
    for (const { formula, condition } of formulasIn(text)) {
      // A function by itself, its derivative or its pullback is a name.
      const called = formula.replace(/('|\^\*(?:_\{[^}]*\})?)$/, '')
      if (formula in unevaluated || Object.values(page.functions).some(f => f.latex === called)) continue
      const relations = where(`text of ${place}`, () => read(formula, vocabulary))
      if (condition) continue
      if (relations.every(({ comparisons }) => comparisons.length > 0))
        evaluated(`text of ${place}`, `text of ${place}: ${formula}`, formula, relations, holdsIn)
    }
  }

  const claimed = (place: string, formula: string): void => {
    evaluated(place, `${place}: ${formula}`, formula, relationsOf(place, formula), holdsIn)
  }

  texts('introduction', introduction)
  for (const [, { latex, meaning }] of lettersOf(page)) texts(`the meaning of ${latex}`, meaning)
  for (const { latex, parameter, meaning, formula, compute } of Object.values(page.functions) as readonly FunctionLetter[]) {
    texts(`the meaning of ${latex}`, meaning)
    if (parameter === undefined || formula === '' || formula in unevaluated) continue
    const inside: Vocabulary = { letters: new Map([...vocabulary.letters, [parameter, 'value']]) }
    const relations = where(`definition of ${latex}`, () => read(formula, inside))
    const points = [-2.5, -1, -0.25, 0.5, 1.75, 3]
    evaluated(`definition of ${latex}`, `definition of ${latex}: the formula = the code`, formula, relations, (changed, drawn) => points
      .map(u => equal(plain(evaluator(worldOf(page, computes, drawn, {}, new Map([[parameter, u]]))).run(changed[0].sides[0], {})), compute([u], {})))
      .reduce((a, b) => (a.error >= b.error ? a : b)), inside)
  }
  for (const [letter, declared] of lettersOf(page)) {
    if (declared.kind !== 'defined') continue
    const place = `definition of ${letter}`
    evaluated(place, `${place}: the formula = the code`, declared.formula, relationsOf(place, declared.formula),
      (changed, drawn) => equal(valueOf(letter, changed, drawn), declared.compute(valuesIn(drawn), drawn.sizes)))
  }
  for (const { value, library } of outputs)
    if (library !== undefined)
      equation(`${value}: the code = the library`, `${letterOf(value).latex} in code and in the library`, ROUNDING,
        drawn => equal(valuesIn(drawn)[value] as Value, fromLibrary(library(valuesIn(drawn), drawn.sizes))))

  for (const chain of chains) {
    const { of, steps, library } = chain, quantity = nameOf(of)
    steps.forEach(({ text, formula, compute }, i) => {
      const place = `${quantity}, step ${i + 1}`, relations = relationsOf(place, formula)
      texts(place, text)
      evaluated(place, `${place}: the formula = the code`, formula, relations,
        (changed, drawn) => equal(valueOf(of, changed, drawn), compute(valuesIn(drawn), drawn.sizes)))
      if (i === 0)
        equation(`${place}: the code = finite differences`, formula, MEASURED, drawn => equal(compute(valuesIn(drawn), drawn.sizes), numericOf(chain, drawn)))
      else
        equation(`${place}: the code = step ${i}`, formula, measures(relations) || measures(relationsOf(place, steps[i - 1].formula)) ? MEASURED : ROUNDING,
          drawn => equal(compute(valuesIn(drawn), drawn.sizes), steps[i - 1].compute(valuesIn(drawn), drawn.sizes)))
    })
    if (library !== undefined)
      equation(`${quantity}: step ${steps.length} = the library`, quantity, ROUNDING,
        drawn => equal(steps[steps.length - 1].compute(valuesIn(drawn), drawn.sizes), fromLibrary(library(valuesIn(drawn), drawn.sizes))))
  }
  claims.forEach(({ text, formulas = [] }, i) => {
    texts(`claim ${i + 1}`, text)
    for (const formula of formulas) claimed(`claim ${i + 1}`, formula)
  })
  if (definition.cost !== undefined) texts('cost', definition.cost)

  const functions: Derivation['functions'] = [
    ...lettersOf(page).flatMap(([letter, declared]) => (declared.kind === 'defined' && declared.formula !== '' && !(declared.formula in unevaluated) ? [{
      name: `definition of ${letter}`,
      caught: (change: (value: Value) => Value, drawn: Drawn) => {
        const relations = relationsOf(letter, declared.formula)
        return guarded(() => equal(valueOf(letter, relations, drawn), change(declared.compute(valuesIn(drawn), drawn.sizes)))).error > MEASURED ? [`definition of ${letter}`] : []
      }
    }] : [])),
    ...chains.flatMap(chain => chain.steps.map(({ formula, compute }, i) => ({
      name: `${nameOf(chain.of)}, step ${i + 1}`,
      caught: (change: (value: Value) => Value, drawn: Drawn) => {
        const wrong = change(compute(valuesIn(drawn), drawn.sizes)), relations = relationsOf('', formula)
        const before = i === 0 ? numericOf(chain, drawn) : chain.steps[i - 1].compute(valuesIn(drawn), drawn.sizes)
        return [
          ...(relations.length > 0 && guarded(() => equal(valueOf(chain.of, relations, drawn), wrong)).error > MEASURED ? ['the formula'] : []),
          ...(equal(before, wrong).error > MEASURED ? ['the step before'] : [])
        ]
      }
    })))
  ]

  const example = exampleOf(page)
  // Letters are printed and read by name only; what computes them stays inside.
  const erased: Letters<Record<string, Value>> = {
    ...page, letters: page.letters as Letters<Record<string, Value>>['letters']
  }
  return {
    name, source, introduction, claims, unevaluated, laws, places, functions, cases, letters: erased,
    about: definition.about ?? [], cost: definition.cost ?? '', uses: definition.uses ?? [],
    outputs: outputs.map(({ value, gradient, library }) => ({ value, gradient, inLibrary: library !== undefined })),
    chains: chains.map(({ of, steps, library }) => ({
      quantity: typeof of === 'string' ? letterOf(of).latex : of.derivative, steps, endsInLibrary: library !== undefined
    })),
    example: {
      drawn: example,
      get values() { return valuesIn(example) as Readonly<Record<string, Value>> } // every letter is a value
    },
    dependence: (output, by) => {
      const columns = differences(page, computes, example, {}, c => entriesOf(c[output as keyof C] as Value), by as keyof C & string)
      const rows = entriesOf(valuesIn(example)[output as keyof C] as Value)
      return rows.map((_, j) => columns.map(column => Math.abs(column[j]) > 1e-9))
    }
  }
}

export type { Chance }
