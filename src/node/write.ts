/**
 * Writing a file so that at every moment its place holds the whole old content or the whole new one.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { rmSync, type Stats } from 'node:fs'
import { access, constants, type FileHandle, lstat, open, readlink, rename, stat, unlink } from 'node:fs/promises'
import { dirname, isAbsolute } from 'node:path'
import { codeOf, kindOf, Refusal } from './reasons.js'

/** As many links as Linux follows. */
const LINKS = 40

const ifThere = async <A>(look: Promise<A>): Promise<A | undefined> => {
  try {
    return await look
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** The place that a path leads to through links; nothing need be there yet. */
const throughLinks = async (path: string, left = LINKS): Promise<string> => {
  if (left === 0) throw new Refusal('too many links, or a link to itself')
  if (!((await ifThere(lstat(path)))?.isSymbolicLink() ?? false)) return path
  const link = await readlink(path)
  // Not normalised: `..` behind a linked folder is the parent of what the link leads to.
  return throughLinks(isAbsolute(link) ? link : `${dirname(path)}/${link}`, left - 1)
}

interface Target {
  readonly path: string
  /** What is there now; undefined for nothing. */
  readonly before: Stats | undefined
}

/** Where to write. Refuses what is no regular file, or one that is not to be written. */
const targetOf = async (path: string): Promise<Target> => {
  if (path === '') throw new Refusal('expected the name of a file, got nothing')
  const real = await throughLinks(path)
  const before = await ifThere(stat(real))
  if (before === undefined && /[\\/]$/.test(real)) throw new Refusal('it names a folder')
  if (before !== undefined) {
    const kind = kindOf(before)
    if (kind !== undefined) throw new Refusal(`it is ${kind}, expected a regular file`)
    // A superuser may write what nobody is meant to write.
    if ((before.mode & 0o222) === 0) throw new Refusal('it is read-only')
    await access(real, constants.W_OK)
  }
  return { path: real, before }
}

/** Files that writing has begun and not ended, for a program that ends in between. */
const unfinished = new Set<string>()

const removeUnfinished = (): void => {
  for (const temporary of unfinished) rmSync(temporary, { force: true })
}

const begin = (temporary: string): void => {
  if (unfinished.size === 0) process.on('exit', removeUnfinished)
  unfinished.add(temporary)
}

const end = (temporary: string): void => {
  unfinished.delete(temporary)
  if (unfinished.size === 0) process.off('exit', removeUnfinished)
}

/**
 * Uses a new file in the folder of the target, under a name that nobody else has, and leaves none behind unless it was
 * moved away. Until it has the mode of what it replaces, it is its owner's alone.
 */
const withTemporary = async (
  { path, before }: Target, use: (file: FileHandle) => Promise<void>, then: (temporary: string) => Promise<void>
): Promise<void> => {
  const temporary = `${dirname(path)}/.pullback-${randomUUID()}.part`
  begin(temporary)
  try {
    const file = await open(temporary, 'wx', before === undefined ? 0o666 : 0o600)
    try {
      await use(file)
    } finally {
      await file.close()
    }
    await then(temporary)
  } catch (error) {
    // The first failure is the one to tell, whatever comes of tidying up.
    await unlink(temporary).catch(() => undefined)
    throw error
  } finally {
    end(temporary)
  }
}

/** The owner if it may be kept, then mode: a change of owner takes bits of the mode away. */
const keepMetadata = async (file: FileHandle, before: Stats): Promise<void> => {
  const { uid, gid } = await file.stat()
  if (uid !== before.uid || gid !== before.gid) await file.chown(before.uid, before.gid).catch(() => undefined)
  await file.chmod(before.mode & 0o7777)
}

/** What systems say that cannot write down a folder; the file itself is safe by then. */
const NO_FOLDER_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EPERM', 'EACCES', 'EISDIR'])

/** Writes down the folder's list of names, so that a renamed file is found after a loss of power. */
const syncFolder = async (folder: string): Promise<void> => {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!NO_FOLDER_SYNC.has(codeOf(error))) throw error
  }
}

/**
 * Replaces the content of a file: writes a new one beside it, waits until it is on the disk, gives it the old one's mode
 * and renames it. Rejects with what went wrong; then the old file is as it was, and nothing is left behind.
 */
export const replaceFile = async (path: string, bytes: Uint8Array): Promise<void> => {
  const target = await targetOf(path)
  await withTemporary(target, async file => {
    await file.writeFile(bytes)
    if (target.before !== undefined) await keepMetadata(file, target.before)
    await file.sync()
  }, temporary => rename(temporary, target.path))
  await syncFolder(dirname(target.path))
}

/** Rejects if `replaceFile` would: tries everything but the writing, with an empty file that is gone afterwards. */
export const tryReplacing = async (path: string): Promise<void> =>
  withTemporary(await targetOf(path), () => Promise.resolve(), unlink)
