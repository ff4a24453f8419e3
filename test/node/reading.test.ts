import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { words } from 'pullback'
import { loadCheckpoint, loadSafetensors, loadWordVectors, readBytes, readText } from 'pullback/node'

const right = <A>(either: E.Either<string, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left)
  return either.right
}
const left = <A>(either: E.Either<string, A>): string => (E.isLeft(either) ? either.left : 'no problem')

let folder = ''
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'pullback-reading-')) })
afterAll(() => rm(folder, { recursive: true }))

const written = async (content: string | Uint8Array): Promise<string> => {
  const path = join(folder, 'file')
  await writeFile(path, content)
  return path
}

const bytesOf = (...parts: readonly (string | readonly number[])[]): Uint8Array =>
  Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))

describe('reading', () => {
  const readers: Readonly<Record<string, (path: string) => TaskEither<string, unknown>>> = {
    readBytes, readText, loadSafetensors, loadCheckpoint, loadWordVectors
  }
  test.each(Object.entries(readers))('%s says what is no file to read, and does not wait for it', async (_, read) => {
    const pipe = join(folder, 'pipe'), link = join(folder, 'link')
    execFileSync('rm', ['-f', pipe, link])
    execFileSync('mkfifo', [pipe])
    await symlink(join(folder, 'nothing'), link)
    expect(left(await read(pipe)())).toMatch(/^cannot read .*pipe: it is a pipe, expected a regular file$/)
    expect(left(await read('/dev/zero')())).toBe('cannot read /dev/zero: it is a device, expected a regular file')
    expect(left(await read(folder)())).toMatch(/it is a folder$/)
    expect(left(await read(join(folder, 'nothing'))())).toMatch(/there is no such file or folder$/)
    expect(left(await read(link)())).toMatch(/there is no such file or folder$/)
    expect(left(await read(join(await written('a'), 'below'))())).toMatch(/a part of the path is no folder$/)
    expect(left(await read('')())).toMatch(/^cannot read : there is no such file/)
    expect(left(await read('a\0b')())).toMatch(/^cannot read a\\u0000b: /)
    expect(left(await read('x'.repeat(5000))())).toMatch(/the name is too long$/)
  })

  test('text must be UTF-8, and has no byte order mark', async () => {
    expect(left(await readText(await written(bytesOf('a', [0xff, 0xfe])))())).toMatch(/it is not UTF-8 text$/)
    expect(right(await readText(await written(bytesOf([0xef, 0xbb, 0xbf], 'é')))())).toBe('é')
  })

  test('an empty and a short file are no tensors', async () => {
    expect(left(await loadCheckpoint(await written(''))())).toMatch(/file: safetensors: expected at least 8 bytes, got 0$/)
    expect(left(await loadSafetensors(await written('1234567'))())).toMatch(/file: safetensors: expected at least 8 bytes, got 7$/)
  })
})

describe('word vectors of a file', () => {
  const load = async (content: string | Uint8Array, limit?: number) => loadWordVectors(await written(content), { limit })()

  test.each([
    ['GloVe', 'the 1 2\nking 3 4\n'],
    ['carriage returns, no last line feed', 'the 1 2\r\nking 3 4'],
    ['word2vec, a byte order mark, blank lines', bytesOf([0xef, 0xbb, 0xbf], '2 2\nthe 1 2 \nking 3 4 \n\n\n')]
  ])('%s', async (_, content) => {
    const { words: found, weight } = right(await load(content))
    expect(found).toEqual(['the', 'king'])
    expect(Array.from(weight.data)).toEqual([1, 2, 3, 4, 0, 0])
  })

  test('bytes that are no text are named by their line and never make two words one', async () => {
    const lines = bytesOf('the 1\nb', [0xff], ' 2\nb', [0xfe], ' 3\n')
    expect(left(await load(lines))).toMatch(/line 2: expected UTF-8 text$/)
    expect(right(await load(lines, 1)).words).toEqual(['the'])
    // Half of a character at the end of a line is not made whole by the next line.
    expect(left(await load(bytesOf('a 1\nb 2', [0xc3, 0x0a, 0xa9], ' 3\n')))).toMatch(/line 2: expected UTF-8 text$/)
  })

  test('only line feeds end a line', async () => {
    expect(right(await load('a\u2028b 1\nc\u0085d 2\ne\rf 3\n')).words).toEqual(['a\u2028b', 'c\u0085d', 'e\rf'])
  })

  test('a line without end is refused before it fills the memory', async () => {
    expect(left(await load(Buffer.alloc(2 ** 24 + 2 ** 20, 0x61)))).toMatch(/line 1: expected at most 16777216 bytes$/)
  })

  test('a file is read as its lines are, wherever its chunks end', async () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'é', '日', '👩', '-'), minLength: 1, maxLength: 12 })
    const entry = fc.tuple(word, fc.integer(), fc.integer()).map(([name, a, b]) => `${name} ${a} ${b}`)
    // Chunks have 64 KB.
    const long = fc.array(entry, { minLength: 1, maxLength: 5 }).map(lines => Array.from({ length: 9000 }, (_, i) => `${i}x${lines[i % lines.length]}`))
    await fc.assert(fc.asyncProperty(long, async lines => {
      const [file, direct] = [right(await load(lines.join('\n'))), right(words.wordVectorsFromLines(lines))]
      expect(file.words).toEqual(direct.words)
      expect(Buffer.from(Float32Array.from(file.weight.data).buffer).equals(Buffer.from(Float32Array.from(direct.weight.data).buffer))).toBe(true)
    }), { numRuns: 5 })
  })
})
