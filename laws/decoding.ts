/**
 * The laws of decoders and of generation.
 *
 * @module
 */
import fc from 'fast-check'
import {
  greedySampler, noParams, random, tensor, type Decoder, type generate, type Layer, type NoParams, type Sampler, type Tensor, type Tokens
} from 'pullback'
import * as arbitrary from './arbitraries.js'
import { fails, type Finding, firstFailing, holds, type Law, law, worst } from './law.js'
import { largestDifference } from './values.js'

export interface DecodingOptions<P> {
  readonly params: fc.Arbitrary<P>
  readonly vocabulary: number
  /** How many tokens the model sees. */
  readonly context: number
  readonly tolerance: number
  readonly reason: string
}

const idsBelow = (vocabulary: number, maxLength: number, minLength = 1): fc.Arbitrary<readonly number[]> =>
  fc.array(fc.nat(vocabulary - 1), { minLength, maxLength })

/** A decoder says after every piece of a sequence what the model says of its last tokens, also when the window slides. */
export const decoding = <P, C>(
  decoder: Decoder<P, C>, model: Layer<P, Tokens, Tensor, void>, { params, vocabulary, context, tolerance, reason }: DecodingOptions<P>
): Law => law({
  name: 'decoding is the model',
  statement: 'reading $t_1 \\dots t_n$ in pieces gives the logits of the model after the last $C$ tokens, at every piece',
  tolerance, reason,
  cases: fc.record({ params, pieces: fc.array(idsBelow(vocabulary, context + 2), { minLength: 1, maxLength: context + 4 }) }),
  check: ({ params: theta, pieces }) => {
    const findings: Finding[] = []
    let cache = decoder.empty(theta), seen: readonly number[] = []
    for (const [i, piece] of pieces.entries()) {
      const [logits, next] = decoder.read(theta, cache, piece)
      seen = [...seen, ...piece].slice(-context)
      const all = model.forward(theta, tensor.tokensFromArray([1, seen.length], seen))
      const expected = tensor.fromArray([vocabulary], Array.from(all.data).slice(-vocabulary), tensor.precisionOf(all))
      if (logits.shape.join() !== String(vocabulary)) return fails(`logits of the shape [${logits.shape.join(', ')}], expected [${vocabulary}]`)
      findings.push({
        error: tensor.norm(tensor.subtract(expected)(logits)) / (1 + tensor.norm(expected)),
        explain: () => `after piece ${i} of ${JSON.stringify(pieces)}: ${largestDifference(logits, expected)}`
      })
      cache = next
    }
    return worst(findings)
  }
})

const VOCABULARY = 5

/** A token that every token before it decides. */
const successor = (tokens: readonly number[]): number => tokens.reduce((hash, token) => (31 * hash + token + 7) % 1009, 1) % VOCABULARY

/** A decoder that remembers what it read, and is certain of the successor. */
const certain: Decoder<NoParams, readonly number[]> = {
  empty: () => [],
  read: (_, cache, tokens) => {
    const seen = [...cache, ...tokens], next = successor(seen)
    return [tensor.fromArray([VOCABULARY], Array.from({ length: VOCABULARY }, (__, v) => (v === next ? 1 : 0))), seen]
  }
}

/** What follows a prompt, by the definition. */
const followers = (prompt: readonly number[], count: number, until: (token: number) => boolean): readonly number[] => {
  const tokens: number[] = []
  while (tokens.length < count) {
    const next = successor([...prompt, ...tokens])
    tokens.push(next)
    if (until(next)) break
  }
  return tokens
}

const prompts = idsBelow(VOCABULARY, 6)

/** Everything that must hold for generation. */
export const generation = (generating: typeof generate): readonly Law[] => [
  law({
    name: 'every token decides',
    statement: 'token $i$ is chosen from the logits after the prompt and the tokens before it; the end is the count, or the first token that `until` names',
    cases: fc.record({ prompt: prompts, count: fc.nat(12), last: fc.option(fc.nat(VOCABULARY - 1), { nil: undefined }), key: arbitrary.keys }),
    check: ({ prompt, count, last, key }) => {
      const until = (token: number): boolean => token === last
      const found = generating({ decoder: certain, params: noParams, sampler: greedySampler, count, ...(last === undefined ? {} : { until }) })(prompt, key)
      const expected = followers(prompt, count, until)
      return found.join() === expected.join() ? holds : fails(`generated ${found.join(', ')}, expected ${expected.join(', ')}`)
    }
  }),
  law({
    name: 'every token has a key of its own',
    statement: 'no two tokens of a generation are drawn with one key, nor the tokens of two generations; a longer generation begins with the shorter one',
    cases: fc.record({ prompt: prompts, count: fc.integer({ min: 1, max: 12 }), extra: fc.nat(4), key: arbitrary.keys }),
    check: ({ prompt, count, extra, key }) => {
      const run = (length: number, k: typeof key) => {
        const draws: string[] = []
        const sampler: Sampler = () => tokenKey => {
          draws.push(Array.from(random.uniform([2], { precision: 'float64' })(tokenKey).data).join())
          return random.integers([], 0, VOCABULARY)(tokenKey).data[0]
        }
        return { tokens: generating({ decoder: certain, params: noParams, sampler, count: length })(prompt, k), draws }
      }
      const short = run(count, key), long = run(count + extra, key), other = run(count, random.foldIn(0)(random.split(key)[0]))
      const draws = [...long.draws, ...other.draws]
      return firstFailing([
        new Set(draws).size === draws.length ? holds : fails(`${draws.length} tokens were drawn with ${new Set(draws).size} keys`),
        long.tokens.slice(0, count).join() === short.tokens.join() ? holds : fails(`${long.tokens.join(', ')} does not begin with ${short.tokens.join(', ')}`)
      ])
    }
  })
]
