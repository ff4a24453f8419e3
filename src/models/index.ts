export * from './decoder.js'
export * from './gpt.js'
export * from './gptDecoder.js'
export * from './mlp.js'
