/**
 * Mistakes that are none: what they give is as true as before. Each with the reason; a test fails where one is noticed after all.
 */
export interface Harmless {
  readonly page: string
  /** Where; every place of the page unless given. */
  readonly place?: string
  readonly mistake: RegExp
  readonly reason: string
}

const DELTA = 'a delta in the same product is 0 unless the two indices agree'
const RENAMED = 'a free index gets another name'
const WEAKER = 'the inequality becomes weaker'
const OUTER = 'a shift that is added last is in no pullback'

export const harmless: readonly Harmless[] = [
  { page: 'pointwise: functions of one number', mistake: /^index (j in place of i on x|i in place of j on dy)$/, reason: DELTA },
  { page: 'relu and leakyRelu', place: 'dx, step 1', mistake: /^1 in place of 0$/, reason: 'the case before takes what is above 0' },
  { page: 'relu and leakyRelu', mistake: /^2 in place of 1$/, reason: WEAKER },
  { page: 'sigmoid', place: 'claim 1', mistake: /^(2 in place of 1|without the denominator)$/, reason: WEAKER },
  { page: 'tanh', place: 'claim 1', mistake: /^\\sin in place of \\tanh$/, reason: 'both have the slope 1 at 0' },
  { page: 'linear', mistake: /^index (m in place of n|k in place of j) on dY$/, reason: DELTA },
  { page: 'linear', place: 'text of db, step 1', mistake: /^index m in place of n on Y$/, reason: RENAMED },
  { page: 'unembedding', mistake: /^index (m in place of n|u in place of v) on dY$/, reason: DELTA },
  { page: 'probe', mistake: /^index (m in place of n|j in place of i) on dy$/, reason: DELTA },
  { page: 'probe', place: 'text of dr, step 1', mistake: /^index m in place of n on y$/, reason: RENAMED },
  { page: 'andThenTied: shared parameters', place: 'dA, step 1', mistake: /^index j in place of m on y$/, reason: 'only row j of the matrix moves entry j, so the sum has one term' },
  { page: 'softmax with temperature', place: '\\partial y_j/\\partial x_i, step 1', mistake: /^index i in place of j on x$/, reason: DELTA },
  { page: 'softmax with temperature', place: 'claim 1', mistake: /^index l in place of (j on y|i on x)$/, reason: RENAMED },
  { page: 'logSoftmax', place: 'claim 1', mistake: /^index l in place of j on y$/, reason: RENAMED },
  { page: 'cross-entropy from logits', place: 'claim 2', mistake: /^index m in place of n on dx$/, reason: RENAMED },
  { page: 'cross-entropy from logits', place: 'claim 3', mistake: /^index m in place of n on b$/, reason: RENAMED },
  { page: 'cross-entropy from logits', place: 'claim 4', mistake: /^index [lk] in place of j on g$/, reason: RENAMED },
  { page: 'binary cross-entropy from probabilities', place: 'text of the meaning of p', mistake: /^(index j in place of i on p|2 in place of 1)$/, reason: `${RENAMED}, or ${WEAKER}` },
  { page: 'binary cross-entropy from probabilities', place: 'text of the meaning of t', mistake: /^(index j in place of i on t|2 in place of 1)$/, reason: `${RENAMED}, or ${WEAKER}` },
  { page: 'binary cross-entropy from logits', place: 'text of the meaning of t', mistake: /^(index j in place of i on t|2 in place of 1)$/, reason: `${RENAMED}, or ${WEAKER}` },
  { page: 'mean squared error', place: 'dp, step 1', mistake: /^index j in place of i on [pt]$/, reason: DELTA },
  { page: 'layerNorm', place: 'text of \\partial v_n/\\partial x_{ni}, step 1', mistake: /^index [jk] in place of i on x$/, reason: RENAMED },
  { page: 'layerNorm', place: '\\partial v_n/\\partial x_{ni}, step 1', mistake: /^(sign of term 2|term 2 dropped|without the denominator|2 in place of 1)$/, reason: 'the second term is 0, as the next step says' },
  { page: 'dropout', place: 'text of the meaning of p', mistake: /^2 in place of 1$/, reason: WEAKER },
  { page: 'dropout', place: '\\partial y_j/\\partial x_i, step 1', mistake: /^index j in place of i on m$/, reason: DELTA },
  { page: 'dropout', place: 'dx, step 1', mistake: /^index i in place of j on dy$/, reason: 'the Jacobian is diagonal' },
  { page: 'token embedding', place: 'dW, step 1', mistake: /^index i in place of j on dy$/, reason: DELTA },
  { page: 'learned positions', place: 'dP, step 1', mistake: /^index j in place of i on dy$/, reason: DELTA },
  { page: 'scaled dot-product attention', place: 'dQ, step 1', mistake: /^index r in place of t on dZ$/, reason: DELTA },
  { page: 'scaled dot-product attention', place: 'dK, step 1', mistake: /^index s in place of u on dZ$/, reason: DELTA },
  { page: 'scaled dot-product attention', place: 'claim 1', mistake: /^(without the (left|right) factor|index i in place of j on [ab])$/, reason: 'one factor alone, or one entry of it throughout, has the same mean and the variance of the other' },
  { page: 'scaled dot-product attention', place: 'claim 2', mistake: /^index r in place of t on dZ$/, reason: RENAMED },
  { page: 'attention in linear memory', place: 'claim 2', mistake: /^a sum over everything$/, reason: 'the largest score of all is the larger one of both blocks too' },
  { page: 'attention in linear memory', place: 'claim 3', mistake: /^term 2 dropped$/, reason: 'a maximum that has the score already does not change by it' },
  { page: 'merging heads', place: 'dx, step 1', mistake: /^index t in place of u on dy$/, reason: DELTA },
  { page: 'splitting into heads', place: 'dx, step 1', mistake: /^index t in place of u on d[QKV]$/, reason: DELTA },
  { page: 'Adam', place: 'claim 4', mistake: /^(term 1 dropped|2 in place of 1|without the right factor|sign of term 2|term 2 dropped)$/, reason: WEAKER },
  { page: 'clipping', place: 'claim 1', mistake: /^(sign of term [12]|term 2 dropped)$/, reason: 'the ball is symmetric, and 0 lies in it' },
  { page: 'clipping', place: 'claim 2', mistake: /^sign of term 1$/, reason: WEAKER },
  { page: 'schedules', place: 'claim 2', mistake: /^1 in place of 0$/, reason: 'the second rate is positive too' },
  { page: 'choosing the next token', place: 'claim 2', mistake: /^without the (left factor|right factor|condition)$/, reason: WEAKER },
  { page: 'choosing the next token', place: 'text of the meaning of m', mistake: /^2 in place of 1$/, reason: WEAKER },
  { page: 'transformer block', mistake: /^another (\\beta_[12]|b_2|b_O) in the point of/, reason: OUTER },
  { page: 'GPT', mistake: /^another \\beta in the point of/, reason: OUTER },
  { page: 'GPT', place: 'claim 1', mistake: /^index u in place of v on Y$/, reason: RENAMED }
]

/** Mistakes in the code of a step that change nothing, by page, place and mistake. */
export const harmlessInCode: ReadonlyMap<string, string> = new Map([
  ...['+ in place of -', '* in place of /', '2 in place of 1'].map(mistake =>
    [`layerNorm | \\partial v_n/\\partial x_{ni}, step 1 | ${mistake}`, 'the second term is 0, as the next step says'] as const)
])
