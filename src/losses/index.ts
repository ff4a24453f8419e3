export * from './binaryCrossEntropy.js'
export * from './crossEntropy.js'
export type { Loss, LossOptions, Weight } from './loss.js'
export * from './meanSquaredError.js'
