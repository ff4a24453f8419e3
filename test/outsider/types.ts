import { pipe } from 'fp-ts/lib/function.js'
import fc from 'fast-check'
import {
  andThen, Category, linear, mlp, named, relu, stack, tanh, tensor, tokenEmbedding, type Layer, type LinearParams, type NoParams, type ParamsOf, type Tensor
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { softplus } from './layers.js'

// A composed model has the type that it should have, without an annotation on the way.
const model = pipe(linear, named('hidden'), andThen(relu), andThen('output', linear))
export const annotated: Layer<{ readonly hidden: LinearParams, readonly output: LinearParams }, Tensor, Tensor> = model

export const params: ParamsOf<typeof linear> = { weight: tensor.of([[1]]), bias: tensor.of([1]) }

// The instance of fp-ts needs no name of its own.
export const composed: Layer<NoParams, Tensor, Tensor> = Category.compose(relu, tanh)

// @ts-expect-error a list of parameters without a name
pipe(stack(linear), andThen('output', linear))

// @ts-expect-error a parameter name that is used twice
pipe(linear, named('hidden'), andThen('hidden', linear))

// @ts-expect-error a layer that takes tokens after one that gives a tensor
pipe(linear, named('a'), andThen('b', tokenEmbedding))

// @ts-expect-error the parameters of another model
mlp(relu).forward({ hidden: [] }, tensor.of([1]))

// @ts-expect-error nobody writes to a tensor
tensor.of([1]).data[0] = 2

// @ts-expect-error an arbitrary of the wrong input
laws.layer(softplus, { params: fc.constant({}), input: fc.integer() })

// @ts-expect-error an arbitrary of the wrong parameters
laws.layer(linear, { params: fc.constant({}), input: arbitrary.tensors() })
