/**
 * Layer normalisation: every row is brought to mean 0 and the variance $v/(v + \varepsilon)$, which is nearly 1 unless the row
 * hardly varies, then scaled and shifted.
 *
 * $$\mu = \frac1D \sum_j x_j, \qquad v = \frac1D \sum_j (x_j - \mu)^2, \qquad r = (v + \varepsilon)^{-1/2}, \qquad
 *   \hat x_j = (x_j - \mu)\, r, \qquad y_j = \gamma_j \hat x_j + \beta_j$$
 *
 * Shapes: $x$ and $y$ `[..., D]`, row by row; $\gamma$ (`weight`) and $\beta$ (`bias`) `[D]`.
 * (J. Ba, J. Kiros, G. Hinton, *Layer Normalization*, 2016, eq. 3–4.)
 *
 * **Derivation.** $\gamma$ and $\beta$ enter linearly; summing over all rows $n$,
 *
 * $$d\gamma_j = \sum_n dy_{nj}\, \hat x_{nj}, \qquad d\beta_j = \sum_n dy_{nj}.$$
 *
 * For $x$, let $g_j = \gamma_j\, dy_j = \partial\ell/\partial\hat x_j$. One entry $x_i$ acts on $\hat x_j$ directly,
 * through $\mu$, and through $r$:
 *
 * $$\frac{\partial\mu}{\partial x_i} = \frac1D, \qquad
 *   \frac{\partial v}{\partial x_i} = \frac2D (x_i - \mu) - \frac2D\,\frac1D \sum_j (x_j - \mu) = \frac2D (x_i - \mu),$$
 *
 * where the second sum is zero by the definition of $\mu$. Then, as $r = (v + \varepsilon)^{-1/2}$,
 *
 * $$\frac{\partial r}{\partial x_i} = -\tfrac12 (v + \varepsilon)^{-3/2} \cdot \frac2D (x_i - \mu)
 *   = -\frac{r^3}{D}(x_i - \mu) = -\frac{r^2}{D}\,\hat x_i,$$
 *
 * $$\frac{\partial\hat x_j}{\partial x_i}
 *   = \Big(\delta_{ij} - \frac1D\Big)\, r - (x_j - \mu)\,\frac{r^2}{D}\,\hat x_i
 *   = r\,\Big(\delta_{ij} - \frac1D - \frac1D\,\hat x_j \hat x_i\Big).$$
 *
 * Multiply by $g_j$ and sum over $j$:
 *
 * $$dx_i = r\,\Big(g_i - \frac1D \sum_j g_j - \hat x_i\,\frac1D \sum_j g_j \hat x_j\Big).$$
 *
 * @module
 */
import { layerNormGradient, layerNormParamsGradient, layerNormRows, normalizedRows, type RowStatistics, rowStatistics } from '../kernels/layerNorm.js'
import { type Gradient, type Layer, layerKeeping } from '../layer/layer.js'
import { rowwise } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import { checkWidths, PRECISION, type PrecisionOptions } from '../random/initializers.js'
import type { Draw } from '../random/key.js'
import { filled, initial, type Spec } from '../random/spec.js'
import { check, positive } from '../tensor/domain.js'
import { rowsOf, ShapeError } from '../tensor/shape.js'
import { checkPrecision, checkTensor, checkTensors, own, type Tensor } from '../tensor/tensor.js'

export type LayerNormParams = {
  /** $\gamma$ `[D]` */
  readonly weight: Tensor
  /** $\beta$ `[D]` */
  readonly bias: Tensor
}

const sizesOf = (epsilon: number, params: LayerNormParams, x: Tensor) => {
  checkTensors('layerNorm', 'params', ['weight', 'bias'], params)
  checkTensor('layerNorm', 'x', x)
  const { weight, bias } = params
  const { rows, width } = rowsOf('layerNorm', x.shape)
  if (weight.shape.length !== 1 || bias.shape.length !== 1 || weight.shape[0] !== width || bias.shape[0] !== width)
    throw new ShapeError('layerNorm', 'x [..., D], weight [D] and bias [D]', [x.shape, weight.shape, bias.shape])
  checkPrecision('layerNorm', x, weight, bias)
  return { rows, width, epsilon }
}

/** $y$ alone. */
const forward = (epsilon: number) => (params: LayerNormParams, x: Tensor): Tensor => {
  const sizes = sizesOf(epsilon, params, x)
  return own(x.shape, normalizedRows(sizes, x.data, params.weight.data, params.bias.data))
}

/** $y$; keeps the statistics of rows. */
const forwardKeeping = (epsilon: number) => (params: LayerNormParams, x: Tensor) => {
  const sizes = sizesOf(epsilon, params, x), statistics = rowStatistics(sizes, x.data)
  const { scale, mean, rest, inverseDeviation } = statistics
  const y = layerNormRows(sizes, x.data, params.weight.data, params.bias.data, scale, mean, rest, inverseDeviation)
  return [own(x.shape, y), statistics] as const
}

/** $dx_i = r\,(g_i - \overline{g} - \hat x_i\,\overline{g \hat x}),\ d\gamma = \sum_n dy \odot \hat x,\ d\beta = \sum_n dy$ */
const gradient = (
  { weight, bias }: LayerNormParams, x: Tensor, statistics: RowStatistics, dy: Tensor
): Gradient<LayerNormParams, Tensor> => {
  const sizes = rowsOf('layerNorm', x.shape), { scale, mean, rest, inverseDeviation } = statistics
  const dx = layerNormGradient(sizes, x.data, weight.data, scale, mean, rest, inverseDeviation, dy.data)
  const [dGamma, dBeta] = layerNormParamsGradient(sizes, x.data, scale, mean, rest, inverseDeviation, dy.data)
  return {
    params: { weight: own(weight.shape, dGamma), bias: own(bias.shape, dBeta) },
    input: own(x.shape, dx)
  }
}

/**
 * Layer normalisation with a given $\varepsilon$. Shapes: x and y `[..., D]`, weight and bias `[D]`.
 * Throws `RangeError` unless ε is positive and finite; the layer throws `ShapeError` if these do not fit and
 * `PrecisionError` if they differ in precision.
 *
 * @example
 * tensor.toArray(layerNormWith(1e-12).forward(initLayerNorm(2, { precision: 'float64' })(random.key(0)), tensor.of([1, 3], 'float64'))) // [-1, 1]
 *
 * @category layers
 */
export const layerNormWith = (epsilon: number): Layer<LayerNormParams, Tensor, Tensor> => {
  check('layerNormWith', 'epsilon', positive, epsilon)
  return rowwise(trusted({ ...layerKeeping({ forward: forwardKeeping(epsilon), gradient }), forward: forward(epsilon) }))
}

/**
 * Layer normalisation with GPT-2's $\varepsilon = 10^{-5}$.
 *
 * @example
 * tensor.toNested(layerNorm.forward(initLayerNorm(3)(random.key(0)), tensor.of([[1, 2, 3], [10, 20, 30]]))) // [[-1.225, 0, 1.225], [-1.225, 0, 1.225]]
 *
 * @category layers
 */
export const layerNorm: Layer<LayerNormParams, Tensor, Tensor> = layerNormWith(1e-5)

/**
 * The parameters of a layer norm: $\gamma = 1$ and $\beta = 0$. Throws `RangeError` unless the width is a non-negative integer.
 *
 * @example
 * spec.count(layerNormSpec(768)) // 1536
 *
 * @category parameter specs
 */
export const layerNormSpec = (width: number): Spec<LayerNormParams> => {
  checkWidths('layerNormSpec', { width })
  return { weight: filled([width], 1), bias: filled([width], 0) }
}

/**
 * Initial parameters of `layerNormSpec`; nothing is drawn from the key.
 *
 * @example
 * tensor.toArray(initLayerNorm(3)(random.key(0)).weight) // [1, 1, 1]
 *
 * @category initial parameters
 */
export const initLayerNorm = (width: number, options: PrecisionOptions = {}): Draw<LayerNormParams> =>
  initial('initLayerNorm', PRECISION, options, () => layerNormSpec(width))
