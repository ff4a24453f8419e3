export { type Decoder, decoding, type DecodingOptions, type LanguageModel, type Reading, recomputing } from './decoder.js'
export {
  gpt, type GptOptions, type GptParams, type GptSizes, gptSpec, initGpt, initUntiedGpt, untiedGpt, type UntiedGptParams, untiedGptSpec
} from './gpt.js'
export * from './mlp.js'
