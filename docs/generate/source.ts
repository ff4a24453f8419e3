/**
 * Functions of the library as they stand in their files, with their true line numbers, and the files as pages.
 */
import { readFileSync } from 'node:fs'
import ts from 'typescript'

const root = new URL('../../', import.meta.url)

const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** Under which address a file of the library is shown. */
export const sourceSlug = (path: string): string => path.replace(/\.ts$/, '').replace(/[^a-zA-Z0-9]+/g, '-').toLowerCase()

interface Piece {
  readonly name: string
  /** The first line, counted from 1. */
  readonly line: number
  readonly code: string
}

/** The pieces of a file that a page is about: what goes forward and back, and what is exported under a name of the page. */
export const piecesOf = (path: string, about: readonly string[]): readonly Piece[] => {
  const text = read(path), file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const wanted = /^(?:forward|gradient|withSlope|merge|unmerge|split|unsplit|descend|correction|decayingAdam|trunk|addTable|dropped|select)$/
  return file.statements.flatMap(statement => {
    if (!ts.isVariableStatement(statement)) return []
    const names = statement.declarationList.declarations.map(({ name }) => name.getText())
    const name = names.find(found => wanted.test(found) || about.includes(found))
    return name === undefined ? [] : [{ name, line: file.getLineAndCharacterOfPosition(statement.getStart()).line + 1, code: statement.getText() }]
  })
}

/** A file as a page of the site. */
export const sourcePage = (path: string): string => [
  '---\naside: false\noutline: false\nsearch: false\nprev: false\nnext: false\n---', `# ${path}`, `\`\`\`\`ts:line-numbers\n${read(path).trimEnd()}\n\`\`\`\``
].join('\n\n') + '\n'
