export { type Decoder, decoding, type DecodingOptions, type LanguageModel, type Reading, recomputing } from './decoder.js'
export {
  gpt, type GptOptions, type GptParams, type GptSizes, initGpt, initUntiedGpt, untiedGpt, type UntiedGptParams
} from './gpt.js'
export * from './mlp.js'
