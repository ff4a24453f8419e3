/**
 * The code of every step with every small mistake, as it is printed on the pages: the formula beside it, or the step before it,
 * must notice.
 */
import fc from 'fast-check'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { derivations } from 'pullback/laws'
import { codeOf } from '../../docs/code.js'
import { compiled, helpersOf, resultOf } from '../../docs/compiled.js'
import { harmlessInCode } from './harmless.js'

const CASES = 30

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

const found = { planted: 0, functions: 0, skipped: 0, harmless: new Set<string>() }

test.each(derivations.map(derivation => [derivation.name, derivation] as const))('%s: every mistake in the code is noticed', (name, derivation) => {
  const cases = fc.sample(derivation.cases, { numRuns: CASES, seed: 5 })
  const code = codeOf(name)
  const texts = new Map<string, string>([
    ...code.letters.map(([letter, text]) => [`definition of ${letter}`, text] as const),
    ...derivation.chains.flatMap(({ name: of }, c) => code.chains[c].map((text, s) => [`${of}, step ${s + 1}`, text] as const))
  ])
  const [helpers, alone] = helpersOf(code)
  const missed: string[] = []
  for (const { name: place, noticedBy } of derivation.functions) {
    const text = texts.get(place)
    if (text === undefined) throw new Error(`no code for ${place}`)
    const right = compiled(text, helpers) ?? compiled(text, alone)
    if (right === undefined || cases.some(drawn => resultOf(right, derivation, drawn) === undefined)) {
      found.skipped++
      continue
    }
    found.functions++
    // What the page shows is what the laws ran.
    for (const drawn of cases.slice(0, 5)) expect(noticedBy(resultOf(right, derivation, drawn) ?? NaN, drawn), place).toBe(undefined)
    for (const edit of editsIn(text)) {
      const wrong = compiled(edited(text, edit), helpers) ?? compiled(edited(text, edit), alone)
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
