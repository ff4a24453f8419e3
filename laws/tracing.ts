/**
 * The laws of looking inside a layer.
 *
 * @module
 */
import { andThen, inspect, named, type Layer } from 'pullback'
import { pipe } from 'fp-ts/lib/function.js'
import { fails, firstFailing, type Law, law } from './law.js'
import { type Points, pointsOf } from './points.js'
import { sameBits, snapshot } from './values.js'

/** Everything that must hold for the trace of a layer. */
export const tracing = <P, X, Y, DX>(f: Layer<P, X, Y, DX>, points: Points<P, X>): readonly Law[] => [
  law({
    name: 'the trace is of forward',
    statement: 'the value of `trace(θ, x)` is `forward(θ, x)`, to the bit, and every path occurs once',
    cases: pointsOf(points),
    check: ({ params, input }) => {
      const traced = f.trace?.(params, input)
      if (traced === undefined) return fails('the layer has no `trace`')
      const paths = traced[1].map(([path]) => path)
      return firstFailing([
        sameBits('trace and forward', snapshot(traced[0]), snapshot(f.forward(params, input))),
        ...(new Set(paths).size === paths.length ? [] : [fails(`a path occurs twice in ${paths.join(', ')}`)])
      ])
    }
  }),
  law({
    name: 'inspection is selection',
    statement: '`inspect` gives the entries of the trace that were asked for, with their bits, and no others',
    cases: pointsOf(points),
    check: ({ params, input }) => {
      const entries = f.trace?.(params, input)[1] ?? []
      const chosen = (path: string): boolean => path.length % 2 === 0
      return sameBits('inspection and trace',
        snapshot(inspect(f, chosen)(params, input)), snapshot(entries.filter(([path]) => chosen(path))))
    }
  })
]

/** The trace of a composition is the concatenation of the traces of its parts. */
export const traceOfComposition = <P, Q, X, Y, Z, DX>(
  f: Layer<P, X, Y, DX>, g: Layer<Q, Y, Z>, points: Points<{ readonly f: P, readonly g: Q }, X>
): Law => law({
  name: 'the trace of a composition',
  statement: 'the entries of $g \\circ f$ are those of $f$ and then those of $g$ at $f(x)$',
  cases: pointsOf(points),
  check: ({ params, input }) => {
    const first: Layer<{ readonly f: P }, X, Y, DX> = pipe(f, named('f')), second: Layer<{ readonly g: Q }, Y, Z> = pipe(g, named('g'))
    const whole: Layer<{ readonly f: P, readonly g: Q }, X, Z, DX> = pipe(f, named('f'), andThen('g', g))
    const [, entries] = whole.trace?.(params, input) ?? [undefined, undefined]
    const [y, inF] = first.trace?.(params, input) ?? [undefined, undefined]
    if (entries === undefined || inF === undefined) return fails('a composition has no `trace`')
    const inG = second.trace?.(params, y)[1] ?? []
    return sameBits('the trace of the composition and of its parts', snapshot(entries), snapshot([...inF, ...inG]))
  }
})
