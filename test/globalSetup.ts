import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    seed: number
    runs: number
  }
}

/** One seed for the whole run, printed so that the run can be repeated: `PULLBACK_SEED=… npm test`. */
export default ({ provide }: TestProject): void => {
  const seed = Number(process.env.PULLBACK_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const runs = Number(process.env.PULLBACK_RUNS ?? 100)
  provide('seed', seed)
  provide('runs', runs)
  console.log(`fast-check: PULLBACK_SEED=${seed} PULLBACK_RUNS=${runs}`)
}
