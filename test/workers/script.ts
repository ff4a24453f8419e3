import { crossEntropy, gpt, lossAndGradient, type Example, type GptParams, type Key, type Tokens } from 'pullback'
import { serveGradients } from 'pullback/workers'

export interface Settings {
  readonly heads: number
  readonly fails: boolean
}

export const work = ({ heads, fails }: Settings) => (params: GptParams, part: Example<Tokens, Tokens>, key: Key) => {
  if (fails) throw new Error('a worker failed on purpose')
  return lossAndGradient(gpt({ heads, dropout: { rate: 0.1, key } }), crossEntropy())(params, part)
}

serveGradients(work)
