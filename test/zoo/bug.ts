import { layer, parameterless, type Gradient, type Layer, type NoParams, type Tensor } from 'pullback'
import type { Law } from 'pullback/laws'

/** A mistake that people make, the laws that hold for the right version, and the law that must notice. */
export interface Bug {
  readonly bug: string
  readonly laws: readonly Law[]
  readonly caughtBy: string
}

/** The right forward pass with a wrong gradient. */
export const wrongGradient = <P, X, Y, DX>(
  right: Layer<P, X, Y, DX>, gradient: (params: P, x: X, dy: Y, right: Gradient<P, DX>) => Gradient<P, DX>
): Layer<P, X, Y, DX> => layer({
  forward: (params: P, x: X) => right.forward(params, x),
  gradient: (params: P, x: X, dy: Y) => gradient(params, x, dy, right.vjp(params, x)[1](dy))
})

/** The same for a layer without parameters. */
export const wrongInputGradient = (
  right: Layer<NoParams, Tensor, Tensor>, dx: (x: Tensor, dy: Tensor) => Tensor
): Layer<NoParams, Tensor, Tensor> => parameterless(x => right.forward({}, x), dx)
