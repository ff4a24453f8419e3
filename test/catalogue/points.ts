import fc from 'fast-check'
import { noParams, tensor, type NoParams, type Shape, type Tensor } from 'pullback'
import { arbitrary } from 'pullback/laws'

/** A point of a layer without parameters. */
export const parameterless = <X>(input: fc.Arbitrary<X>) => ({ params: fc.constant<NoParams>(noParams), input })

/** `[...leading, width]` with zero to two leading axes of 1 to 3. */
export const rowsOf = (width: number, options: arbitrary.EntryOptions = {}): fc.Arbitrary<Tensor> =>
  arbitrary.leadingAxes.chain(leading => arbitrary.tensorOf([...leading, width], options))

/** `[B, T, D]`, or `[B, T, D · multiple]`. */
export const sequences = (multiple = 1): fc.Arbitrary<Tensor> =>
  fc.record({ b: arbitrary.axis(2), t: arbitrary.axis(4), d: arbitrary.axis(3) })
    .chain(({ b, t, d }) => arbitrary.tensorOf([b, t, d * multiple]))

export const linearShapes = (inputs: number, outputs: number): { readonly weight: Shape, readonly bias: Shape } =>
  ({ weight: [inputs, outputs], bias: [outputs] })

/** Parameters of a linear layer. */
export const linearParams = (inputs: number, outputs: number) => arbitrary.treeOf(linearShapes(inputs, outputs))

/** The last axis of a tensor. */
export const widthOf = (x: Tensor): number => x.shape[x.shape.length - 1]

export const float64 = (entries: tensor.Nested): Tensor => tensor.of(entries, 'float64')
