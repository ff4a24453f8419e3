/**
 * Parameter trees and the gradient monoid: `import { tree } from 'pullback'`.
 *
 * @module
 */
export { add, count, type Entry, flatten, getMonoid, map, reduce, unflatten, zeros, zipAll, zipWith } from './tree.js'
