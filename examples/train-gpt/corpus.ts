/**
 * The text to learn from.
 */
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { array, readonlyArray } from 'fp-ts'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { readText } from 'pullback/node'

const root = fileURLToPath(new URL('../../', import.meta.url))

const listed = (folder: string): TE.TaskEither<string, readonly string[]> => TE.tryCatch(
  async () => (await readdir(`${root}${folder}`, { recursive: true }))
    .filter(name => name.endsWith('.ts') && !name.endsWith('.generated.ts'))
    .map(name => `${root}${folder}/${name}`)
    .sort(),
  error => `cannot list ${folder}: ${String(error)}`)

/** The repository's own prose and source: what is always there, without a download. */
export const ownText: TE.TaskEither<string, string> = pipe(
  ['src', 'laws', 'test', 'examples'],
  readonlyArray.traverse(TE.ApplicativePar)(listed),
  TE.map(lists => [`${root}README.md`, ...lists.flat()]),
  TE.chain(array.traverse(TE.ApplicativePar)(readText)),
  TE.map(texts => texts.join('\n')))
