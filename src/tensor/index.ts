/**
 * Immutable tensors and their algebra: `import { tensor } from 'pullback'`.
 *
 * @module
 */
export * from './algebra.js'
export * from './matrices.js'
export {
  fromArray, full, isTensor, isTokens, type Nested, of, precisionOf, tokensFromArray, tokensOf, zeros, zerosLike
} from './tensor.js'
