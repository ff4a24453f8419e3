/**
 * Word vectors in GloVe's text format: a line for each word, which is followed by its numbers, separated by spaces.
 * (J. Pennington, R. Socher, C. Manning, *GloVe: Global Vectors for Word Representation*, 2014.)
 *
 * Lines are read one at a time and reading ends at the limit of the vocabulary, so a file of gigabytes is never held
 * as a whole.
 *
 * - A first line of two whole numbers is the header of word2vec and fastText, the number of lines and the width D; then
 *   fewer lines are an error. Otherwise the first line fixes the width.
 * - A word may contain spaces (some do in GloVe's 840B file): the last D fields are the numbers. It may not end with a
 *   number after a space, since then the line is too wide.
 * - Of a word that occurs again (published files have one) the first line counts, as in other readers.
 * - A byte order mark, spaces and a carriage return at the end of a line, and blank lines at the end are ignored.
 *
 * The table has one more row than there are words: the last is zero and belongs to all unknown words.
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import { arrays, checkOptions, type Fields, natural, optional } from '../tensor/domain.js'
import { quoted } from '../tensor/foreign.js'
import { ShapeError } from '../tensor/shape.js'
import { checkAlike, checkTensor, fromArray, own, type Tensor, type Tokens, tokensFromArray } from '../tensor/tensor.js'

export interface WordVectors {
  readonly words: readonly string[]
  /** The row of each word. */
  readonly rows: ReadonlyMap<string, number>
  /** `[words + 1, D]`; the last row is zero. Together with `tokenEmbedding` it is an embedding. */
  readonly weight: Tensor
}

export interface WordVectorOptions {
  /** Reads at most so many words, the first ones; GloVe's files begin with the most frequent. Default: all. */
  readonly limit?: number | undefined
}

/** Collects lines until there are enough. */
interface Reader {
  readonly done: () => boolean
  /** A sentence if the line is wrong. */
  readonly read: (line: string) => string | undefined
  readonly result: () => E.Either<string, WordVectors>
}

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i
const HEADER = /^\d+ \d+$/

const isNumber = (field: string): boolean => NUMBER.test(field) && Number.isFinite(Math.fround(Number(field)))

/** A line without what its end may have: word2vec puts a space after the last number. */
const trimmed = (line: string): string => line.replace(/\r$/, '').replace(/(?<! ) +$/, '')

/** The word of a line and its numbers, or what is wrong with it. */
const parsed = (fields: readonly string[], width: number): E.Either<string, readonly [word: string, vector: Float32Array]> => {
  const numbers = fields.slice(-width), name = fields.slice(0, -width)
  if (name.length === 0 || name[0] === '')
    return E.left(`expected a word and ${width === 0 ? 'at least one number' : `${width} numbers`}, got ${fields.length === 1 && fields[0] === '' ? 'an empty line' : `${fields.length - 1} numbers`}`)
  const wrong = numbers.find(field => !isNumber(field))
  if (wrong !== undefined) return E.left(`expected a number, got ${quoted(wrong)}`)
  // Some words have spaces; but if the last part of one is a number, the line has too many.
  if (name.length > 1 && NUMBER.test(name[name.length - 1])) return E.left(`expected a word and ${width} numbers, got more`)
  return E.right([name.join(' '), Float32Array.from(numbers, Number)])
}

const reader = ({ limit = Infinity }: WordVectorOptions): Reader => {
  const words: string[] = [], vectors: Float32Array[] = []
  const rows = new Map<string, number>()
  let width = 0, lines = 0, vectorLines = 0
  let promised: number | undefined
  let blank: number | undefined
  return {
    done: () => words.length >= limit,
    read: line => {
      lines++
      const text = trimmed(lines === 1 ? line.replace(/^\ufeff/, '') : line)
      if (lines > 1 && text === '') {
        blank ??= lines
        return undefined
      }
      if (blank !== undefined) return `line ${blank}: expected a word and its numbers, got an empty line`
      const fields = text.split(' ')
      if (lines === 1 && HEADER.test(text)) {
        [promised, width] = fields.map(Number)
        return width > 0 && Number.isSafeInteger(width) ? undefined : `line 1: expected the number of words and a positive width, got ${quoted(text)}`
      }
      if (width === 0) width = fields.length - 1
      const found = parsed(fields, width)
      if (E.isLeft(found)) return `line ${lines}: ${found.left}`
      vectorLines++
      const [word, vector] = found.right
      if (rows.has(word)) return undefined
      rows.set(word, words.length)
      words.push(word)
      vectors.push(vector)
      return undefined
    },
    result: () => {
      if (promised !== undefined && vectorLines < promised && words.length < limit)
        return E.left(`line 1: promises ${promised} words, but only ${vectorLines} lines follow`)
      if (words.length === 0) return E.left('expected at least one line with a word and its numbers, got none')
      const data = new Float32Array((words.length + 1) * width)
      for (const [row, vector] of vectors.entries()) data.set(vector, row * width)
      return E.right({ words, rows, weight: own([words.length + 1, width], data) })
    }
  }
}

const checkLimit = ({ limit = 1 }: WordVectorOptions): string | undefined =>
  Number.isInteger(limit) && limit > 0 ? undefined : `expected a positive limit of the vocabulary, got ${limit}`

/**
 * Word vectors from lines. The left side names the first line that is wrong. Lines after the limit are not read.
 *
 * @example
 * pipe(words.wordVectorsFromLines(['king 1 2', 'queen 1 3']), E.map(({ weight }) => weight.shape)) // E.right([3, 2])
 * words.wordVectorsFromLines(['king 1 2', 'queen 1']) // E.left('line 2: expected a word and 2 numbers, got 1 numbers')
 *
 * @category constructors
 */
export const wordVectorsFromLines = (lines: Iterable<string>, options: WordVectorOptions = {}): E.Either<string, WordVectors> => {
  const wrong = checkLimit(options)
  if (wrong !== undefined) return E.left(wrong)
  const { done, read, result } = reader(options)
  for (const line of lines) {
    const problem = read(line)
    if (problem !== undefined) return E.left(problem)
    if (done()) break
  }
  return result()
}

/**
 * The same for lines that arrive over time, such as those of a file.
 *
 * @example
 * async function* lines() { yield 'king 1 2' }
 * pipe(await words.wordVectorsFromStream(lines()), E.map(({ weight }) => weight.shape)) // E.right([2, 2])
 *
 * @category constructors
 */
export const wordVectorsFromStream = async (
  lines: AsyncIterable<string>, options: WordVectorOptions = {}
): Promise<E.Either<string, WordVectors>> => {
  const wrong = checkLimit(options)
  if (wrong !== undefined) return E.left(wrong)
  const { done, read, result } = reader(options)
  for await (const line of lines) {
    const problem = read(line)
    if (problem !== undefined) return E.left(problem)
    if (done()) break
  }
  return result()
}

/**
 * The row of a word, that of unknown words included.
 *
 * @example
 * pipe(words.wordVectorsFromLines(['king 1 2', 'queen 1 3']), E.map(vectors => words.rowOf(vectors)('queen'))) // E.right(1)
 *
 * @category elements
 */
export const rowOf = ({ rows, words }: WordVectors) => (word: string): number => rows.get(word) ?? words.length

/**
 * The ids `[T]` of words, for `tokenEmbedding` with `{ weight }` as its parameters; as they are to train them further,
 * inside `frozen` to keep them.
 *
 * @example
 * pipe(words.wordVectorsFromLines(['king 1 2', 'queen 1 3']), E.map(vectors => tensor.toArray(words.wordIds(vectors)(['queen', 'who'])))) // E.right([1, 2])
 *
 * @category elements
 */
export const wordIds = (vectors: WordVectors) => (words: readonly string[]): Tokens =>
  tokensFromArray([words.length], words.map(rowOf(vectors)))

const rowAt = ({ weight }: WordVectors, row: number): Tensor => {
  const [, width] = weight.shape
  return fromArray([width], Array.from({ length: width }, (_, j) => weight.data[row * width + j]))
}

/**
 * The vector `[D]` of a word; zeros for an unknown one.
 *
 * @example
 * pipe(words.wordVectorsFromLines(['king 1 2', 'queen 1 3']), E.map(vectors => tensor.toArray(words.vectorOf(vectors)('queen')))) // E.right([1, 3])
 *
 * @category elements
 */
export const vectorOf = (vectors: WordVectors) => (word: string): Tensor => rowAt(vectors, rowOf(vectors)(word))

export interface Neighbour {
  readonly word: string
  /** The cosine of the angle between the two vectors. */
  readonly similarity: number
}

const cosineOf = (dot: number, a: number, b: number): number => (a === 0 || b === 0 ? 0 : dot / Math.sqrt(a * b))

/**
 * $\cos(a, b) = \frac{\langle a, b\rangle}{\lVert a\rVert\,\lVert b\rVert}$, and 0 if one of them is zero.
 * Throws `ShapeError` if the two differ in shape.
 *
 * @example
 * words.cosine(tensor.of([1, 0]))(tensor.of([1, 1])) // 0.7071
 *
 * @category similarity
 */
export const cosine = (b: Tensor) => (a: Tensor): number => {
  checkAlike('words.cosine', a, b)
  let dot = 0, aa = 0, bb = 0
  for (let i = 0; i < a.data.length; i++) {
    dot += a.data[i] * b.data[i]
    aa += a.data[i] * a.data[i]
    bb += b.data[i] * b.data[i]
  }
  return cosineOf(dot, aa, bb)
}

export interface NearestOptions {
  /** How many; default 10. */
  readonly count?: number | undefined
  /** Words that do not count, such as those of the question. */
  readonly without?: readonly string[] | undefined
}

const NEAREST: Fields<NearestOptions> = { count: optional(natural), without: optional(arrays) }

/**
 * The words whose vectors point most nearly in the direction of a given one, by descending cosine.
 * Throws `RangeError` unless `count` is a non-negative integer, and `ShapeError` for a vector that is not `[D]`.
 *
 * @example
 * pipe(words.wordVectorsFromLines(['king 1 2', 'queen 1 3', 'apple -1 0']), E.map(vectors =>
 *   words.nearest(vectors, { count: 2 })(tensor.of([1, 3])).map(({ word }) => word))) // E.right(['queen', 'king'])
 *
 * @category similarity
 */
export const nearest = (vectors: WordVectors, options: NearestOptions = {}): ((vector: Tensor) => readonly Neighbour[]) => {
  checkOptions('words.nearest', NEAREST, options)
  const { count = 10, without = [] } = options
  const excluded = new Set(without)
  return vector => {
    const { words, weight } = vectors
    const [, width] = weight.shape
    checkTensor('words.nearest', 'vector', vector)
    if (vector.shape.length !== 1 || vector.shape[0] !== width) throw new ShapeError('words.nearest', `a vector [${width}]`, [vector.shape])
    const squared = Array.from(vector.data).reduce((total, v) => total + v * v, 0)
    const similarity = words.map((_, row) => {
      let dot = 0, square = 0
      for (let j = 0, at = row * width; j < width; j++, at++) {
        dot += weight.data[at] * vector.data[j]
        square += weight.data[at] * weight.data[at]
      }
      return cosineOf(dot, squared, square)
    })
    return words.map((word, row) => ({ word, similarity: similarity[row] }))
      .filter(({ word }) => !excluded.has(word))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, count)
  }
}

/**
 * What is to `c` as `a` is to `b`: the words nearest to $a - b + c$, without the three themselves. King is to man as
 * what is to woman: `analogy(vectors)('king', 'man', 'woman')`. The left side names an unknown word.
 * (T. Mikolov et al., *Linguistic Regularities in Continuous Space Word Representations*, 2013.)
 *
 * @example
 * pipe(words.wordVectorsFromLines(['king 1 1', 'man 1 0', 'woman -1 0', 'queen -1 1', 'apple 0 -1']), E.chain(vectors =>
 *   pipe(words.analogy(vectors, { count: 1 })('king', 'man', 'woman'), E.map(found => found.map(({ word }) => word))))) // E.right(['queen'])
 *
 * @category similarity
 */
export const analogy = (vectors: WordVectors, options: NearestOptions = {}): ((a: string, b: string, c: string) => E.Either<string, readonly Neighbour[]>) => {
  checkOptions('words.analogy', NEAREST, options)
  const { count = 10, without = [] } = options
  return (a, b, c) => {
    const unknown = [a, b, c].find(word => !vectors.rows.has(word))
    if (unknown !== undefined) return E.left(`the word ${quoted(unknown)} has no vector`)
    const [va, vb, vc] = [a, b, c].map(vectorOf(vectors))
    const target = fromArray(va.shape, Array.from(va.data, (x, i) => x - vb.data[i] + vc.data[i]))
    return E.right(nearest(vectors, { count, without: [a, b, c, ...without] })(target))
  }
}
