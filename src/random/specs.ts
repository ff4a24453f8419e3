/**
 * Specs of parameters: `import { spec } from 'pullback'`.
 *
 * @module
 */
export {
  agree, count, decode, type DecodeOptions, draw, entries, filled, type SpecParams, summary, weight
} from './spec.js'
