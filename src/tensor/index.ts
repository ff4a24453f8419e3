/**
 * Immutable tensors and their algebra: `import { tensor } from 'pullback'`.
 *
 * @module
 */
export * from './algebra.js'
export * from './matrices.js'
export {
  fromArray, full, isTensor, isTokens, type Nested, of, type Precision, precisionOf, type Tensor, type Tokens,
  tokensFromArray, tokensOf, zeros, zerosLike
} from './tensor.js'
export { PrecisionError, type Shape, ShapeError } from './shape.js'
