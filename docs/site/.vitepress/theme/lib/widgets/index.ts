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

/** How high each is on a wide screen and on a phone, in pixels: the room that is kept until it is loaded. */
export const roomOf: Readonly<Record<string, readonly [wide: number, narrow: number]>> = {
  WidgetLinear: [628, 1033],
  WidgetSoftmax: [498, 898],
  WidgetLayerNorm: [519, 975],
  WidgetAttention: [1032, 1678],
  WidgetAndThen: [453, 785],
  WidgetTied: [563, 1014],
  WidgetCrossEntropy: [471, 831],
  WidgetDropout: [464, 829],
  WidgetEmbedding: [624, 541],
  WidgetBlock: [870, 1121],
  WidgetActivation: [452, 755],
  WidgetMask: [580, 1138],
  WidgetPositions: [466, 802],
  WidgetAdam: [461, 833]
}
