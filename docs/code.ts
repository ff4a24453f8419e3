/**
 * The functions of the derivations as they stand in their files.
 */
import { readFileSync, readdirSync } from 'node:fs'
import ts from 'typescript'

const folder = new URL('../laws/derivations/', import.meta.url)

/** The code of a page. */
export interface PageCode {
  /** What computes each letter, and each function of a number. */
  readonly letters: readonly (readonly [name: string, code: string])[]
  readonly functions: readonly (readonly [name: string, code: string])[]
  /** For each chain, for each step. */
  readonly chains: readonly (readonly string[])[]
  /** What these use of their file. */
  readonly helpers: readonly string[]
}

type Declarations = ReadonlyMap<string, { readonly text: string, readonly value: ts.Expression | undefined }>

const entriesOf = (record: ts.Expression | undefined): readonly (readonly [string, ts.Expression])[] =>
  (record !== undefined && ts.isObjectLiteralExpression(record)
    ? record.properties.flatMap(entry => (ts.isPropertyAssignment(entry) ? [[entry.name.getText().replace(/^'|'$/g, ''), entry.initializer] as const]
      : ts.isShorthandPropertyAssignment(entry) ? [[entry.name.getText(), entry.name] as const] : []))
    : [])

const property = (record: ts.Expression, name: string): ts.Expression | undefined => entriesOf(record).find(([key]) => key === name)?.[1]

const elements = (list: ts.Expression | undefined): readonly ts.Expression[] => (list !== undefined && ts.isArrayLiteralExpression(list) ? list.elements : [])

/** The text of a function without the indentation of the place where it stands. */
const textOf = (node: ts.Node): string => {
  const [first, ...rest] = node.getText().split('\n')
  const indent = Math.min(...rest.filter(line => line.trim() !== '').map(line => line.length - line.trimStart().length))
  // The last line closes what the first opens; a continuation without braces keeps one step of indentation.
  const closes = /^\s*[)}\]]/.test(rest[rest.length - 1] ?? '')
  return [first, ...rest.map(line => (closes ? '' : '  ') + line.slice(indent))].join('\n')
}

/** A call of one of the functions that declare letters; a variable stands for what it was given. */
const callOf = (node: ts.Expression, declarations: Declarations): ts.CallExpression | undefined => {
  const value = ts.isIdentifier(node) ? declarations.get(node.text)?.value : node
  return value !== undefined && ts.isCallExpression(value) ? value : undefined
}

/** A function as it is written, or where it has a name, as it is declared under this name. */
const functionText = (node: ts.Expression, declarations: Declarations): string => {
  const named = ts.isIdentifier(node) ? declarations.get(node.text)?.value : undefined
  return textOf(named ?? node)
}

const codesOfFile = (name: string): readonly (readonly [derivation: string, code: PageCode])[] => {
  const file = ts.createSourceFile(name, readFileSync(new URL(name, folder), 'utf8'), ts.ScriptTarget.Latest, true)
  const declarations = new Map<string, { readonly text: string, readonly value: ts.Expression | undefined }>()
  const calls: ts.Expression[] = []
  for (const statement of file.statements) {
    if (!ts.isVariableStatement(statement)) continue
    for (const { name: variable, initializer } of statement.declarationList.declarations) {
      if (initializer !== undefined && ts.isCallExpression(initializer) && initializer.expression.getText() === 'derivation') calls.push(initializer.arguments[0])
      else declarations.set(variable.getText(), { text: statement.getText(), value: initializer })
    }
  }
  const used = (text: string, known: ReadonlySet<string> = new Set()): ReadonlySet<string> =>
    Array.from(declarations).reduce((found, [helper, { text: code }]) =>
      found.has(helper) || !new RegExp(`(?<![.\\w'])${helper}\\b(?!:)`).test(text) ? found : used(code, new Set([...found, helper])), known)
  return calls.map(argument => {
    const title = property(argument, 'name')
    if (title === undefined || !ts.isStringLiteral(title)) throw new Error(`expected the name of a derivation written out in ${name}`)
    const declared = (record: string, maker: string, position: number) => entriesOf(property(argument, record)).flatMap(([key, node]) => {
      const call = callOf(node, declarations)
      return call !== undefined && call.expression.getText() === maker && call.arguments.length > position ? [[key, functionText(call.arguments[position], declarations)] as const] : []
    })
    const letters = declared('letters', 'defined', 4)
    const functions = declared('functions', 'numeric', 4)
    const chains = elements(property(argument, 'chains')).map(chain => elements(property(chain, 'steps')).map(step => {
      const compute = property(step, 'compute')
      if (compute === undefined) throw new Error(`expected the function of a step of "${title.text}" written out`)
      return textOf(compute)
    }))
    const body = [...letters, ...functions].map(([, code]) => code).concat(chains.flat()).join('\n')
    // A letter that the functions take from the case is no helper, though it may be called as one.
    const names = new Set(entriesOf(property(argument, 'letters')).map(([key]) => key))
    const printed = new Set(functions.map(([, code]) => code))
    const helpers = Array.from(used(body, names)).filter(helper => !names.has(helper))
      .filter(helper => { const value = declarations.get(helper)?.value; return value === undefined || !printed.has(textOf(value)) })
    return [title.text, { letters, functions, chains, helpers: Array.from(declarations).filter(([helper]) => helpers.includes(helper)).map(([, { text }]) => text) }] as const
  })
}

const codes = new Map(readdirSync(folder).filter(file => file.endsWith('.ts')).flatMap(codesOfFile))

export const codeOf = (name: string): PageCode => {
  const code = codes.get(name)
  if (code === undefined) throw new Error(`the derivation "${name}" has no code`)
  return code
}
