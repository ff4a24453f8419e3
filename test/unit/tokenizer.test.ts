import * as E from 'fp-ts/lib/Either.js'
import { expect, test } from 'vitest'
import { characterTokenizer, tokenizerFrom, wordTokenizer, type Tokenizer } from 'pullback'

// Tokenizers are made inside of the tests, so that mutation testing sees which test covers what.
const problem = (make: () => E.Either<string, Tokenizer>): string => {
  const made = make()
  return E.isLeft(made) ? made.left : 'no problem'
}

test.each<readonly [string, () => E.Either<string, Tokenizer>]>([
  ['a text without symbols gives no vocabulary', () => characterTokenizer()('')],
  ['expected a positive limit of the vocabulary, got 0', () => characterTokenizer({ limit: 0 })('a')],
  ['expected a positive limit of the vocabulary, got 1.5', () => characterTokenizer({ limit: 1.5 })('a')],
  ['expected a positive limit of the vocabulary, got -1', () => wordTokenizer({ limit: -1 })('a')],
  ['"ab" is not one symbol of a character tokenizer', () => tokenizerFrom({ kind: 'character', symbols: ['a', 'ab'] })],
  ['"a b" is not one symbol of a word tokenizer', () => tokenizerFrom({ kind: 'word', symbols: ['a b'] })],
  ['the replacement "b" of unknown symbols is not in the vocabulary', () => tokenizerFrom({ kind: 'character', symbols: ['a'], unknown: 'b' })],
  ['the vocabulary of 2 symbols has only 1 different ones', () => tokenizerFrom({ kind: 'character', symbols: ['a', 'a'] })],
  ['no problem', () => characterTokenizer({ limit: 1 })('a')],
  ['no problem', () => tokenizerFrom({ kind: 'word', symbols: ['<a b>'], unknown: '<a b>' })]
])('%s', (expected, make) => expect(problem(make)).toBe(expected))

test('a run of white space is one word', () => {
  const made = wordTokenizer()('a  b\n\n')
  expect(E.isRight(made) && made.right.symbols).toEqual(['\n\n', '  ', 'a', 'b'])
})
