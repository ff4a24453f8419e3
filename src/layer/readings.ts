/**
 * The optional readings of layers: for inference, and for looking inside.
 *
 * @module
 */
import { trusted } from '../memory/trust.js'
import { isPlain } from '../tensor/domain.js'
import { lastRows } from '../tensor/matrices.js'
import { isTensor, isTokens, lastTokens } from '../tensor/tensor.js'
import { guard } from './guard.js'
import type { Layer, Memory, Step, TraceEntry } from './layer.js'

/** The last position of a tensor `[..., T, D]`, of tokens `[..., T]`, or of every part of a record or list of such. */
export const lastPosition = <X>(x: X): X => {
  const cut = (value: unknown): unknown => {
    if (isTensor(value)) return lastRows(1)(value)
    if (isTokens(value)) return lastTokens(1)(value)
    if (Array.isArray(value)) return value.map(cut)
    if (!isPlain(value)) return value
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, cut(child)]))
  }
  return cut(x) as X // the same kind of value, which a recursion over keys cannot show
}

/**
 * Says that a layer reads every position (row) on its own, so it steps through a sequence as it goes forward. Linear layers,
 * activations, norms and embeddings do; what compares positions does not, and `laws.stepping` notices a wrong claim.
 *
 * @example
 * const scaled = rowwise(parameterless((x: Tensor) => tensor.scale(2)(x), (_, dy) => tensor.scale(2)(dy)))
 * scaled.rowwise // true
 *
 * @category readings
 */
export const rowwise = <P, X, Y, DX>(layer: Layer<P, X, Y, DX>): Layer<P, X, Y, DX> => {
  const f = guard(layer)
  return trusted<Layer<P, X, Y, DX>>({
    ...f,
    step: (params, _, x) => [f.forward(params, x), undefined],
    last: (params, _, x) => [f.forward(params, lastPosition(x)), undefined],
    rowwise: true
  })
}

/** The output at the last position, by the shortest way that a layer has. */
export const lastOf = <P, X, Y, DX>({ step, last }: Layer<P, X, Y, DX>): Step<P, X, Y> | undefined => last ?? (step && ((params, memory, x) => {
  const [y, next] = step(params, memory, x)
  return [lastPosition(y), next]
}))

/** A layer's trace, or its output with nothing to show. */
export const traceOf = <P, X, Y, DX>({ forward, trace }: Layer<P, X, Y, DX>) => (params: P, x: X): readonly [Y, readonly TraceEntry[]] =>
  trace === undefined ? [forward(params, x), []] : trace(params, x)

const isList = (memory: Memory): memory is readonly Memory[] => Array.isArray(memory)

/** The memories of the parts of a layer; of parts that have read nothing, none. Throws `TypeError` if this is the memory of another layer. */
export const memories = (memory: Memory, count: number): readonly Memory[] => {
  if (memory === undefined) return []
  if (isList(memory) && memory.length === count) return memory
  throw new TypeError(`expected the memory of a layer with ${count} parts, got that of another layer`)
}

/** The memory of a layer with parts; nothing if no part remembers anything. */
export const together = (parts: readonly Memory[]): Memory => (parts.every(part => part === undefined) ? undefined : parts)

/** The output of a place as entries under its name: a tensor, or the tensors of a record. */
export const outputs = (name: string, y: unknown): readonly TraceEntry[] => {
  if (isTensor(y)) return [[name, y]]
  return typeof y === 'object' && y !== null ? Object.entries(y).flatMap(([key, value]) => outputs(`${name}.${key}`, value)) : []
}

/** Entries of a place, and its output as the last one. */
export const tracedAt = (place: string, y: unknown, entries: readonly TraceEntry[]): readonly TraceEntry[] =>
  [...entries.map(([path, value]): TraceEntry => [`${place}.${path}`, value]), ...outputs(`${place}.output`, y)]
