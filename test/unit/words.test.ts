import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { characterTokenizer, tensor, tokenizerFrom, wordTokenizer, words, type Tokenizer } from 'pullback'

const right = <A>(either: E.Either<string, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left)
  return either.right
}
async function * arriving(lines: readonly string[]) {
  for (const line of lines) {
    await Promise.resolve()
    yield line
  }
}
/** What is read at once and what is read line by line, which are the same. */
const read = async (lines: readonly string[], options?: words.WordVectorOptions) => {
  const at = words.wordVectorsFromLines(lines, options)
  expect(await words.wordVectorsFromStream(arriving(lines), options)).toEqual(at)
  return at
}

describe('a tokenizer', () => {
  const rows: readonly (readonly [problem: string, made: () => E.Either<string, unknown>])[] = [
    ['the vocabulary of 3 symbols has only 2 different ones', () => tokenizerFrom({ kind: 'character', symbols: ['a', 'b', 'a'] })],
    ['"ab" is not one symbol of a character tokenizer', () => tokenizerFrom({ kind: 'character', symbols: ['a', 'ab'] })],
    ['"a b" is not one symbol of a word tokenizer', () => tokenizerFrom({ kind: 'word', symbols: ['ab', ' \t', 'a b'] })],
    ['"" is not one symbol of a word tokenizer', () => tokenizerFrom({ kind: 'word', symbols: [''] })],
    ['"ab" is not one symbol of a character tokenizer', () => tokenizerFrom({ kind: 'character', symbols: ['<u>', 'ab'], unknown: '<u>' })],
    ['the replacement "b" of unknown symbols is not in the vocabulary', () => tokenizerFrom({ kind: 'character', symbols: ['a'], unknown: 'b' })],
    ...[0, -1, 1.5, NaN, Infinity].map(limit => [`expected a positive limit of the vocabulary, got ${limit}`, () => wordTokenizer({ limit })('a b')] as const),
    ['a text without symbols gives no vocabulary', () => characterTokenizer()('')],
    ['a text without symbols gives no vocabulary', () => wordTokenizer()('')],
    ['symbol "c" at position 2 is not in the vocabulary of 3 symbols', () => right(wordTokenizer()('a b')).encode('a c')],
    ['symbol "c" at position 0 is not in the vocabulary of 2 symbols', () => right(characterTokenizer()('ab')).encode('cab')],
    ...[2, -1, 0.5, NaN].map(id => [`id ${id} is outside the vocabulary of 2 symbols`, () => right(characterTokenizer()('ab')).decode([0, id])] as const)
  ]
  test.each(rows)('%s', (problem, made) => { expect(made()).toEqual(E.left(problem)) })
  const shown = ({ kind, symbols, unknown }: Tokenizer) => [kind, symbols.join('|'), unknown]
  test('has the symbols of a text, sorted, the most frequent ones, and of equally frequent ones the first', () => {
    expect(shown(right(characterTokenizer()('b👩a b')))).toEqual(['character', ' |a|b|👩', undefined])
    expect(shown(right(wordTokenizer()('to be  or\nto')))).toEqual(['word', '\n|  | |be|or|to'.split('|').sort().join('|'), undefined])
    const limited = (limit: number, unknown?: string) => right(characterTokenizer({ limit, unknown })('cabbacd')).symbols.join('')
    expect([1, 2, 3, 4, 9].map(limit => limited(limit))).toEqual(['c', 'ac', 'abc', 'abcd', 'abcd'])
    expect(right(characterTokenizer({ limit: 1 })('abb')).symbols).toEqual(['b'])
    expect(limited(2, 'x')).toBe('acx')
    expect(limited(2, 'a')).toBe('ac')
  })
  test('writes what it reads, and a replacement for what it does not know', () => {
    const t = right(wordTokenizer({ unknown: '?!' })('a b'))
    expect(right(t.encode('b  a'))).toEqual([3, 1, 2])
    expect(right(t.decode([3, 1, 2]))).toBe('b?!a')
    expect([t.encode(''), t.decode([])]).toEqual([E.right([]), E.right('')])
  })
})

describe('lines of word vectors', () => {
  const rows: readonly (readonly [problem: string, lines: readonly string[]])[] = [
    ['expected at least one line with a word and its numbers, got none', []],
    ['expected at least one line with a word and its numbers, got none', ['0 2', '', '']],
    ['line 1: expected a word and at least one number, got 0 numbers', ['word']],
    ['line 1: expected a word and at least one number, got an empty line', ['']],
    ['line 1: expected a word and at least one number, got an empty line', ['\ufeff']],
    ['line 1: expected a word and 2 numbers, got 2 numbers', [' 1 2']],
    ['line 2: expected a word and 2 numbers, got 1 numbers', ['a 1 2', 'b 1']],
    ['line 2: expected a word and 2 numbers, got 0 numbers', ['a 1 2', 'b']],
    ['line 2: expected a word and 2 numbers, got more', ['a 1 2', 'b 3 1 2']],
    ['line 2: expected a number, got "x"', ['a 1 2', 'b 1 x']],
    ['line 2: expected a word and its numbers, got an empty line', ['a 1', '', '', 'b 2']],
    ['line 3: expected a word and its numbers, got an empty line', ['a 1', 'b 2', ' ', 'c 2']],
    ['line 2: expected a number, got "\\ufeff2"', ['a 1', 'b \ufeff2']],
    ['line 1: promises 3 words, but only 2 lines follow', ['3 1', 'a 1', 'a 2', '']],
    ['line 1: expected the number of words and a positive width, got "3 0"', ['3 0', 'a']],
    ['line 1: expected the number of words and a positive width, got "3 9007199254740992"', ['3 9007199254740992', 'a']],
    ['line 2: expected a word and 2 numbers, got 1 numbers', ['1 2', 'a 1']],
    ...['', 'x', '1x', 'x1', '1e', 'e1', '.', '+', '+-1', '1..2', '1.2.3', '0x10', 'Infinity', 'NaN', '1e39', '1e400', '1,5', '1e1.5', '٣'].map(
      number => [`line 2: expected a number, got ${JSON.stringify(number)}`, ['a 0 0', `b ${number} 1`]] as const)
  ]
  test.each(rows)('%s', async (problem, lines) => { expect(await read(lines)).toEqual(E.left(problem)) })
  test.each([0, -1, 1.5, NaN, Infinity])('a limit of %d', async limit =>
    { expect(await read(['a 1'], { limit })).toEqual(E.left(`expected a positive limit of the vocabulary, got ${limit}`)) })
  const numbers = async (lines: readonly string[], options?: words.WordVectorOptions) => {
    const vectors = right(await read(lines, options))
    return [vectors.words, Array.from(vectors.weight.data), vectors.weight.shape]
  }
  test('numbers in every form', async () => {
    const forms = ['1', '+1', '-1', '1.', '.5', '-.5', '1.25', '1e2', '1E+2', '2.5e-1', '12', '1e12', '0e400', '3e38']
    expect(await numbers([`a ${forms.join(' ')}`])).toEqual([['a'], Array.from(Float32Array.from([...forms.map(Number), ...forms.map(() => 0)])), [2, 14]])
  })
  test('words of any kind: numbers, parts, with spaces, of white space', async () => {
    expect(await numbers(['3 1 2', '4 3 4'])).toEqual([['3', '4'], [1, 2, 3, 4, 0, 0], [3, 2]])
    expect(await numbers(['3x 1', '12 34 x 5', 'b  2'])).toEqual([['3x', '12 34 x', 'b '], [1, 5, 2, 0], [4, 1]])
    expect(await numbers(['a\r 1\r', 'b 2 \r', 'c\t 3   '])).toEqual([['a\r', 'b', 'c\t'], [1, 2, 3, 0], [4, 1]])
    expect(await numbers(['\ufeffa 1', '\ufeffb 2'])).toEqual([['a', '\ufeffb'], [1, 2, 0], [3, 1]])
    expect(await numbers(['a\ufeffb 1'])).toEqual([['a\ufeffb'], [1, 0], [2, 1]])
  })
  test('a header is the first line alone, and is two whole numbers', async () => {
    expect(await numbers(['2 1', '3 1', '4 2'])).toEqual([['3', '4'], [1, 2, 0], [3, 1]])
    expect(await numbers(['12 2', 'a 1 2', 'b 3 4'], { limit: 2 })).toEqual([['a', 'b'], [1, 2, 3, 4, 0, 0], [3, 2]])
    expect(await numbers(['1 1', 'a 1', 'b 2'])).toEqual([['a', 'b'], [1, 2, 0], [3, 1]])
    expect(await numbers(['3 1.5', '4 2'])).toEqual([['3', '4'], [1.5, 2, 0], [3, 1]])
    expect(await numbers(['x3 1', '4 2'])).toEqual([['x3', '4'], [1, 2, 0], [3, 1]])
  })
})

describe('word vectors', () => {
  const lines = ['x 1 0', 'y 0 1', 'xy 1 1', 'zero 0 0', 'minus -1 0', 'far 20 0', ...Array.from({ length: 9 }, (_, i) => `w${i} ${10 - i} ${i + 1}`)]
  const made = () => right(words.wordVectorsFromLines(lines))
  test('have rows and vectors, and zeros for what is unknown', () => {
    const vectors = made()
    expect([words.rowOf(vectors)('xy'), words.rowOf(vectors)('no')]).toEqual([2, 15])
    expect([words.vectorOf(vectors)('w1'), words.vectorOf(vectors)('no')]).toEqual([tensor.of([9, 2]), tensor.of([0, 0])])
    expect(words.wordIds(vectors)(['y', 'no', 'x'])).toEqual(tensor.tokensFromArray([3], [1, 15, 0]))
  })
  test('the cosine', () => {
    expect(words.cosine(tensor.of([3, 4]))(tensor.of([4, 3]))).toBeCloseTo(24 / 25, 14)
    expect(words.cosine(tensor.of([1, 2, 2], 'float64'))(tensor.of([-2, 4, 4], 'float64'))).toBeCloseTo(14 / 18, 14)
    expect([[0, 0], [1, 0]].map(v => words.cosine(tensor.of(v))(tensor.of([0, 0])))).toEqual([0, 0])
    expect(words.cosine(tensor.of([0, 0]))(tensor.of([1, 0]))).toBe(0)
  })
  test('the nearest ones by falling cosine, of equal ones the first, ten of them', () => {
    const vectors = made(), found = words.nearest(vectors)(tensor.of([2, 0]))
    expect(found.map(({ word }) => word)).toEqual(['x', 'far', 'w0', 'w1', 'w2', 'w3', 'w4', 'xy', 'w5', 'w6'])
    expect(found[0].similarity).toBe(1)
    expect(found[2].similarity).toBeCloseTo(10 / Math.sqrt(101), 14)
    const all = words.nearest(vectors, { count: 99, without: ['far', 'w0', 'no'] })(tensor.of([2, 0]))
    expect(all).toHaveLength(13)
    expect(all.slice(-3)).toEqual([{ word: 'y', similarity: 0 }, { word: 'zero', similarity: 0 }, { word: 'minus', similarity: -1 }])
    expect(words.nearest(vectors, { count: 0 })(tensor.of([2, 0]))).toEqual([])
    expect(() => words.nearest(vectors)([2, 0] as never)).toThrow(new TypeError('words.nearest: expected vector to be a tensor, got an array of 2'))
    expect(words.nearest(vectors, { count: 3, without: ['x'] })(tensor.of([0, 0])).map(({ similarity }) => similarity)).toEqual([0, 0, 0])
  })
  test('an analogy is a − b + c, without the three', () => {
    const vectors = made(), a = words.vectorOf(vectors)('xy'), b = words.vectorOf(vectors)('x'), c = words.vectorOf(vectors)('w2')
    const target = tensor.of([0, 1].map(i => a.data[i] - b.data[i] + c.data[i]))
    for (const options of [{}, { count: 3 }, { without: ['w3', 'y'] }])
      expect(words.analogy(vectors, options)('xy', 'x', 'w2')).toEqual(E.right(words.nearest(vectors, { ...options, without: ['xy', 'x', 'w2', ...('without' in options ? options.without : [])] })(target)))
    expect(right(words.analogy(vectors)('xy', 'x', 'w2'))).toHaveLength(10)
    for (const [p, q, r] of [['no', 'x', 'y'], ['x', 'no', 'y'], ['x', 'y', 'no']] as const)
      expect(words.analogy(vectors)(p, q, r)).toEqual(E.left('the word "no" has no vector'))
  })
})
