export { attend, attentionGradient, attentionWeights } from './attention'
export { gemm, gemmScratchBytes } from './gemm'
export {
  adam, add, descend, dot, exponential, gelu, geluWithSlope, leakyRelu, leakyReluGradient, multiply, relu, reluGradient,
  scale, sigmoid, sigmoidGradient, silu, siluWithSlope, tanh, tanhGradient
} from './pointwise'
export {
  addToRows, appendRows, crossEntropy, crossEntropyGradient, gatherRows, layerNorm, layerNormGradient, rowStatistics, scatterAddRows, softmax,
  softmaxGradient, splitHeads, sumRows
} from './rows'
export { MR as tileRows, NR as tileColumns } from './tile'
