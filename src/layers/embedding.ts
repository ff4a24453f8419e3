/**
 * Token embedding: a table with one row for each symbol of the vocabulary.
 *
 * $$y_{n} = W_{t_n}$$
 *
 * Shapes: tokens $t$ `[...]`, $W$ (`weight`) `[V, D]`, $y$ `[..., D]`; $n$ runs over all positions.
 *
 * **Derivation.** $y_{nj} = W_{t_n j}$, so $\partial y_{nj}/\partial W_{vi} = \delta_{v t_n}\delta_{ij}$ and
 *
 * $$dW_{vi} = \sum_n \sum_j dy_{nj}\,\delta_{v t_n}\delta_{ij} = \sum_{n\,:\,t_n = v} dy_{ni}:$$
 *
 * every row of $dy$ is added to the row of $dW$ that it was read from ("scatter-add"). A token that occurs twice
 * receives both; one that does not occur receives zero. A token is discrete, so the input has no gradient.
 *
 * @module
 */
import { gatherRows, scatterAddRows } from '../kernels/rows.js'
import { type Layer, layer } from '../layer/layer.js'
import { rowwise } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import { checkWidths, gpt2Normal, INIT, type InitOptions, type SpecOptions } from '../random/initializers.js'
import type { Draw } from '../random/key.js'
import { initial, type Spec, weight as weightOf } from '../random/spec.js'
import { ShapeError } from '../tensor/shape.js'
import { checkTensors, checkTokens, own, type Tensor, type Tokens } from '../tensor/tensor.js'

export type EmbeddingParams = {
  /** $W$ `[V, D]` */
  readonly weight: Tensor
}

/** Before both kernels: a caller could write to the ids between the forward pass and the pullback. */
const check = (params: EmbeddingParams, tokens: Tokens): void => {
  checkTensors('tokenEmbedding', 'params', ['weight'], params)
  checkTokens('tokenEmbedding', 'tokens', tokens)
  const { weight } = params, { data } = tokens
  if (weight.shape.length !== 2) throw new ShapeError('tokenEmbedding', 'weight [V, D]', [weight.shape])
  const [vocabulary] = weight.shape
  for (let i = 0; i < data.length; i++)
    if (data[i] < 0 || data[i] >= vocabulary)
      throw new RangeError(`tokenEmbedding: expected ids from 0 to ${vocabulary - 1}, got ${data[i]} at position ${i}`)
}

/** $y_n = W_{t_n}$ */
const forward = (params: EmbeddingParams, tokens: Tokens): Tensor => {
  check(params, tokens)
  const [rows, width] = params.weight.shape
  return own([...tokens.shape, width], gatherRows({ rows, width, count: tokens.data.length }, params.weight.data, tokens.data))
}

/** $dW_v = \sum_{n : t_n = v} dy_n$ */
const gradient = (params: EmbeddingParams, tokens: Tokens, dy: Tensor) => {
  check(params, tokens)
  const { weight } = params
  const [vocabulary, width] = weight.shape
  return {
    params: { weight: own(weight.shape, scatterAddRows({ rows: vocabulary, width, count: tokens.data.length }, dy.data, tokens.data)) },
    input: undefined
  }
}

/**
 * The row of each token. Shapes: tokens `[...]`, weight `[V, D]`, y `[..., D]`.
 * Throws `RangeError` for an id outside the vocabulary.
 *
 * @example
 * tensor.toNested(tokenEmbedding.forward({ weight: tensor.of([[1, 2], [3, 4]]) }, tensor.tokensOf([1, 0, 1]))) // [[3, 4], [1, 2], [3, 4]]
 *
 * @category layers
 */
export const tokenEmbedding: Layer<EmbeddingParams, Tokens, Tensor, void> = rowwise(trusted(layer({ forward, gradient })))

/**
 * The parameters of an embedding: a table `[rows, width]` that the initializer draws, GPT-2's unless given.
 * Throws `RangeError` unless both are non-negative integers.
 *
 * @example
 * spec.count(embeddingSpec(50257, 768)) // 38597376
 *
 * @category parameters
 */
export const embeddingSpec = (rows: number, width: number, { initializer = gpt2Normal }: SpecOptions = {}): Spec<EmbeddingParams> => {
  checkWidths('embeddingSpec', { rows, width })
  return { weight: weightOf(rows, width, initializer) }
}

/**
 * Initial parameters of `embeddingSpec`.
 *
 * @example
 * initEmbedding(9, 4)(random.key(0)).weight.shape // [9, 4]
 *
 * @category initial parameters
 */
export const initEmbedding = (rows: number, width: number, options: InitOptions = {}): Draw<EmbeddingParams> =>
  initial('initEmbedding', INIT, options, () => embeddingSpec(rows, width, options))
