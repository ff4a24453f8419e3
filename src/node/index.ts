/**
 * Files, for Node: the only part of the library with effects. Every function is a `TaskEither` whose left side is one
 * sentence with the name of the file.
 *
 * @module
 */
import { createReadStream } from 'node:fs'
import { open, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import {
  type Checkpoint, decodeCheckpoint, decodeSafetensors, encodeCheckpoint, encodeSafetensors, type NamedTensors
} from '../io/index.js'
import { type WordVectorOptions, type WordVectors, wordVectorsFromStream } from '../text/wordVectors.js'

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder', EISDIR: 'it is a folder', EACCES: 'permission denied', ENOSPC: 'the disk is full'
}

const reasonOf = (error: unknown): string => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? (error instanceof Error ? error.message : String(error))
}

const about = (path: string) => (problem: string): string => `${path}: ${problem}`

/** The bytes of a file. */
export const readBytes = (path: string): TE.TaskEither<string, Uint8Array> =>
  TE.tryCatch(() => readFile(path), error => `cannot read ${path}: ${reasonOf(error)}`)

/** The text of a file, which must be valid UTF-8. */
export const readText = (path: string): TE.TaskEither<string, string> => pipe(
  readBytes(path),
  TE.chainEitherK(bytes => E.tryCatch(
    () => new TextDecoder('utf-8', { fatal: true }).decode(bytes), () => `cannot read ${path}: it is not UTF-8 text`)))

/** Writes a file as a whole: beside its place first, so that a failure leaves what was there. */
export const writeBytes = (path: string) => (bytes: Uint8Array): TE.TaskEither<string, void> => TE.tryCatch(
  async () => {
    await writeFile(`${path}.part`, bytes)
    await rename(`${path}.part`, path)
  },
  error => `cannot write ${path}: ${reasonOf(error)}`)

/** Whether a file can be written at a path; for a program that should say so before it works for minutes. */
export const ensureWritable = (path: string): TE.TaskEither<string, void> => TE.tryCatch(
  async () => {
    const file = await open(`${path}.part`, 'a')
    await file.close()
    await unlink(`${path}.part`)
  },
  error => `cannot write ${path}: ${reasonOf(error)}`)

/** The tensors of a safetensors file. */
export const loadSafetensors = (path: string): TE.TaskEither<string, NamedTensors> =>
  pipe(readBytes(path), TE.chainEitherK(bytes => pipe(decodeSafetensors(bytes), E.mapLeft(about(path)))))

/** Writes a safetensors file. */
export const saveSafetensors = (path: string) => (tensors: NamedTensors): TE.TaskEither<string, void> =>
  writeBytes(path)(encodeSafetensors(tensors))

/** The language model of a file. */
export const loadCheckpoint = (path: string): TE.TaskEither<string, Checkpoint> =>
  pipe(readBytes(path), TE.chainEitherK(bytes => pipe(decodeCheckpoint(bytes), E.mapLeft(about(path)))))

/** Writes a language model to a file. */
export const saveCheckpoint = (path: string) => (checkpoint: Checkpoint): TE.TaskEither<string, void> =>
  writeBytes(path)(encodeCheckpoint(checkpoint))

/** Word vectors from a file in GloVe's format, read line by line up to the limit. */
export const loadWordVectors = (path: string, options: WordVectorOptions = {}): TE.TaskEither<string, WordVectors> => pipe(
  TE.tryCatch(
    async () => {
      const input = createReadStream(path, { encoding: 'utf8' })
      // An error of the stream would end the loop over its lines silently.
      const failed = new Promise<never>((_, reject) => input.once('error', reject))
      const lines = createInterface({ input, crlfDelay: Infinity })
      try {
        return await Promise.race([wordVectorsFromStream(lines, options), failed])
      } finally {
        input.destroy()
      }
    },
    error => `cannot read ${path}: ${reasonOf(error)}`),
  TE.chainEitherK(E.mapLeft(about(path))))
