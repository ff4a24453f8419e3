/**
 * Where in a model something is wrong: errors of a layer say the path of its parameters.
 *
 * @module
 */
import { trusted } from '../memory/trust.js'
import { PrecisionError, ShapeError } from '../tensor/shape.js'
import { throughFactors } from './factored.js'
import { deferred, type Layer, type Step } from './layer.js'

interface Whereabouts {
  readonly place: string
  /** The error as it was thrown. */
  readonly bare: Error
}

/** Where errors that were placed came from, to place them further out. */
const whereabouts = new WeakMap<object, Whereabouts>()

const again = (bare: Error, place: string): Error => {
  if (bare instanceof ShapeError) return new ShapeError(bare.operation, bare.expected, bare.shapes, place)
  if (bare instanceof PrecisionError) return new PrecisionError(bare.operation, place)
  if (bare.constructor === RangeError) return new RangeError(`${place}: ${bare.message}`, { cause: bare })
  if (bare.constructor === TypeError) return new TypeError(`${place}: ${bare.message}`, { cause: bare })
  return bare
}

/** The same error with its place; one of another kind, which somebody may want to recognise, stays itself. */
const located = (key: string, error: unknown): unknown => {
  if (!(error instanceof Error)) return error
  const { place, bare } = whereabouts.get(error) ?? { place: '', bare: error }
  const further = place === '' ? key : `${key}.${place}`, placed = again(bare, further)
  whereabouts.set(placed, { place: further, bare })
  return placed
}

/** `f()`; what it throws says that it came from `place`. */
export const within = <A>(place: string, f: () => A): A => {
  try {
    return f()
  } catch (error) {
    throw located(place, error)
  }
}

/** The same layer, which is guarded and so safe in a region, whose errors say that they came from `place`. */
export const placed = <P, X, Y, DX>(place: string, layer: Layer<P, X, Y, DX>): Layer<P, X, Y, DX> => throughFactors(layer, <Z>(f: Layer<P, X, Z, DX>): Layer<P, X, Z, DX> => {
  // Written out, since every call of every layer passes here.
  const at = <A, B, R>(read: (a: A, b: B) => R) => (a: A, b: B): R => {
    try {
      return read(a, b)
    } catch (error) {
      throw located(place, error)
    }
  }
  const stepAt = (read: Step<P, X, Z>): Step<P, X, Z> => (params, memory, x) => {
    try {
      return read(params, memory, x)
    } catch (error) {
      throw located(place, error)
    }
  }
  return trusted<Layer<P, X, Z, DX>>({
    forward: at(f.forward),
    vjp: (params, x) => {
      const [y, pullback] = within(place, () => f.vjp(params, x))
      return [y, dy => {
        const gradient = within(place, () => pullback(dy))
        return deferred(gradient.params, () => within(place, () => gradient.input))
      }]
    },
    ...(f.step && { step: stepAt(f.step) }),
    ...(f.last && { last: stepAt(f.last) }),
    ...(f.rowwise && { rowwise: f.rowwise }),
    ...(f.trace && { trace: at(f.trace) })
  })
})

const describe = (params: unknown): string => {
  if (typeof params !== 'object' || params === null) return params === null ? 'null' : typeof params
  const names = Object.keys(params)
  return Array.isArray(params) ? `a list of ${params.length}` : `a record of ${names.length === 0 ? 'nothing' : names.map(name => `"${name}"`).join(', ')}`
}

/** The parameters under a name. Throws `TypeError` if there are none: the parameters are those of another model. */
export const part = <P, K extends keyof P & string>(name: K, params: P): P[K] => {
  if (typeof params !== 'object' || params === null || !Object.hasOwn(params, name))
    throw new TypeError(`expected parameters with the name "${name}", got ${describe(params)}`)
  return params[name]
}

/** The records of a stack. Throws `TypeError` if they are no list. */
export const listed = <P>(params: readonly P[]): readonly P[] => {
  const given: unknown = params
  if (!Array.isArray(given)) throw new TypeError(`expected a list with the parameters of each repetition, got ${describe(given)}`)
  return params
}
