import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.js'

/** The tests that look for mutants: laws, golden values, units. Programs, workers and training only repeat what these cover. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/laws/**/*.test.ts', 'test/golden/**/*.test.ts', 'test/unit/**/*.test.ts', 'test/kernels/region.test.ts']
  }
})
