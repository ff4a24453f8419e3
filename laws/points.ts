/**
 * Points at which a layer is looked at: parameters and an input.
 *
 * @module
 */
import fc from 'fast-check'
import { inPrecision } from './values.js'

export interface Point<P, X> {
  readonly params: P
  readonly input: X
}

/**
 * Points $(\theta, x)$: one arbitrary, if shapes depend on each other, or one for each part. They may be of any
 * precision, and parameters of another than inputs: a law casts the whole point to the precision that it looks at.
 */
export type Points<P, X> = fc.Arbitrary<Point<P, X>> | {
  readonly params: fc.Arbitrary<P>
  readonly input: fc.Arbitrary<X>
}

/** In double precision, which differences of nearby values need. */
export const pointsOf = <P, X>(points: Points<P, X>): fc.Arbitrary<Point<P, X>> =>
  ('params' in points ? fc.record({ params: points.params, input: points.input }) : points).map(inPrecision('float64'))
