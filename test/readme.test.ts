import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import * as library from 'pullback'
import { laws } from 'pullback/laws'
import { describe, expect, test } from 'vitest'
import { bugs } from './zoo/bugs.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = await readFile(join(root, 'README.md'), 'utf8')
const blocks = Array.from(readme.matchAll(/```ts\n([\s\S]*?)```/g), ([, code]) => code)

/** What a block prints, in a folder of its own where nothing finds the library, so all that it imports is bundled. */
const printed = async (code: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'pullback-readme-')), file = join(folder, 'readme.mjs')
  try {
    await build({
      stdin: { contents: code, loader: 'ts', resolveDir: root },
      alias: {
        'pullback/node': join(root, 'src/node/index.ts'), 'pullback/laws': join(root, 'laws/index.ts'), pullback: join(root, 'src/index.ts'),
        vitest: 'node:test' // The README says that any runner will do, and this one needs no program of its own.
      },
      bundle: true, format: 'esm', platform: 'node', outfile: file, logLevel: 'error'
    })
    const { NODE_OPTIONS: _, ...env } = process.env
    return (await promisify(execFile)(process.execPath, [...process.execArgv.filter(arg => arg.includes('wasm')), file], { cwd: folder, env })).stdout
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('the code of the README', () => {
  const printing = blocks.filter(code => code.includes('console.log('))
  test.each(printing)('prints what it says %#', async code => {
    const promised = Array.from(code.matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm), ([, value]) => value)
    expect(promised).not.toEqual([])
    expect(await printed(code)).toBe(`${promised.join('\n')}\n`)
  })
  const tested = blocks.filter(code => code.includes('asTests('))
  test.each(tested)('passes its laws %#', async code => {
    const report = await printed(code)
    expect(Number(/^# pass (\d+)$/m.exec(report)?.[1] ?? /^ℹ pass (\d+)$/m.exec(report)?.[1])).toBeGreaterThan(3)
  })
  test.each(tested)('fails its laws with a mistake in it %#', async code => {
    const wrong = code.replace('input: tensor.scale(tensor.at(0)(factor))(dy)', 'input: tensor.scale(-tensor.at(0)(factor))(dy)')
    expect(wrong).not.toBe(code)
    await expect(printed(wrong)).rejects.toMatchObject({ code: 1 })
  })
  test('is all run', () => { expect([...printing, ...tested].sort()).toEqual([...blocks].sort()) })
})

test('everything that the examples import is named where the README says what to install', () => {
  const installed = /npm install (.*)\n/.exec(readme)?.[1].split(' ') ?? [], peers = ['fast-check', 'vitest']
  const imported = blocks.slice(0, 2).flatMap(code => Array.from(code.matchAll(/from '((?:@[^/']+\/)?[^/']+)/g), ([, name]) => name))
  expect(imported).toContain('pullback')
  expect(imported.filter(name => ![...installed, ...peers].includes(name))).toEqual([])
})

test('the README plants no more bugs than there are', () => {
  expect(bugs.length).toBeGreaterThan(Number(/More than (\d+) planted bugs/.exec(readme)?.[1]))
})

/** The heading's address on a page, as GitHub makes it. */
const anchorOf = (heading: string): string => heading.toLowerCase().replace(/[^\p{L}\p{N}\- ]/gu, '').replace(/ /g, '-')

const PAGES = ['README.md', 'CHANGELOG.md', 'docs/CONTRIBUTING.md', 'docs/trust.md', 'docs/running.md']

test.each(PAGES)('%s links to what is there', async page => {
  const text = await readFile(join(root, page), 'utf8')
  const links = Array.from(text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g), ([, path, anchor]) => [path, anchor] as const)
  for (const [path, anchor] of links) {
    const target = path === '' ? join(root, page) : join(root, page, '..', path)
    expect(await stat(target).then(() => true, () => false), `${page}: ${path}`).toBe(true)
    if (anchor === undefined) continue
    const headings = Array.from((await readFile(target, 'utf8')).matchAll(/^#+ (.*)$/gm), ([, heading]) => anchorOf(heading))
    expect(headings, `${page}: #${anchor}`).toContain(anchor)
  }
})

test('the measurements of the README are those of bench/RESULTS.md', async () => {
  const results = await readFile(join(root, 'bench/RESULTS.md'), 'utf8')
  const table = /^## Speed\n([\s\S]*?)\n## /m.exec(readme)?.[1] ?? ''
  const numbers = Array.from(table.matchAll(/([\d.]+ (?:GFLOP\/s|ms|tokens\/s|steps\/s))/g), ([number]) => number)
  expect(numbers.length).toBeGreaterThan(10)
  expect(numbers.filter(number => !results.includes(`| ${number} |`))).toEqual([])
})

test('what the changes call a new name is exported', async () => {
  const changes = await readFile(join(root, 'CHANGELOG.md'), 'utf8')
  const rows = Array.from(changes.matchAll(/^\| `(?:laws\.)?\w+[^|]* \| ([^|]*) \|$/gm), ([, now]) => now).filter(now => !/^(none|the same names)/.test(now))
  const names = rows.flatMap(now => Array.from(now.matchAll(/`(?:\w+\.)?(\w+)/g), ([, name]) => name))
  const known = new Set(['DecoderWithParams', ...[library, library.tree, laws].flatMap(Object.keys)]) // the first is a type
  expect(names.length).toBeGreaterThan(25)
  expect(names.filter(name => !known.has(name))).toEqual([])
})
