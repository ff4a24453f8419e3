/**
 * Masked scores, their weights, and what comes back through the mask.
 */
import { andThen, causalMask, masked, MonoidMask, noMask, noParams, paddingMask, random, softmax, tensor } from 'pullback'

export const TIME = 5

type Rows = readonly (readonly number[])[]

const rowsOf = (flat: readonly number[]): Rows => Array.from({ length: TIME }, (_, t) => flat.slice(TIME * t, TIME * (t + 1)))
const halves = (seed: number): Rows => rowsOf(tensor.toArray(random.integers([TIME, TIME], -4, 5)(random.key(seed))).map(n => n / 2))

export const SCORES = halves(4), DY = halves(9)

/** Whether the key s is hidden from the query t. */
export const hiddenAt = (causal: boolean, length: number) => (t: number, s: number): boolean => (causal && s > t) || s >= length

/**
 * The masked scores, the weights, and the gradient at the scores for a gradient at the weights. With `spoilt`, every score that is
 * hidden is NaN before the mask.
 */
export const maskedAt = (causal: boolean, length: number, spoilt: boolean) => {
  const hidden = hiddenAt(causal, length)
  const mask = MonoidMask.concat(causal ? causalMask : noMask, paddingMask([length], TIME))
  const scores = SCORES.map((row, t) => row.map((score, s) => (spoilt && hidden(t, s) ? NaN : score)))
  const x = tensor.of([scores], 'float64'), hide = masked(mask)
  const [y, pullback] = andThen(softmax)(hide).vjp(noParams, x)
  return {
    scores, shown: rowsOf(tensor.toArray(hide.forward(noParams, x))), weights: rowsOf(tensor.toArray(y)),
    dx: rowsOf(tensor.toArray(pullback(tensor.of([DY], 'float64')).input))
  }
}
