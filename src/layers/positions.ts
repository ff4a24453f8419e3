/**
 * Positional encodings: what tells a transformer where a token stands. Both are added to the embeddings.
 *
 * **Learned.** $y_{bt} = x_{bt} + P_t$ with a table $P$ (`weight`).
 *
 * Shapes: $x$ and $y$ `[..., T, D]`, $P$ `[C, D]` with $T \le C$.
 *
 * **Sinusoidal.** $y_{bt} = x_{bt} + E_t$ with the fixed numbers
 *
 * $$E_{t,2i} = \sin\frac{t}{10000^{2i/D}}, \qquad E_{t,2i+1} = \cos\frac{t}{10000^{2i/D}}.$$
 *
 * A sine and the cosine next to it share one frequency, so the pair at $t + s$ is a rotation, which depends on
 * $s$ only, of the pair at $t$. (A. Vaswani et al., *Attention Is All You Need*, 2017, § 3.5.)
 *
 * **Derivation.** Both are sums, so $dx = dy$. In the learned one, $P_t$ appears once in every sequence $b$:
 *
 * $$\frac{\partial y_{bti}}{\partial P_{sj}} = \delta_{ts}\,\delta_{ij}, \qquad dP_s = \sum_b dy_{bs},$$
 *
 * and positions $s \ge T$ receive zero.
 *
 * @module
 */
import { addRepeated, padRows, sinusoids, sumRows } from '../kernels/rows.js'
import { type Layer, layer, type Memory, type NoParams, parameterless } from '../layer/layer.js'
import { trusted } from '../memory/trust.js'
import { check, natural } from '../tensor/domain.js'
import { matricesOf, ShapeError } from '../tensor/shape.js'
import { checkPrecision, checkTensor, checkTensors, own, type Precision, precisionOf, type Tensor } from '../tensor/tensor.js'
import type { EmbeddingParams } from './embedding.js'

/** Adds the rows `from`, `from` + 1, … of a table to every sequence. */
const addTable = (operation: string, x: Tensor, table: Tensor, from = 0): Tensor => {
  const { rows: time, columns: width } = matricesOf(operation, x.shape)
  if (table.shape.length !== 2 || table.shape[0] < from + time || table.shape[1] !== width)
    throw new ShapeError(operation, `x [..., T, D] and weight [C, D] with T ≤ C${from === 0 ? '' : ` − ${from}, which were read before`}`, [x.shape, table.shape])
  checkPrecision(operation, x, table)
  const sizes = { n: x.data.length, begin: from * width, length: time * width, total: table.data.length }
  return own(x.shape, addRepeated(sizes, x.data, table.data))
}

/** How many positions were read. */
const positionsIn = (operation: string, memory: Memory): number => {
  if (memory === undefined) return 0
  if (typeof memory === 'number') {
    check(operation, 'memory', natural, memory)
    return memory
  }
  throw new TypeError(`${operation}: expected a memory of a number of positions, got that of another layer`)
}

/** The layer that adds the table of a number of positions, reading on where it stopped. */
const steppingOn = <P>(
  operation: string, layer: Layer<P, Tensor, Tensor>, tableOf: (params: P, x: Tensor, end: number) => Tensor
): Layer<P, Tensor, Tensor> => trusted<Layer<P, Tensor, Tensor>>({
  ...layer,
  step: (params, memory, x) => {
    checkTensor(operation, 'x', x)
    const from = positionsIn(operation, memory), end = from + matricesOf(operation, x.shape).rows
    return [addTable(operation, x, tableOf(params, x, end), from), end]
  }
})

/** $dP_s = \sum_b dy_{bs}$ */
const gradient = ({ weight }: EmbeddingParams, _: Tensor, dy: Tensor) => {
  const { batch, rows: time, columns: width } = matricesOf('learnedPositions', dy.shape)
  const length = time * width, total = sumRows({ rows: batch, width: length }, dy.data)
  return { params: { weight: own(weight.shape, padRows({ n: length, total: weight.data.length }, total)) }, input: dy }
}

/**
 * $y_{bt} = x_{bt} + P_t$. Shapes: x and y `[..., T, D]`, weight `[C, D]`.
 * Throws `ShapeError` if a sequence is longer than the table.
 *
 * @example
 * tensor.toNested(learnedPositions.forward({ weight: tensor.of([[1, 1], [2, 2], [3, 3]]) }, tensor.zeros([2, 2]))) // [[1, 1], [2, 2]]
 *
 * @category layers
 */
export const learnedPositions: Layer<EmbeddingParams, Tensor, Tensor> = steppingOn('learnedPositions', layer({
  forward: (params: EmbeddingParams, x: Tensor) => {
    checkTensors('learnedPositions', 'params', ['weight'], params)
    checkTensor('learnedPositions', 'x', x)
    return addTable('learnedPositions', x, params.weight)
  },
  gradient
}), params => {
  checkTensors('learnedPositions', 'params', ['weight'], params)
  return params.weight
})

/**
 * The table $E$ `[time, width]` of sines and cosines.
 *
 * @example
 * tensor.toNested(sinusoidalTable(2, 4)) // [[0, 1, 0, 1], [0.8415, 0.5403, 0.01, 0.9999]]
 *
 * @category positional encodings
 */
export const sinusoidalTable = (time: number, width: number, precision: Precision = 'float32'): Tensor => {
  check('sinusoidalTable', 'time', natural, time)
  check('sinusoidalTable', 'width', natural, width)
  return own([time, width], sinusoids({ time, width, precision }))
}

/**
 * $y_{bt} = x_{bt} + E_t$. Shapes: x and y `[..., T, D]`. Throws `ShapeError` for fewer than two axes.
 *
 * @example
 * tensor.toNested(sinusoidalPositions.forward(noParams, tensor.zeros([2, 2]))) // [[0, 1], [0.8415, 0.5403]]
 *
 * @category layers
 */
export const sinusoidalPositions: Layer<NoParams, Tensor, Tensor> = steppingOn('sinusoidalPositions', parameterless(
  x => {
    checkTensor('sinusoidalPositions', 'x', x)
    const { rows: time, columns: width } = matricesOf('sinusoidalPositions', x.shape)
    return addTable('sinusoidalPositions', x, sinusoidalTable(time, width, precisionOf(x)))
  },
  (_, dy) => dy
), (_, x, end) => sinusoidalTable(end, matricesOf('sinusoidalPositions', x.shape).columns, precisionOf(x)))
