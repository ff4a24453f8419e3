export { attention, attentionQueries, attentionScratch } from './attention'
export { attentionGradient, attentionGradientScratch } from './attentionGradient'
export { attentionWeights } from './attentionWeights'
export { attentionStep, attentionStepScratch } from './attentionStep'
export { addRepeated, appendRows, copyRows, gatherRows, mergeHeads, move, padRows, scatterAddRows, splitHeads, transpose, zero } from './copies'
export { addGemm, gemm, gemmScratchBytes } from './gemm'
export {
  adam, add, descend, divide, dot, gelu, geluWithSlope, leakyRelu, leakyReluGradient, multiply, relu, reluGradient, scale, sigmoid, sigmoidGradient,
  silu, siluWithSlope, squaredError, squaredErrorGradient, subtract, sum, tanh, tanhGradient
} from './pointwise'
export { dropout, normal, normalScratchBytes, uniform } from './random'
export {
  crossEntropy, crossEntropyGradient, layerNorm, layerNormGradient, layerNormParamsGradient, normalizedRows, rowStatistics, softmax, softmaxGradient, sumRows
} from './rows'
export { MR as tileRows, NR as tileColumns } from './tile'
export { KEYS as attentionKeys } from './weights'
