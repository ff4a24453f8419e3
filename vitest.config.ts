import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** Fused operations, which later versions of Node have from the start. */
const relaxed = process.versions.node.startsWith('20.') ? ['--experimental-wasm-relaxed-simd'] : []

export default defineConfig({
  resolve: {
    alias: [
      { find: /^pullback$/, replacement: path('./src/index.ts') },
      { find: /^pullback\/node$/, replacement: path('./src/node/index.ts') },
      { find: /^pullback\/wide$/, replacement: path('./src/node/wide.ts') },
      { find: /^pullback\/laws$/, replacement: path('./laws/index.ts') }
    ]
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/outsider/**'],
    globalSetup: ['test/globalSetup.ts'],
    setupFiles: ['test/setup.ts'],
    execArgv: relaxed,
    // Both cores of the smallest machine; by default one would stay idle.
    maxWorkers: 2,
    // Each of them with one thread; test/kernels/threads.test.ts has more, in processes of its own.
    env: { PULLBACK_THREADS: process.env.PULLBACK_THREADS ?? '1' },
    // More runs for each law take longer: PULLBACK_RUNS=1000 npm test.
    testTimeout: 120_000 * Math.max(1, Number(process.env.PULLBACK_RUNS ?? 100) / 100)
  }
})
