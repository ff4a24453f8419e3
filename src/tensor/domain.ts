/**
 * Domains: which values an argument may have.
 *
 * Every exported function looks at its arguments when it gets them. Another kind of value (a text for a number, a missing
 * tensor, an option that does not exist) throws `TypeError`; a value of the right kind outside the domain (a rate of −1,
 * a choice that does not exist) throws `RangeError`. Either says in one sentence which function, which argument, what was expected
 * and what came.
 *
 * @module
 */

/** Values of one kind, and which of them belong to it. */
export interface Domain<A> {
  /** Ends the sentence "expected x to be …". */
  readonly expected: string
  readonly isKind: (value: unknown) => boolean
  /** Asked for values of the kind only. */
  readonly contains: (value: A) => boolean
}

const withArticle = (noun: string): string => `${/^[AEIOUaeiou]/.test(noun) ? 'an' : 'a'} ${noun}`

/** Whether a value is a record as a literal makes one, in this realm or another: no array, no class instance. */
export const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const showObject = (value: object): string => {
  if (Array.isArray(value)) return `an array of ${value.length}`
  if ('_tag' in value && 'shape' in value && 'data' in value && Array.isArray(value.shape)) {
    const kind = value._tag === 'Tokens' ? 'tokens' : 'a tensor'
    return `${kind} [${value.shape.map(String).join(', ')}] whose data is ${show(value.data)}`
  }
  if (isPlain(value)) return 'a record'
  const { constructor } = value
  const name = withArticle(typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'object')
  return ArrayBuffer.isView(value) && 'length' in value ? `${name} of ${String(value.length)}` : name
}

/** A value in a sentence, cut if it is long. */
export const show = (value: unknown): string => {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 37)}…` : value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return showObject(value)
  return Object.is(value, -0) ? '-0' : typeof value === 'bigint' ? `${value}n` : String(value)
}

/** Throws `TypeError` for another kind of value, and `RangeError` for one of that kind outside the domain. */
export const check = <A>(operation: string, argument: string, domain: Domain<A>, value: A): void => {
  const isKind = domain.isKind(value)
  if (isKind && domain.contains(value)) return
  throw new (isKind ? RangeError : TypeError)(`${operation}: expected ${argument} to be ${domain.expected}, got ${show(value)}`)
}

/** A domain for every field of a record of options. */
export type Fields<O> = { readonly [K in keyof O]-?: Domain<O[K]> }

/** Throws `TypeError` for what is no record and for a name that is not among its fields, and what `check` throws for each. */
export const checkOptions = <O extends object>(operation: string, fields: Fields<O>, options: O): void => {
  if (!isPlain(options)) throw new TypeError(`${operation}: expected a record of options, got ${show(options)}`)
  for (const name of Object.keys(options))
    if (!Object.hasOwn(fields, name))
      throw new TypeError(`${operation}: unknown option ${show(name)}, expected only ${Object.keys(fields).join(', ')}`)
  for (const name in fields) check(operation, name, fields[name], options[name])
}

const always = (): boolean => true
const isNumber = (value: unknown): boolean => typeof value === 'number'

const numbers = (expected: string, contains: (value: number) => boolean): Domain<number> => ({ expected, isKind: isNumber, contains })

/** NaN and ∞ included: what a tensor may hold. */
export const anyNumber = numbers('a number', always)
export const finite = numbers('a finite number', Number.isFinite)
export const nonNegative = numbers('a finite number of at least 0', x => x >= 0 && x < Infinity)
export const positive = numbers('a finite number above 0', x => x > 0 && x < Infinity)
/** Infinity is a limit that limits nothing. */
export const limit = numbers('a number above 0', x => x > 0)
/** $[0, 1)$ */
export const fraction = numbers('a number of at least 0 and below 1', x => x >= 0 && x < 1)
/** $(0, 1]$ */
export const probability = numbers('a probability above 0 and at most 1', x => x > 0 && x <= 1)
export const natural = numbers('a non-negative safe integer', x => Number.isSafeInteger(x) && x >= 0)
export const positiveInteger = numbers('a positive integer', x => Number.isSafeInteger(x) && x > 0)
/** What `Int32Array` holds. */
export const integer32 = numbers('an integer of 32 bits', x => (x | 0) === x)

export const integerBetween = (least: number, most: number): Domain<number> =>
  numbers(`an integer from ${least} to ${most}`, x => Number.isInteger(x) && x >= least && x <= most)

export const flag: Domain<boolean> = { expected: 'true or false', isKind: value => typeof value === 'boolean', contains: always }

export const texts: Domain<string> = { expected: 'a text', isKind: value => typeof value === 'string', contains: always }

/** A function; what it gives is looked at when it is used. */
export const functions: Domain<unknown> = { expected: 'a function', isKind: value => typeof value === 'function', contains: always }

/** Anything, if something else looks at it. */
export const any: Domain<unknown> = { expected: 'a value', isKind: always, contains: always }

/** An array of anything. */
export const arrays: Domain<readonly unknown[]> = { expected: 'an array', isKind: Array.isArray, contains: always }

export const records: Domain<object> = { expected: 'a record', isKind: isPlain, contains: always }

/** A value that has the given functions, however it was made: a layer, a loss, an optimiser. */
export const having = (expected: string, ...methods: readonly string[]): Domain<unknown> => ({
  expected: `${expected} with ${methods.join(' and ')}`,
  isKind: value => typeof value === 'object' && value !== null
    && methods.every(method => typeof (value as Readonly<Record<string, unknown>>)[method] === 'function'), // an object is a record of its properties
  contains: always
})

/** An object with the given properties, whatever they are. */
export const recordOf = (...names: readonly string[]): Domain<unknown> => ({
  expected: `a record of ${names.join(' and ')}`,
  isKind: value => typeof value === 'object' && value !== null && names.every(name => name in value),
  contains: always
})

/** One of a few texts. */
export const oneOf = <A extends string>(...choices: readonly A[]): Domain<A> => ({
  expected: choices.map(choice => JSON.stringify(choice)).join(' or '),
  isKind: value => typeof value === 'string',
  contains: value => choices.includes(value)
})

/** The domain together with `undefined`, which means the default. */
export const optional = <A>({ expected, isKind, contains }: Domain<A>): Domain<A | undefined> => ({
  expected,
  isKind: value => value === undefined || isKind(value),
  contains: value => value === undefined || contains(value)
})

/** Either of two kinds of value. */
export const either = <A, B>(a: Domain<A>, b: Domain<B>): Domain<A | B> => ({
  expected: `${a.expected} or ${b.expected}`,
  isKind: value => a.isKind(value) || b.isKind(value),
  // A value of a kind belongs to the domain of that kind.
  contains: value => (a.isKind(value) ? a.contains(value as A) : b.contains(value as B))
})

export const precisions = oneOf('float32', 'float64')
