export * from './gpt.js'
export * from './mlp.js'
