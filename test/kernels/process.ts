/** The library in processes of its own, as nothing but its bundle: what happens at import and on bad days is seen from outside. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll } from 'vitest'

const runFile = promisify(execFile)

/** The options of the engine with which the tests themselves run. */
const engine = process.execArgv.filter(option => option.startsWith('--experimental-wasm-'))

export interface Wish {
  /** What the environment says; by default which kernels are tested, and nothing else. */
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** Options of the engine. */
  readonly flags?: readonly string[]
  /** Bytes of addresses that the process may have, for a system that refuses memory. */
  readonly addresses?: number
}

/**
 * A folder with the library as `pullback.mjs` and these modules, while the tests of a block run. Gives what runs one of them. `adapt` may
 * change the library's text.
 */
export const programs = (modules: Readonly<Record<string, string>>, adapt = (text: string): string => text): ((name: string, wish?: Wish) => Promise<string>) => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pullback-process-'))
    const entry = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
    const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: 'esm', platform: 'node', write: false, logLevel: 'error' })
    await writeFile(join(folder, 'pullback.mjs'), adapt(outputFiles[0].text))
    await Promise.all(Object.entries(modules).map(([name, code]) => writeFile(join(folder, `${name}.mjs`), code)))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return async (name, { env = {}, args = [], flags = [], addresses } = {}) => {
    const command = [process.execPath, ...engine, ...flags, join(folder, `${name}.mjs`), ...args]
    const [file, ...rest] = addresses === undefined ? command : ['bash', '-c', `ulimit -v ${Math.floor(addresses / 1024)} && exec "$@"`, 'bash', ...command]
    const asked = { PATH: process.env.PATH ?? '', PULLBACK_KERNELS: process.env.PULLBACK_KERNELS ?? '', ...env }
    return (await runFile(file, rest, { env: asked, timeout: 110_000, maxBuffer: 2 ** 26 })).stdout
  }
}
