/**
 * Derivations: the letters of a page, the formulae that define its output, a chain of formulae for every gradient, and what
 * follows from them. Each formula is evaluated as it is printed and held equal to the code beside it; each step is held equal to
 * the one before it, the first to finite differences, the last to the gradient of the library.
 *
 * The same value gives the laws, which the tests run, and the pages that `npm run derivations` writes. It needs no files, so a
 * browser can run it too.
 *
 * @module
 */
import { type Finding, type Law, law, worst } from '../law.js'
import { placesIn, tabulate, type Value } from './arrays.js'
import type { Chain, Derivation, DerivationDefinition, Place } from './definition.js'
import { casesOf, type Computes, type Drawn, exampleOf, valuesOf } from './drawn.js'
import { assertEqual, evaluator } from './evaluate.js'
import { FormulaError, type Node, read, type Relation, type Vocabulary } from './formula.js'
import { type FunctionLetter, type Letter, type Letters, lettersOf, vocabularyOf } from './letters.js'
import { compared, entriesOf, equal, formulasIn, freeIndices, fromLibrary, MEASURED, measures, plain, ROUNDING } from './relations.js'
import { differences, worldOf } from './world.js'

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

  /** All values of the free indices of a relation. */
  const bindingsOf = (relation: Relation, drawn: Drawn): readonly Readonly<Record<string, number>>[] => {
    const here = world(drawn), free = freeIndices(relation, vocabulary)
    return placesIn(free.map(index => here.lengthOf(here.axisOf(index) ?? ''))).map(at => Object.fromEntries(free.map((index, i) => [index, at[i]])))
  }

  /** Whether relations hold for all values of their free indices. */
  const holdsIn = (relations: readonly Relation[], drawn: Drawn): Finding => {
    const { run } = evaluator(world(drawn)), slack = measures(relations) ? MEASURED : ROUNDING
    return worst(relations.flatMap(relation => bindingsOf(relation, drawn).flatMap(bound => {
      const values = relation.sides.map(side => run(side, bound))
      return relation.comparisons.map((comparison, i) => compared(comparison, values[i], values[i + 1], slack))
    })))
  }

  const guarded = (run: () => Finding): Finding => {
    try { return run() } catch (error) {
      if (error instanceof Error) return { error: Infinity, explain: () => error.message }
      throw error
    }
  }

  /** Evaluates one side for all values of its free indices. Outside of its axis an index has no entry, which is no mistake in a text. */
  const reads = (side: Node, drawn: Drawn): void => {
    const { run } = evaluator(world(drawn))
    for (const bound of bindingsOf({ sides: [side], comparisons: [] }, drawn)) {
      try { run(side, bound) } catch (error) {
        if (!(error instanceof RangeError)) throw error
      }
    }
  }

  const nameOf = (of: Chain<C>['of']): string => (typeof of === 'string' ? of : of.derivative)

  const places: Place[] = []
  const laws: Law[] = []
  const cases = casesOf(page, fits).filter(drawn => definition.admits?.(valuesIn(drawn)) ?? true)

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

  /** What the text names: an index of another axis is a mistake there too. */
  const named: Node[] = []

  const texts = (place: string, text: string): void => {
    for (const { formula, condition } of formulasIn(text)) {
      // A function by itself, its derivative or its pullback is a name.
      const called = formula.replace(/('|\^\*(?:_\{[^}]*\})?)$/, '')
      if (formula in unevaluated || Object.values(page.functions).some(f => f.latex === called)) continue
      const relations = where(`text of ${place}`, () => read(formula, vocabulary))
      if (condition) continue
      named.push(...relations.flatMap(({ sides }) => sides))
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
    evaluated(`definition of ${latex}`, `definition of ${latex}: the formula = the code`, formula, relations, (changed, drawn) => worst(points
      .map(u => equal(plain(evaluator(worldOf(page, computes, drawn, {}, new Map([[parameter, u]]))).run(changed[0].sides[0], {})), compute([u], {})))), inside)
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
  if (named.length > 0)
    equation('the text: what it names has a value', 'every formula in the text can be evaluated', ROUNDING, drawn => {
      for (const side of named) reads(side, drawn)
      return { error: 0, explain: () => 'holds' }
    })

  type Function = Derivation['functions'][number]

  const functionOf = (title: string, value: Function['value'], against: Function['against']): Function => ({
    name: title, value, against,
    noticedBy: (other, drawn) => against.find(reference => !(guarded(() => equal(reference.value(drawn), other)).error <= MEASURED))?.name
  })

  const functions: Derivation['functions'] = [
    ...lettersOf(page).flatMap(([letter, declared]) => (declared.kind === 'defined' && declared.formula !== '' && !(declared.formula in unevaluated)
      ? [functionOf(`definition of ${letter}`, drawn => declared.compute(valuesIn(drawn), drawn.sizes),
          [{ name: 'the formula', value: drawn => valueOf(letter, relationsOf(letter, declared.formula), drawn) }])] : [])),
    ...chains.flatMap(chain => chain.steps.map(({ formula, compute }, i) => functionOf(
      `${nameOf(chain.of)}, step ${i + 1}`, drawn => compute(valuesIn(drawn), drawn.sizes), [
        ...(formula in unevaluated ? [] : [{ name: 'the formula', value: (drawn: Drawn) => valueOf(chain.of, relationsOf('', formula), drawn) }]),
        i === 0 ? { name: 'finite differences', value: (drawn: Drawn) => numericOf(chain, drawn) }
          : { name: `step ${i}`, value: (drawn: Drawn) => chain.steps[i - 1].compute(valuesIn(drawn), drawn.sizes) }
      ])))
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
      name: nameOf(of), quantity: typeof of === 'string' ? letterOf(of).latex : of.derivative, steps, endsInLibrary: library !== undefined
    })),
    // Every letter is a value.
    valuesIn: drawn => valuesIn(drawn) as Readonly<Record<string, Value>>,
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
