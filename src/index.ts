/**
 * Neural networks and transformers as pure functions.
 *
 * Layers, models, losses, optimisers and everything around training are exported by name. Four families of small
 * functions keep a namespace of their own: `tensor`, `tree`, `random`, and `words` for word vectors.
 *
 * @module
 */
export * as random from './random/index.js'
export * as spec from './random/specs.js'
export * as tensor from './tensor/index.js'
export * as tree from './tree/index.js'
export { type KernelKind, kernelsInUse } from './kernels/simd/instance.js'
export { type KernelMemory, memoryInUse } from './kernels/simd/memory.js'
export { threadsInUse, useThreads } from './kernels/simd/threads.js'
export type { Draw, Key } from './random/key.js'
export { PrecisionError, type Shape, ShapeError } from './tensor/shape.js'
export type { Precision, Tensor, Tokens } from './tensor/tensor.js'
export type { Initializer, InitOptions } from './random/initializers.js'
export type { Parameter, Spec } from './random/spec.js'
export * from './layer/index.js'
export * from './layers/index.js'
export * from './losses/index.js'
export * from './models/index.js'
export * from './optimizers/index.js'
export * from './schedules/index.js'
export * from './training/index.js'
export * from './text/index.js'
export * from './io/index.js'
