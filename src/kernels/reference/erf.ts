/**
 * The standard normal distribution
 * $\Phi(x) = \tfrac1{\sqrt{2\pi}} \int_{-\infty}^x e^{-t^2/2}\,dt = \tfrac12\,\mathrm{erfc}(-x/\sqrt2)$ and its density, to a relative error of
 * less than 1e-15 for every $x$ for which they are normal numbers.
 *
 * In the lower tail a difference like $1 + \mathrm{erf}$ would cancel, so there it is $e^{-x^2/2}$ times
 * $\mathrm{erfcx}(z) = e^{z^2}\,\mathrm{erfc}(z)$, a smooth function.
 *
 * @module
 */

/** $e^{z^2}\,\mathrm{erfc}(z)$ at $z = \tfrac14, \tfrac24, \dots, \tfrac{11}4$. */
const NODES = [
  0.7703465477309968, 0.6156903441929259, 0.5069376502931449, 0.427583576155807, 0.3678229164523611,
  0.3215854164543175, 0.2849722347374364, 0.25539567631050575, 0.23108725873039188, 0.2108063640611436,
  0.1936620962790687
]
const STEP = 0.25
/** From here on the continued fraction needs fewer operations than the series. */
const FRACTION_FROM = STEP * (NODES.length + 0.5)
const FRACTION_DEPTH = 30
const TERMS = 13
const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI)

/**
 * The Taylor series around the nearest node. With $y' = 2zy - 2/\sqrt\pi$ the coefficients $a_n = y^{(n)}/n!$ are
 * $a_1 = 2za_0 - 2/\sqrt\pi$ and $(n + 1)\,a_{n+1} = 2za_n + 2a_{n-1}$.
 */
const aroundNode = (z: number): number => {
  const node = Math.max(1, Math.round(z / STEP)), center = STEP * node, h = z - center
  let previous = NODES[node - 1], current = 2 * center * previous - TWO_OVER_ROOT_PI, power = h, total = 0
  for (let n = 1; n < TERMS; n++) {
    total += current * power
    const next = (2 * center * current + 2 * previous) / (n + 1)
    previous = current
    current = next
    power *= h
  }
  return NODES[node - 1] + total
}

/**
 * $\frac{1}{\sqrt\pi}\,\cfrac{1}{z + \cfrac{1/2}{z + \cfrac{2/2}{z + \cfrac{3/2}{z + \dots}}}}$ for $z > 0$, evaluated from the inside.
 * (Abramowitz and Stegun 1964, 7.1.14.)
 */
const fraction = (z: number): number => {
  let value = z
  for (let n = FRACTION_DEPTH; n >= 1; n--) value = z + n / 2 / value
  return 1 / (Math.sqrt(Math.PI) * value)
}

/**
 * $e^{-x^2/2}$. A rounding of the exponent would be one of the result times $x^2/2$, so the square is taken in two parts: that of
 * the 24 leading bits of $x$, which is exact, and what is left.
 */
const gaussian = (x: number): number => {
  const high = Math.fround(x)
  return Math.abs(x) > 40 ? 0 : Math.exp(-high * high / 2) * Math.exp(-(x - high) * (x + high) / 2)
}

/** $\varphi(x) = e^{-x^2/2}/\sqrt{2\pi}$ */
export const normalDensity = (x: number): number => gaussian(x) / Math.sqrt(2 * Math.PI)

/**
 * $\tfrac12 + \tfrac1{\sqrt{2\pi}} e^{-x^2/2} \sum_{n \ge 0} \frac{x^{2n+1}}{1 \cdot 3 \cdots (2n+1)}$. (Abramowitz and Stegun 1964, 26.2.11.)
 */
const aroundZero = (x: number): number => {
  let term = x, total = x
  for (let n = 1; Math.abs(term) > Math.abs(total) * 2 ** -54; n++) {
    term *= x * x / (2 * n + 1)
    total += term
  }
  return 0.5 + normalDensity(x) * total
}

/** $\Phi(x)$; NaN for NaN. */
export const normalDistribution = (x: number): number => {
  const z = Math.abs(x) / Math.SQRT2
  if (z < STEP / 2) return aroundZero(x)
  const tail = 0.5 * gaussian(x) * (z < FRACTION_FROM ? aroundNode(z) : fraction(z))
  return x < 0 ? tail : 1 - tail
}
