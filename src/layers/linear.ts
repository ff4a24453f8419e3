/**
 * The linear layer: a row of neurons, each a weighted sum of its inputs plus a bias.
 *
 * $$y_{nj} = \sum_i x_{ni} W_{ij} + b_j, \qquad Y = X W + \mathbf 1 b^\top$$
 *
 * Shapes: $X$ `[..., I]`, $W$ `[I, O]`, $b$ `[O]`, $Y$ `[..., O]`; the leading axes are read as one axis of
 * $N$ rows. $W$ is stored as GPT-2 stores it, input first.
 *
 * **Derivation.** Let $\ell$ be any scalar function of $Y$ and $dY_{nj} = \partial\ell/\partial y_{nj}$. One entry
 * of $y$ depends on one row of $x$, one column of $W$ and one entry of $b$:
 *
 * $$\frac{\partial y_{nj}}{\partial x_{mi}} = \delta_{nm} W_{ij}, \qquad
 *   \frac{\partial y_{nj}}{\partial W_{ik}} = \delta_{jk}\, x_{ni}, \qquad
 *   \frac{\partial y_{nj}}{\partial b_k} = \delta_{jk}.$$
 *
 * Sum $dY_{nj}$ times each of these over all $n, j$; the deltas leave one free sum in every case:
 *
 * $$dX_{mi} = \sum_j dY_{mj} W_{ij}, \qquad dW_{ik} = \sum_n x_{ni}\, dY_{nk}, \qquad db_k = \sum_n dY_{nk}.$$
 *
 * As matrices,
 *
 * $$dX = dY\, W^\top, \qquad dW = X^\top dY, \qquad db = \mathbf 1^\top dY.$$
 *
 * @module
 */
import { affine, gemm } from '../kernels/gemm.js'
import { sumRows } from '../kernels/rows.js'
import { deferred, type Gradient, type Layer, layer } from '../layer/layer.js'
import { rowwise } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import { checkWidths, INIT, type InitOptions, type SpecOptions, xavierUniform } from '../random/initializers.js'
import { type Draw } from '../random/key.js'
import { filled, initial, type Spec, weight as weightOf } from '../random/spec.js'
import { rowsOf, ShapeError } from '../tensor/shape.js'
import { checkPrecision, checkTensor, checkTensors, own, type Tensor } from '../tensor/tensor.js'

export type LinearParams = {
  /** $W$ `[I, O]` */
  readonly weight: Tensor
  /** $b$ `[O]` */
  readonly bias: Tensor
}

const sizesOf = (params: LinearParams, x: Tensor) => {
  checkTensors('linear', 'params', ['weight', 'bias'], params)
  checkTensor('linear', 'x', x)
  const { weight, bias } = params
  const { rows, width } = rowsOf('linear', x.shape)
  const [inputs, outputs] = weight.shape
  if (weight.shape.length !== 2 || inputs !== width || bias.shape.length !== 1 || bias.shape[0] !== outputs)
    throw new ShapeError('linear', 'x [..., I], weight [I, O] and bias [O]', [x.shape, weight.shape, bias.shape])
  checkPrecision('linear', x, weight, bias)
  return { rows, inputs, outputs }
}

/** $Y = X W + \mathbf 1 b^\top$ */
const forward = (params: LinearParams, x: Tensor): Tensor => {
  const { rows, inputs, outputs } = sizesOf(params, x)
  const y = affine(
    { batch: 1, m: rows, n: outputs, k: inputs, transposeA: false, transposeB: false },
    x.data, params.weight.data, params.bias.data)
  return own([...x.shape.slice(0, -1), outputs], y)
}

/** $dX = dY\,W^\top,\ dW = X^\top dY,\ db = \mathbf 1^\top dY$ */
const gradient = (params: LinearParams, x: Tensor, dy: Tensor): Gradient<LinearParams, Tensor> => {
  const { rows, inputs, outputs } = sizesOf(params, x)
  const { weight, bias } = params
  const dx = () => gemm(
    { batch: 1, m: rows, n: inputs, k: outputs, transposeA: false, transposeB: true }, dy.data, weight.data)
  const dWeight = gemm(
    { batch: 1, m: inputs, n: outputs, k: rows, transposeA: true, transposeB: false }, x.data, dy.data)
  return deferred(
    { weight: own(weight.shape, dWeight), bias: own(bias.shape, sumRows({ rows, width: outputs }, dy.data)) },
    () => own(x.shape, dx()))
}

/**
 * $y = xW + b$ on the last axis. Shapes: x `[..., I]`, weight `[I, O]`, bias `[O]`, y `[..., O]`.
 * Throws `ShapeError` if these do not fit and `PrecisionError` if they differ in precision.
 *
 * @example
 * const params = { weight: tensor.of([[1, 2], [3, 4]]), bias: tensor.of([10, 20]) }
 * tensor.toNested(linear.forward(params, tensor.of([[1, 1]]))) // [[14, 26]]
 *
 * @category layers
 */
export const linear: Layer<LinearParams, Tensor, Tensor> = rowwise(trusted(layer({ forward, gradient })))

/**
 * The parameters of a linear layer: a weight that the initializer draws (Xavier's uniform unless given), a bias of zeros.
 * Throws `RangeError` unless both widths are non-negative integers.
 *
 * @example
 * spec.count(linearSpec(784, 128)) // 100480
 *
 * @category parameters
 */
export const linearSpec = (inputs: number, outputs: number, { initializer = xavierUniform }: SpecOptions = {}): Spec<LinearParams> => {
  checkWidths('linearSpec', { inputs, outputs })
  return { weight: weightOf(inputs, outputs, initializer), bias: filled([outputs], 0) }
}

/**
 * Initial parameters of `linearSpec`.
 *
 * @example
 * initLinear(784, 128, { initializer: random.heNormal })(random.key(0)).weight.shape // [784, 128]
 *
 * @category initial parameters
 */
export const initLinear = (inputs: number, outputs: number, options: InitOptions = {}): Draw<LinearParams> =>
  initial('initLinear', INIT, options, () => linearSpec(inputs, outputs, options))
