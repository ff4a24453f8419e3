import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import {
  characterTokenizer, completeSentence, decoding, frozen, gpt, greedySampler, initGpt, noParams, random, tensor, tokenEmbedding, tokenizerFrom, wordTokenizer, words
} from 'pullback'

const right = <A>(either: E.Either<string, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left)
  return either.right
}
const left = <A>(either: E.Either<string, A>): string => (E.isLeft(either) ? either.left : 'no problem')

describe('tokenizers', () => {
  test('an unknown symbol is named with its place', () => {
    expect(left(right(characterTokenizer()('abc')).encode('abX'))).toBe('symbol "X" at position 2 is not in the vocabulary of 3 symbols')
  })
  test('or replaced', () => {
    const t = right(characterTokenizer({ unknown: '�' })('abc'))
    expect(right(t.decode(right(t.encode('abX'))))).toBe('ab�')
  })
  test('a limit keeps the most frequent words', () => {
    const t = right(wordTokenizer({ limit: 2, unknown: '<unk>' })('a a a b b c'))
    expect(t.symbols).toEqual([' ', '<unk>', 'a'])
    expect(right(t.decode(right(t.encode('a b'))))).toBe('a <unk>')
  })
  test('words keep all white space', () => {
    const text = '  to be,\n\tor not '
    const t = right(wordTokenizer()(text))
    expect(right(t.decode(right(t.encode(text))))).toBe(text)
  })
  test.each([
    ['no symbols', characterTokenizer()(''), 'no vocabulary'],
    ['a limit of 0', characterTokenizer({ limit: 0 })('a'), 'positive limit'],
    ['two symbols in one', tokenizerFrom({ kind: 'character', symbols: ['ab'] }), 'not one symbol'],
    ['a replacement outside', tokenizerFrom({ kind: 'character', symbols: ['a'], unknown: 'b' }), 'replacement']
  ])('%s is one sentence', (_, result, expected) => expect(left<unknown>(result)).toContain(expected))
})

describe('completeSentence', () => {
  const t = right(characterTokenizer()('abc'))
  const params = initGpt({ vocabulary: 3, context: 4, width: 4, layers: 1 })(random.key(0))
  const complete = completeSentence({ decoder: decoding(gpt({ heads: 1 }), { context: 4 }), params, tokenizer: t, sampler: greedySampler, count: 6 })
  test('adds as many symbols as asked for, beyond the context', () => expect(right(complete('ab', random.key(0)))).toHaveLength(6))
  test('an empty prompt is a sentence', () => expect(left(complete('', random.key(0)))).toContain('empty'))
  test('an unknown symbol is a sentence', () => expect(left(complete('x', random.key(0)))).toContain('"x"'))
})

const glove = ['the 1 0 0', 'king 0 1 0.5', 'queen 0 1 -0.5', 'man 0 0.1 0.5', 'woman 0 0.1 -0.5', 'new york 1 1 1']

async function * arriving(lines: readonly string[]) {
  for (const line of lines) {
    await Promise.resolve()
    yield line
  }
}

describe('word vectors', () => {
  const vectors = right(words.wordVectorsFromLines(glove))
  test('the last fields are the numbers, so a word may have spaces', () => expect(vectors.words[5]).toBe('new york'))
  test('an unknown word is zeros', () => expect(Array.from(words.vectorOf(vectors)('dog').data)).toEqual([0, 0, 0]))
  test('king − man + woman = queen', () => {
    expect(right(words.analogy(vectors, { count: 1 })('king', 'man', 'woman'))[0].word).toBe('queen')
  })
  test('an analogy with an unknown word is a sentence', () => expect(left(words.analogy(vectors)('king', 'dog', 'woman'))).toContain('"dog"'))
  test('nearest neighbours by cosine, itself first', () => {
    const [first, second] = words.nearest(vectors, { count: 2 })(words.vectorOf(vectors)('king'))
    expect(first.word).toBe('king')
    expect(first.similarity).toBeCloseTo(1, 6)
    expect(second.similarity).toBeLessThan(1)
  })
  test('cosine and dot product', () => {
    expect(words.cosine(tensor.of([3, 4]))(tensor.of([4, 3]))).toBeCloseTo(24 / 25, 6)
    expect(words.cosine(tensor.of([0, 0]))(tensor.of([4, 3]))).toBe(0)
    expect(tensor.dot(tensor.of([3, 4]))(tensor.of([4, 3]))).toBe(24)
  })
  test('they are an embedding, frozen or not', () => {
    const ids = words.wordIds(vectors)(['king', 'dog'])
    const y = frozen({ weight: vectors.weight })(tokenEmbedding).forward(noParams, ids)
    expect(Array.from(y.data)).toEqual([0, 1, 0.5, 0, 0, 0])
    expect(Array.from(tokenEmbedding.forward({ weight: vectors.weight }, ids).data)).toEqual(Array.from(y.data))
  })
  test('lines after the limit are not read', () => {
    function * lines() {
      yield 'a 1'
      yield 'b 2'
      throw new Error('a line after the limit was read')
    }
    expect(right(words.wordVectorsFromLines(lines(), { limit: 2 })).words).toEqual(['a', 'b'])
  })
  test.each([
    ['no numbers', ['word'], 'line 1: expected a word and at least one number'],
    ['too few numbers', ['a 1 2', 'b 1'], 'line 2: expected a word and 2 numbers'],
    ['what is no number', ['a 1 2', 'b 1 x'], 'line 2: expected a number, got "x"'],
    ['an infinite number', ['a 1e39'], 'line 1: expected a number'],
    ['too many numbers', ['a 1 2', 'b 1 2 3'], 'line 2: expected a word and 2 numbers, got more'],
    ['nothing', [], 'at least one line'],
    ['only an empty line', [''], 'line 1: expected a word'],
    ['an empty line between others', ['a 1', '', '', 'b 2'], 'line 2: expected a word and its numbers, got an empty line'],
    ['no word', [' 1 2'], 'line 1: expected a word'],
    ['a width against the header', ['3 2', 'a 1 2', 'b 1'], 'line 3: expected a word and 2 numbers, got 1'],
    ['fewer lines than the header promises', ['3 2', 'a 1 2', 'b 1 2', ''], 'line 1: promises 3 words, but only 2 lines follow'],
    ['a header of no width', ['3 0', 'a'], 'line 1: expected the number of words and a positive width'],
    ['a header alone', ['0 2'], 'at least one line'],
    ['a wrong number of a repeated word', ['a 1', 'a x'], 'line 2: expected a number, got "x"']
  ])('%s is one sentence', (_, lines, expected) => expect(left(words.wordVectorsFromLines(lines))).toContain(expected))
  test.each([
    ['a header', ['3 2', 'the 1 2', 'a 3 4', 'new york 5 6']],
    ['a header with a limit', ['3 2', 'the 1 2', 'a 3 4', 'new york 5 6', 'not a line'], 3],
    ['fewer words than promised, for one is repeated', ['4 2', 'the 1 2', 'a 3 4', 'the 9 9', 'new york 5 6']],
    ['a repeated word, of which the first line counts', ['the 1 2', 'a 3 4', 'the 9 9', 'new york 5 6', 'a 7 7']],
    ['a repeated word that does not count for the limit', ['the 1 2', 'the 9 9', 'a 3 4', 'new york 5 6', 'b 1 1'], 3],
    ['a byte order mark', ['\ufeffthe 1 2', 'a 3 4', 'new york 5 6']],
    ['a byte order mark before a header', ['\ufeff3 2', 'the 1 2', 'a 3 4', 'new york 5 6']],
    ['blank last lines', ['the 1 2', 'a 3 4', 'new york 5 6', '', ' ', '\r']],
    ['spaces and carriage returns at the end', ['3 2\r', 'the 1 2 \r', 'a 3 4  ', 'new york 5 6\r']],
    ['what text.split gives', 'the 1 2\r\na 3 4\r\nnew york 5 6\r\n'.split('\n')]
  ])('%s is read as other readers do', async (_, lines, limit?: number) => {
    for (const read of [right(words.wordVectorsFromLines(lines, { limit })), right(await words.wordVectorsFromStream(arriving(lines), { limit }))]) {
      expect(read.words).toEqual(['the', 'a', 'new york'])
      expect(Array.from(read.rows)).toEqual([['the', 0], ['a', 1], ['new york', 2]])
      expect(Array.from(read.weight.data)).toEqual([1, 2, 3, 4, 5, 6, 0, 0])
    }
  })
  test('a number of a million digits takes no time', () => {
    const began = performance.now()
    expect(left(words.wordVectorsFromLines([`a ${'1'.repeat(1_000_000)}x`]))).toContain('expected a number')
    expect(performance.now() - began).toBeLessThan(2000)
  })
  test('a limit of 0 is a sentence', () => expect(left(words.wordVectorsFromLines(glove, { limit: 0 }))).toContain('positive limit'))
})
