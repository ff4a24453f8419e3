/**
 * Files, for Node: the only part of the library with effects. Every function is a `TaskEither` whose left side is one
 * sentence with the name of the file.
 *
 * Only regular files are read and written, or what links lead to: a pipe or a device might never answer or never end.
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import {
  type Checkpoint, decodeCheckpoint, decodeSafetensors, encodeCheckpoint, encodeSafetensors, type NamedTensors
} from '../io/index.js'
import { type WordVectorOptions, type WordVectors, wordVectorsFromStream } from '../text/wordVectors.js'
import { linesOf, withFile } from './read.js'
import { briefPath, reasonOf } from './reasons.js'
import { replaceFile, tryReplacing } from './write.js'

const about = (path: string) => (problem: string): string => `${briefPath(path)}: ${problem}`
const cannot = (what: string, path: string) => (error: unknown): string => `cannot ${what} ${briefPath(path)}: ${reasonOf(error)}`

/**
 * The bytes of a file.
 *
 * @example
 * pipe(await readBytes('no-such-file')(), E.isLeft) // true
 */
export const readBytes = (path: string): TE.TaskEither<string, Uint8Array> =>
  TE.tryCatch(() => withFile(path, file => file.readFile()), cannot('read', path))

/**
 * The text of a file, which must be valid UTF-8. A byte order mark at its beginning is no part of it.
 *
 * @example
 * pipe(await pipe(writeBytes('hello.txt')(new TextEncoder().encode('hello')), TE.chain(() => readText('hello.txt')))()) // E.right('hello')
 */
export const readText = (path: string): TE.TaskEither<string, string> => pipe(
  readBytes(path),
  TE.chainEitherK(bytes => E.tryCatch(
    () => new TextDecoder('utf-8', { fatal: true }).decode(bytes), () => `cannot read ${briefPath(path)}: it is not UTF-8 text`)))

/**
 * Writes a file as a whole. At every moment its place holds the old content or the new one, even if several write at
 * once or the process is killed; a failure leaves what was there. The mode of an existing file is kept, a link is followed.
 * What is read-only or no regular file is refused. The new content replaces the file, so other hard links keep the old one.
 *
 * @example
 * await pipe(writeBytes('two.bin')(Uint8Array.of(1, 2)), TE.chain(() => readBytes('two.bin')), TE.map(bytes => bytes.length))() // E.right(2)
 */
export const writeBytes = (path: string) => (bytes: Uint8Array): TE.TaskEither<string, void> =>
  TE.tryCatch(() => replaceFile(path, bytes), cannot('write', path))

/**
 * Whether a file can be written at a path; for a program that should say so before it works for minutes. It changes
 * nothing that is there.
 *
 * @example
 * pipe(await ensureWritable('no-such-folder/model.safetensors')(), E.isLeft) // true
 */
export const ensureWritable = (path: string): TE.TaskEither<string, void> =>
  TE.tryCatch(() => tryReplacing(path), cannot('write', path))

/** Bytes that are made when they are to be written; if they cannot be, nothing is written. */
const writeEncoded = (path: string, encode: () => Uint8Array): TE.TaskEither<string, void> => pipe(
  TE.fromIOEither(() => E.tryCatch(encode, cannot('write', path))),
  TE.chain(writeBytes(path)))

/**
 * The tensors of a safetensors file.
 *
 * @example
 * await pipe(
 *   saveSafetensors('bias.safetensors')({ tensors: [['bias', tensor.of([1, 2])]], metadata: {} }),
 *   TE.chain(() => loadSafetensors('bias.safetensors')), TE.map(({ tensors }) => tensors.map(([name]) => name)))() // E.right(['bias'])
 */
export const loadSafetensors = (path: string): TE.TaskEither<string, NamedTensors> =>
  pipe(readBytes(path), TE.chainEitherK(bytes => pipe(decodeSafetensors(bytes), E.mapLeft(about(path)))))

/**
 * Writes a safetensors file: any tree of parameters with its names, and notes of your own.
 *
 * @example
 * const model = pipe(linear, named('hidden'), andThen(relu), andThen('output', linear))
 * const modelSpec = { hidden: linearSpec(2, 3), output: linearSpec(3, 1) }
 * const params = spec.draw(modelSpec)(random.key(0)), x = tensor.of([[1, 2]])
 * await pipe(
 *   saveSafetensors('own.safetensors')({ tensors: tree.flatten(params), metadata: { made: 'here' } }),
 *   TE.chain(() => loadSafetensors('own.safetensors')),
 *   TE.chainEitherK(({ tensors }) => spec.decode(modelSpec)(tensors)),
 *   TE.map(loaded => tensor.Eq.equals(model.forward(loaded, x), model.forward(params, x))))() // E.right(true)
 */
export const saveSafetensors = (path: string) => (tensors: NamedTensors): TE.TaskEither<string, void> =>
  writeEncoded(path, () => encodeSafetensors(tensors))

/**
 * The language model of a file.
 *
 * @example
 * await pipe(
 *   TE.fromEither(characterTokenizer()('abc')),
 *   TE.chain(tokenizer => saveCheckpoint('gpt.safetensors')({
 *     params: initGpt({ vocabulary: 3, context: 4, width: 8, layers: 1 })(random.key(0)), heads: 2, tokenizer
 *   })),
 *   TE.chain(() => loadCheckpoint('gpt.safetensors')), TE.map(({ tokenizer }) => tokenizer.symbols))() // E.right(['a', 'b', 'c'])
 */
export const loadCheckpoint = (path: string): TE.TaskEither<string, Checkpoint> =>
  pipe(readBytes(path), TE.chainEitherK(bytes => pipe(decodeCheckpoint(bytes), E.mapLeft(about(path)))))

/**
 * Writes a language model to a file. One that could not be loaded again is refused, and the file is left as it is.
 *
 * @example
 * const params = initGpt({ vocabulary: 3, context: 4, width: 8, layers: 1 })(random.key(0))
 * await pipe(
 *   TE.fromEither(characterTokenizer()('abc')),
 *   TE.chain(tokenizer => saveCheckpoint('model.safetensors')({ params, heads: 2, tokenizer })), TE.map(() => 'saved'))() // E.right('saved')
 */
export const saveCheckpoint = (path: string) => (checkpoint: Checkpoint): TE.TaskEither<string, void> =>
  writeEncoded(path, () => encodeCheckpoint(checkpoint))

/**
 * Word vectors from a file in GloVe's or word2vec's text format, read line by line up to the limit.
 *
 * @example
 * await pipe(
 *   writeBytes('glove.txt')(new TextEncoder().encode('king 1 2\nqueen 1 3\n')),
 *   TE.chain(() => loadWordVectors('glove.txt', { limit: 1 })), TE.map(({ words: found }) => found))() // E.right(['king'])
 */
export const loadWordVectors = (path: string, options: WordVectorOptions = {}): TE.TaskEither<string, WordVectors> => pipe(
  TE.tryCatch(() => withFile(path, file => wordVectorsFromStream(linesOf(file), options)), cannot('read', path)),
  TE.chainEitherK(E.mapLeft(about(path))))
