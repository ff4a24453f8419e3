/**
 * Scaled dot-product attention: every query takes a weighted mean of the values, with weights that say how well
 * the query fits each key.
 *
 * $$Z = \frac{Q K^\top}{\sqrt d}, \qquad A = \mathrm{softmax}(\mathrm{mask}(Z)), \qquad Y = A V$$
 *
 * Shapes: $Q$ `[..., T, d]`, $K$ `[..., S, d]`, $V$ `[..., S, e]`, scores and weights `[..., T, S]`, $Y$ `[..., T, e]`.
 * The dot product of two vectors of width $d$ whose entries are independent with mean 0 and variance 1 has the deviation
 * $\sqrt d$; dividing by it keeps the softmax away from its flat ends. (A. Vaswani et al., *Attention Is All You Need*, 2017, eq. 1.)
 *
 * A masked score is −∞ and its weight exactly 0. A query with nothing to attend to has weights 0 and the output 0.
 *
 * **Derivation.** $Y = AV$ is a matrix product, so as for the linear layer
 *
 * $$dA = dY\,V^\top, \qquad dV = A^\top dY.$$
 *
 * Each row of $A$ is a softmax of a row of the masked scores; its gradient is derived in `softmax.ts`:
 *
 * $$dZ_{ts} = A_{ts}\,\Big(dA_{ts} - \sum_u dA_{tu} A_{tu}\Big).$$
 *
 * Where a score is masked $A_{ts} = 0$, so $dZ_{ts} = 0$, which is also what the gradient of the mask asks for.
 * Last, $Z = QK^\top/\sqrt d$ is a matrix product too:
 *
 * $$Z_{ts} = \frac{1}{\sqrt d}\sum_j Q_{tj} K_{sj}
 *   \;\Rightarrow\; dQ_{tj} = \frac{1}{\sqrt d}\sum_s dZ_{ts} K_{sj}, \quad
 *   dK_{sj} = \frac{1}{\sqrt d}\sum_t dZ_{ts} Q_{tj},$$
 *
 * $$dQ = \frac{dZ\,K}{\sqrt d}, \qquad dK = \frac{dZ^\top Q}{\sqrt d}.$$
 *
 * The kernel folds the division into the softmax, whose temperature is then $\sqrt d$.
 *
 * @module
 */
import * as kernel from '../kernels/attention.js'
import { type Gradient, type Layer, layerKeeping, type NoParams, noParams } from '../layer/layer.js'
import { matricesOf, sameShape, ShapeError } from '../tensor/shape.js'
import { checkPrecision, own, type Tensor } from '../tensor/tensor.js'
import { causalMask, type Mask, matricesPerItem } from './mask.js'

export type QueryKey = {
  /** $Q$ `[..., T, d]` */
  readonly query: Tensor
  /** $K$ `[..., S, d]` */
  readonly key: Tensor
}

export type QueryKeyValue = {
  /** $Q$ `[..., T, d]` */
  readonly query: Tensor
  /** $K$ `[..., S, d]` */
  readonly key: Tensor
  /** $V$ `[..., S, e]` */
  readonly value: Tensor
}

const sizesOf = (mask: Mask, query: Tensor, key: Tensor, value: Tensor): kernel.AttentionSizes => {
  const q = matricesOf('attention', query.shape)
  const k = matricesOf('attention', key.shape)
  const v = matricesOf('attention', value.shape)
  const leading = query.shape.slice(0, -2)
  const fits = sameShape(leading, key.shape.slice(0, -2)) && sameShape(leading, value.shape.slice(0, -2))
    && q.columns === k.columns && k.rows === v.rows
  if (!fits)
    throw new ShapeError(
      'attention', 'query [..., T, d], key [..., S, d] and value [..., S, e]', [query.shape, key.shape, value.shape])
  checkPrecision('attention', query, key, value)
  return {
    matrices: q.batch, heads: matricesPerItem(mask, [...leading, q.rows, k.rows]),
    queries: q.rows, keys: k.rows, width: q.columns, valueWidth: v.columns
  }
}

const kernelMask = ({ causal, keep }: Mask): kernel.AttentionMask => ({ causal, keep: keep?.data })

/**
 * The weights $A = \mathrm{softmax}(\mathrm{mask}(QK^\top/\sqrt d))$ alone.
 * Shapes: query `[..., T, d]`, key `[..., S, d]`, result `[..., T, S]`. Throws `ShapeError` where these do not fit.
 *
 * @category attention
 */
export const attentionWeights = (mask: Mask) => ({ query, key }: QueryKey): Tensor => {
  const sizes = sizesOf(mask, query, key, key)
  const weights = kernel.attentionWeights(sizes, kernelMask(mask), query.data, key.data)
  return own([...query.shape.slice(0, -1), sizes.keys], weights)
}

/** $Y = AV$; keeps $A$. */
const forward = (mask: Mask) => (_: NoParams, { query, key, value }: QueryKeyValue) => {
  const sizes = sizesOf(mask, query, key, value)
  const weights = kernel.attentionWeights(sizes, kernelMask(mask), query.data, key.data)
  const y = own([...query.shape.slice(0, -1), sizes.valueWidth], kernel.attend(sizes, kernelMask(mask), weights, value.data))
  return [y, { sizes, weights }] as const
}

interface Kept {
  readonly sizes: kernel.AttentionSizes
  readonly weights: Tensor['data']
}

/** $dQ = dZ\,K/\sqrt d,\ dK = dZ^\top Q/\sqrt d,\ dV = A^\top dY$ */
const gradient = (mask: Mask) => (
  _: NoParams, { query, key, value }: QueryKeyValue, { sizes, weights }: Kept, dy: Tensor
): Gradient<NoParams, QueryKeyValue> => {
  const { dq, dk, dv } = kernel.attentionGradient(
    sizes, kernelMask(mask), query.data, key.data, value.data, weights, dy.data)
  return {
    params: noParams,
    input: { query: own(query.shape, dq), key: own(key.shape, dk), value: own(value.shape, dv) }
  }
}

/**
 * $Y = \mathrm{softmax}(\mathrm{mask}(QK^\top/\sqrt d))\,V$. Shapes: query `[..., T, d]`, key `[..., S, d]`,
 * value `[..., S, e]`, y `[..., T, e]`. The padding of a mask belongs to the first of the leading axes.
 * Throws `ShapeError` where these do not fit.
 *
 * @category layers
 */
export const attention = (mask: Mask): Layer<NoParams, QueryKeyValue, Tensor> =>
  layerKeeping({ forward: forward(mask), gradient: gradient(mask) })

/**
 * `attention(causalMask)`.
 *
 * @category layers
 */
export const causalAttention: Layer<NoParams, QueryKeyValue, Tensor> = attention(causalMask)
