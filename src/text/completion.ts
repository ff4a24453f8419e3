/**
 * Completing a sentence.
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Key } from '../random/key.js'
import { generate, type GenerateOptions } from '../training/generation.js'
import type { Tokenizer } from './tokenizer.js'

export interface CompletionOptions<P, C> extends GenerateOptions<P, C> {
  readonly tokenizer: Tokenizer
}

/**
 * The text that the model adds to a prompt, without the prompt. The left side says why there is none: an empty
 * prompt, or a symbol outside the vocabulary.
 *
 * @example
 * const completed = pipe(characterTokenizer()('abc '), E.chain(tokenizer => {
 *   const params = initGpt({ vocabulary: tokenizer.symbols.length, context: 8, width: 8, layers: 1 })(random.key(0))
 *   const decoder = decoding(gpt({ heads: 2 }), { context: 8 })
 *   return completeSentence({ decoder, params, tokenizer, sampler: greedySampler, count: 5 })('x', random.key(0))
 * }))
 * completed // E.left('symbol "x" at position 0 is not in the vocabulary of 4 symbols')
 *
 * @category generation
 */
export const completeSentence = <P, C>({ tokenizer, ...options }: CompletionOptions<P, C>): ((prompt: string, key: Key) => E.Either<string, string>) => {
  const continued = generate(options)
  return (prompt, key) => pipe(
    tokenizer.encode(prompt),
    E.filterOrElse(ids => ids.length > 0, () => 'expected a prompt with at least one symbol, got an empty one'),
    E.chain(ids => tokenizer.decode(continued(ids, key))))
}
