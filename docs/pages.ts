/**
 * The pages of the derivations: the formulas from the values that the tests run, the code from their files.
 */
import { readFileSync, readdirSync } from 'node:fs'
import ts from 'typescript'
import { derivations } from '../laws/derivations/index.js'

const folder = new URL('../laws/derivations/', import.meta.url)

/** The functions of a derivation as they stand in its file. */
interface Code {
  readonly definition: string
  /** For each chain, for each step. */
  readonly chains: readonly (readonly string[])[]
  /** What these use of their file. */
  readonly helpers: readonly string[]
}

const property = (record: ts.Expression, name: string): ts.Expression => {
  if (ts.isObjectLiteralExpression(record))
    for (const entry of record.properties)
      if (ts.isPropertyAssignment(entry) && entry.name.getText() === name) return entry.initializer
  throw new Error(`expected a record with "${name}" written out, got ${record.getText().slice(0, 80)}`)
}

const elements = (list: ts.Expression): readonly ts.Expression[] => {
  if (!ts.isArrayLiteralExpression(list)) throw new Error(`expected an array written out, got ${list.getText().slice(0, 80)}`)
  return list.elements
}

/** The text of a function without the indentation of the place where it stands. */
const textOf = (node: ts.Node): string => {
  const [first, ...rest] = node.getText().split('\n')
  const indent = Math.min(...rest.filter(line => line.trim() !== '').map(line => line.length - line.trimStart().length))
  // The last line closes what the first opens; a continuation without braces keeps one step of indentation.
  const closes = /^\s*[)}\]]/.test(rest[rest.length - 1] ?? '')
  return [first, ...rest.map(line => (closes ? '' : '  ') + line.slice(indent))].join('\n')
}

const codeOfFile = (name: string): readonly (readonly [derivation: string, code: Code])[] => {
  const file = ts.createSourceFile(name, readFileSync(new URL(name, folder), 'utf8'), ts.ScriptTarget.Latest, true)
  const declarations = new Map<string, string>()
  const calls: ts.Expression[] = []
  for (const statement of file.statements) {
    if (!ts.isVariableStatement(statement)) continue
    for (const { name: variable, initializer } of statement.declarationList.declarations) {
      if (initializer !== undefined && ts.isCallExpression(initializer) && initializer.expression.getText() === 'derivation')
        calls.push(initializer.arguments[0])
      else declarations.set(variable.getText(), statement.getText())
    }
  }
  const used = (text: string, known: ReadonlySet<string> = new Set()): ReadonlySet<string> =>
    Array.from(declarations).reduce((found, [helper, code]) =>
      found.has(helper) || !new RegExp(`(?<![.\\w])${helper}\\b(?!:)`).test(text) ? found : used(code, new Set([...found, helper])), known)
  return calls.map(argument => {
    const name = property(argument, 'name')
    if (!ts.isStringLiteral(name)) throw new Error('expected the name of a derivation written out')
    const compute = textOf(property(property(argument, 'definition'), 'compute'))
    const definition = declarations.get(compute) ?? compute
    const chains = elements(property(argument, 'chains')).map(chain =>
      elements(property(chain, 'steps')).map(step => textOf(property(step, 'compute'))))
    const helpers = used([definition, ...chains.flat()].join('\n'))
    const others = Array.from(declarations).filter(([helper, code]) => helpers.has(helper) && code !== definition)
    return [name.text, { definition, chains, helpers: others.map(([, code]) => code) }]
  })
}

const slug = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, '-')

const block = (formula: string): string => `$$\n${formula}\n$$`

const typescript = (code: string): string => `\`\`\`ts\n${code}\n\`\`\``

const GENERATED = '<!-- Written by `npm run derivations` from laws/derivations; a test compares it with them. -->'

/** Every page by its file name. */
export const pages = (): ReadonlyMap<string, string> => {
  const codes = new Map(readdirSync(folder).filter(name => name.endsWith('.ts')).flatMap(codeOfFile))
  const written = derivations.map(({ name, source, introduction, definition, chains }) => {
    const code = codes.get(name)
    if (code === undefined) throw new Error(`the derivation "${name}" has no code`)
    const parts = chains.flatMap(({ quantity, steps, endsInLibrary }, c) => [
      `## $${quantity}$`,
      ...steps.flatMap(({ text, formula }, s) => [
        `**${s + 1}.** ${text}`, block(formula), typescript(code.chains[c][s]),
        s === 0 ? '*Law: equal to finite differences.*' : `*Law: equal to step ${s}.*`
      ]),
      ...(endsInLibrary ? [`This is what [\`${source}\`](../../${source}) computes. *Law: equal to the library's gradient.*`] : [])
    ])
    return [`${slug(name)}.md`, [
      GENERATED, `# ${name.charAt(0).toUpperCase()}${name.slice(1)}`, introduction, block(definition.formula), typescript(code.definition),
      '*Law: equal to the library\'s forward pass.*', ...parts,
      ...(code.helpers.length === 0 ? [] : ['## What the functions above use', typescript(code.helpers.join('\n\n'))])
    ].join('\n\n')] as const
  })
  const steps = derivations.flatMap(({ chains }) => chains.flatMap(chain => chain.steps)).length
  const index = [
    GENERATED, '# Derivations',
    `How the gradients of Pullback are found, for readers who know calculus and matrices. ${derivations.length} derivations in ${steps} steps; every step is a function that runs. The tests measure the first by finite differences, hold each equal to the one before it, and hold the last equal to the gradient of the library.`,
    'In all of them $\\ell$ is a number that depends on the output $y$, and $dy = \\partial\\ell/\\partial y$ is given. Sought is $dx = \\partial\\ell/\\partial x$: by the chain rule $dx_i = \\sum_j dy_j\\,\\partial y_j/\\partial x_i$. $\\delta_{ij}$ is 1 where $i = j$ and 0 elsewhere. The code is written with [`sum`, `vector`, `matrix`, `product`](../../laws/derivations/notation.ts).',
    derivations.map(({ name, source }) => `- [${name}](${slug(name)}.md), of \`${source}\``).join('\n')
  ].join('\n\n')
  return new Map([['README.md', index] as const, ...written].map(([file, text]) => [file, `${text}\n`]))
}
