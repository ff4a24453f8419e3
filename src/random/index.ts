/**
 * Randomness as a value: `import { random } from 'pullback'`.
 *
 * @module
 */
export * from './distributions.js'
export * from './initializers.js'
export { type Draw, foldIn, type Key, key, split, splitMany } from './key.js'
