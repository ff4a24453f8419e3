/**
 * How fast a run is, by the clock on the wall: everything between two marks counts, the looking too.
 */

export interface Mark {
  readonly time: number
  readonly step: number
}

/** Tokens per second between the first and the last mark; undefined before there are two. */
export const speedOf = (marks: readonly Mark[], tokensPerStep: number): number | undefined => {
  const first = marks[0], last = marks[marks.length - 1]
  return first === undefined || last.time === first.time ? undefined : (last.step - first.step) * tokensPerStep / (last.time - first.time) * 1000
}
