import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    seed: number
    runs: number
  }
}

/** One seed for the whole run and all its projects, printed once so that the run can be repeated: `PULLBACK_SEED=… npm test`. */
export default (project: TestProject): void => {
  const seed = Number(process.env.PULLBACK_SEED ??= String(Math.floor(Math.random() * 2 ** 31))), runs = Number(process.env.PULLBACK_RUNS ?? 100)
  project.provide('seed', seed)
  project.provide('runs', runs)
  if (project.isRootProject()) console.log(`fast-check: PULLBACK_SEED=${seed} PULLBACK_RUNS=${runs}`)
}
