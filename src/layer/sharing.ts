/**
 * Parameters that are used more than once, and parameters that are not trained.
 *
 * @module
 */
import { trusted } from '../memory/trust.js'
import { check, texts } from '../tensor/domain.js'
import { add } from '../tree/tree.js'
import { chain } from './chain.js'
import { throughFactors } from './factored.js'
import { guard } from './guard.js'
import { deferred, type Layer, type NoParams, noParams } from './layer.js'
import { part, placed } from './place.js'

/**
 * First `f`, then `g` with the parameters that `f` already has under `name`. Both uses contribute to the
 * gradient of the one parameter: for $y = f(\theta, x)$ and $z = g(\theta_k, y)$, where $\theta_k$ is the part of $\theta$ under the name,
 *
 * $$(w, dy) = g^*_{\theta_k, y}(dz), \qquad (u, dx) = f^*_{\theta, x}(dy), \qquad d\theta_k = u_k + w,$$
 *
 * and the other parts of $d\theta$ are those of $u$.
 *
 * A language model whose unembedding is its token embedding is
 * `pipe(…, andThenTied('wte', unembedding))`.
 * (O. Press, L. Wolf, *Using the Output Embedding to Improve Language Models*, 2017.)
 *
 * @example
 * const model = pipe(tokenEmbedding, named('wte'), andThenTied('wte', unembedding))
 * model.forward({ wte: initEmbedding(9, 4)(random.key(0)) }, tensor.tokensOf([1, 2])).shape // [2, 9]
 *
 * @category composition
 */
export const andThenTied = <const K extends string, Q, Y, Z>(name: K, g: Layer<Q, Y, Z>) =>
  <P extends { readonly [k in K]: Q }, X, DX>(f: Layer<P, X, Y, DX>): Layer<P, X, Z, DX> => {
    check('andThenTied', 'name', texts, name)
    return chain<P, P, Q, X, Y, Z, DX>(
      { layer: f, paramsIn: params => params },
      { layer: placed(name, guard(g)), paramsIn: params => part(name, params) },
      (dF, dG) => ({ ...dF, [name]: add<Q>(dG)(dF[name]) }))
  }

/**
 * Fixes the parameters of a layer: what remains has none, so training leaves them alone. The gradient still
 * flows to the input.
 *
 * @example
 * const vectors = initEmbedding(9, 4)(random.key(0))
 * const model = pipe(tokenEmbedding, frozen(vectors), andThen('output', linear))
 * model.forward({ output: initLinear(4, 2)(random.key(1)) }, tensor.tokensOf([1, 2])).shape // [2, 2]
 *
 * @category parameters
 */
export const frozen = <P>(params: P) => <X, Y, DX>(layer: Layer<P, X, Y, DX>): Layer<NoParams, X, Y, DX> => {
  return throughFactors(guard(layer), <Z>(f: Layer<P, X, Z, DX>) => {
    const { step, last, trace } = f
    return trusted<Layer<NoParams, X, Z, DX>>({
      forward: (_, x) => f.forward(params, x),
      vjp: (_, x) => {
        const [y, pullback] = f.vjp(params, x)
        return [y, dy => deferred(noParams, () => pullback(dy).input)]
      },
      ...(step && { step: (_, memory, x) => step(params, memory, x) }),
      ...(last && { last: (_, memory, x) => last(params, memory, x) }),
      ...(f.rowwise && { rowwise: true }),
      ...(trace && { trace: (_, x) => trace(params, x) })
    })
  })
}
