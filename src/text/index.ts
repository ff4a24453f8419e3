export * from './completion.js'
export * from './tokenizer.js'
export * as words from './wordVectors.js'
export type { Neighbour, WordVectors } from './wordVectors.js'
