export * from './checkpoint.js'
export * from './gptFile.js'
export {
  decodeParams, encodeParams, paramsCodec, type ParamsJson, tensorCodec, type TensorJson
} from './json.js'
export * from './safetensors.js'
