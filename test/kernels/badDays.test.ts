/** Threads that are killed, refused or made by the program itself: the right bits or a clear error, and never a hang. */
import { describe, expect, inject, test } from 'vitest'
import { kernelsInUse } from 'pullback'
import { programs } from './process.js'

/** Patience of a second in place of ten: threads that die here do so often. */
const impatient = (text: string): string => {
  const changed = text.replace(/PATIENCE = 1e4\b/, 'PATIENCE = 1e3')
  if (changed === text) throw new Error('expected the patience of the library to be ten seconds')
  return changed
}

/** A few steps of training whose kernels are worth threads, and the hash of what was learned. */
const model = `
  import { createHash } from 'node:crypto'
  const { adamW, crossEntropy, gpt, initGpt, initTraining, random, tensor, threadsInUse, trainingRun, trainingStep, tree, useThreads } = await import('./pullback.mjs')
  const optimizer = adamW({ learningRate: 1e-2 }), options = { model: gpt({ heads: 4 }), loss: crossEntropy(), optimizer }
  const tokens = seed => tensor.tokensFromArray([8, 64], Array.from({ length: 512 }, (_, i) => (i * i + seed) % 61))
  const batch = i => ({ input: tokens(i), target: tokens(i + 1) })
  const first = () => initTraining(optimizer, initGpt({ vocabulary: 61, context: 64, width: 96, layers: 2 })(random.key(0)))
  const hashOf = params => {
    const hash = createHash('sha256')
    for (const [, leaf] of tree.flatten(params)) hash.update(Float32Array.from(leaf.data))
    return hash.digest('hex').slice(0, 16)
  }`

/** Each thread is ended by a thread between, which is free to do so while kernels run, after some milliseconds by a seed. */
const killer = `
  import threads from 'node:worker_threads'
  const { Worker } = threads
  let word = Number(process.env.SEED)
  const uniform = () => (word = (word * 1103515245 + 12345) % 2 ** 31) / 2 ** 31
  globalThis.killed = new Int32Array(new SharedArrayBuffer(4))
  threads.Worker = class extends Worker { constructor(code, options) {
    super(\`const { Worker, workerData: { code, told, killed, after } } = require('node:worker_threads')
      const inner = new Worker(code, { eval: true, workerData: told, env: {} })
      inner.on('online', () => setTimeout(() => inner.terminate().then(() => { Atomics.add(killed, 0, 1); process.exit() }), after))\`,
      { ...options, workerData: { code, told: options.workerData, killed: globalThis.killed, after: 120 * uniform() } })
  } }`

describe.skipIf(kernelsInUse() === 'reference')('bad days, in processes of their own', () => {
  const run = programs({
    steps: `${model}
      const step = trainingStep(options)
      let state = first()
      for (let i = 0; i < Number(process.argv[2]); i++) state = step(state, batch(i), random.key(0))
      process.stdout.write(threadsInUse() + ' ' + hashOf(state.params))`,
    killed: `${killer}\n${model}
      const step = trainingStep(options), hashes = new Set()
      // On a fast machine a training has ended before three threads have.
      for (let round = 0; round < 100 && Atomics.load(killed, 0) < 3; round++) {
        let state = first()
        for (let i = 0; i < Number(process.argv[2]); i++) {
          if (i % 4 === 0) useThreads(2 + i % 3 % 2)
          state = step(state, batch(i), random.key(0))
        }
        hashes.add(hashOf(state.params))
      }
      process.stdout.write(Atomics.load(killed, 0) + ' ' + Array.from(hashes).join())
      process.exit()`,
    // Products that take long, so that most threads die in the middle of one; hashes of all of them.
    products: `${killer}\n${model}
      const [a, b] = [1, 2].map(seed => random.normal([900, 900])(random.key(seed))), hashes = new Set()
      const enough = i => i >= Number(process.argv[2]) && (process.argv[3] !== 'threads' || i >= 4000 || Atomics.load(killed, 0) > 2)
      for (let i = 0; !enough(i); i++) {
        if (i % 3 === 0 && process.argv[3] === 'threads') useThreads(2 + i % 2)
        hashes.add(hashOf(tensor.matmul(b)(a)))
      }
      process.stdout.write(Atomics.load(killed, 0) + ' ' + Array.from(hashes).join())
      process.exit()`,
    // Out of stack in the middle of products that threads share, at every depth around the last that is possible; then others.
    interrupted: `
      const { random, tensor, useThreads } = await import('./pullback.mjs')
      const [big, p, q] = [[500, 500], [240, 64], [64, 512]].map((shape, i) => random.normal(shape)(random.key(i)))
      useThreads(1)
      const expected = tensor.matmul(q)(p).data, product = tensor.matmul(big)
      useThreads(Number(process.argv[2]))
      const deep = n => (n === 0 ? product(big) : deep(n - 1))
      for (let i = 0; i < 40; i++) deep(100)
      let low = 0, high = 20000, wrong = 0, thrown = 0
      for (let i = 0; i < 400; i++) {
        const searching = high - low > 30, depth = searching ? (low + high) >> 1 : low - 20 + i % 60
        try {
          deep(depth)
          if (searching) low = depth
        } catch {
          if (searching) high = depth
          thrown++
          for (let j = 0; j < 2; j++) if (!tensor.matmul(q)(p).data.every((x, k) => Object.is(x, expected[k]))) wrong++
        }
      }
      process.stdout.write(wrong + ' ' + (thrown > 100))
      process.exit()`,
    // A script that is ended because it lasts too long.
    ended: `
      import { runInThisContext } from 'node:vm'
      const { random, tensor, useThreads } = await import('./pullback.mjs')
      const [big, p, q] = [[1500, 1500], [240, 64], [64, 512]].map((shape, i) => random.normal(shape)(random.key(i)))
      useThreads(1)
      const expected = tensor.matmul(q)(p).data
      useThreads(Number(process.argv[2]))
      globalThis.f = () => tensor.matmul(big)(big)
      let wrong = 0, ended = 0
      for (let i = 0; i < 60; i++) {
        try { runInThisContext('f()', { timeout: 1 + i % 20 }) } catch { ended++ }
        for (let j = 0; j < 3; j++) if (!tensor.matmul(q)(p).data.every((x, k) => Object.is(x, expected[k]))) wrong++
      }
      process.stdout.write(wrong + ' ' + (ended > 20))
      process.exit()`,
    killedInPlace: `${killer}\n${model}
      const results = new Set()
      for (let i = 0; i < 6; i++) {
        useThreads(2)
        try {
          results.add(hashOf(trainingRun(options)({ steps: Number(process.argv[2]), batch, key: random.key(0) })(first()).params))
        } catch (error) { results.add(error.message) }
      }
      process.stdout.write(Array.from(results).join('|'))
      process.exit()`,
    noBuiltins: "process.getBuiltinModule = undefined; await import('./steps.mjs')",
    noSharedArrays: "delete globalThis.SharedArrayBuffer; await import('./steps.mjs')",
    // A page that is isolated, whose policy refuses workers or whose workers never come up, and whose main thread may not wait.
    refusingPage: "process.getBuiltinModule = undefined; globalThis.crossOriginIsolated = true; globalThis.Worker = class { constructor() { throw new DOMException('worker-src', 'SecurityError') } }; Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: 3 } }); await import('./steps.mjs')",
    silentPage: "process.getBuiltinModule = undefined; globalThis.crossOriginIsolated = true; globalThis.Worker = class { postMessage() {} terminate() {} }; Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: 3 } }); Atomics.wait = () => { throw new TypeError('Atomics.wait cannot be called in this context') }; await import('./steps.mjs')",
    // Two threads of the program's own, each with the library, and the main thread, all at the same time.
    own: `
      import { Worker } from 'node:worker_threads'
      ${model}
      const steps = Number(process.argv[2]), said = []
      const made = [0, 1].map(() => new Promise((done, failed) => {
        const worker = new Worker(new URL('./ownThread.mjs', import.meta.url), { workerData: steps })
        worker.on('message', done).on('error', failed)
      }))
      const step = trainingStep(options)
      let state = first()
      for (let i = 0; i < steps; i++) {
        state = step(state, batch(i), random.key(0))
        await new Promise(done => setTimeout(done, 5))
      }
      process.stdout.write([hashOf(state.params), ...await Promise.all(made)].join(' '))`,
    ownThread: `
      import { parentPort, workerData } from 'node:worker_threads'
      ${model}
      const step = trainingStep(options)
      let state = first()
      for (let i = 0; i < workerData; i++) state = step(state, batch(i), random.key(0))
      parentPort.postMessage(hashOf(state.params))`,
    // A sampler that generates, and whose inner sampler trains: each has kernels of its own in the middle of another's run.
    recursion: `${model}
      const { decoding, generate, greedySampler } = await import('./pullback.mjs')
      const { params } = first(), decoder = decoding(gpt({ heads: 4 }), { context: 64 }), step = trainingStep(options)
      const with_ = sampler => generate({ decoder, params, sampler, count: 3 })([1, 2, 3], random.key(0)).join()
      let trained = 0
      const training = (logits, key) => {
        trained = hashOf(step(first(), batch(0), random.key(0)).params)
        return greedySampler(logits, key)
      }
      const plain = with_(greedySampler)
      const nested = with_((logits, key) => { if (with_(training) !== plain) throw new Error('another sentence'); return greedySampler(logits, key) })
      process.stdout.write([plain === nested, trained === hashOf(step(first(), batch(0), random.key(0)).params)].join())`,
    // Memory after a quarter of the steps, when all code is warm, and after all.
    many: `
      const { gradientDescent, initMlp, initTraining, meanSquaredError, memoryInUse, mlp, random, tanh, tensor, trainingStep } = await import('./pullback.mjs')
      const optimizer = gradientDescent({ learningRate: 0.01 }), step = trainingStep({ model: mlp(tanh), loss: meanSquaredError(), optimizer })
      const batch = { input: random.normal([8, 4])(random.key(1)), target: random.normal([8, 2])(random.key(2)) }
      let state = initTraining(optimizer, initMlp([4, 8, 2])(random.key(0)))
      const steps = Number(process.argv[2]), memory = () => { gc(); return [memoryInUse().bytes, process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers] }
      let before
      for (let i = 0; i < steps; i++) {
        state = step(state, batch, random.key(i))
        if (i === Math.floor(steps / 4)) before = memory()
      }
      process.stdout.write(JSON.stringify([before, memory()]))`
  }, impatient)

  const bits = async (steps: number): Promise<string> => (await run('steps', { args: [String(steps)], env: { PULLBACK_THREADS: '1' } })).split(' ')[1]

  test('threads that are killed at random moments, in the middle of kernels too, change no bit', async () => {
    const seed = inject('seed') % 2 ** 31
    const [killed, hash] = (await run('killed', { args: ['24'], env: { SEED: String(seed) } })).split(' ')
    expect(Number(killed), `seed ${seed}`).toBeGreaterThan(2)
    expect(hash, `seed ${seed}`).toBe(await bits(24))
  })

  test('killed in the middle of products: what they had taken is computed by the caller', async () => {
    const seed = inject('seed') % 2 ** 31
    const [killed, hash] = (await run('products', { args: ['36', 'threads'], env: { SEED: String(seed) } })).split(' ')
    expect(Number(killed), `seed ${seed}`).toBeGreaterThan(2)
    expect(hash, `seed ${seed}`).toBe((await run('products', { args: ['1'], env: { SEED: String(seed), PULLBACK_THREADS: '1' } })).split(' ')[1])
  })

  test.each(['interrupted', 'ended'])('a caller that is interrupted in the middle of a kernel (%s) leaves nobody at work who disturbs the next one', async name => {
    for (const threads of ['2', '3']) expect(await run(name, { args: [threads] })).toBe('0 true')
  })

  test('while kernels write over their arguments: the same bits, or an error that says so', async () => {
    const seed = inject('seed') % 2 ** 31, results = (await run('killedInPlace', { args: ['6'], env: { SEED: String(seed) } })).split('|'), expected = await bits(6)
    for (const result of results)
      expect([expected, 'kernels: a thread was lost while it wrote over its arguments, which cannot be computed again'], `seed ${seed}`).toContain(result)
  })

  test.each(['noBuiltins', 'noSharedArrays', 'refusingPage', 'silentPage'])('an engine that lacks or refuses threads (%s) gives the same bits', async host => {
    expect((await run(host, { args: ['3'], env: { PULLBACK_THREADS: '3' } })).split(' ')[1]).toBe(await bits(3))
  })

  test('a process that may not make threads has one', async () => {
    const flag = process.versions.node.startsWith('20.') ? '--experimental-permission' : '--permission'
    expect(await run('steps', { args: ['3'], flags: [flag, '--allow-fs-read=*'], env: { PULLBACK_THREADS: '3' } })).toBe(`1 ${await bits(3)}`)
  })

  test('a program with threads of its own: each has its own kernels and memory', async () => {
    const expected = await bits(6)
    for (const env of [{}, { PULLBACK_THREADS: '2' }]) expect((await run('own', { args: ['6'], env })).split(' ')).toEqual([expected, expected, expected])
  })

  test('recursion: a sampler that generates with a sampler that trains', async () => {
    expect(await run('recursion', { env: { PULLBACK_THREADS: '3' } })).toBe('true,true')
  })

  test('many small steps need the memory of one', async () => {
    const [[arena, heap], [arenaAfter, heapAfter]] = JSON.parse(await run('many', { args: ['6000'], flags: ['--expose-gc'] })) as readonly (readonly [number, number])[]
    expect(arenaAfter).toBe(arena)
    // What the engine notes about code comes and goes by some 500 KB; the parameters of all these steps would be more than 1 MB.
    expect(heapAfter - heap).toBeLessThan(2 ** 20)
  })
})
