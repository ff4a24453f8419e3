/**
 * Mistakes that a reader can plant in the code of a step with one click: a sign, a term or factor left out, a transpose, two indices,
 * the order of a product. Each was tried and gives another value.
 */
import fc from 'fast-check'
import type { Derivation, Value } from 'pullback/laws'
import ts from 'typescript'
import { type Run, resultOf } from '../compiled.js'

export interface Suggestion {
  readonly label: string
  readonly code: string
}

interface Edit {
  readonly kind: string
  readonly label: string
  readonly from: number
  readonly to: number
  readonly text: string
}

const short = (node: ts.Node): string => {
  const text = node.getText().replace(/\s+/g, ' ')
  return text.length > 28 ? `${text.slice(0, 27)}…` : text
}

const editsIn = (code: string): readonly Edit[] => {
  const file = ts.createSourceFile('code.ts', `(${code})`, ts.ScriptTarget.Latest, true)
  const edits: Edit[] = []
  const replace = (kind: string, label: string, node: ts.Node, text: string): void => { edits.push({ kind, label, from: node.getStart() - 1, to: node.getEnd() - 1, text }) }
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node)) {
      const { left, right, operatorToken } = node
      if (operatorToken.kind === ts.SyntaxKind.MinusToken) {
        replace('sign', `+ in place of − before ${short(right)}`, operatorToken, '+')
        replace('term', `without − ${short(right)}`, node, left.getText())
      }
      if (operatorToken.kind === ts.SyntaxKind.PlusToken) {
        replace('sign', `− in place of + before ${short(right)}`, operatorToken, '-')
        replace('term', `without + ${short(right)}`, node, left.getText())
      }
      if (operatorToken.kind === ts.SyntaxKind.AsteriskToken) replace('factor', `without the factor ${short(right)}`, node, left.getText())
      if (operatorToken.kind === ts.SyntaxKind.SlashToken) replace('factor', `without / ${short(right)}`, node, left.getText())
    }
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) replace('sign', 'without the minus sign', node, node.operand.getText())
    if (ts.isElementAccessExpression(node) && ts.isElementAccessExpression(node.expression)) {
      const inner = node.expression, outer = node.argumentExpression.getText(), first = inner.argumentExpression.getText()
      if (outer !== first) replace('indices', `${inner.expression.getText()}[${outer}][${first}] in place of ${short(node)}`, node, `${inner.expression.getText()}[${outer}][${first}]`)
    }
    if (ts.isCallExpression(node)) {
      const called = node.expression.getText(), [first, second] = node.arguments
      if (called === 'transposed') replace('transpose', `${short(first)} without its transpose`, node, first.getText())
      if (called === 'product' && second !== undefined) replace('order', 'the product in the other order', node, `product(${second.getText()}, ${first.getText()})`)
      if (called === 'delta') replace('delta', 'without the delta', node, '1')
      if (called === 'sum') replace('sum', 'the sum twice', node, `2 * ${node.getText()}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  // Where nothing of the kind can be done, the result can still be wrong by a factor, for which the body is taken whole.
  const [arrow] = file.statements
  if (edits.length === 0 && ts.isExpressionStatement(arrow) && ts.isParenthesizedExpression(arrow.expression) && ts.isArrowFunction(arrow.expression.expression)) {
    const { body } = arrow.expression.expression
    const entry = body.getText()
    if (ts.isElementAccessExpression(body) && ts.isNumericLiteral(body.argumentExpression))
      replace('part', 'another part of the result', body.argumentExpression, body.argumentExpression.text === '0' ? '1' : '0')
    else if (ts.isPropertyAccessExpression(body)) replace('part', 'the gradient left out', body, `null ?? ${entry}.map(() => 0)`)
  }
  return edits
}

const entries = (value: Value): readonly number[] => (typeof value === 'number' ? [value] : value.flatMap(entries))

const differ = (a: Value, b: Value): boolean => {
  const x = entries(a), y = entries(b)
  return x.length !== y.length || x.some((v, i) => !(Object.is(v, y[i]) || Math.abs(v - y[i]) < 1e-3))
}

const ORDER = ['sign', 'term', 'transpose', 'delta', 'factor', 'order', 'indices', 'sum', 'part']

/** At most three, of different kinds. */
export const suggestionsFor = (derivation: Derivation, code: string, compile: (code: string) => Run | undefined): readonly Suggestion[] => {
  const right = compile(code)
  if (right === undefined) return []
  const cases = fc.sample(derivation.cases, { numRuns: 12, seed: 5 })
  const wanted = cases.map(drawn => resultOf(right, derivation, drawn))
  const isMistake = (changed: string): boolean => {
    const wrong = compile(changed)
    if (wrong === undefined) return false
    const values = cases.map(drawn => resultOf(wrong, derivation, drawn))
    return values.filter(value => value !== undefined).length > cases.length / 3
      && values.some((value, i) => value !== undefined && wanted[i] !== undefined && differ(value, wanted[i]))
  }
  return Array.from(editsIn(code)).sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind)).reduce<readonly (Suggestion & { readonly kind: string })[]>((list, { kind, label, from, to, text }) => {
    const changed = code.slice(0, from) + text + code.slice(to)
    return list.length === 3 || list.some(other => other.kind === kind) || !isMistake(changed) ? list : [...list, { kind, label, code: changed }]
  }, []).map(({ label, code: changed }) => ({ label, code: changed }))
}
