import { pointwise } from 'pullback'

/** ln(1 + e^x), written so that no exponential overflows; its derivative is the sigmoid. */
export const softplus = pointwise(x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), x => 1 / (1 + Math.exp(-x)))

/** The same with a mistake in its gradient. */
export const wrongSoftplus = pointwise(x => Math.log1p(Math.exp(x)), x => 1 / (1 + Math.exp(x)))
