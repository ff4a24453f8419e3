/**
 * The rectifier and its leaky form.
 *
 * $$\mathrm{relu}(x) = \max(0, x), \qquad \mathrm{leakyRelu}_a(x) = \begin{cases} x & x > 0 \\ a x & x \le 0 \end{cases}$$
 *
 * Shapes: any, entry by entry.
 *
 * **Derivation.** On each side of zero the function is linear, with slope 1 on the right and slope $a$ on the
 * left ($a = 0$ for relu):
 *
 * $$dx = \begin{cases} dy & x > 0 \\ a\,dy & x < 0. \end{cases}$$
 *
 * At zero there is no derivative. Every number between the two slopes is a subgradient; like other libraries
 * we take the left slope.
 *
 * @module
 */
import * as kernel from '../kernels/activations.js'
import { type Layer, type NoParams, parameterless } from '../layer/layer.js'
import { rowwise } from '../layer/readings.js'
import { trusted } from '../memory/trust.js'
import { check, finite } from '../tensor/domain.js'
import { own, type Tensor } from '../tensor/tensor.js'
import { entries } from './entries.js'

/**
 * $y = x$ for $x > 0$ and $y = a x$ elsewhere. The usual slope is 0.01.
 * Throws `RangeError` unless it is finite.
 * (A. Maas et al., *Rectifier Nonlinearities Improve Neural Network Acoustic Models*, 2013, eq. 2.)
 *
 * @example
 * tensor.toArray(leakyRelu(0.1).forward(noParams, tensor.of([-1, 2]))) // [-0.1, 2]
 *
 * @category layers
 */
export const leakyRelu = (slope: number): Layer<NoParams, Tensor, Tensor> => {
  check('leakyRelu', 'slope', finite, slope)
  return rowwise(trusted(parameterless(
    entries('leakyRelu', x => kernel.leakyRelu({ n: x.length, slope }, x)),
    (x, dy) => own(x.shape, kernel.leakyReluGradient({ n: x.data.length, slope }, x.data, dy.data)))))
}

/**
 * $y = \max(0, x)$, entry by entry.
 * (V. Nair, G. Hinton, *Rectified Linear Units Improve Restricted Boltzmann Machines*, 2010.)
 *
 * @example
 * tensor.toArray(relu.forward(noParams, tensor.of([-1, 2]))) // [0, 2]
 *
 * @category layers
 */
export const relu: Layer<NoParams, Tensor, Tensor> = rowwise(trusted(parameterless(
  entries('relu', kernel.relu),
  (x, dy) => own(x.shape, kernel.reluGradient(x.data, dy.data)))))
