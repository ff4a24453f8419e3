import { fileURLToPath } from 'node:url'
import type { Vite } from 'vitest/node'
import { defineConfig } from 'vitest/config'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

const version = Number(process.versions.node.split('.')[0])
/** Fused operations, which later versions of Node have from the start, and vectors of eight numbers, which they have if asked. */
const flags = version < 22 ? ['--experimental-wasm-relaxed-simd'] : version < 24 ? [] : ['--experimental-wasm-revectorize']

/** With more than one thread every kernel is handed over, however little it has to do: tests have small work. */
const threads = process.env.PULLBACK_THREADS ?? '1'
const handsOverEverything: Vite.Plugin = {
  name: 'hands-over-everything',
  transform: (code, id) => {
    if (threads === '1' || !id.endsWith('src/kernels/simd/threads.ts')) return undefined
    const changed = code.replace('LEAST_WORK = 2 ** 20', 'LEAST_WORK = 0')
    if (changed === code) throw new Error('expected threads.ts to say what the least work is')
    return { code: changed, map: null }
  }
}

/** Tests that change what is around them: kernels by mocks, processes, files. Each of these files has the library for itself. */
const apart = ['test/kernels/**/*.test.ts', 'test/node/**/*.test.ts', 'test/*.test.ts']

export default defineConfig({
  plugins: [handsOverEverything],
  resolve: {
    alias: [
      { find: /^pullback$/, replacement: path('./src/index.ts') },
      { find: /^pullback\/node$/, replacement: path('./src/node/index.ts') },
      { find: /^pullback\/wide$/, replacement: path('./src/node/wide.ts') },
      { find: /^pullback\/laws$/, replacement: path('./laws/index.ts') }
    ]
  },
  test: {
    projects: [
      { extends: true, test: { name: 'apart', include: apart } },
      // All others: files that one worker runs share what they have imported, which takes longer than many of them.
      { extends: true, test: { name: 'pure', include: ['test/**/*.test.ts'], exclude: [...apart, 'test/outsider/**'], isolate: false } }
    ],
    globalSetup: ['test/globalSetup.ts'],
    setupFiles: ['test/setup.ts'],
    execArgv: flags,
    // Both cores of the smallest machine; by default one would stay idle.
    maxWorkers: 2,
    // Each of them with one thread if nothing else is asked for; test/kernels/threads.test.ts has more, in processes of its own.
    env: { PULLBACK_THREADS: threads },
    // More runs for each law take longer: PULLBACK_RUNS=1000 npm test.
    testTimeout: 120_000 * Math.max(1, Number(process.env.PULLBACK_RUNS ?? 100) / 100)
  }
})
