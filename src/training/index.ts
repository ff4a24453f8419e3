export * from './batches.js'
export * from './generation.js'
export * from './sampling.js'
export * from './step.js'
