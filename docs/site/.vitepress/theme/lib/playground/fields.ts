/**
 * Settings and the address that holds them: a link repeats a run.
 */

/** One setting: where it begins, and how an address writes it. */
export interface Field<A> {
  readonly initial: A
  readonly expected: string
  /** Undefined for what is no value of it. */
  readonly read: (text: string) => A | undefined
  readonly write: (value: A) => string
}

export type Fields<S> = { readonly [K in keyof S]: Field<S[K]> }

const NUMBER = /^-?\d+(\.\d+)?(e-?\d+)?$/

const numberIf = (expected: string, initial: number, holds: (value: number) => boolean): Field<number> => ({
  initial, expected, write: String,
  read: text => (NUMBER.test(text) && holds(Number(text)) ? Number(text) : undefined)
})

export const integerField = (initial: number, least: number, most: number): Field<number> =>
  numberIf(`an integer from ${least} to ${most}`, initial, value => Number.isInteger(value) && value >= least && value <= most)

export const numberField = (initial: number, least: number, most: number): Field<number> =>
  numberIf(`a number from ${least} to ${most}`, initial, value => value >= least && value <= most)

export const choiceField = <C extends string>(initial: C, choices: readonly C[]): Field<C> => ({
  initial, expected: `one of ${choices.join(', ')}`, write: String, read: text => choices.find(choice => choice === text)
})

/** Between one and `most` integers, written with dashes. */
export const listField = (initial: readonly number[], most: number, item: Field<number>): Field<readonly number[]> => ({
  initial, expected: `1 to ${most} of ${item.expected}, with dashes between them`, write: values => values.join('-'),
  read: text => {
    const values = text.split('-').map(item.read).filter(value => value !== undefined)
    return values.length === text.split('-').length && values.length <= most ? values : undefined
  }
})

const namesOf = <S>(fields: Fields<S>): readonly (keyof S & string)[] => Object.keys(fields) as (keyof S & string)[] // the names of its own fields

export const initialOf = <S>(fields: Fields<S>): S =>
  Object.fromEntries(namesOf(fields).map(name => [name, fields[name].initial])) as S // a value for each field

export interface ReadSettings<S> {
  readonly settings: S
  /** A sentence for each value that is none; the setting is where it begins instead. */
  readonly problems: readonly string[]
}

/** The settings of a query; what it does not name is where it begins. */
export const settingsOf = <S>(fields: Fields<S>) => (query: string): ReadSettings<S> => {
  const given = new URLSearchParams(query), problems: string[] = []
  const valueOf = <K extends keyof S & string>(name: K): S[K] => {
    const text = given.get(name), { initial, expected, read, write } = fields[name]
    if (text === null) return initial
    const value = read(text)
    if (value !== undefined) return value
    problems.push(`The address says ${name}=${text.slice(0, 40)}, where ${expected} was expected; ${write(initial)} is used.`)
    return initial
  }
  return { settings: Object.fromEntries(namesOf(fields).map(name => [name, valueOf(name)])) as S, problems } // a value for each field
}

/** What is said of a value that a form was given and that is none of a field; the setting stays what it is. */
export const refusalOf = <A>(name: string, { expected, write }: Field<A>, given: string, now: A): string =>
  `The ${name} is ${given === '' ? 'empty' : given.slice(0, 40)}, where ${expected} was expected; it stays ${write(now)}.`

/** The query of settings, all of them, so that a link stays what it is when their beginnings change. */
export const queryOf = <S>(fields: Fields<S>) => (settings: S): string =>
  new URLSearchParams(namesOf(fields).map(name => [name, fields[name].write(settings[name])])).toString()

export const sameSettings = <S>(fields: Fields<S>) => (a: S, b: S): boolean => queryOf(fields)(a) === queryOf(fields)(b)
