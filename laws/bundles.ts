/**
 * The laws by what they are about: `laws.layer(…)`, `laws.loss(…)`.
 *
 * @module
 */
export * from './attention.js'
export * from './batches.js'
export * from './composition.js'
export * from './decoding.js'
export * from './factored.js'
export * from './files.js'
export * from './hiding.js'
export * from './keeping.js'
export * from './kernels.js'
export * from './layer.js'
export * from './loss.js'
export * from './models.js'
export * from './normalization.js'
export * from './optimizer.js'
export * from './points.js'
export { singlePrecision } from './precision.js'
export * from './randomness.js'
export * from './sampler.js'
export * from './softmax.js'
export * from './stepping.js'
export * from './tokenizer.js'
export * from './tracing.js'
export * from './training.js'
export * from './tree.js'
