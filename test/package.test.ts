import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const runFile = promisify(execFile)

interface Manifest {
  readonly devDependencies: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
}

describe('the packed library, in a project of somebody else', () => {
  let folder = ''
  const run = async (command: string, ...args: readonly string[]): Promise<string> => {
    // What vitest sets for its own children is not part of somebody else's project.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_OPTIONS|NODE_ENV|TEST|npm_)/.test(name)))
    const { stdout } = await runFile(command, args, { cwd: folder, env, maxBuffer: 2 ** 24 })
    return stdout
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pullback-outsider-'))
    await cp(join(root, 'test/outsider'), folder, { recursive: true })
    const { stdout } = await runFile('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, maxBuffer: 2 ** 24 })
    const [, archive] = /"filename":\s*"([^"]+)"/.exec(stdout) ?? []
    const { devDependencies, dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
    const tools = ['fast-check', 'vitest', 'typescript', '@types/node'].map(name => `${name}@${devDependencies[name]}`)
    await run('npm', 'install', '--no-audit', '--no-fund', `./${archive}`, `fp-ts@${dependencies['fp-ts']}`, ...tools)
    const readme = await readFile(join(root, 'README.md'), 'utf8')
    const blocks = Array.from(readme.matchAll(/```ts\n([\s\S]*?)```/g), ([, code]) => code)
    await Promise.all(blocks.map((code, i) => writeFile(join(folder, `readme${i}.ts`), code)))
    await run('npx', 'tsc')
  }, 300_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('the code of the README compiles under strict types and runs', async () => {
    expect(await run('node', 'out/readme0.js')).toBe('[ 0, 1, 1, 0 ]\n')
  })
  test('the laws run under node:test', async () => {
    expect(await run('node', '--test', '--test-reporter=tap', 'out/node.test.js')).toContain('# fail 0')
  })
  test('the laws run under vitest', async () => {
    expect(await run('npx', 'vitest', 'run', 'laws.test.ts')).toMatch(/Tests.*passed/)
  })
  test('nothing of the tests is packed', async () => {
    expect(await run('ls', 'node_modules/pullback')).not.toContain('test')
  })
})
