import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const runFile = promisify(execFile)

/** What befalls threads: programs that are loaded before the library. */
const hosts = {
  plain: '',
  /** No worker may be made, as in a process with --permission. */
  refused: 'threads.Worker = class { constructor() { throw new Error("ERR_ACCESS_DENIED") } }',
  noMemory: 'const { Memory } = WebAssembly; WebAssembly.Memory = class { constructor(wish) { if (wish.shared) throw new RangeError("no shared memory"); return new Memory(wish) } }',
  /** Every chunk of a thread fails. */
  failing: patched("kernels[kernel](...args", "if (chunk >= 0) throw new Error('planted'); kernels[kernel](...args"),
  /** A thread fills what it shall compute with something else and ends in the middle of its first chunk, never to be heard of again. */
  dying: patched("kernels[kernel](...args", "require('node:worker_threads'); process.exit(0); kernels[kernel](...args"),
  /** Threads end at random, between two jobs. */
  killed: `const { Worker } = threads; globalThis.made = []
    threads.Worker = class extends Worker { constructor(...args) { super(...args); globalThis.made.push(this) } }`
}

function patched(from: string, to: string): string {
  return `const { Worker } = threads
    threads.Worker = class extends Worker { constructor(code, options) {
      if (!code.includes(${JSON.stringify(from)})) throw new Error('nothing to patch')
      super(code.replace(${JSON.stringify(from)}, ${JSON.stringify(to)}), options)
    } }`
}

const relaxed = process.versions.node.startsWith('20.') ? ['--experimental-wasm-relaxed-simd'] : []

describe.skipIf(process.env.PULLBACK_KERNELS === 'reference')('threads, in a process of their own', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pullback-threads-'))
    const entry = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
    await build({ entryPoints: [entry], bundle: true, format: 'esm', platform: 'node', outfile: join(folder, 'pullback.mjs'), logLevel: 'error' })
    await Promise.all(Object.entries(hosts).map(([name, code]) =>
      writeFile(join(folder, `${name}.mjs`), `import threads from 'node:worker_threads'\n${code}`)))
    // The hash of trained parameters: a few steps of a model whose kernels are worth threads.
    await writeFile(join(folder, 'main.mjs'), `
      import { createHash } from 'node:crypto'
      await import(process.argv[2])
      const { adamW, crossEntropy, gpt, initGpt, random, initTraining, tensor, threadsInUse, trainingStep, tree, useThreads } = await import('./pullback.mjs')
      const sizes = { vocabulary: 61, context: 64, width: 96, layers: 2 }
      const optimizer = adamW({ learningRate: 1e-2 }), step = trainingStep({ model: gpt({ heads: 4 }), loss: crossEntropy(), optimizer })
      const tokens = seed => tensor.tokensFromArray([8, 64], Array.from({ length: 512 }, (_, i) => (i * i + seed) % 61))
      let state = initTraining(optimizer, initGpt(sizes)(random.key(0)))
      for (let i = 0; i < Number(process.argv[3]); i++) {
        state = step(state, { input: tokens(i), target: tokens(i + 1) }, random.key(i))
        if (globalThis.made !== undefined && i % 2 === 1) {
          globalThis.made[globalThis.made.length - 1].terminate()
          await new Promise(done => setTimeout(done, 20))
          if (i % 4 === 3) useThreads(1 + (i % 3))
        } else await new Promise(done => setTimeout(done, 60))
      }
      const hash = createHash('sha256')
      for (const [, leaf] of tree.flatten(state.params)) hash.update(Float32Array.from(leaf.data))
      process.stdout.write(threadsInUse() + ' ' + hash.digest('hex').slice(0, 16))`)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const run = async (threads: string, host: keyof typeof hosts = 'plain', steps = 4): Promise<readonly string[]> => {
    const env = { PATH: process.env.PATH, PULLBACK_KERNELS: process.env.PULLBACK_KERNELS ?? '', PULLBACK_THREADS: threads }
    const { stdout } = await runFile(process.execPath, [...relaxed, join(folder, 'main.mjs'), pathToFileURL(join(folder, `${host}.mjs`)).href, String(steps)], { env, timeout: 110_000 })
    return stdout.split(' ')
  }

  test('one, two and three threads give the same bits, and the process ends by itself', async () => {
    const [one, two, three] = [await run('1'), await run('2'), await run('3')]
    expect([one[0], two[0], three[0]]).toEqual(['1', '2', '3'])
    expect(two[1]).toBe(one[1])
    expect(three[1]).toBe(one[1])
  })
  test('threads that are refused, or a memory that cannot be shared, leave one, with the same bits', async () => {
    const [, bits] = await run('1')
    expect(await run('3', 'refused')).toEqual(['1', bits])
    expect(await run('3', 'noMemory')).toEqual(['1', bits])
  })
  test('what threads fail to compute is computed by the caller', async () => {
    const [, bits] = await run('1')
    expect(await run('3', 'failing')).toEqual(['3', bits])
  })
  test('a thread that dies in the middle of a kernel leaves the right numbers, and no hang', async () => {
    const [, bits] = await run('1')
    expect(await run('2', 'dying')).toEqual(['1', bits])
  })
  test('threads that end at random, and numbers of threads that change, change no bits', async () => {
    expect((await run('3', 'killed', 12))[1]).toBe((await run('1', 'plain', 12))[1])
  })
  test('a number of threads that is none is refused by name', async () => {
    for (const wrong of ['0', '-1', '1.5', 'two', '65'])
      await expect(run(wrong)).rejects.toThrow(/RangeError: PULLBACK_THREADS: expected a number of threads from 1 to 64/)
  })
})
