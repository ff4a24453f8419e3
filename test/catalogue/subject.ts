import type { Layer } from 'pullback'
import { laws, type Law } from 'pullback/laws'

/** Something the library claims laws of. */
export interface Subject {
  readonly subject: string
  readonly laws: readonly Law[]
}

/** The laws of every layer, and of every layer that works in single precision too. */
export const everyLaw = <P, X, Y, DX>(layer: Layer<P, X, Y, DX>, points: laws.Points<P, X>): readonly Law[] =>
  [...laws.layer(layer, points), laws.singlePrecision(layer, points)]
