/**
 * Word vectors: `import { words } from 'pullback'`.
 *
 * @module
 */
export {
  analogy, cosine, nearest, type NearestOptions, rowOf, vectorOf, wordIds, type WordVectorOptions, wordVectorsFromLines, wordVectorsFromStream
} from './wordVectors.js'
