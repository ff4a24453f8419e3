/**
 * Formulae as the pages print them, read into trees. The subset of LaTeX is what the derivations use; a letter that a page
 * has not declared, and anything else that has no meaning here, is an error that names it.
 *
 * @module
 */
import { type Token, tokensOf } from './tokens.js'

/** A formula as a tree. Every node is plain data, so that a page can be run and edited, and a test can plant a mistake. */
export type Node =
  | { readonly kind: 'number', readonly value: number }
  /** A declared letter: a value, a size or an index. */
  | { readonly kind: 'name', readonly name: string }
  | { readonly kind: 'entry', readonly of: Node, readonly at: readonly Node[] }
  | { readonly kind: 'plus', readonly terms: readonly { readonly sign: 1 | -1, readonly term: Node }[] }
  | { readonly kind: 'times', readonly by: 'product' | 'entrywise' | 'division', readonly left: Node, readonly right: Node }
  | { readonly kind: 'power', readonly base: Node, readonly exponent: Node }
  | { readonly kind: 'transpose', readonly of: Node }
  | { readonly kind: 'call', readonly name: string, readonly primes: number, readonly power: number, readonly arguments: readonly Node[] }
  /** $f^*_{x}(dy)$: the transposed Jacobian of $f$ at the point $x$, applied to $dy$. */
  | { readonly kind: 'pullback', readonly name: string, readonly point: readonly Node[], readonly arguments: readonly Node[] }
  | { readonly kind: 'over', readonly operator: BigOperator, readonly index: string, readonly range: Range, readonly body: Node }
  | { readonly kind: 'partial', readonly of: Node, readonly by: Node }
  | { readonly kind: 'delta', readonly left: Node, readonly right: Node }
  | { readonly kind: 'bracket', readonly condition: Relation }
  | { readonly kind: 'cases', readonly rows: readonly { readonly value: Node, readonly condition: Relation | undefined }[] }
  | { readonly kind: 'mean', readonly of: Node, readonly variance: boolean }
  | { readonly kind: 'tuple', readonly items: readonly Node[] }

export type BigOperator = '\\sum' | '\\prod' | '\\max' | '\\min'

/** What a sum runs over: all values of its index, those with a condition, or from one number to another. */
export type Range =
  | { readonly kind: 'all' }
  | { readonly kind: 'such', readonly condition: Relation }
  | { readonly kind: 'between', readonly from: Node, readonly to: Node }

export type Comparison = '=' | '<' | '>' | '\\le' | '\\ge' | '\\ne'

/** $a = b$, $a = b = c$, $a \le b$ … */
export interface Relation {
  readonly sides: readonly Node[]
  readonly comparisons: readonly Comparison[]
}

/** What the letters of a page mean to the reader of its formulae. */
export interface Vocabulary {
  /** Every declared letter in LaTeX, with what it is. */
  readonly letters: ReadonlyMap<string, 'value' | 'size' | 'index' | 'function'>
}

/** A formula that has no meaning: an undeclared letter, or what is not LaTeX as the derivations use it. */
export class FormulaError extends Error {
  override readonly name = 'FormulaError'
}

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '=': '=', '<': '<', '>': '>', '\\le': '\\le', '\\leq': '\\le', '\\ge': '\\ge', '\\geq': '\\ge', '\\ne': '\\ne', '\\neq': '\\ne'
}

/** Functions that every page knows, written with or without parentheses around their argument. */
const KNOWN = new Set(['\\exp', '\\ln', '\\sin', '\\cos', '\\tanh', '\\sinh', '\\cosh'])

const isBigOperator = (token: Token): token is BigOperator => token === '\\sum' || token === '\\prod' || token === '\\max' || token === '\\min'

const CLOSING = new Set([undefined, ')', '}', ']', '\\}', '\\rVert', '\\rfloor', '\\rceil', '|', '&', '\\\\', '\\end', ',', '\\qquad', ':', '+', '-'])

/** Reads one formula from its tokens. The position is the only thing that changes, and it does not leave this function. */
const reader = (tokens: readonly Token[], { letters }: Vocabulary, whole: string) => {
  let position = 0
  const names = Array.from(letters.keys(), name => ({ name, tokens: tokensOf(name) })).sort((a, b) => b.tokens.length - a.tokens.length)
  const peek = (ahead = 0): Token | undefined => tokens[position + ahead]
  const fail = (what: string): never => { throw new FormulaError(`${what} in "${whole}"`) }
  const next = (): Token => tokens[position++] ?? fail('something is missing at the end')
  const accept = (token: Token): boolean => {
    if (peek() !== token) return false
    position++
    return true
  }
  const expect = (token: Token): void => { if (!accept(token)) fail(`expected ${token}, got ${peek() ?? 'the end'}`) }
  const until = (close: Token): readonly Node[] => {
    const items = [expression()]
    while (accept(',')) items.push(expression())
    expect(close)
    return items
  }
  const one = (items: readonly Node[]): Node => (items.length === 1 ? items[0] : { kind: 'tuple', items })

  /** The longest declared letter that stands here. */
  const name = (): string | undefined => {
    const found = names.find(({ tokens: parts }) => parts.every((part, i) => peek(i) === part))
    if (found !== undefined) position += found.tokens.length
    return found?.name
  }

  /** `{…}` or a single token, as LaTeX takes an argument. */
  const argument = (): Node => {
    if (accept('{')) return one(until('}'))
    const token = next()
    if (/^\d/.test(token)) {
      // \frac12 takes a digit at a time.
      return { kind: 'number', value: Number(token) }
    }
    position--
    return { kind: 'name', name: name() ?? fail(`the letter ${token} is not declared`) }
  }

  /** Indices: one after the other, or expressions between commas. */
  const indices = (): readonly Node[] => {
    if (!accept('{')) return [argument()]
    let depth = 0, listed = false
    for (let i = position; !(tokens[i] === '}' && depth === 0); i++) {
      if (i >= tokens.length) fail('a subscript does not end')
      if (tokens[i] === '{') depth++
      if (tokens[i] === '}') depth--
      listed ||= depth === 0 && [',', '+', '-'].includes(tokens[i])
    }
    if (listed) return until('}')
    const list: Node[] = []
    while (!accept('}')) list.push(scripted(atom()))
    return list
  }

  /** What stands after an atom: entries, powers, transposes. */
  const scripted = (base: Node): Node => {
    if (accept('_')) return scripted({ kind: 'entry', of: base, at: indices() })
    if (peek() === '^') {
      position++
      if (accept('\\top')) return scripted({ kind: 'transpose', of: base })
      return scripted({ kind: 'power', base, exponent: argument() })
    }
    return base
  }

  const group = (): readonly Node[] => {
    expect('(')
    return until(')')
  }

  const call = (called: string): Node => {
    let primes = 0, power = 1
    while (accept("'")) primes++
    if (peek() === '^' && peek(1) === '*') {
      position += 2
      if (!accept('_')) fail(`the pullback of ${called} has no point`)
      const point = accept('{') ? until('}') : [argument()]
      return { kind: 'pullback', name: called, point, arguments: group() }
    }
    if (accept('^')) {
      const exponent = argument()
      power = exponent.kind === 'number' ? exponent.value : fail(`a power of ${called} is not a number`)
    }
    return { kind: 'call', name: called, primes, power, arguments: peek() === '(' ? group() : [factor()] }
  }

  const over = (operator: BigOperator): Node => {
    if (operator !== '\\sum' && operator !== '\\prod' && peek() === '(') return { kind: 'call', name: operator, primes: 0, power: 1, arguments: group() }
    expect('_')
    if (!accept('{')) {
      const index = name() ?? fail(`${operator} has no index`)
      return { kind: 'over', operator, index, range: { kind: 'all' }, body: term() }
    }
    const start = position, index = name() ?? fail(`${operator} has no index`)
    let range: Range = { kind: 'all' }
    if (peek() === '=') {
      position++
      const from = expression()
      expect('}')
      expect('^')
      range = { kind: 'between', from, to: argument() }
    } else if (!accept('}')) {
      if (!accept(':')) position = start
      range = { kind: 'such', condition: relation() }
      expect('}')
    }
    return { kind: 'over', operator, index, range, body: term() }
  }

  /** $\partial a_i/\partial b_j$ in a line or as a fraction. */
  const partial = (): Node => {
    const of = scripted(atom())
    if (!(accept('/') && accept('\\partial'))) fail('a ∂ without what it is taken by')
    return { kind: 'partial', of, by: scripted(atom()) }
  }

  const fraction = (): Node => {
    if (peek() === '{' && peek(1) === '\\partial') {
      position += 2
      const of = expression()
      expect('}')
      expect('{')
      expect('\\partial')
      const by = expression()
      expect('}')
      return { kind: 'partial', of, by }
    }
    const left = argument()
    return { kind: 'times', by: 'division', left, right: argument() }
  }

  const cases = (): Node => {
    expect('{')
    while (next() !== '}') { /* the name of the environment */ }
    const rows: { readonly value: Node, readonly condition: Relation | undefined }[] = []
    do {
      const value = expression()
      expect('&')
      rows.push({ value, condition: accept('\\text{otherwise}') ? undefined : relation() })
    } while (accept('\\\\'))
    expect('\\end')
    expect('{')
    while (next() !== '}') { /* the name of the environment */ }
    return { kind: 'cases', rows }
  }

  const enclosed = (called: string, close: Token): Node => {
    const inside = expression()
    expect(close)
    return { kind: 'call', name: called, primes: 0, power: 1, arguments: [inside] }
  }

  const atom = (): Node => {
    const declared = name()
    if (declared !== undefined) return letters.get(declared) === 'function' ? call(declared) : { kind: 'name', name: declared }
    const token = next()
    if (/^[\d.]+$/.test(token)) return { kind: 'number', value: Number(token) }
    if (KNOWN.has(token)) return call(token)
    if (isBigOperator(token)) return over(token)
    switch (token) {
      case '(': return one(until(')'))
      case '{': return one(until('}'))
      case '\\frac': return fraction()
      case '\\sqrt': return { kind: 'call', name: '\\sqrt', primes: 0, power: 1, arguments: [argument()] }
      case '\\partial': return partial()
      case '\\pi': case '\\infty': case 'e': return { kind: 'name', name: token }
      case '|': return enclosed('|', '|')
      case '\\lVert': return enclosed('\\lVert', '\\rVert')
      case '\\lfloor': return enclosed('\\lfloor', '\\rfloor')
      case '\\lceil': return enclosed('\\lceil', '\\rceil')
      case '\\mathbb{E}': case '\\mathrm{Var}': {
        expect('[')
        const of = expression()
        expect(']')
        return { kind: 'mean', of, variance: token === '\\mathrm{Var}' }
      }
      case '[': {
        const condition = relation()
        expect(']')
        return { kind: 'bracket', condition }
      }
      case '\\delta': {
        expect('_')
        const at = indices()
        return at.length === 2 ? { kind: 'delta', left: at[0], right: at[1] } : fail('δ does not have two indices')
      }
      case '\\begin': return cases()
      default: return fail(/^\\?[a-zA-Z]+$/.test(token) ? `the letter ${token} is not declared` : `unexpected ${token}`)
    }
  }

  const factor = (): Node => scripted(atom())

  const startsTerm = (): boolean => {
    const token = peek()
    return !CLOSING.has(token) && !(token !== undefined && token in COMPARISONS)
  }

  const term = (): Node => {
    let left = factor()
    for (;;) {
      if (accept('\\cdot')) left = { kind: 'times', by: 'product', left, right: factor() }
      else if (accept('\\odot')) left = { kind: 'times', by: 'entrywise', left, right: factor() }
      else if (accept('/')) left = { kind: 'times', by: 'division', left, right: factor() }
      else if (startsTerm()) left = { kind: 'times', by: 'product', left, right: factor() }
      else return left
    }
  }

  const expression = (): Node => {
    const terms: { readonly sign: 1 | -1, readonly term: Node }[] = []
    let sign: 1 | -1 = 1
    if (accept('-')) sign = -1
    else accept('+')
    for (;;) {
      terms.push({ sign, term: term() })
      if (accept('+')) sign = 1
      else if (accept('-')) sign = -1
      else break
    }
    return terms.length === 1 && terms[0].sign === 1 ? terms[0].term : { kind: 'plus', terms }
  }

  const relation = (): Relation => {
    const sides = [expression()], comparisons: Comparison[] = []
    for (let token = peek(); token !== undefined && token in COMPARISONS; token = peek()) {
      position++
      comparisons.push(COMPARISONS[token])
      sides.push(expression())
    }
    return { sides, comparisons }
  }

  const statement = (): readonly Relation[] => {
    const relations = [relation()]
    for (;;) {
      accept(',')
      if (!accept('\\qquad')) break
      relations.push(relation())
    }
    accept('.')
    if (peek() !== undefined) fail(`unexpected ${peek()}`)
    return relations
  }

  return { statement }
}

/** Reads a formula: one relation, or several with `\qquad` between them. Throws `FormulaError`. */
export const read = (formula: string, vocabulary: Vocabulary): readonly Relation[] =>
  reader(tokensOf(formula), vocabulary, formula).statement()
