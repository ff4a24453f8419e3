/**
 * The programs printed in the chapters: each compiles under strict types, and prints in Node what its comments say.
 */
import ts from 'typescript'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CHAPTERS } from '../../site/.vitepress/pathSidebar.js'
import { printedBy, programs } from './chapters.js'

test('every chapter has a program that promises something', () => {
  expect(Array.from(new Set(programs.map(({ chapter }) => chapter)))).toEqual(CHAPTERS.map(([chapter]) => chapter))
  expect(programs.filter(({ promised }) => promised.length === 0)).toEqual([])
})

test.each(programs.map(program => [program.chapter, program] as const))('%s: prints what its comments say', (_, { code, promised }) => {
  expect(printedBy(code)).toEqual(promised)
})

test('they compile under strict types', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const files = new Map(programs.map(({ chapter, code }, i) => [`${root}docs/${chapter}${i}.virtual.ts`, code]))
  const { options = {} } = ts.getParsedCommandLineOfConfigFile(`${root}docs/tsconfig.json`, {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined }) ?? {}
  const host = ts.createCompilerHost(options), read = host.getSourceFile.bind(host), exists = host.fileExists.bind(host)
  const program = ts.createProgram(Array.from(files.keys()), options, {
    ...host,
    fileExists: name => files.has(name) || exists(name),
    getSourceFile: (name, language) => {
      const own = files.get(name)
      return own === undefined ? read(name, language) : ts.createSourceFile(name, own, language)
    }
  })
  const messages = Array.from(files.keys()).flatMap(name => {
    const file = program.getSourceFile(name)
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(({ messageText }) => `${name}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
  })
  expect(messages).toEqual([])
})
