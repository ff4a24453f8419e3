/**
 * The error function $\mathrm{erf}(x) = \tfrac{2}{\sqrt\pi} \int_0^x e^{-t^2} dt$.
 *
 * @module
 */

/** Below this the series needs fewer terms than the continued fraction. */
const CROSSOVER = 2.5
/** From here on erf(x) rounds to 1 in double precision. */
const SATURATION = 6
const FRACTION_DEPTH = 60

/**
 * $\tfrac{2}{\sqrt\pi} e^{-x^2} \sum_{n \ge 0} \frac{2^n x^{2n+1}}{1 \cdot 3 \cdots (2n+1)}$. Every term has the
 * sign of $x$, so nothing cancels. (Abramowitz and Stegun 1964, 7.1.6.)
 */
const series = (x: number): number => {
  let term = x, total = x
  for (let n = 1; Math.abs(term) > Math.abs(total) * 2 ** -54; n++) {
    term *= 2 * x * x / (2 * n + 1)
    total += term
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * total
}

/**
 * $\mathrm{erfc}(x) = \frac{e^{-x^2}}{\sqrt\pi}\,\cfrac{1}{x + \cfrac{1/2}{x + \cfrac{2/2}{x + \cfrac{3/2}{x + \dots}}}}$
 * for $x > 0$, evaluated from the inside. (Abramowitz and Stegun 1964, 7.1.14.)
 */
const complement = (x: number): number => {
  let fraction = x
  for (let n = FRACTION_DEPTH; n >= 1; n--) fraction = x + n / 2 / fraction
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction)
}

export const erf = (x: number): number => {
  const magnitude = Math.abs(x)
  if (magnitude > SATURATION) return Math.sign(x)
  return magnitude < CROSSOVER ? series(x) : Math.sign(x) * (1 - complement(magnitude))
}

/**
 * The standard normal distribution $\Phi(x) = \tfrac12(1 + \mathrm{erf}(x/\sqrt2))$. In the lower tail it is
 * taken from erfc, which keeps its relative precision there.
 */
export const normalDistribution = (x: number): number => {
  const z = Math.abs(x) / Math.SQRT2
  if (z < CROSSOVER) return 0.5 * (1 + erf(x / Math.SQRT2))
  const tail = 0.5 * complement(z)
  return x < 0 ? tail : 1 - tail
}
