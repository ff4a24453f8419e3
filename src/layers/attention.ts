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
 * A masked score is −∞ and its weight exactly 0. A query with nothing to attend to has weights 0 and the output 0. What a mask
 * hides from a query does not matter to it, whatever it holds, ∞ and NaN included: every sum below goes over the pairs that
 * are visible.
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
 * **In linear memory.** The matrix $A$ is never kept as a whole. (T. Dao et al., *FlashAttention*, 2022, and *FlashAttention-2*, 2023.) Scores are
 * computed for one block of keys after the other. With the largest score $\mu$ so far, $\ell = \sum_s e^{Z_s - \mu}$ and
 * $O = \sum_s e^{Z_s - \mu} V_s$ of a query, a block in which the largest score becomes $\mu'$ gives
 *
 * $$\ell' = e^{\mu - \mu'} \ell + \sum_{s \text{ of the block}} e^{Z_s - \mu'}, \qquad
 *   O' = e^{\mu - \mu'} O + \sum_{s \text{ of the block}} e^{Z_s - \mu'} V_s,$$
 *
 * and after the last one $Y = O/\ell$. Kept are $Y$ and, for the log-sum-exp $L = \mu + \ln \ell$, the numbers $\mu$ and $\ell$: where scores are
 * large their sum would have no digits left for the logarithm. From these the gradient computes every block of weights again,
 *
 * $$A_{ts} = e^{Z_{ts} - L_t} = e^{Z_{ts} - \mu_t}/\ell_t,$$
 *
 * and the sum over a whole row becomes one number of each query, since sums may be exchanged and $\sum_s A_{ts} V_s = Y_t$:
 *
 * $$\sum_s dA_{ts} A_{ts} = \sum_s A_{ts} \sum_c dY_{tc} V_{sc} = \sum_c dY_{tc} Y_{tc} = D_t
 *   \;\Rightarrow\; dZ_{ts} = A_{ts}\,(dA_{ts} - D_t).$$
 *
 * Blocks that are wholly hidden are skipped. The kernel subtracts before it divides: its scores are $\sqrt d\,Z$, and $\sqrt d$ is the temperature of
 * the softmax.
 *
 * @module
 */
import * as kernel from '../kernels/attention.js'
import { type Gradient, type Layer, layerKeeping, type NoParams, noParams } from '../layer/layer.js'
import { trusted } from '../memory/trust.js'
import { matricesOf, sameShape, ShapeError } from '../tensor/shape.js'
import { checkPrecision, checkTensors, own, type Tensor } from '../tensor/tensor.js'
import { stepWith } from './attentionMemory.js'
import { causalMask, type Mask, matricesPerItem, ownMask } from './mask.js'

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
    matrices: q.batch, heads: matricesPerItem(mask, [...leading, q.rows, k.rows]), causal: mask.causal,
    queries: q.rows, keys: k.rows, width: q.columns, valueWidth: v.columns
  }
}

/**
 * The weights $A = \mathrm{softmax}(\mathrm{mask}(QK^\top/\sqrt d))$ alone.
 * Shapes: query `[..., T, d]`, key `[..., S, d]`, result `[..., T, S]`. Throws `ShapeError` if these do not fit.
 *
 * @example
 * const query = tensor.of([[1], [0]]), key = tensor.of([[0], [2]])
 * tensor.toNested(attentionWeights(noMask)({ query, key })) // [[0.1192, 0.8808], [0.5, 0.5]]
 *
 * @category attention
 */
export const attentionWeights = (mask: Mask): ((input: QueryKey) => Tensor) => {
  const kept = ownMask('attentionWeights', mask)
  return input => {
    checkTensors('attentionWeights', 'input', ['query', 'key'], input)
    const { query, key } = input
    const sizes = sizesOf(kept, query, key, key)
    const weights = kernel.attentionWeights(sizes, query.data, key.data, kept.keep?.data)
    return own([...query.shape.slice(0, -1), sizes.keys], weights)
  }
}

interface Kept {
  readonly sizes: kernel.AttentionSizes
  readonly y: Tensor
  /** $\sqrt d\,\mu$ and $\ell$ of every query. */
  readonly top: Tensor['data']
  readonly sum: Tensor['data']
}

/** $Y$; keeps it, and the log-sum-exp of every query. */
const forward = (mask: Mask) => (_: NoParams, input: QueryKeyValue): readonly [Tensor, Kept] => {
  checkTensors('attention', 'input', ['query', 'key', 'value'], input)
  const { query, key, value } = input
  const sizes = sizesOf(mask, query, key, value)
  const [data, top, sum] = kernel.attention(sizes, query.data, key.data, value.data, mask.keep?.data)
  const y = own([...query.shape.slice(0, -1), sizes.valueWidth], data)
  return [y, { sizes, y, top, sum }]
}

/** $dZ = A\,(dY\,V^\top - D)$, $dQ = dZ\,K/\sqrt d,\ dK = dZ^\top Q/\sqrt d,\ dV = A^\top dY$ */
const gradient = (mask: Mask) => (
  _: NoParams, { query, key, value }: QueryKeyValue, { sizes, y, top, sum }: Kept, dy: Tensor
): Gradient<NoParams, QueryKeyValue> => {
  const [dq, dk, dv] = kernel.attentionGradient(sizes, query.data, key.data, value.data, y.data, top, sum, dy.data, mask.keep?.data)
  return {
    params: noParams,
    input: { query: own(query.shape, dq), key: own(key.shape, dk), value: own(value.shape, dv) }
  }
}

const step = stepWith(input => forward(causalMask)(noParams, input)[0])

/**
 * $Y = \mathrm{softmax}(\mathrm{mask}(QK^\top/\sqrt d))\,V$. Shapes: query `[..., T, d]`, key `[..., S, d]`,
 * value `[..., S, e]`, y `[..., T, e]`. The padding of a mask belongs to the first of the leading axes.
 * Throws `ShapeError` if these do not fit. With the causal mask alone it steps, remembering keys and values. Its trace
 * shows the `weights` `[..., T, S]`.
 *
 * @example
 * const query = tensor.of([[0]]), key = tensor.of([[1], [2]]), value = tensor.of([[10, 0], [0, 10]])
 * tensor.toNested(attention(noMask).forward(noParams, { query, key, value })) // [[5, 5]]
 *
 * @category layers
 */
export const attention = (mask: Mask): Layer<NoParams, QueryKeyValue, Tensor> => {
  const kept = ownMask('attention', mask)
  return trusted<Layer<NoParams, QueryKeyValue, Tensor>>({
    ...layerKeeping({ forward: forward(kept), gradient: gradient(kept) }),
    ...(kept.causal && kept.keep === undefined && {
      step: (_, memory, input) => {
        checkTensors('attention', 'input', ['query', 'key', 'value'], input)
        sizesOf(kept, input.query, input.key, input.value)
        return step(memory, input)
      }
    }),
    trace: (params, x) => [forward(kept)(params, x)[0], [['weights', attentionWeights(kept)(x)]]]
  })
}

/**
 * `attention(causalMask)`.
 *
 * @example
 * const query = tensor.of([[0], [0]]), value = tensor.of([[10], [20]])
 * tensor.toNested(causalAttention.forward(noParams, { query, key: query, value })) // [[10], [15]]
 *
 * @category layers
 */
export const causalAttention: Layer<NoParams, QueryKeyValue, Tensor> = attention(causalMask)
