export { type Decoder, recomputing } from './decoder.js'
export {
  gpt, type GptOptions, type GptParams, type GptSizes, initGpt, initUntiedGpt, untiedGpt, type UntiedGptParams
} from './gpt.js'
export * from './gptDecoder.js'
export * from './mlp.js'
