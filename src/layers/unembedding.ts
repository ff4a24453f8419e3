/**
 * Unembedding: a score ("logit") for every symbol of the vocabulary, by the dot product with its row of a table.
 *
 * $$Y_{nv} = \sum_j X_{nj} W_{vj}, \qquad Y = X W^\top$$
 *
 * Shapes: $X$ `[..., D]`, $W$ (`weight`) `[V, D]`, $Y$ `[..., V]`. $W$ has the layout of the token embedding, so a
 * model can use one table for both (`andThenTied`).
 *
 * **Derivation.** As for the linear layer, $\partial Y_{nv}/\partial X_{mi} = \delta_{nm} W_{vi}$ and
 * $\partial Y_{nv}/\partial W_{ui} = \delta_{uv} X_{ni}$, so
 *
 * $$dX_{mi} = \sum_v dY_{mv} W_{vi}, \qquad dW_{ui} = \sum_n dY_{nu}\, X_{ni},$$
 *
 * $$dX = dY\,W, \qquad dW = dY^\top X.$$
 *
 * @module
 */
import { gemm } from '../kernels/gemm.js'
import { type Factors, withFactored } from '../layer/factored.js'
import { type Gradient, type Layer, layer } from '../layer/layer.js'
import { rowwise } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import { rowsOf, ShapeError } from '../tensor/shape.js'
import { checkPrecision, checkTensor, checkTensors, own, type Tensor } from '../tensor/tensor.js'
import type { EmbeddingParams } from './embedding.js'

const sizesOf = (params: EmbeddingParams, x: Tensor) => {
  checkTensors('unembedding', 'params', ['weight'], params)
  checkTensor('unembedding', 'x', x)
  const { weight } = params
  const { rows, width } = rowsOf('unembedding', x.shape)
  if (weight.shape.length !== 2 || weight.shape[1] !== width)
    throw new ShapeError('unembedding', 'x [..., D] and weight [V, D]', [x.shape, weight.shape])
  checkPrecision('unembedding', x, weight)
  return { rows, width, vocabulary: weight.shape[0] }
}

/** $Y = X W^\top$ */
const forward = (params: EmbeddingParams, x: Tensor): Tensor => {
  const { rows, width, vocabulary } = sizesOf(params, x)
  const y = gemm(
    { batch: 1, m: rows, n: vocabulary, k: width, transposeA: false, transposeB: true }, x.data, params.weight.data)
  return own([...x.shape.slice(0, -1), vocabulary], y)
}

/** $dX = dY\,W,\ dW = dY^\top X$ */
const gradient = (params: EmbeddingParams, x: Tensor, dy: Tensor): Gradient<EmbeddingParams, Tensor> => {
  const { rows, width, vocabulary } = sizesOf(params, x)
  const { weight } = params
  const dx = gemm(
    { batch: 1, m: rows, n: width, k: vocabulary, transposeA: false, transposeB: false }, dy.data, weight.data)
  const dWeight = gemm(
    { batch: 1, m: vocabulary, n: width, k: rows, transposeA: true, transposeB: false }, dy.data, x.data)
  return { params: { weight: own(weight.shape, dWeight) }, input: own(x.shape, dx) }
}

const factorsOf = (params: EmbeddingParams, x: Tensor): Factors => {
  sizesOf(params, x)
  return { hidden: x, weight: params.weight }
}

/** $(X, W)$, whose pullback is the identity. */
const factors: Layer<EmbeddingParams, Tensor, Factors> = trusted({
  forward: (params, x) => factorsOf(params, x),
  vjp: (params, x) => [factorsOf(params, x), ({ hidden, weight }) => ({ params: { weight }, input: hidden })]
})

/**
 * $y = x W^\top$ on the last axis. Shapes: x `[..., D]`, weight `[V, D]`, y `[..., V]`.
 * Throws `ShapeError` if these do not fit.
 *
 * @example
 * tensor.toArray(unembedding.forward({ weight: tensor.of([[1, 0], [0, 1], [1, 1]]) }, tensor.of([2, 3]))) // [2, 3, 5]
 *
 * @category layers
 */
export const unembedding: Layer<EmbeddingParams, Tensor, Tensor> = withFactored(rowwise(trusted(layer({ forward, gradient }))), factors)
