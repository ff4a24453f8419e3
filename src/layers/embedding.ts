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
 * every row of $dy$ is added to the row of $dW$ that belongs to its token ("scatter-add"). A token that occurs twice
 * receives both; one that does not occur receives zero. A token is discrete, so the input has no gradient.
 *
 * @module
 */
import { gatherRows, scatterAddRows } from '../kernels/rows.js'
import { type Layer, layer } from '../layer/layer.js'
import { gpt2Normal, type Initializer } from '../random/initializers.js'
import type { Draw } from '../random/key.js'
import { ShapeError } from '../tensor/shape.js'
import { own, type Precision, type Tensor, type Tokens } from '../tensor/tensor.js'

export type EmbeddingParams = {
  /** $W$ `[V, D]` */
  readonly weight: Tensor
}

const check = ({ weight }: EmbeddingParams, { data }: Tokens): void => {
  if (weight.shape.length !== 2) throw new ShapeError('tokenEmbedding', 'weight [V, D]', [weight.shape])
  const [vocabulary] = weight.shape
  for (let i = 0; i < data.length; i++)
    if (data[i] < 0 || data[i] >= vocabulary)
      throw new RangeError(`tokenEmbedding: expected ids from 0 to ${vocabulary - 1}, got ${data[i]} at position ${i}`)
}

/** $y_n = W_{t_n}$ */
const forward = (params: EmbeddingParams, tokens: Tokens): Tensor => {
  check(params, tokens)
  const [, width] = params.weight.shape
  return own([...tokens.shape, width], gatherRows(params.weight.data, tokens.data, width))
}

/** $dW_v = \sum_{n : t_n = v} dy_n$ */
const gradient = ({ weight }: EmbeddingParams, tokens: Tokens, dy: Tensor) => {
  const [vocabulary, width] = weight.shape
  return {
    params: { weight: own(weight.shape, scatterAddRows(dy.data, tokens.data, vocabulary, width)) },
    input: undefined
  }
}

/**
 * The row of each token. Shapes: tokens `[...]`, weight `[V, D]`, y `[..., D]`.
 * Throws `RangeError` for an id outside the vocabulary.
 *
 * @category layers
 */
export const tokenEmbedding: Layer<EmbeddingParams, Tokens, Tensor, void> = layer({ forward, gradient })

/**
 * A table `[rows, width]` from the initializer, GPT-2's by default.
 *
 * @category initial parameters
 */
export const initEmbedding = (
  rows: number, width: number, initializer: Initializer = gpt2Normal, precision: Precision = 'float32'
): Draw<EmbeddingParams> => key => ({ weight: initializer(rows, width, precision)(key) })
