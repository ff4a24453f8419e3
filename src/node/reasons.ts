/**
 * What a failure of the file system means, in words, without the raw names that Node's own messages repeat.
 *
 * @module
 */
import type { Stats } from 'node:fs'
import { getSystemErrorMap } from 'node:util'
import { brief } from '../tensor/foreign.js'

/** What this library itself will not do with a file. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder', EISDIR: 'it is a folder', ENOTDIR: 'a part of the path is no folder', EACCES: 'permission denied',
  EPERM: 'permission denied', EROFS: 'the disk is read-only', ENOSPC: 'the disk is full', EDQUOT: 'the quota of the disk is used up',
  ENAMETOOLONG: 'the name is too long', ELOOP: 'too many links, or a link to itself', ENXIO: 'nothing answers there'
}

/** The code of a failure such as `ENOENT`; empty for another one. */
export const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''

const systemReason = (code: string): string | undefined => {
  for (const [name, description] of getSystemErrorMap().values())
    if (name === code) return description
  return undefined
}

const LONGEST = 200

export const reasonOf = (error: unknown): string => {
  const code = codeOf(error)
  return REASONS[code] ?? systemReason(code) ?? brief(error instanceof Error ? error.message : String(error), LONGEST)
}

/** What is there instead of a regular file; undefined for one. */
export const kindOf = (there: Stats): string | undefined => {
  if (there.isFile()) return undefined
  if (there.isDirectory()) return 'a folder'
  if (there.isFIFO()) return 'a pipe'
  return there.isSocket() ? 'a socket' : 'a device'
}

/** A path as a message shows it. */
export const briefPath = (path: string): string => brief(path, LONGEST)
