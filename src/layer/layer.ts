/**
 * What a layer is, and the ways to make one.
 *
 * @module
 */
import { PrecisionError, sameShape, ShapeError } from '../tensor/shape.js'
import { isTensor, precisionOf, type Tensor } from '../tensor/tensor.js'

/**
 * A gradient of a layer $y = f(\theta, x)$ at a point.
 *
 * `params` is $d\theta = (\partial y/\partial\theta)^\top dy$ and `input` is $dx = (\partial y/\partial x)^\top dy$.
 */
export interface Gradient<P, DX> {
  readonly params: P
  readonly input: DX
}

/**
 * A gradient whose part for the input is computed when it is read. In training that of a model's first layer is never read,
 * and in a network on wide inputs it is a third of all products.
 *
 * Nothing is remembered, so reading it twice computes it twice: what one reader keeps in a region must not reach the next.
 *
 * @example
 * const pulled = deferred({ bias: tensor.of([1]) }, () => tensor.of([2]))
 * tensor.toArray(pulled.input) // [2]
 *
 * @category constructors
 */
export const deferred = <P, DX>(params: P, input: () => DX): Gradient<P, DX> => ({
  params,
  get input() { return input() }
})

/**
 * What a layer remembers of the positions of a sequence that it has read: plain data, which nobody but the layer reads and
 * anybody may keep, copy and continue twice. `undefined`: nothing has been read.
 */
export type Memory = Tensor | number | undefined | readonly Memory[] | { readonly [name: string]: Memory }

/** Something that happened inside a layer, under a path that extends those of the parameters. */
export type TraceEntry = readonly [path: string, value: Tensor]

/** Reads the next positions of a sequence. */
export type Step<P, X, Y> = (params: P, memory: Memory, x: X) => readonly [y: Y, memory: Memory]

/**
 * A differentiable function of parameters and an input. `DX`, the type of the input's gradient, differs from
 * `X` only if the input is discrete: for tokens it is `void`.
 *
 * `forward` and `vjp` are what a layer is. The other readings are optional and follow from composition: a combinator of the
 * library has those that its parts have.
 */
export interface Layer<P, X, Y, DX = X> {
  /** $y = f(\theta, x)$ */
  readonly forward: (params: P, x: X) => Y
  /** $y$ together with the pullback $dy \mapsto (d\theta, dx)$ of $f$ at $(\theta, x)$ */
  readonly vjp: (params: P, x: X) => readonly [y: Y, pullback: (dy: Y) => Gradient<P, DX>]
  /**
   * The output at the next positions of a sequence, from what was read before them. Absent if a position depends on later
   * ones. $\mathrm{step}(\theta, \varnothing, x) = (f(\theta, x), \cdot)$, to the bit.
   */
  readonly step?: Step<P, X, Y> | undefined
  /** `step`, for the output at the last position alone. Absent: all of it is computed, and the rest dropped. */
  readonly last?: Step<P, X, Y> | undefined
  /** Whether the output at a position depends on the input at that position alone. */
  readonly rowwise?: true | undefined
  /** The output with what happened inside. Absent: there is nothing to show. */
  readonly trace?: ((params: P, x: X) => readonly [y: Y, entries: readonly TraceEntry[]]) | undefined
}

/** The parameters of a layer that has none: the empty record. */
export type NoParams = { readonly [name in never]: never }

/**
 * No parameters: what layers take that have none.
 *
 * @example
 * tensor.toArray(relu.forward(noParams, tensor.of([-1, 2]))) // [0, 2]
 *
 * @category constructors
 */
export const noParams: NoParams = {}

/** The parameters that a layer takes: `ParamsOf<typeof model>`. */
export type ParamsOf<L> = L extends { readonly forward: (params: infer P, x: never) => unknown } ? P : never

/** The two hand-written functions that make a leaf layer whose pullback needs only its input. */
export interface Leaf<P, X, Y, DX = X> {
  readonly forward: (params: P, x: X) => Y
  /** $(\theta, x, dy) \mapsto (d\theta, dx)$ */
  readonly gradient: (params: P, x: X, dy: Y) => Gradient<P, DX>
}

/** The two hand-written functions that make a leaf layer which keeps something for its pullback. */
export interface KeepingLeaf<P, X, Y, Kept, DX = X> {
  readonly forward: (params: P, x: X) => readonly [y: Y, kept: Kept]
  /** $(\theta, x, \text{kept}, dy) \mapsto (d\theta, dx)$ */
  readonly gradient: (params: P, x: X, kept: Kept, dy: Y) => Gradient<P, DX>
}

/** Throws `ShapeError` or `PrecisionError` if $y$ is a tensor and $dy$ is not like it. */
const checkCotangent = <Y>(y: Y): ((dy: Y) => void) => {
  if (!isTensor(y)) return () => undefined
  // Without its entries, so that the pullback does not keep them.
  const { shape } = y, precision = precisionOf(y)
  return dy => {
    if (!isTensor(dy) || !sameShape(shape, dy.shape))
      throw new ShapeError('pullback', `dy with the shape [${shape.join(', ')}] of y`, isTensor(dy) ? [dy.shape] : [])
    if (precisionOf(dy) !== precision) throw new PrecisionError('pullback')
  }
}

/**
 * Lifts a function that keeps part of its work, and its gradient, to a layer. The pullback throws `ShapeError`
 * for a $dy$ whose shape is not that of $y$.
 *
 * @example
 * // y = e^x, whose gradient needs y
 * const exp = layerKeeping({
 *   forward: (_: NoParams, x: Tensor) => {
 *     const y = tensor.map(Math.exp)(x)
 *     return [y, y]
 *   },
 *   gradient: (_, __, y: Tensor, dy) => ({ params: noParams, input: tensor.multiply(dy)(y) })
 * })
 * tensor.toArray(exp.vjp(noParams, tensor.of([0, 1]))[1](tensor.of([1, 1])).input) // [1, 2.718]
 *
 * @category constructors
 */
export const layerKeeping = <P, X, Y, Kept, DX = X>(
  { forward, gradient }: KeepingLeaf<P, X, Y, Kept, DX>
): Layer<P, X, Y, DX> => ({
  forward: (params, x) => forward(params, x)[0],
  vjp: (params, x) => {
    const [y, kept] = forward(params, x)
    const check = checkCotangent(y)
    return [y, dy => {
      check(dy)
      return gradient(params, x, kept, dy)
    }]
  }
})

/**
 * Lifts a function and its gradient to a layer. The pullback keeps the parameters and the input; it throws
 * `ShapeError` for a $dy$ whose shape is not that of $y$.
 *
 * @example
 * // y = x + b
 * const shift = layer({
 *   forward: ({ b }: { readonly b: Tensor }, x: Tensor) => tensor.add(b)(x),
 *   gradient: (_, __, dy: Tensor) => ({ params: { b: dy }, input: dy })
 * })
 * tensor.toArray(shift.forward({ b: tensor.of([1, 2]) }, tensor.of([10, 20]))) // [11, 22]
 *
 * @category constructors
 */
export const layer = <P, X, Y, DX = X>({ forward, gradient }: Leaf<P, X, Y, DX>): Layer<P, X, Y, DX> =>
  layerKeeping({
    forward: (params, x) => [forward(params, x), undefined],
    gradient: (params, x, _, dy) => gradient(params, x, dy)
  })

/**
 * Lifts a function without parameters and its gradient $(x, dy) \mapsto dx$ to a layer.
 *
 * @example
 * const square = parameterless((x: Tensor) => tensor.multiply(x)(x), (x, dy) => tensor.scale(2)(tensor.multiply(dy)(x)))
 * const [y, pullback] = square.vjp(noParams, tensor.of([3]))
 * tensor.toArray(pullback(tensor.of([1])).input) // [6]
 *
 * @category constructors
 */
export const parameterless = <X, Y>(forward: (x: X) => Y, gradient: (x: X, dy: Y) => X): Layer<NoParams, X, Y> =>
  layer({
    forward: (_, x) => forward(x),
    gradient: (_, x, dy) => ({ params: noParams, input: gradient(x, dy) })
  })

/**
 * Like `parameterless`, for a function whose gradient is shorter in terms of its output: $(y, dy) \mapsto dx$.
 *
 * @example
 * const exp = fromOutput((x: Tensor) => tensor.map(Math.exp)(x), (y, dy) => tensor.multiply(dy)(y))
 * tensor.toArray(exp.forward(noParams, tensor.of([0, 1]))) // [1, 2.718]
 *
 * @category constructors
 */
export const fromOutput = <X, Y>(forward: (x: X) => Y, gradient: (y: Y, dy: Y) => X): Layer<NoParams, X, Y> =>
  layerKeeping({
    forward: (_, x) => {
      const y = forward(x)
      return [y, y]
    },
    gradient: (_, __, y, dy) => ({ params: noParams, input: gradient(y, dy) })
  })
