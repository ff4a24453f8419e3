/**
 * The hand-over of jobs in slow motion: both sides stop at random between their steps, so that each thread is late at each of them sooner
 * or later. Jobs are small and have different numbers of chunks, up to the most there may be, and their numbers begin anew on the way.
 */
import { describe, expect, inject, test } from 'vitest'
import { kernelsInUse } from 'pullback'
import { programs } from './process.js'

/** Stops every other time, for up to a quarter of a millisecond. */
const pauses = (seed: string): string => `globalThis.pause = (() => {
  const word = new Int32Array(new SharedArrayBuffer(4))
  let state = ${seed}
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    if (state < 0) Atomics.wait(word, 0, 0, (state >>> 8 & 255) / 1024)
  }
})()
`

/** How each part of the library is slowed down. */
const changes: readonly (readonly [from: RegExp, to: string])[] = [
  [/LEAST_WORK = 2 \*\* 20/, 'LEAST_WORK = 0'],
  [/MOST_WORK = 2 \*\* 26/, 'MOST_WORK = 2 ** 8'],
  [/words: wordsOf\(0\),(\s+)job: 0/, 'words: wordsOf(0),$1job: 2 ** 22 - 500'],
  [/Atomics\.store\(control/g, '(pause(), Atomics.store)(control'],
  [/Atomics\.load\(control, (\$\{CONTROL\.count\})/, '(pause(), Atomics.load)(control, $1'],
  [/(numbers\d*)\.set\(\[/, '(pause(), $1).set(['],
  [/kernels\[kernel\]\(/, '(pause(), kernels[kernel])('],
  [/\(\(\{ module, memory, begin, id \}\) => \{/, `$&\n${pauses('id')}`]
]

const slowed = (text: string): string => pauses('Number(process.env.SEED)') + changes.reduce((before, [from, to]) => {
  const after = before.replace(from, to)
  if (after === before) throw new Error(`expected the library to have ${from.source}`)
  return after
}, text)

describe.skipIf(kernelsInUse() === 'reference')('jobs in slow motion', () => {
  const run = programs({
    jobs: `
      const { random, tensor, threadsInUse, useThreads } = await import('./pullback.mjs')
      let state = Number(process.env.SEED)
      const integer = (min, max) => min + ((state = (Math.imul(state, 1664525) + 1013904223) | 0) >>> 8) % (max - min + 1)
      const cases = Array.from({ length: 240 }, (_, i) => {
        // One in 48 has more pieces than there may be chunks.
        const n = i % 48 === 1 ? 9000 : integer(5, 64)
        if (i % 12 > 0) return () => random.uniform([n])(random.key(i))
        const batch = integer(1, 3), m = integer(5, 130), k = [integer(0, 20), 512 + integer(0, 9), 1024 + integer(0, 9)][i / 12 % 3]
        const a = random.normal([batch, m, k])(random.key(i)), b = random.normal([batch, k, 9 * n])(random.key(i + 1))
        return () => tensor.matmul(b)(a)
      })
      useThreads(1)
      const expected = cases.map(f => f().data), wrong = []
      for (const threads of [2, 5, 3]) {
        useThreads(threads)
        for (let round = 0; round < 3; round++)
          cases.forEach((f, i) => { if (!f().data.every((x, j) => Object.is(x, expected[i][j]))) wrong.push(i + ' with ' + threads) })
        if (threadsInUse() !== threads) wrong.push('a thread was lost')
      }
      process.stdout.write(wrong.join())
      process.exit()`
  }, slowed)

  test('change no bit, and lose no thread', async () => {
    const seed = inject('seed') % 2 ** 31
    expect(await run('jobs', { env: { SEED: String(seed) } }), `seed ${seed}`).toBe('')
  })
})
