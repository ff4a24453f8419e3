/**
 * Functions of the library as they stand in their files, with their true line numbers.
 */
import { readFileSync } from 'node:fs'
import ts from 'typescript'

const root = new URL('../../', import.meta.url)

const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

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
