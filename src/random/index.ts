/**
 * Randomness as a value: `import { random } from 'pullback'`.
 *
 * @module
 */
export * from './distributions.js'
export {
  gpt2Normal, gpt2Residual, heNormal, heUniform, type OutputInitOptions, type OutputSpecOptions, type PrecisionOptions,
  type SpecOptions, xavierNormal, xavierUniform
} from './initializers.js'
export { foldIn, key, split, splitMany } from './key.js'
