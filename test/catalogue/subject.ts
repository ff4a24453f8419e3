import type { Law } from 'pullback/laws'

/** Something the library claims laws of. */
export interface Subject {
  readonly subject: string
  readonly laws: readonly Law[]
}
