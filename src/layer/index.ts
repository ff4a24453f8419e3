export * from './branches.js'
export { Category } from './category.js'
export { andThen, identityLayer, labelled, named, residual, stack, stackWith } from './compose.js'
export { factored, type Factors } from './factored.js'
export * from './inspect.js'
export {
  deferred, fromOutput, type Gradient, type Layer, layer, layerKeeping, type Memory, noParams, type NoParams, parameterless,
  type ParamsOf, type Step, type TraceEntry
} from './layer.js'
export * from './sharing.js'
export { pointwise, pointwiseFromOutput, pointwiseWithSlope } from './pointwise.js'
export { rowwise } from './readings.js'
export * from './recompute.js'
