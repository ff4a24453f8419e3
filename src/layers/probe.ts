/**
 * A probe: a place in a model where something is added.
 *
 * $$y_n = x_n + \delta$$
 *
 * Shapes: $x$ and $y$ `[..., D]`, $\delta$ with the last axes of $x$: `[D]` for the same at every position, or all axes of $x$
 * for each entry its own.
 *
 * With $\delta = 0$ the probe changes nothing, and its gradient is the gradient with respect to the activation where it
 * stands. With another $\delta$ it steers what follows.
 *
 * **Derivation.** $\partial y_{ni}/\partial x_{mj} = \delta_{nm}\delta_{ij}$, so $dx = dy$; and $\delta$ enters every row, so its
 * gradient is a sum over the rows that share it, $d\delta = \sum_n dy_n$.
 *
 * @module
 */
import { addRepeated, sumRows } from '../kernels/rows.js'
import { type Layer, layer } from '../layer/layer.js'
import { trusted } from '../memory/trust.js'
import { sameShape, ShapeError, sizeOf } from '../tensor/shape.js'
import { checkPrecision, checkTensor, own, type Tensor } from '../tensor/tensor.js'

const checkBoth = (delta: Tensor, x: Tensor): void => {
  checkTensor('probe', 'params', delta)
  checkTensor('probe', 'x', x)
  if (delta.shape.length > x.shape.length || !sameShape(delta.shape, x.shape.slice(x.shape.length - delta.shape.length)))
    throw new ShapeError('probe', 'δ with the last axes of x', [x.shape, delta.shape])
  checkPrecision('probe', x, delta)
}

const forward = (delta: Tensor, x: Tensor): Tensor => {
  checkBoth(delta, x)
  const length = delta.data.length
  return own(x.shape, addRepeated({ n: x.data.length, begin: 0, length, total: length }, x.data, delta.data))
}

/** $d\delta = \sum_n dy_n,\ dx = dy$ */
const gradient = (delta: Tensor, _: Tensor, dy: Tensor) => ({
  params: own(delta.shape, sumRows({ rows: delta.data.length === 0 ? 0 : dy.data.length / sizeOf(delta.shape), width: delta.data.length }, dy.data)), input: dy
})

const plain: Layer<Tensor, Tensor, Tensor> = layer({ forward, gradient })

/**
 * $y = x + \delta$, whose parameter is $\delta$. Shapes: x and y `[..., D]`, δ with the last axes of x. It steps if δ is one row.
 * Throws `ShapeError` if the shapes do not fit and `PrecisionError` if they differ in precision.
 *
 * @example
 * const model = pipe(linear, named('hidden'), andThen('steer', probe), andThen('output', linear))
 * const params = { hidden: initLinear(2, 3)(random.key(0)), steer: tensor.of([[0, 0, 1]]), output: initLinear(3, 1)(random.key(1)) }
 * const [, pullback] = model.vjp(params, tensor.of([[1, 2]]))
 * pullback(tensor.of([[1]])).params.steer.shape // [1, 3]
 *
 * @category layers
 */
export const probe: Layer<Tensor, Tensor, Tensor> = trusted<Layer<Tensor, Tensor, Tensor>>({
  ...plain,
  step: (delta, _, x) => {
    checkTensor('probe', 'params', delta)
    if (delta.shape.length !== 1) throw new ShapeError('probe', 'δ [D] for a step, which is the same at every position', [delta.shape])
    return [forward(delta, x), undefined]
  }
})
