import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, open, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { characterTokenizer, initGpt, random, tensor, tree } from 'pullback'
import { ensureWritable, loadCheckpoint, saveCheckpoint, saveSafetensors, writeBytes } from 'pullback/node'

/** What was done to files, in order, and a failure to happen instead. */
const journal = vi.hoisted(() => ({ calls: [] as string[], failing: undefined as { readonly call: string, readonly code: string } | undefined }))

vi.mock('node:fs/promises', async importOriginal => {
  const actual = await importOriginal<typeof import('node:fs/promises')>()
  const called = (call: string): void => {
    journal.calls.push(call)
    if (journal.failing?.call === call) throw Object.assign(new Error(`${journal.failing.code}: \x1b[31m raw`), { code: journal.failing.code })
  }
  return {
    ...actual,
    rename: (from: string, to: string) => {
      called('rename')
      return actual.rename(from, to)
    },
    open: async (path: string, flags: string, mode?: number) => {
      const handle = await actual.open(path, flags, mode)
      const what = (await handle.stat()).isDirectory() ? 'folder' : 'file'
      return Object.assign(handle, {
        writeFile: async (bytes: Uint8Array) => {
          journal.calls.push('write')
          if (journal.failing?.call !== 'write') return void await handle.write(bytes)
          // A disk that becomes full takes the first half.
          await handle.write(bytes.subarray(0, bytes.length >> 1))
          throw Object.assign(new Error('raw'), { code: journal.failing.code })
        },
        sync: async () => {
          called(`sync ${what}`)
          return handle.datasync()
        },
        chmod: async (bits: number) => {
          called('chmod')
          return actual.chmod(path, bits)
        }
      })
    }
  }
})

const left = <A>(either: E.Either<string, A>): string => (E.isLeft(either) ? either.left : 'no problem')
const ok = E.right(undefined)
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (path: string): Promise<string> => readFile(path, 'utf8')
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8)

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pullback-writing-'))
  journal.calls = []
  journal.failing = undefined
})
afterEach(() => rm(folder, { recursive: true }))

describe('writing', () => {
  test('replaces a whole file and leaves nothing else, not even what looks like its own', async () => {
    const path = join(folder, 'model')
    await writeFile(`${path}.part`, 'mine')
    expect(await writeBytes(path)(bytes('one'))()).toEqual(ok)
    expect(await writeBytes(path)(bytes('2'))()).toEqual(ok)
    expect(await textOf(path)).toBe('2')
    expect(await textOf(`${path}.part`)).toBe('mine')
    expect((await readdir(folder)).sort()).toEqual(['model', 'model.part'])
  })

  test('is on the disk before it has its name, and the name is on the disk at the end', async () => {
    const path = join(folder, 'model')
    await writeBytes(path)(bytes('one'))()
    expect(journal.calls).toEqual(['write', 'sync file', 'rename', 'sync folder'])
    journal.calls = []
    await writeBytes(path)(bytes('two'))()
    expect(journal.calls).toEqual(['write', 'chmod', 'sync file', 'rename', 'sync folder'])
  })

  test.each(['600', '640', '755'])('keeps mode %s', async mode => {
    const path = join(folder, 'model')
    await writeFile(path, 'old')
    await chmod(path, parseInt(mode, 8))
    expect(await ensureWritable(path)()).toEqual(ok)
    expect(await writeBytes(path)(bytes('new'))()).toEqual(ok)
    expect(await modeOf(path)).toBe(mode)
    expect(await textOf(path)).toBe('new')
  })

  test('a new file has the mode that every new file has', async () => {
    await writeFile(join(folder, 'other'), '')
    await writeBytes(join(folder, 'model'))(bytes('new'))()
    expect(await modeOf(join(folder, 'model'))).toBe(await modeOf(join(folder, 'other')))
  })

  test.each([
    ['in the same folder', 'real', 'real'],
    ['in another folder', 'below/real', 'below/real'],
    ['that is absolute', '$/below/real', 'below/real'],
    ['by way of another link', 'second', 'below/real'],
    ['up from a linked folder', 'linked/../deep/real', 'below/deep/real']
  ])('a link to a file %s stays one, whether there is a file or not', async (_, to, real) => {
    await mkdir(join(folder, 'below/deep'), { recursive: true })
    await symlink('below/real', join(folder, 'second'))
    await symlink('below/deep', join(folder, 'linked'))
    const link = join(folder, 'link'), target = to.replace('$', folder)
    await symlink(target, link)
    for (const text of ['new', 'newer']) {
      expect(await ensureWritable(link)()).toEqual(ok)
      expect(await writeBytes(link)(bytes(text))()).toEqual(ok)
      expect(await readlink(link)).toBe(target)
      expect(await textOf(join(folder, real))).toBe(text)
    }
    expect((await readdir(folder, { recursive: true })).filter(name => name.includes('.part'))).toEqual([])
  })

  const writers: Readonly<Record<string, (path: string) => TaskEither<string, unknown>>> = {
    ensureWritable, writeBytes: path => writeBytes(path)(bytes('new')), saveSafetensors: path => saveSafetensors(path)({ tensors: [], metadata: {} })
  }
  test.each(Object.entries(writers))('%s refuses what is no file to write, and leaves it', async (_, write) => {
    const at = (name: string): string => join(folder, name)
    await mkdir(at('folder'))
    await mkdir(at('empty'))
    await writeFile(at('readonly'), 'old', { mode: 0o444 })
    await writeFile(at('file'), 'old')
    execFileSync('mkfifo', [at('pipe')])
    await symlink('pipe', at('to-pipe'))
    await symlink('loop', at('loop'))
    await symlink('nowhere/file', at('dangling'))
    const before = await readdir(folder, { recursive: true })
    const inode = (await stat(at('pipe'))).ino
    expect(left(await write(at('folder'))())).toMatch(/^cannot write .*\/folder: it is a folder, expected a regular file$/)
    expect(left(await write(`${at('new')}/`)())).toMatch(/it names a folder$/)
    expect(left(await write(at('readonly'))())).toMatch(/it is read-only$/)
    expect(left(await write(at('pipe'))())).toMatch(/it is a pipe, expected a regular file$/)
    expect(left(await write(at('to-pipe'))())).toMatch(/it is a pipe, expected a regular file$/)
    expect(left(await write('/dev/null')())).toBe('cannot write /dev/null: it is a device, expected a regular file')
    expect(left(await write(at('loop'))())).toMatch(/a link to itself$/)
    expect(left(await write(at('dangling'))())).toMatch(/there is no such file or folder$/)
    expect(left(await write(at('nothing/model'))())).toMatch(/there is no such file or folder$/)
    expect(left(await write(at('file/model'))())).toMatch(/a part of the path is no folder$/)
    expect(left(await write('')())).toMatch(/expected the name of a file, got nothing$/)
    expect(left(await write(at('x'.repeat(300)))())).toMatch(/the name is too long$/)
    expect(await readdir(folder, { recursive: true })).toEqual(before)
    expect(await textOf(at('readonly'))).toBe('old')
    expect((await stat(at('pipe'))).ino).toBe(inode)
  })

  test('asking whether a file can be written changes nothing', async () => {
    const path = join(folder, 'model')
    await writeFile(path, 'old')
    await writeFile(`${path}.part`, 'mine')
    const seen = async () => {
      const { ino, mode, mtimeMs, ctimeMs } = await stat(path)
      return [ino, mode, mtimeMs, ctimeMs, await readdir(folder), await textOf(path), await textOf(`${path}.part`)]
    }
    const before = await seen()
    expect(await ensureWritable(path)()).toEqual(ok)
    expect(await ensureWritable(join(folder, 'new'))()).toEqual(ok)
    expect(await seen()).toEqual(before)
  })

  test('a name as long as names may be is written', async () => {
    const path = join(folder, 'x'.repeat(255))
    expect(await writeBytes(path)(bytes('new'))()).toEqual(ok)
    expect(await readdir(folder)).toEqual([basename(path)])
  })

  test.each([
    ['write', 'ENOSPC', 'the disk is full'], ['chmod', 'EPERM', 'permission denied'], ['sync file', 'EIO', 'i/o error'], ['rename', 'EACCES', 'permission denied']
  ])('a failure to %s (%s) leaves the old file and nothing else', async (call, code, reason) => {
    const path = join(folder, 'model')
    await writeFile(path, 'old')
    journal.failing = { call, code }
    expect(left(await writeBytes(path)(bytes('new and longer'))())).toBe(`cannot write ${path}: ${reason}`)
    expect(await textOf(path)).toBe('old')
    expect(await readdir(folder)).toEqual(['model'])
  })

  test.each([['EINVAL', 'no problem'], ['EIO', 'i/o error']])('a folder that cannot be synchronised (%s)', async (code, expected) => {
    journal.failing = { call: 'sync folder', code }
    expect(left(await writeBytes(join(folder, 'model'))(bytes('new'))()).slice(-expected.length)).toBe(expected)
    expect(await textOf(join(folder, 'model'))).toBe('new')
  })

  test('many saves at once leave one of them, whole', async () => {
    const path = join(folder, 'model')
    const contents = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i).repeat(100_000 + i))
    const results = await Promise.all(contents.map((text, i) => (i % 4 === 0 ? ensureWritable(path)() : writeBytes(path)(bytes(text))())))
    expect(results.every(E.isRight)).toBe(true)
    expect(contents).toContain(await textOf(path))
    expect(await readdir(folder)).toEqual(['model'])
  })
})

describe('a save that is interrupted', () => {
  /** A program that writes 8 MB of `a` and of `b` in turn until it is ended, or ends itself in the middle of a write. */
  const script = (ending: boolean): string => `
    import { writeBytes } from './src/node/index.ts'
    const contents = ['a', 'b'].map(letter => Buffer.alloc(8_000_000, letter))
    await writeBytes(process.argv[1])(contents[0])()
    console.log('ready')
    ${ending ? 'setTimeout(() => process.exit(3), 20)' : ''}
    for (let i = 1; ; i++) await writeBytes(process.argv[1])(contents[i % 2])()`
  const running = (path: string, ending: boolean) => spawn(
    process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script(ending), path],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)), stdio: ['ignore', 'pipe', 'inherit'] })
  const isWhole = async (path: string): Promise<boolean> => {
    const content = await readFile(path)
    return content.length === 8_000_000 && content.every(byte => byte === content[0])
  }

  test('by SIGKILL leaves a whole file', async () => {
    for (const delay of [3, 17, 40]) {
      const path = join(folder, 'model')
      const child = running(path, false)
      await once(child.stdout, 'data')
      await new Promise(resolve => setTimeout(resolve, delay))
      child.kill('SIGKILL')
      await once(child, 'exit')
      expect(await isWhole(path)).toBe(true)
    }
  })

  test('by the end of the program leaves a whole file and nothing else', async () => {
    const path = join(folder, 'model')
    expect(await once(running(path, true), 'exit')).toEqual([3, null])
    expect(await isWhole(path)).toBe(true)
    expect(await readdir(folder)).toEqual(['model'])
  })
})

describe('checkpoints on the disk', () => {
  const symbols = characterTokenizer()('hello world')
  if (E.isLeft(symbols)) throw new Error(symbols.left)
  const params = initGpt({ vocabulary: 8, context: 4, width: 4, layers: 1 })(random.key(0))
  const checkpoint = { params, heads: 2, tokenizer: symbols.right }

  test('a model with NaN does not replace one that can be loaded', async () => {
    const path = join(folder, 'model')
    expect(await saveCheckpoint(path)(checkpoint)()).toEqual(ok)
    const broken = { ...checkpoint, params: tree.map(leaf => tensor.full(leaf.shape, NaN))(params) }
    expect(left(await saveCheckpoint(path)(broken)())).toBe(
      `cannot write ${path}: checkpoint: tensor "wte.weight" holds NaN, expected finite weights`)
    expect(E.isRight(await loadCheckpoint(path)())).toBe(true)
    expect(journal.calls.filter(call => call === 'rename')).toHaveLength(1)
  })

  test('names that cannot be read back are a sentence', async () => {
    const one = tensor.of([1])
    expect(left(await saveSafetensors(join(folder, 'x'))({ tensors: [['a', one], ['a', one]], metadata: {} })())).toContain('different names')
    expect(await readdir(folder)).toEqual([])
  })

  test('a file that is cut off anywhere is a sentence', async () => {
    const path = join(folder, 'model')
    await saveCheckpoint(path)(checkpoint)()
    const whole = await readFile(path)
    for (let length = 0; length < whole.length; length += 97) {
      const file = await open(path, 'w')
      await file.write(whole.subarray(0, length))
      await file.close()
      expect(left(await loadCheckpoint(path)())).toMatch(/model: safetensors: /)
    }
  })
})
