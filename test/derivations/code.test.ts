/**
 * The code of every step with every small mistake, as it is printed on the pages: the formula beside it, or the step before it,
 * must notice.
 */
import { readdirSync, readFileSync } from 'node:fs'
import vm from 'node:vm'
import fc from 'fast-check'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { type Derivation, derivations, type Value } from 'pullback/laws'
import { codeOf } from '../../docs/code.js'
import * as pullback from 'pullback'
import * as letters from '../../laws/derivations/letters.js'
import * as notation from '../../laws/derivations/notation.js'
import { harmlessInCode } from './harmless.js'

const CASES = 30

const folder = new URL('../../laws/derivations/', import.meta.url)

/** What the files of the derivations call the layers of the library. */
const aliases: Readonly<Record<string, unknown>> = Object.fromEntries(readdirSync(folder).flatMap(file =>
  Array.from(readFileSync(new URL(file, folder), 'utf8').matchAll(/import \{([^}]*)\} from 'pullback'/g), ([, names]) => names)
    .flatMap(names => Array.from(names.matchAll(/(\w+) as (\w+)/g), ([, name, alias]) => [alias, Object.entries(pullback).find(([key]) => key === name)?.[1]] as const))))

const OTHER: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.PlusToken, '-'], [ts.SyntaxKind.MinusToken, '+'], [ts.SyntaxKind.AsteriskToken, '/'], [ts.SyntaxKind.SlashToken, '*'],
  [ts.SyntaxKind.LessThanToken, '>='], [ts.SyntaxKind.GreaterThanToken, '<='], [ts.SyntaxKind.EqualsEqualsEqualsToken, '!=='], [ts.SyntaxKind.AsteriskAsteriskToken, '*']
])

const SWAPPED: Readonly<Record<string, string>> = { sin: 'cos', cos: 'sin', exp: 'sqrt', tanh: 'sin', cosh: 'sinh', sinh: 'cosh', max: 'min', min: 'max', log: 'exp' }

interface Edit {
  readonly mistake: string
  readonly from: number
  readonly to: number
  readonly text: string
}

/** Whether a number picks a row for its length, which is that of every row. */
const isOfLength = ({ parent }: ts.Node): boolean =>
  ts.isElementAccessExpression(parent) && ts.isPropertyAccessExpression(parent.parent) && parent.parent.name.text === 'length'

/** Every small mistake in one function: a sign, an operator, a constant, two indices, a transpose, the order of a product. */
const editsIn = (code: string): readonly Edit[] => {
  const file = ts.createSourceFile('code.ts', `(${code})`, ts.ScriptTarget.Latest, true)
  const edits: Edit[] = []
  const replace = (node: ts.Node, text: string): void => {
    edits.push({ mistake: `${text.slice(0, 60)} in place of ${node.getText().slice(0, 60)}`, from: node.getStart(), to: node.getEnd(), text })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node)) {
      const other = OTHER.get(node.operatorToken.kind)
      if (other !== undefined) replace(node.operatorToken, other)
    }
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) replace(node, node.operand.getText())
    if (ts.isNumericLiteral(node) && !isOfLength(node)) replace(node, String(Number(node.text) + 1))
    if (ts.isElementAccessExpression(node) && ts.isElementAccessExpression(node.expression)) {
      const inner = node.expression
      if (inner.argumentExpression.getText() !== node.argumentExpression.getText())
        replace(node, `${inner.expression.getText()}[${node.argumentExpression.getText()}]?.[${inner.argumentExpression.getText()}]`)
    }
    if (ts.isCallExpression(node)) {
      const called = node.expression.getText(), [first, second] = node.arguments
      if (called === 'transposed') replace(node, first.getText())
      if (called === 'product' && second !== undefined) replace(node, `product(${second.getText()}, ${first.getText()})`)
      if (called === 'delta') replace(node, '1')
      const [, name] = /^Math\.(\w+)$/.exec(called) ?? []
      if (name !== undefined && name in SWAPPED) replace(node.expression, `Math.${SWAPPED[name]}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return edits
}

const edited = (code: string, { from, to, text }: Edit): string => {
  const whole = `(${code})`
  return whole.slice(0, from) + text + whole.slice(to)
}

type Run = (c: Readonly<Record<string, Value>>, sizes: Readonly<Record<string, number>>) => Value

/** A function of a page by its text; undefined where it needs more than what the page shows. */
const compiled = (code: string, helpers: readonly string[]): Run | undefined => {
  const text = ts.transpile(`${helpers.join('\n')}\nconst run = ${code}\nrun`, { target: ts.ScriptTarget.ES2022 })
  try { return vm.runInNewContext(text, { ...pullback, ...aliases, ...letters, ...notation, Math }) as Run } catch { return undefined } // the text is that of a function of a step
}

/** A value of another realm as one of this realm; undefined where it is none. */
const valueOf = (value: unknown): Value | undefined => {
  if (typeof value === 'number') return value
  if (!Array.isArray(value)) return undefined
  const parts = Array.from(value, valueOf)
  return parts.includes(undefined) ? undefined : parts.flatMap(part => (part === undefined ? [] : [part]))
}

/** What a function gives; undefined where it throws or gives no numbers. */
const resultOf = (run: Run, derivation: Derivation, drawn: Parameters<Derivation['valuesIn']>[0]): Value | undefined => {
  try { return valueOf(run(derivation.valuesIn(drawn), drawn.sizes)) } catch { return undefined }
}

const found = { planted: 0, functions: 0, skipped: 0, harmless: new Set<string>() }

test.each(derivations.map(derivation => [derivation.name, derivation] as const))('%s: every mistake in the code is noticed', (name, derivation) => {
  const cases = fc.sample(derivation.cases, { numRuns: CASES, seed: 5 })
  const code = codeOf(name)
  const texts = new Map<string, string>([
    ...code.letters.map(([letter, text]) => [`definition of ${letter}`, text] as const),
    ...derivation.chains.flatMap(({ name: of }, c) => code.chains[c].map((text, s) => [`${of}, step ${s + 1}`, text] as const))
  ])
  const helpers = [...code.functions.map(([helper, text]) => `const ${helper} = ${text}`), ...code.helpers]
  const missed: string[] = []
  for (const { name: place, noticedBy } of derivation.functions) {
    const text = texts.get(place)
    if (text === undefined) throw new Error(`no code for ${place}`)
    const right = compiled(text, helpers) ?? compiled(text, code.helpers)
    if (right === undefined || cases.some(drawn => resultOf(right, derivation, drawn) === undefined)) {
      found.skipped++
      continue
    }
    found.functions++
    // What the page shows is what the laws ran.
    for (const drawn of cases.slice(0, 5)) expect(noticedBy(resultOf(right, derivation, drawn) ?? NaN, drawn), place).toBe(undefined)
    for (const edit of editsIn(text)) {
      const wrong = compiled(edited(text, edit), helpers) ?? compiled(edited(text, edit), code.helpers)
      const caught = wrong === undefined || cases.some(drawn => {
        const value = resultOf(wrong, derivation, drawn)
        return value === undefined || noticedBy(value, drawn) !== undefined
      })
      if (caught) found.planted++
      else if (harmlessInCode.has(`${name} | ${place} | ${edit.mistake}`)) found.harmless.add(`${name} | ${place} | ${edit.mistake}`)
      else missed.push(`${name} | ${place} | ${edit.mistake}`)
    }
  }
  expect(missed).toEqual([])
})

test('the zoo of code is large', () => {
  expect(found.planted).toBeGreaterThan(500)
  expect(found.functions).toBeGreaterThan(3 * found.skipped)
  expect(Array.from(harmlessInCode.keys()).filter(known => !found.harmless.has(known))).toEqual([])
})
