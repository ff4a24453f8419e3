import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const runFile = promisify(execFile)
const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))

/** What pages and runtimes do before anybody imports the library. */
const hosts = {
  /** A page whose content security policy lacks 'wasm-unsafe-eval'. */
  policy: `const refuse = () => { throw new WebAssembly.CompileError("violates the Content Security Policy directive \\"script-src 'self'\\"") }
    WebAssembly.Module = class { constructor() { refuse() } }`,
  /** An engine without memory to give. */
  noMemory: 'WebAssembly.Memory = class { constructor() { throw new RangeError("could not allocate memory") } }',
  /** Deno without --allow-env; Node's own loader reads on. */
  deniedEnvironment: `Object.defineProperty(process, 'env', { value: new Proxy({}, {
    get: (_, name) => {
      if (!/^(NODE|WATCH)_/.test(name)) throw new Error('NotCapable: Requires env access to "' + name + '", run again with the --allow-env flag')
    } }) })`,
  /** A browser. */
  noProcess: 'globalThis.process = { stdout: process.stdout }',
  globalReference: 'globalThis.PULLBACK_KERNELS = "reference"',
  globalSimd: 'globalThis.PULLBACK_KERNELS = "simd"',
  globalNumber: 'globalThis.PULLBACK_KERNELS = 1'
}

const relaxed = process.versions.node.startsWith('20.') ? ['--experimental-wasm-relaxed-simd'] : []

describe('the choice of kernels, in a process of its own', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pullback-kernels-'))
    await build({ entryPoints: [source('index.ts')], bundle: true, format: 'esm', platform: 'node', outfile: join(folder, 'pullback.mjs'), logLevel: 'error' })
    await writeFile(join(folder, 'main.mjs'), `
      await import(process.argv[2])
      const { kernelsInUse, tensor } = await import('./pullback.mjs')
      const row = tensor.of([[1, 2, 3]]), column = tensor.of([[4], [5], [6]])
      process.stdout.write(kernelsInUse() + ' ' + tensor.matmul(column)(row).data.join())`)
    await Promise.all(Object.entries(hosts).map(([name, code]) => writeFile(join(folder, `${name}.mjs`), code)))
    await writeFile(join(folder, 'bits.mjs'), `
      const { attention, causalMask, noParams, random, tensor } = await import('./pullback.mjs')
      const drawn = (shape, seed) => random.normal(shape)(random.key(seed))
      const products = [[53, 61, 515], [3, 70, 9], [6, 16, 8], [100, 15, 1], [1, 300, 64], [49, 272, 513]].flatMap(([m, n, k]) => [
        tensor.matmul(drawn([k, n], 1))(drawn([m, k], 2)), tensor.matmul(drawn([n, k], 1), { right: true })(drawn([m, k], 2)),
        tensor.matmul(drawn([k, n], 1), { left: true })(drawn([k, m], 2))
      ])
      const x = { query: drawn([2, 3, 37, 5], 3), key: drawn([2, 3, 37, 5], 4), value: drawn([2, 3, 37, 19], 5) }
      const [y, back] = attention(causalMask).vjp(noParams, x), { query, key, value } = back(drawn([2, 3, 37, 19], 6)).input
      process.stdout.write([...products, y, query, key, value].map(({ data }) => Buffer.from(Float32Array.from(data).buffer).toString('base64')).join())`)
    await writeFile(join(folder, 'plain.mjs'), '')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const run = async (wanted: string, flags: readonly string[] = [], host: keyof typeof hosts | 'plain' = 'plain'): Promise<string> => {
    const env = { PATH: process.env.PATH, ...(wanted === '' ? {} : { PULLBACK_KERNELS: wanted }) }
    const { stdout } = await runFile(process.execPath, [...flags, join(folder, 'main.mjs'), pathToFileURL(join(folder, `${host}.mjs`)).href], { env })
    return stdout
  }

  test.each([['', 'fused'], ['fused', 'fused'], ['wide', 'wide'], ['simd', 'simd'], ['reference', 'reference']])('"%s" asked for: %s', async (wanted, kind) => {
    expect(await run(wanted, relaxed)).toBe(`${kind} 32`)
  })

  test.skipIf(Number(process.versions.node.split('.')[0]) < 24)('an engine that was started for wide vectors gets them', async () => {
    expect(await run('', ['--experimental-wasm-revectorize'])).toBe('wide 32')
    expect(await run('simd', ['--experimental-wasm-revectorize'])).toBe('simd 32')
  })

  test('kernels for wide vectors give the bits of the others', async () => {
    const bits = async (kind: string): Promise<string> =>
      (await runFile(process.execPath, [...relaxed, join(folder, 'bits.mjs')], { env: { PATH: process.env.PATH, PULLBACK_KERNELS: kind }, maxBuffer: 2 ** 26 })).stdout
    expect(await bits('wide')).toBe(await bits('fused'))
  })

  const refusals = [
    // Node 24 itself does not start without WebAssembly.
    ...(Number(process.versions.node.split('.')[0]) < 24 ? [['--no-expose-wasm', ['--no-expose-wasm'], 'plain', 'ReferenceError: WebAssembly is not defined'] as const] : []),
    ['a content security policy', relaxed, 'policy', 'CompileError: violates the Content Security Policy'],
    ['no memory', relaxed, 'noMemory', 'RangeError: could not allocate memory']
  ] as const
  test.each(refusals)('refused by %s: kernels asked for by name are an error, with the reason', async (_, flags, host, reason) => {
    for (const wanted of ['simd', 'fused'])
      await expect(run(wanted, flags, host)).rejects.toThrow(
        `Error: PULLBACK_KERNELS=${wanted} was asked for, but WebAssembly refuses these kernels here (${reason}`)
  })
  test.each(refusals)('refused by %s: the reference computes where nothing, or the reference, was asked for', async (_, flags, host) => {
    expect(await run('', flags, host)).toBe('reference 32')
    expect(await run('reference', flags, host)).toBe('reference 32')
  })

  test.skipIf(relaxed.length === 0)('without relaxed SIMD, fused kernels asked for by name are an error, and nothing asked for gives simd', async () => {
    await expect(run('fused')).rejects.toThrow('PULLBACK_KERNELS=fused was asked for, but WebAssembly refuses these kernels here (CompileError')
    expect(await run('')).toBe('simd 32')
  })

  test.each(['deniedEnvironment', 'noProcess'] as const)('an environment that cannot be read (%s) asks for nothing', async host => {
    expect(await run('reference', relaxed, host)).toBe('fused 32')
  })

  test('a global asks too, before the environment, and a wrong one is refused', async () => {
    expect(await run('', relaxed, 'globalReference')).toBe('reference 32')
    expect(await run('reference', relaxed, 'globalSimd')).toBe('simd 32')
    await expect(run('', relaxed, 'globalNumber')).rejects.toThrow('RangeError: PULLBACK_KERNELS: expected wide, fused, simd, reference or nothing, got "1"')
  })
})
