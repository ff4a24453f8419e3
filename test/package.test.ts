import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const runFile = promisify(execFile)

/** What a package is built from. */
const sources = ['src', 'laws', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md', 'LICENSE']

interface Manifest {
  readonly devDependencies: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
}

describe('the packed library, in a project of somebody else', () => {
  let folder = ''
  const runIn = async (cwd: string, command: string, ...args: readonly string[]): Promise<string> => {
    // What vitest sets for its own children is not part of somebody else's project.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_OPTIONS|NODE_ENV|TEST|npm_)/.test(name)))
    const { stdout } = await runFile(command, args, { cwd, env, maxBuffer: 2 ** 24 })
    return stdout
  }
  const run = (command: string, ...args: readonly string[]): Promise<string> => runIn(join(folder, 'project'), command, ...args)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pullback-outsider-'))
    const checkout = join(folder, 'checkout'), project = join(folder, 'project')
    await mkdir(checkout)
    // A copy, since packing compiles the kernels and builds: other tests read those files meanwhile.
    await Promise.all(sources.map(name => cp(join(root, name), join(checkout, name), { recursive: true, filter: path => !path.endsWith('.generated.ts') })))
    await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
    await cp(join(root, 'test/outsider'), project, { recursive: true })
    const stdout = await runIn(checkout, 'npm', 'pack', '--json', '--pack-destination', project)
    const [, archive] = /"filename":\s*"([^"]+)"/.exec(stdout) ?? []
    const { devDependencies, dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
    const tools = ['fast-check', 'vitest', 'typescript', '@types/node'].map(name => `${name}@${devDependencies[name]}`)
    await run('npm', 'install', '--no-audit', '--no-fund', `./${archive}`, `fp-ts@${dependencies['fp-ts']}`, ...tools)
    const readme = await readFile(join(root, 'README.md'), 'utf8')
    const blocks = Array.from(readme.matchAll(/```ts\n([\s\S]*?)```/g), ([, code]) => code)
    await Promise.all(blocks.map((code, i) => writeFile(join(project, `readme${i}${code.includes('asTests(') ? '.test' : ''}.ts`), code)))
    await run('npx', 'tsc')
  }, 300_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('the code of the README compiles under strict types and runs', async () => {
    expect(await run('node', 'out/readme0.js')).toBe('[ 0, 1, 1, 0 ]\n')
    expect(await run('node', 'out/readme1.js')).toBe("{ _tag: 'Right', right: ' gives the same answer' }\n")
    expect(await run('npx', 'vitest', 'run', 'readme2.test.ts')).toMatch(/Tests.*passed/)
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
  test('the packed library computes with the kernels that were compiled for it', async () => {
    expect(await run('env', 'PULLBACK_KERNELS=simd', 'node', 'out/kernels.js')).toBe('simd\n')
  })
})
