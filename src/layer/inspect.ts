/**
 * Using a model, and looking inside of it.
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
 * What happened inside of a model, by path: the outputs of everything named (`h.0.mlp.c_fc.output`, `h.0.output`) and what
 * layers show of themselves (`h.0.attn.weights`). Only what was asked for is copied out.
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
 * @category readings
 */
export const predict = <P, X, Y, DX>(model: Layer<P, X, Y, DX>): ((params: P, x: X) => Y) => {
  const { forward } = guard(model)
  return (params, x) => region(() => forward(params, x))
}
