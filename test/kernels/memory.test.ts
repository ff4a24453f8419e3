import { describe, expect, test } from 'vitest'
import { kernelsInUse, memoryInUse } from 'pullback'
import { programs } from './process.js'

const MIB = 2 ** 20

interface Told {
  readonly before: ReturnType<typeof memoryInUse>
  readonly after: ReturnType<typeof memoryInUse>
  readonly kernels: string
  readonly bits: string
  /** The first of the numbers that were learned. */
  readonly numbers: readonly number[]
}

/** Work of about 40 MiB: a few steps of a model, and the hash of what it has learned. */
const training = `
  import { createHash } from 'node:crypto'
  const { adam, initMlp, initTraining, kernelsInUse, meanSquaredError, memoryInUse, mlp, random, tanh, trainingStep, tree } = await import('./pullback.mjs')
  const before = memoryInUse(), optimizer = adam({ learningRate: 0.01 }), sizes = [256, 512, 256]
  const step = trainingStep({ model: mlp(tanh), loss: meanSquaredError(), optimizer })
  const batch = { input: random.normal([1024, 256])(random.key(1)), target: random.normal([1024, 256])(random.key(2)) }
  let state = initTraining(optimizer, initMlp(sizes)(random.key(0)))
  for (let i = 0; i < 2; i++) state = step(state, batch, random.key(i))
  const hash = createHash('sha256')
  for (const [, leaf] of tree.flatten(state.params)) hash.update(Float32Array.from(leaf.data))
  process.stdout.write(JSON.stringify({ before, after: memoryInUse(), kernels: kernelsInUse(), bits: hash.digest('hex').slice(0, 16), numbers: tree.flatten(state.params).flatMap(([, leaf]) => Array.from(leaf.data).slice(0, 20)) }))`

const NOT_SHARED = 'const { Memory } = WebAssembly; WebAssembly.Memory = class { constructor(wish) { if (wish.shared) throw new RangeError("no shared memory"); return new Memory(wish) } }'

describe.skipIf(kernelsInUse() === 'reference')('memory, in a process of its own', () => {
  const run = programs({
    training,
    refused: `WebAssembly.Memory.prototype.grow = () => { throw new RangeError('WebAssembly.Memory.grow(): Unable to grow instance memory') }\n${training}`,
    notShared: `${NOT_SHARED}\n${training}`,
    none: `WebAssembly.Memory = class { constructor() { throw new RangeError('could not allocate memory') } }\n${training}`,
    global: `globalThis.PULLBACK_MEMORY = 100\n${training}`,
    twice: `const { memoryInUse, tensor } = await import('./pullback.mjs')
      const add = n => { tensor.add(tensor.zeros([n]))(tensor.zeros([n])); return memoryInUse().reason }
      process.stdout.write(JSON.stringify([add(2 ** 21), add(2 ** 22)]))`,
    product: `import { createHash } from 'node:crypto'
      const { memoryInUse, random, tensor } = await import('./pullback.mjs')
      const [a, b] = [1, 2].map(seed => random.normal([200, 200])(random.key(seed)))
      const product = tensor.matmul(b)(a).data
      process.stdout.write(memoryInUse().refused + ' ' + createHash('sha256').update(product).digest('hex'))
      process.exit()`,
    import: "await import('./pullback.mjs')"
  })
  // More threads than there is room for, all of them awake; says whether the caller had to compute what another one failed to.
  const repairs = programs({
    crowd: `const { random, tensor } = await import('./pullback.mjs')
      const [a, b] = [1, 2].map(seed => random.normal([200, 200])(random.key(seed))), product = tensor.matmul(b)
      for (let i = 0; i < 100; i++) {
        product(a)
        await new Promise(done => setTimeout(done, i === 0 ? 1500 : 1))
      }
      process.stdout.write(String(globalThis.repaired ?? false))
      process.exit()`
  }, text => {
    const watched = text.replace(/repair = \([^)]*\) => \{/, '$& globalThis.repaired = true;')
    if (watched === text) throw new Error('expected the library to repair')
    return watched
  })
  const told = async (...args: Parameters<typeof run>): Promise<Told> => JSON.parse(await run(...args)) as Told

  test('begins small, grows as it is needed, and says that nothing was refused', async () => {
    const { before, after, kernels } = await told('training')
    expect(before).toEqual({ bytes: 2 * MIB, limit: 2 ** 32 - 2 ** 16, refused: 0, reason: undefined })
    expect(after.bytes).toBeGreaterThan(16 * MIB)
    expect(after).toEqual({ ...before, bytes: after.bytes })
    expect(kernels).not.toBe('reference')
  })

  test('beyond the limit the reference computes, and memoryInUse says so, with the first reason', async () => {
    const { before, after, numbers } = await told('training', { env: { PULLBACK_MEMORY: '8' } }), { numbers: expected } = await told('training')
    expect(before).toEqual({ bytes: 2 * MIB, limit: 8 * MIB, refused: 0 })
    expect(after.bytes).toBeLessThanOrEqual(8 * MIB)
    expect(after.refused).toBeGreaterThan(3)
    expect(after.reason).toMatch(/^kernels needed at least \d+ MiB of memory, and the limit is 8 MiB$/)
    // Other roundings: a unit in the last place of what is summed.
    expect(Math.max(...numbers.map((x, i) => Math.abs(x - expected[i])))).toBeLessThan(1e-5)
  })

  test('what is refused a place is copied, and computed to the same bits, as long as a call fits by itself', async () => {
    const [enough, little] = await Promise.all([told('training'), told('training', { env: { PULLBACK_MEMORY: '16' } })])
    expect(little.after.bytes).toBeLessThanOrEqual(16 * MIB)
    expect(little.after.refused).toBeGreaterThan(3)
    expect(little.after.reason).toMatch(/^kernels needed at least \d+ MiB of memory, and the limit is 16 MiB$/)
    expect(little.bits).toBe(enough.bits)
  })

  test('threads for whose work there is no room do none, and change no bit', async () => {
    const hashes = await Promise.all(['1', '2', '64'].map(threads => run('product', { env: { PULLBACK_MEMORY: '32', PULLBACK_THREADS: threads } })))
    expect(hashes).toEqual([hashes[0], hashes[0], hashes[0]])
    expect(hashes[0]).toMatch(/^0 /)
  })

  test('they do not even try', async () => {
    expect(await repairs('crowd', { env: { PULLBACK_MEMORY: '16', PULLBACK_THREADS: '32' } })).toBe('false')
  })

  test('the reason stays the first one', async () => {
    const [first, second] = JSON.parse(await run('twice', { env: { PULLBACK_MEMORY: '8' } })) as readonly string[]
    expect(first).toMatch(/^kernels needed at least 2\d MiB of memory/)
    expect(second).toBe(first)
  })

  test('a limit that is enough changes no bit, be it named by the environment or by a global', async () => {
    const [all, enough, global] = await Promise.all([told('training'), told('training', { env: { PULLBACK_MEMORY: '100' } }), told('global')])
    expect([enough.after.limit, global.after.limit, enough.after.refused]).toEqual([100 * MIB, 100 * MIB, 0])
    expect([enough.bits, global.bits]).toEqual([all.bits, all.bits])
  })

  test('where the system refuses to let it grow, it says that', async () => {
    const { after } = await told('refused')
    expect(after.bytes).toBe(2 * MIB)
    expect(after.refused).toBeGreaterThan(3)
    expect(after.reason).toMatch(/^kernels needed at least \d+ MiB of memory, and the system refused to let it grow beyond 2 MiB$/)
  })

  test('one that cannot be shared is reserved whole, within the limit', async () => {
    const [most, little] = [await told('notShared'), await told('notShared', { env: { PULLBACK_MEMORY: '8' } })]
    expect([most.before.bytes, most.after.refused, most.bits]).toEqual([2 ** 30, 0, (await told('training')).bits])
    expect([little.before.bytes, little.before.limit]).toEqual([8 * MIB, 8 * MIB])
    expect(little.after.refused).toBeGreaterThan(3)
  })

  test('a system without any, and one without addresses for it, say why kernels are the reference', async () => {
    const env = { PULLBACK_KERNELS: '' }, none = await told('none', { env })
    expect(none).toMatchObject({ kernels: 'reference', after: { bytes: 0, limit: 0, refused: 0, reason: 'WebAssembly refuses kernels here (RangeError: could not allocate memory)' } })
    // Node 20 reserves all addresses at once, Node 24 those that it needs, of which there are enough.
    const few = await told('training', { env, addresses: 3 * 2 ** 30 })
    if (few.kernels === 'reference') expect(few.after).toMatchObject({ limit: 0, reason: expect.stringMatching(/^WebAssembly refuses kernels here \(RangeError: /) as string })
    else expect(few.after).toMatchObject({ refused: 0 })
  })

  test.each([
    ['PULLBACK_MEMORY', ['1', '4097', '-8', '64.5', '1e3', 'much', ' '], /RangeError: PULLBACK_MEMORY: expected a number of MiB from 2 to 4096, got "/],
    ['PULLBACK_THREADS', ['0', '65', '1.5', 'two', '-1'], /RangeError: PULLBACK_THREADS: expected a number of threads from 1 to 64, got "/],
    ['PULLBACK_KERNELS', ['fast', 'SIMD', '1'], /RangeError: PULLBACK_KERNELS: expected wide, fused, simd, reference or nothing, got "/]
  ])('a %s that is none throws at import, whatever the kernels', async (name, wrongs, sentence) => {
    for (const wrong of wrongs) {
      await expect(run('import', { env: { [name]: wrong } })).rejects.toThrow(sentence)
      if (name !== 'PULLBACK_KERNELS') await expect(run('import', { env: { PULLBACK_KERNELS: 'reference', [name]: wrong } })).rejects.toThrow(sentence)
    }
  })
})

describe.skipIf(kernelsInUse() !== 'reference')('without kernels that have a memory', () => {
  test('all of it is nothing', () => { expect(memoryInUse()).toEqual({ bytes: 0, limit: 0, refused: 0, reason: undefined }) })
})
