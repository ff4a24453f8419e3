import { crossEntropy, gpt, lossAndGradient, type Example, type GptParams, type Key, type Tokens } from 'pullback'
import { serveGradients } from 'pullback/workers'

export interface Settings {
  readonly heads: number
  readonly fails: boolean
}

/** Parts with this key fail, and parts with one of these take their time before they begin. */
const FAILING = 1_000_000
const SLOW: Readonly<Record<number, number>> = { 1_000_001: 400, 1_000_002: 900 }

export const work = ({ heads, fails }: Settings) => (params: GptParams, part: Example<Tokens, Tokens>, key: Key) => {
  if (fails || key.low === FAILING) throw new Error('a worker failed on purpose')
  const until = Date.now() + (SLOW[key.low] ?? 0)
  while (Date.now() < until);
  return lossAndGradient(gpt({ heads, dropout: { rate: 0.1, key } }), crossEntropy())(params, part)
}

serveGradients(work)
