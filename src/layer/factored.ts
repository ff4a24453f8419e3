/**
 * Models whose output is a product that nobody has to multiply out.
 *
 * The logits of a language model are $Y = X W^\top$, with a row for every position and a column for every symbol: of all that is
 * computed in a step of training the largest. A loss that reads them row by row needs only the two factors, and computes as many rows
 * at a time as it likes. So a layer that ends in such a product has a *factored* form, which is a layer like any other: its output is
 * $(X, W)$, and its pullback takes $(dX, dW)$. It follows from composition: where $g$ has one, so has $g \circ f$.
 *
 * @module
 */
import { check, having } from '../tensor/domain.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Layer } from './layer.js'

/** Logits $X W^\top$ that are not multiplied out. Shapes: $X$ (`hidden`) `[..., D]`, $W$ (`weight`) `[V, D]`, logits `[..., V]`. */
export interface Factors {
  readonly hidden: Tensor
  readonly weight: Tensor
}

interface Form {
  readonly forward: object
  readonly factored: unknown
}

// By the identity of the functions that the form stands for: `{ ...model, vjp }` is a model of the user's, and has none. It grows only
// by what the library itself makes, and asking changes nothing.
const forms = new WeakMap<object, Form>()

/** The factored form of a layer, if it is known to have one. */
export const factoredForm = <P, X, Y, DX>({ forward, vjp }: Layer<P, X, Y, DX>): Layer<P, X, Factors, DX> | undefined => {
  const form = forms.get(vjp)
  // What `withFactored` was given for a layer of this type.
  return form?.forward === forward ? form.factored as Layer<P, X, Factors, DX> : undefined
}

/** The same layer, known to have a factored form; `undefined` gives it none. */
export const withFactored = <P, X, Y, DX>(layer: Layer<P, X, Y, DX>, factored: Layer<P, X, Factors, DX> | undefined): Layer<P, X, Y, DX> => {
  if (factored !== undefined) forms.set(layer.vjp, { forward: layer.forward, factored })
  return layer
}

/** A combinator that leaves the output as it is, so that it commutes with factoring. */
export const throughFactors = <P, X, Y, DX, Q, DQ>(
  layer: Layer<P, X, Y, DX>, combinator: <Z>(layer: Layer<P, X, Z, DX>) => Layer<Q, X, Z, DQ>
): Layer<Q, X, Y, DQ> => {
  const factored = factoredForm(layer)
  return withFactored(combinator(layer), factored && combinator(factored))
}

const layers = having('a layer', 'forward', 'vjp')

/**
 * The same model, that gives its logits as the two factors of a product: the hidden states $X$ `[..., D]` and the table $W$ `[V, D]` of
 * the `unembedding` in which it ends. Parameters keep their names. `trainingStep`, `trainingRun`, `lossAndGradient` and `lossOf` use
 * this form by themselves where the loss is `crossEntropy`.
 *
 * Throws `TypeError` for a model that does not end in `unembedding`.
 *
 * @example
 * const params = initGpt({ vocabulary: 9, context: 4, width: 8, layers: 1 })(random.key(0))
 * factored(gpt({ heads: 2 })).forward(params, tensor.tokensOf([[1, 2, 3]])).hidden.shape // [1, 3, 8]
 *
 * @category composition
 */
export const factored = <P, X, DX>(model: Layer<P, X, Tensor, DX>): Layer<P, X, Factors, DX> => {
  check('factored', 'model', layers, model)
  const form = factoredForm(model)
  if (form === undefined) throw new TypeError('factored: expected a model that ends in unembedding, got another one')
  return form
}
