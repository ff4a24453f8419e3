/**
 * Which interaction belongs to which derivation: from the file name of the derivation to the component. It imports nothing,
 * so that what generates the pages can read it.
 */
export const widgetOf: Readonly<Record<string, string>> = {
  'linear': 'WidgetLinear',
  'softmax-with-temperature': 'WidgetSoftmax',
  'layernorm': 'WidgetLayerNorm',
  'scaled-dot-product-attention': 'WidgetAttention',
  'andthen-the-chain-rule': 'WidgetAndThen',
  'andthentied-shared-parameters': 'WidgetTied',
  'cross-entropy-from-logits': 'WidgetCrossEntropy',
  'dropout': 'WidgetDropout',
  'token-embedding': 'WidgetEmbedding',
  'transformer-block': 'WidgetBlock',
  'masks': 'WidgetMask',
  'sinusoidal-positions': 'WidgetPositions',
  'adam': 'WidgetAdam',
  'gradient-descent-and-momentum': 'WidgetAdam',
  'relu-and-leakyrelu': 'WidgetActivation',
  'gelu': 'WidgetActivation',
  'gelutanh': 'WidgetActivation',
  'silu': 'WidgetActivation',
  'sigmoid': 'WidgetActivation',
  'tanh': 'WidgetActivation'
}
