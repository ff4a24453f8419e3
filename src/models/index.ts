export * from './decoder.js'
export * from './gpt.js'
export * from './mlp.js'
