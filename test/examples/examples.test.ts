import * as E from 'fp-ts/lib/Either.js'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entries, page } from '../../docs/api.js'
import { kept, promisedValue, rounded } from './run.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const all = entries()
const examples = all.flatMap(({ name, examples: own }) => own.map((code, i) => [own.length === 1 ? name : `${name} ${i + 1}`, code] as const))

describe('examples', () => {
  const before = process.cwd()
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pullback-examples-'))
    process.chdir(folder)
  })
  afterAll(async () => {
    process.chdir(before)
    await rm(folder, { recursive: true })
  })

  test.each(examples)('%s', async (_, code) => {
    const results = await kept(code)
    expect(results).not.toEqual([])
    for (const { statement, value, result } of results) {
      if (value.startsWith('throws ')) {
        const message = E.isLeft(result) && result.left instanceof Error ? result.left.message : 'nothing was thrown'
        expect(message, statement).toContain(value.slice('throws '.length))
      } else {
        if (E.isLeft(result)) throw result.left
        expect(rounded(result.right), statement).toEqual(rounded(await promisedValue(value)))
      }
    }
  })
})

/** All examples as one file, which imports what they need not. */
const file = [
  "import fc from 'fast-check'", "import * as E from 'fp-ts/lib/Either.js'", "import { flow, pipe } from 'fp-ts/lib/function.js'", "import * as TE from 'fp-ts/lib/TaskEither.js'",
  ...(['pullback', 'pullback/node', 'pullback/laws'] as const).map(from =>
    `import { ${Array.from(new Set(all.filter(entry => entry.from === from).map(({ name }) => name.split('.')[0]))).join(', ')} } from '${from}'`),
  "import type { NoParams, Tensor } from 'pullback'",
  ...examples.map(([name, code]) => `/* ${name} */ export const _${name.replace(/\W/g, '_')} = async () => {\n${code}\n}`)
].join('\n')

test('examples compile under strict types', () => {
  const path = `${root}examples.virtual.ts`
  const { options = {} } = ts.getParsedCommandLineOfConfigFile(`${root}tsconfig.json`, {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined }) ?? {}
  const host = ts.createCompilerHost({ ...options, noUnusedLocals: false })
  const read = host.getSourceFile.bind(host), exists = host.fileExists.bind(host)
  const program = ts.createProgram([path], { ...options, noUnusedLocals: false }, {
    ...host,
    fileExists: name => name === path || exists(name),
    getSourceFile: (name, language) => (name === path ? ts.createSourceFile(name, file, language) : read(name, language))
  })
  const messages = program.getSemanticDiagnostics(program.getSourceFile(path)).concat(program.getSyntacticDiagnostics(program.getSourceFile(path)))
    .map(({ start = 0, messageText }) => `${file.slice(0, start).match(/\/\* (.*?) \*\/ export/g)?.pop() ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
  expect(messages).toEqual([])
})

test('every public function has an example, and begins with what it is for', () => {
  // A law says itself what holds; its bundle shows how it is called.
  const own = all.filter(({ from, name }) => from !== 'pullback/laws' || /^(arbitrary\.|asTests$|law$|laws\.(layer|loss|optimizer|stepping|tracing|keeping)$)/.test(name))
  expect(own.filter(({ examples: code }) => code.length === 0).map(({ name }) => name)).toEqual([])
  expect(all.filter(({ description }) => description === '').map(({ name }) => name)).toEqual([])
})

test('docs/api.md is what `npm run api` writes', async () => {
  expect(await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8')).toBe(page(all))
})
