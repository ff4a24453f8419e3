/**
 * Which page of the derivations a planted mistake belongs to.
 */

/** What a bug's name begins with, and the key of the page; undefined where no page is about it. */
const PAGES: Readonly<Record<string, string | undefined>> = {
  'attention': 'attention', 'self-attention': 'multiHead', 'multi-head attention': 'multiHead', 'heads': 'merge', 'a causal layer': 'mask',
  'layer norm': 'layerNorm', 'gpt': 'gpt', 'block': 'block', 'mlp': 'chainRule', 'chain rule': 'chainRule', 'residual': 'residual',
  'initial parameters': 'initialisation', 'linear': 'linear', 'unembedding': 'unembedding', 'embedding': 'embedding', 'positions': 'positions',
  'softmax': 'softmax', 'softmax kernel': 'softmax', 'log-softmax': 'logSoftmax', 'sigmoid': 'sigmoid', 'tanh': 'tanh', 'relu': 'relu',
  'leaky relu': 'relu', 'silu': 'silu', 'slope of silu': 'silu', 'gelu': 'gelu', 'dropout': 'dropout',
  'cross-entropy': 'crossEntropy', 'binary cross-entropy': 'binaryFromProbabilities', 'binary cross-entropy with logits': 'binaryFromLogits',
  'squared error': 'squaredError', 'a loss': 'batch', 'parts': 'batch', 'batches': 'batch', 'lossAndGradient': 'batch', 'gradient monoid': 'batch',
  'a mean that divides by the rows instead of the entries': 'squaredError',
  'adam': 'adam', 'adamW': 'adam', 'momentum': 'momentum', 'gradient descent': 'momentum', 'clipping': 'clipping', 'schedule': 'schedules',
  'an optimiser with hidden state': 'momentum', 'a trusted optimiser uses the gradient before': 'momentum',
  'sampler': 'sampling', 'sampling': 'sampling', 'top-k': 'sampling', 'top-p': 'sampling', 'temperature': 'sampling', 'generation': 'sampling',
  'a trusted sampler looks at older logits': 'sampling', 'decoding': 'cache', 'a trusted decoder keeps its first logits': 'cache',
  'a layer that writes to its input': 'conventions', 'a pullback that adds to what it returned before': 'conventions',
  'a pullback that is not linear': 'conventions', 'forward and vjp disagree': 'conventions', 'a trusted layer keeps its first gradient': 'conventions',
  'a trusted layer uses the input of an earlier pass': 'conventions', 'a trusted layer keeps a constant made in a run': 'conventions',
  'a trusted loss keeps its first prediction': 'conventions', 'a slope that comes with another function than the value': 'pointwise',
  'the output is always in single precision': 'conventions', 'the gradient is always in single precision': 'conventions',
  'the gradient is always in double precision': 'conventions', 'another function in single precision': 'conventions',
  'forward and vjp round differently in single precision': 'conventions', 'the argument is written to in single precision': 'conventions',
  'attention in blocks': 'attention', 'a step that appends over what another continuation wrote': 'cache', 'a step that writes to its memory': 'cache',
  'a step that forgets': 'cache', 'a step that puts new positions before the old ones': 'cache', 'a first step that is not forward': 'cache',
  'the first position as the last one': 'cache',
  'cross-entropy in blocks': 'factored', 'factors': 'factored', 'training takes the factors of a model whose pullback was exchanged': 'factored',
  'training takes the factors for a loss that was exchanged': 'factored',
  'safetensors': undefined, 'checkpoint': undefined, 'words': undefined, 'windows': undefined, 'epochs': undefined, 'a step': undefined,
  'vocabulary': undefined, 'tokenizer': undefined, 'draws': undefined
}

/** The key of the page that a bug belongs to, by its name. Throws for a name that is not known. */
export const pageOf = (bug: string): string | undefined => {
  const [subject] = bug.split(':')
  if (!(subject in PAGES)) throw new Error(`to which page belongs "${bug}"?`)
  return PAGES[subject]
}
