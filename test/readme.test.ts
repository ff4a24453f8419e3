import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { expect, test, vi } from 'vitest'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''

test('the code of the README prints what it says', async () => {
  const promised = /\/\/ (\[.*\])$/m.exec(code)?.[1]
  const folder = await mkdtemp(join(tmpdir(), 'pullback-readme-'))
  const file = join(folder, 'readme.mjs')
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  try {
    // Outside of this folder nothing finds the library or fp-ts, so they are bundled.
    await build({
      stdin: { contents: code, loader: 'ts', resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
      alias: { pullback: fileURLToPath(new URL('../src/index.ts', import.meta.url)) },
      bundle: true, format: 'esm', platform: 'node', outfile: file, logLevel: 'error'
    })
    await import(pathToFileURL(file).href)
    expect(log.mock.calls).toEqual([[JSON.parse(promised ?? 'null')]])
  } finally {
    log.mockRestore()
    await rm(folder, { recursive: true })
  }
})

test('everything that the first example imports is named where the README says what to install', () => {
  const installed = /npm install (.*)\n/.exec(readme)?.[1].split(' ') ?? []
  const imported = Array.from(code.matchAll(/from '((?:@[^/']+\/)?[^/']+)/g), ([, name]) => name)
  expect(imported).toContain('pullback')
  expect(imported.filter(name => !installed.includes(name))).toEqual([])
})
