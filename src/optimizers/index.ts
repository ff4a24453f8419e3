export * from './adam.js'
export * from './clipping.js'
export * from './gradientDescent.js'
export type { LearningRate, Optimizer, OptimizerState, Updated } from './optimizer.js'
