/**
 * Using a model, and looking inside it.
 *
 * @module
 */
import { region } from '../memory/region.js'
import { guarded } from '../memory/trust.js'
import { check, functions } from '../tensor/domain.js'
import { guard } from './guard.js'
import type { Layer, TraceEntry } from './layer.js'
import { traceOf } from './readings.js'

/**
 * What happened inside a model, by path: the outputs of everything named (`h.0.mlp.c_fc.output`, `h.0.output`) and what
 * layers show of themselves (`h.0.attn.weights`). Only what was asked for is copied out.
 *
 * @example
 * const model = gpt({ heads: 2 }), params = initGpt({ vocabulary: 9, context: 8, width: 4, layers: 1 })(random.key(0))
 * const look = inspect(model, path => path.endsWith('attn.weights'))
 * look(params, tensor.tokensOf([[1, 2, 3]])).map(([path, { shape }]) => [path, shape]) // [['h.0.attn.weights', [1, 2, 3, 3]]]
 *
 * @category readings
 */
export const inspect = <P, X, Y, DX>(
  model: Layer<P, X, Y, DX>, wanted: (path: string) => boolean
): ((params: P, x: X) => readonly TraceEntry[]) => {
  check('inspect', 'wanted', functions, wanted)
  const trace = traceOf(guard(model)), asks = guarded(wanted)
  return (params, x) => region(() => trace(params, x)[1].filter(([path]) => asks(path)))
}

/**
 * What a model says: `model.forward`, computed without copying arrays between kernels, which is the fast way to call it.
 *
 * @example
 * const params = initMlp([2, 16, 1])(random.key(0))
 * predict(mlp(relu))(params, tensor.zeros([5, 2])).shape // [5, 1]
 *
 * @category readings
 */
export const predict = <P, X, Y, DX>(model: Layer<P, X, Y, DX>): ((params: P, x: X) => Y) => {
  const { forward } = guard(model)
  return (params, x) => region(() => forward(params, x))
}
