/**
 * Layers without parameters form a category: objects are types, arrows are differentiable functions.
 *
 * @module
 */
import type { Category2 } from 'fp-ts/lib/Category.js'
import { andThen, identityLayer } from './compose.js'
import type { Layer, NoParams } from './layer.js'

export const URI = 'pullback/Layer'
export type URI = typeof URI

declare module 'fp-ts/lib/HKT' {
  interface URItoKind2<E, A> {
    readonly 'pullback/Layer': Layer<NoParams, E, A>
  }
}

/**
 * `compose(g, f)` is `pipe(f, andThen(g))`; `id()` is `identityLayer()`.
 *
 * @example
 * tensor.toArray(Category.compose(relu, tanh).forward(noParams, tensor.of([-1, 1]))) // [0, 0.7616]
 *
 * @category instances
 */
export const Category: Category2<URI> = {
  URI,
  id: identityLayer,
  compose: (g, f) => andThen(g)(f)
}
