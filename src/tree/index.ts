/**
 * Parameter trees and the gradient monoid: `import { tree } from 'pullback'`.
 *
 * @module
 */
export * from './tree.js'
