/**
 * Reading a file: as a whole, or line by line.
 *
 * @module
 */
import { constants, type FileHandle, open } from 'node:fs/promises'
import { kindOf, Refusal } from './reasons.js'

/** Does not wait for somebody to write into a pipe; 0 if the system has no such flag. */
const WITHOUT_WAITING = constants.O_RDONLY | constants.O_NONBLOCK

/** Uses a regular file that is open for reading; refuses a folder, and what might never answer or never end. */
export const withFile = async <A>(path: string, use: (file: FileHandle) => Promise<A>): Promise<A> => {
  const file = await open(path, WITHOUT_WAITING)
  try {
    const kind = kindOf(await file.stat())
    if (kind !== undefined) throw new Refusal(kind === 'a folder' ? 'it is a folder' : `it is ${kind}, expected a regular file`)
    return await use(file)
  } finally {
    await file.close()
  }
}

const LINE_FEED = 0x0a
/** Far more than a word with its numbers has; a file without lines is not held as a whole. */
const LONGEST_LINE = 2 ** 24

/**
 * The lines of a file without their line feeds. Only a line feed ends one: U+2028 and a lone carriage return occur inside
 * words. Throws `Refusal` with the number of a line that is not UTF-8 or too long.
 */
export async function * linesOf(file: FileHandle): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let count = 0
  let begun: readonly Uint8Array[] = []
  let length = 0
  const finished = (): string => {
    count++
    try {
      return decoder.decode(begun.length === 1 ? begun[0] : Buffer.concat(begun))
    } catch {
      throw new Refusal(`line ${count}: expected UTF-8 text`)
    } finally {
      begun = []
      length = 0
    }
  }
  const collect = (part: Uint8Array): void => {
    begun = [...begun, part]
    length += part.length
    if (length > LONGEST_LINE) throw new Refusal(`line ${count + 1}: expected at most ${LONGEST_LINE} bytes`)
  }
  const chunks = file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>
  for await (const chunk of chunks) {
    let from = 0
    for (let to = chunk.indexOf(LINE_FEED); to >= 0; to = chunk.indexOf(LINE_FEED, from)) {
      collect(chunk.subarray(from, to))
      yield finished()
      from = to + 1
    }
    if (from < chunk.length) collect(chunk.subarray(from))
  }
  if (length > 0) yield finished()
}
