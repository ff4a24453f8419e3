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

/** What the code of every page is written in; it is named once, on the first page. */
const COMMON = new Set(['notation', 'letters', 'cases', 'arrays', 'definition', 'derivation'])

interface SourceFile {
  readonly declarations: Declarations
  /** The records of its derivations. */
  readonly pages: readonly ts.Expression[]
  /** The files of the folder that it takes functions from. */
  readonly imports: readonly string[]
}

const readFile = (name: string): SourceFile => {
  const file = ts.createSourceFile(name, readFileSync(new URL(name, folder), 'utf8'), ts.ScriptTarget.Latest, true)
  const declarations = new Map<string, { readonly text: string, readonly value: ts.Expression | undefined }>()
  const found: ts.Expression[] = [], imports: string[] = []
  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement) && ts.isStringLiteral(statement.moduleSpecifier)) {
      const [, imported] = /^\.\/(\w+)\.js$/.exec(statement.moduleSpecifier.text) ?? []
      if (imported !== undefined && !COMMON.has(imported)) imports.push(`${imported}.ts`)
    }
    if (!ts.isVariableStatement(statement)) continue
    for (const { name: variable, initializer } of statement.declarationList.declarations) {
      if (initializer !== undefined && ts.isCallExpression(initializer) && initializer.expression.getText() === 'derivation') found.push(initializer.arguments[0])
      else declarations.set(variable.getText(), { text: statement.getText().replace(/^export /, ''), value: initializer })
    }
  }
  return { declarations, pages: found, imports }
}

const files = new Map(readdirSync(folder).filter(name => name.endsWith('.ts') && name !== 'index.ts').map(name => [name, readFile(name)] as const))

/** The declarations of a file and, before them, of the files that it imports. */
const declarationsOf = (name: string): Declarations => {
  const file = files.get(name)
  return file === undefined ? new Map() : new Map([...file.imports.flatMap(imported => Array.from(declarationsOf(imported))), ...file.declarations])
}

/** The names of declarations that a code uses, directly or not. */
const usedIn = (declarations: Declarations, text: string, known: ReadonlySet<string>): ReadonlySet<string> =>
  Array.from(declarations).reduce((found, [helper, { text: code }]) =>
    found.has(helper) || !new RegExp(`(?<![.\\w'])${helper}\\b(?!:)`).test(text) ? found : usedIn(declarations, code, new Set([...found, helper])), known)

const codeOfPage = (argument: ts.Expression, declarations: Declarations): readonly [name: string, code: PageCode] => {
  const title = property(argument, 'name')
  if (title === undefined || !ts.isStringLiteral(title)) throw new Error(`expected the name of a derivation written out in ${argument.getText().slice(0, 80)}`)
  const declared = (record: string, maker: string, position: number) => entriesOf(property(argument, record)).flatMap(([key, node]) => {
    const call = callOf(node, declarations)
    return call !== undefined && call.expression.getText() === maker && call.arguments.length > position ? [[key, functionText(call.arguments[position], declarations)] as const] : []
  })
  const letters = declared('letters', 'defined', 4), functions = declared('functions', 'numeric', 4)
  const chains = elements(property(argument, 'chains')).map(chain => elements(property(chain, 'steps')).map(step => {
    const compute = property(step, 'compute')
    if (compute === undefined) throw new Error(`expected the function of a step of "${title.text}" written out`)
    return textOf(compute)
  }))
  const body = [...letters, ...functions].map(([, code]) => code).concat(chains.flat()).join('\n')
  // A letter that the functions take from the case is no helper, though it may be called as one.
  const names = new Set(entriesOf(property(argument, 'letters')).map(([key]) => key))
  const printed = new Map(functions)
  const helpers = Array.from(usedIn(declarations, body, names)).filter(helper => {
    const value = declarations.get(helper)?.value
    return !names.has(helper) && (value === undefined || printed.get(helper) !== textOf(value))
  })
  return [title.text, { letters, functions, chains, helpers: Array.from(new Set(Array.from(declarations).filter(([helper]) => helpers.includes(helper)).map(([, { text }]) => text))) }]
}

const codes = new Map(Array.from(files).flatMap(([name, { pages }]) => pages.map(page => codeOfPage(page, declarationsOf(name)))))

export const codeOf = (name: string): PageCode => {
  const code = codes.get(name)
  if (code === undefined) throw new Error(`the derivation "${name}" has no code`)
  return code
}
