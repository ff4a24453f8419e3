import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.js'

// Fewer cases than usual, and always the same, so that a mutant that survives can be looked at again.
process.env.PULLBACK_RUNS ??= '20'
process.env.PULLBACK_SEED ??= '1'

/**
 * The tests that look for mutants: laws, golden values, units. Models, programs, workers and learning repeat what these cover,
 * more slowly.
 */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    // Stryker runs tests in threads, which take no options of V8.
    execArgv: [],
    include: ['test/derivations/derivations.test.ts', 'test/laws/{batches,decoding,files,instances,layers,losses,optimizers,randomness,samplers,schedules,steps,tokenizers}.test.ts', 'test/golden/**/*.test.ts', 'test/unit/{errors,masks,messages,random,safetensors,text,tokenizer,trees,values}.test.ts', 'test/training/{batches,sharding}.test.ts', 'test/kernels/region.test.ts']
  }
})
