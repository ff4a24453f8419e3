/**
 * The laws of layers that step through a sequence.
 *
 * @module
 */
import fc from 'fast-check'
import { tensor, type Layer, type Memory, type Tensor, type Tokens } from 'pullback'
import { fails, type Finding, firstFailing, type Law, law, worst } from './law.js'
import { type Points, pointsOf } from './points.js'
import { inner, leavesOf, normOf, sameBits, snapshot } from './values.js'

/** A sequence: tokens `[..., T]` or a tensor `[..., T, D]`. */
export type Sequence = Tokens | Tensor

const lengthOf = (x: Sequence): number => x.shape[x.shape.length - (x._tag === 'Tokens' ? 1 : 2)]

/** Positions `from … to − 1`. */
const positions = <X extends Sequence>(x: X, from: number, to: number): X => {
  const time = lengthOf(x), width = x._tag === 'Tokens' ? 1 : x.shape[x.shape.length - 1]
  const entries = Array.from(x.data).filter((_, i) => {
    const position = Math.floor(i / width) % time
    return position >= from && position < to
  })
  const shape = x._tag === 'Tokens' ? [...x.shape.slice(0, -1), to - from] : [...x.shape.slice(0, -2), to - from, width]
  // The same kind of sequence; TypeScript does not follow the kind of a generic value.
  return (x._tag === 'Tokens' ? tensor.tokensFromArray(shape, entries) : tensor.fromArray(shape, entries, tensor.precisionOf(x))) as X
}

const difference = (a: Tensor, b: Tensor): Finding => {
  const distance = normOf(tensor.subtract(b)(a)), size = Math.sqrt(inner(b, b))
  return { error: distance === 0 ? 0 : distance / size, explain: () => `${tensor.toArray(a).join(', ')} against ${tensor.toArray(b).join(', ')}` }
}

type Stepping<P, X> = NonNullable<Layer<P, X, Tensor, unknown>['step']>

/** The outputs of one piece after the other. */
const inPieces = <P, X extends Sequence>(step: Stepping<P, X>, params: P, memory: Memory, x: X, cuts: readonly number[]): readonly Tensor[] => {
  const ends = [...new Set([...cuts.map(cut => cut % lengthOf(x)), lengthOf(x)])].filter(end => end > 0).sort((a, b) => a - b)
  let current = memory
  return ends.map((end, i) => {
    const [y, next] = step(params, current, positions(x, i === 0 ? 0 : ends[i - 1], end))
    current = next
    return y
  })
}

/**
 * Everything that must hold for a layer with a `step`: from a sequence to a tensor `[..., T, D]`, at points with at least one
 * position.
 *
 * @example
 * const params = arbitrary.treeOf({ weight: [3, 2], bias: [2] })
 * laws.stepping(linear, { params, input: arbitrary.tensorOf([1, 4, 3]) }).some(({ property }) => fc.check(property, { numRuns: 5 }).failed) // false
 */
export const stepping = <P, X extends Sequence, DX>(f: Layer<P, X, Tensor, DX>, points: Points<P, X>): readonly Law[] => {
  const { step, last } = f
  const cases = fc.record({ point: pointsOf(points), cuts: fc.array(fc.nat(20), { maxLength: 4 }) })
  const missing = law({
    name: 'there is a step', statement: 'the layer has a `step`', cases: fc.constant(0), check: () => fails('the layer has no `step`')
  })
  if (step === undefined) return [missing]
  const lastOfStep: typeof step = (params, memory, x) => {
    const [y, next] = step(params, memory, x)
    return [positions(y, lengthOf(y) - 1, lengthOf(y)), next]
  }
  return [
    law({
      name: 'the first step is forward',
      statement: '$\\mathrm{step}(\\theta, \\varnothing, x) = (f(\\theta, x), \\cdot)$, to the bit',
      cases,
      check: ({ point: { params, input } }) =>
        sameBits('the first step and forward', snapshot(step(params, undefined, input)[0]), snapshot(f.forward(params, input)))
    }),
    law({
      name: 'reading in pieces',
      statement: 'reading a sequence in pieces gives the outputs of reading it at once',
      tolerance: 1e-12,
      reason: 'double precision: products of one row and of many may be summed differently',
      cases,
      check: ({ point: { params, input }, cuts }) => {
        const whole = f.forward(params, input), pieces = inPieces(step, params, undefined, input, cuts)
        let begin = 0
        return worst(pieces.map(piece => {
          const end = begin + lengthOf(piece), expected = positions(whole, begin, end)
          begin = end
          return difference(piece, expected)
        }))
      }
    }),
    law({
      name: 'the last position',
      statement: '`last`, if there is one, gives what `step` gives at the last position, and the same memory',
      cases,
      tolerance: 1e-12,
      reason: 'double precision: products of one row and of many may be summed differently',
      check: ({ point: { params, input } }) => {
        const [y, memory] = step(params, undefined, input), [only, after] = (last ?? lastOfStep)(params, undefined, input)
        return worst([
          difference(only, positions(y, lengthOf(y) - 1, lengthOf(y))),
          sameBits('the memories', snapshot(after), snapshot(memory))
        ])
      }
    }),
    law({
      name: 'memory is a value',
      statement: 'two continuations of one memory give what two runs give, and change neither the memory nor each other',
      cases: fc.record({ point: pointsOf(points), cuts: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }) }),
      check: ({ point: { params, input }, cuts }) => {
        const time = lengthOf(input), cut = cuts[0] % time
        if (cut === 0) return { error: 0, explain: () => 'nothing to continue' }
        const begin = positions(input, 0, cut), rest = positions(input, cut, time)
        const [, memory] = step(params, undefined, begin)
        const before = snapshot(memory)
        const once = step(params, memory, rest), held = snapshot(once)
        step(params, memory, positions(begin, 0, 1))
        const afterAnother = snapshot(once)
        const twice = step(params, memory, rest), anew = step(params, step(params, undefined, begin)[1], rest)
        return firstFailing([
          sameBits('the memory before and after', before, snapshot(memory)),
          sameBits('a continuation before and after another', held, afterAnother),
          sameBits('two continuations', held, snapshot(twice)),
          sameBits('a continuation and a run of its own', held, snapshot(anew)),
          ...(leavesOf(once[0]).length === 0 ? [fails('a step gives no tensor')] : [])
        ])
      }
    })
  ]
}
