import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^pullback$/, replacement: path('../../src/index.ts') },
      { find: /^pullback\/laws$/, replacement: path('../../laws/index.ts') }
    ]
  },
  test: { root: path('.'), include: ['**/*.test.ts'], testTimeout: 120_000, hookTimeout: 60_000, maxWorkers: 2, maxConcurrency: 3 }
})
