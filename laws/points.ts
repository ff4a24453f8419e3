/**
 * Points at which a layer is looked at: parameters and an input.
 *
 * @module
 */
import fc from 'fast-check'

export interface Point<P, X> {
  readonly params: P
  readonly input: X
}

/** Points $(\theta, x)$: one arbitrary, where shapes depend on each other, or one for each part. */
export type Points<P, X> = fc.Arbitrary<Point<P, X>> | {
  readonly params: fc.Arbitrary<P>
  readonly input: fc.Arbitrary<X>
}

export const pointsOf = <P, X>(points: Points<P, X>): fc.Arbitrary<Point<P, X>> =>
  'params' in points ? fc.record({ params: points.params, input: points.input }) : points
