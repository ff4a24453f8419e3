/**
 * The derivative of a function of one number, from its values.
 *
 * The central difference $D(h) = \frac{\varphi(h) - \varphi(-h)}{2h}$ of a smooth function has the error
 * $c_2 h^2 + c_4 h^4 + \dots$. Two of them cancel the first term, $\frac{4 D(h/2) - D(h)}{3}$, three the first two,
 * and so on (Richardson extrapolation). A small $h$ loses digits to rounding, so the tableau of extrapolations is
 * searched for the entry that differs least from its neighbours. (C. Ridders, *Accurate computation of F′(x) and
 * F′(x) F″(x)*, 1982.)
 *
 * @module
 */

const LARGEST_STEP = 2 ** -4
const LEVELS = 12
/** Neighbours this close agree in all digits that rounding leaves. */
const CONVERGED = 1e-12

/** $\varphi'(0)$. The function is evaluated within ±1/16. */
export const derivativeAtZero = (phi: (h: number) => number): number => {
  let previous: readonly number[] = []
  let best = NaN, smallest = Infinity
  for (let level = 0, h = LARGEST_STEP; level < LEVELS; level++, h /= 2) {
    const row = [(phi(h) - phi(-h)) / (2 * h)]
    for (let order = 1; order <= level; order++) {
      const refined = row[order - 1] + (row[order - 1] - previous[order - 1]) / (4 ** order - 1)
      row.push(refined)
      const difference = Math.max(Math.abs(refined - row[order - 1]), Math.abs(refined - previous[order - 1]))
      if (difference < smallest) {
        smallest = difference
        best = refined
      }
    }
    previous = row
    if (smallest <= CONVERGED * Math.abs(best)) break
  }
  return best
}

/** How far a function may move from the point of differentiation; kinks must be farther away than this. */
export const REACH = LARGEST_STEP
