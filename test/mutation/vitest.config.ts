import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.js'

// Fewer cases than usual, and always the same, so that a mutant that survives can be looked at again.
process.env.PULLBACK_RUNS ??= '20'
process.env.PULLBACK_SEED ??= '1'

/** Of each folder, the files that look for mutants. */
const files: Readonly<Record<string, string>> = {
  derivations: 'derivations',
  golden: 'golden',
  kernels: 'keeping,region',
  laws: 'batches,decoding,files,instances,layers,losses,optimizers,randomness,readings,samplers,schedules,steps,tokenizers',
  node: 'reading',
  training: 'batches,choosing,finite,run,sharding',
  unit: 'arguments,compose,domains,errors,foreign,gptFile,json,masks,memory,messages,random,readings,safetensors,safetensorsBytes,schedules,sentences,spec,text,tokenizer,trees,values,words'
}

const { projects: _, ...withoutProjects } = base.test ?? {}

/**
 * The tests that look for mutants: laws, golden values, units. Models, programs and learning repeat what these cover,
 * more slowly.
 */
export default defineConfig({
  ...base,
  test: {
    ...withoutProjects,
    // Stryker runs tests in threads, which take no options of V8.
    execArgv: [],
    include: Object.entries(files).map(([folder, names]) => `test/${folder}/${names.includes(',') ? `{${names}}` : names}.test.ts`)
  }
})
