import { execFile, spawn } from 'node:child_process'
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { characterTokenizer, encodeCheckpoint, encodeSafetensors, initGpt, random, tensor, tree } from 'pullback'
import { loadCheckpoint } from 'pullback/node'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Outcome {
  readonly code: number
  readonly out: string
  readonly error: string
}

const PROGRAM = ['--import', 'tsx', 'examples/train-gpt/main.ts']

/** `npm start -- …`, without npm. */
const startWith = (env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Outcome> => new Promise(resolve => {
  execFile(process.execPath, [...PROGRAM, ...args], { cwd: root, env: { ...process.env, ...env } }, (failure, out, error) => {
    resolve({ code: failure === null ? 0 : Number(failure.code), out, error })
  })
})
const start = (...args: readonly string[]): Promise<Outcome> => startWith({}, ...args)

/** The same, and once it has said something, signals. */
const interrupted = (after: string, signals: readonly NodeJS.Signals[], ...args: readonly string[]): Promise<Outcome> => new Promise(resolve => {
  const child = spawn(process.execPath, [...PROGRAM, ...args], { cwd: root })
  let out = '', error = '', sent = false
  child.stderr.on('data', (part: Buffer) => { error += String(part) })
  child.stdout.on('data', (part: Buffer) => {
    out += String(part)
    if (sent || !out.includes(after)) return
    sent = true
    for (const signal of signals) child.kill(signal)
  })
  // Without a code, a signal ended it.
  child.on('close', code => resolve({ code: code ?? -1, out, error }))
})

const TEXT = 'she sells sea shells by the sea shore. '.repeat(60)

/** A model of the text that trains in no time. */
const tiny = () => {
  const tokenizer = characterTokenizer()(TEXT)
  if (E.isLeft(tokenizer)) throw new Error(tokenizer.left)
  const params = initGpt({ vocabulary: tokenizer.right.symbols.length, context: 4, width: 4, layers: 1 })(random.key(0))
  return { params, heads: 1, tokenizer: tokenizer.right }
}

/** The file of a model all of whose weights are one number; no checkpoint is written with NaN. */
const fileOf = (weight: number): Uint8Array => {
  const { params, heads, tokenizer: { kind, symbols } } = tiny()
  return encodeSafetensors({
    tensors: tree.flatten(params).map(([path, leaf]) => [path, tensor.full(leaf.shape, weight)]),
    metadata: { pullback: JSON.stringify({ heads, tokenizer: { kind, symbols } }) }
  })
}

describe('npm start', () => {
  let folder = ''
  let text = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pullback-program-'))
    text = join(folder, 'text.txt')
    await writeFile(text, TEXT)
    await writeFile(join(folder, 'tiny'), encodeCheckpoint(tiny()))
    await writeFile(join(folder, 'nan'), fileOf(NaN))
    await writeFile(join(folder, 'huge'), fileOf(3e38))
    await writeFile(join(folder, 'short.txt'), 'short')
    await writeFile(join(folder, 'empty.txt'), '')
    await writeFile(join(folder, 'broken.safetensors'), 'no tensors here')
  })
  afterAll(() => rm(folder, { recursive: true }))

  test.each([
    ['an unknown option', ['--frobnicate'], /unknown option '--frobnicate'/],
    ['a word that is no option', ['hello'], /too many arguments/],
    ['a number of steps that is none', ['--steps', 'x'], /'--steps <n>' argument 'x' is invalid\. Expected a non-negative integer/],
    ['a negative temperature', ['--temperature', '-1'], /Expected a number of at least 0/],
    ['a number of threads that is none', ['--threads', '0'], /'--threads <n>' argument '0' is invalid\. Expected an integer from 1 to 64/],
    ['the option that threads replaced', ['--workers', '2'], /option '--workers' is gone: .* '--threads <n>' says how many/],
    ['the same without a number', ['--workers'], /option '--workers' is gone/],
    ['a top-k of zero', ['--top-k', '0'], /Expected a positive integer/],
    ['an unknown preset', ['--preset', 'huge'], /Allowed choices are small, nanogpt/],
    ['a missing text', ['--text', '/nowhere/at/all'], /cannot read \/nowhere\/at\/all: there is no such file or folder/],
    ['a folder for a text', ['--text', '.'], /it is a folder/],
    ['a text that is too short', ['--text', '$/short.txt'], /the text is too short: expected at least \d+ characters, got 5/],
    ['an empty text', ['--text', '$/empty.txt'], /no vocabulary/],
    ['an empty prompt', ['--text', '$/text.txt', '--prompt', ''], /the prompt cannot be used: expected a prompt with at least one symbol/],
    ['a prompt outside the vocabulary', ['--text', '$/text.txt', '--prompt', 'Ж'], /the prompt cannot be used: symbol "Ж" at position 0/],
    ['a file that is no model', ['--text', '$/text.txt', '--load', '$/broken.safetensors'], /broken\.safetensors: safetensors: /],
    ['a place that cannot be written', ['--text', '$/text.txt', '--steps', '1', '--save', '/nowhere/model'], /cannot write \/nowhere\/model/],
    ['a folder to write the model to', ['--text', '$/text.txt', '--save', '$'], /cannot write \S+: it is a folder, expected a regular file/],
    ['a model of NaN', ['--text', '$/text.txt', '--load', '$/nan'], /nan: checkpoint: tensor "wte\.weight" holds NaN, expected finite weights/],
    ['a model that overflows', ['--text', '$/text.txt', '--load', '$/huge', '--steps', '0'], /the model cannot complete a prompt: /],
    ['an option of escapes without end', [`--\u001b[31m\u009b2J${'x'.repeat(100_000)}`], /unknown option '--\\u001b\[31m\\u009b2Jxxx/]
  ])('%s is one sentence and exit code 1', async (_, args, expected) => {
    const { code, error } = await start(...args.map(arg => arg.replace('$', folder)))
    expect(error).toMatch(expected)
    expect(error.trim().split('\n')).toHaveLength(1)
    expect(error.trim()).not.toMatch(/\p{C}/u)
    expect(error.length).toBeLessThan(1000)
    expect(code).toBe(1)
  })

  test('the same seed gives the same output, a model is saved and loaded, and plain lines are printed without a terminal', async () => {
    const model = join(folder, 'model.safetensors')
    const args = ['--text', text, '--steps', '10', '--seed', '7', '--prompt', 'she ', '--length', '20']
    const [first, second] = [await start(...args, '--save', model), await start(...args)]
    const losses = ({ out }: Outcome) => out.match(/loss \d+\.\d+/g)
    const completion = ({ out }: Outcome) => out.slice(out.indexOf('Completing'))
    expect(first.code).toBe(0)
    expect(losses(first)?.length).toBeGreaterThan(10)
    expect(losses(first)).toEqual(losses(second))
    expect(first.out).toMatch(/^step 10\/10 {2}training loss/m)
    const loaded = await start('--text', text, '--load', model, '--steps', '0', '--prompt', 'she ', '--length', '20', '--seed', '7')
    expect(completion(loaded)).toBe(completion(first))
  })

  test('threads that kernels do not have are refused by name', async () => {
    const { code, error } = await startWith({ PULLBACK_KERNELS: 'reference' }, '--threads', '2')
    expect(error).toBe("error: option '--threads 2' cannot be honoured: reference kernels have one thread here\n")
    expect(code).toBe(1)
  })

  test('the number of threads changes no loss', async () => {
    const [one, two] = await Promise.all(['1', '2'].map(threads => start('--text', text, '--steps', '5', '--threads', threads, '--length', '20')))
    const said = ({ out }: Outcome): string => out.replace(/^.* kernels, .*$/m, '').replace(/^step.*$/gm, line => line.replace(/  [\d,]+ tokens.*/, '')).replace(/in \S+ s/, '')
    expect(one.out).toContain(' kernels, one thread\n')
    expect(two.out).toContain(' kernels, up to 2 threads\n')
    expect(said(two)).toBe(said(one))
    expect(said(one)).toMatch(/step 5\/5 {2}training loss \d/)
  })

  test('work that does not fit the memory is said to be slow', async () => {
    const { code, out } = await startWith({ PULLBACK_MEMORY: '16' }, '--text', text, '--steps', '2', '--length', '5')
    expect(out).toMatch(/^slow: \d+ calls of kernels found no room in their memory, since kernels needed at least \d+ MiB of memory, and the limit is 16 MiB$/m)
    expect(code).toBe(0)
  })

  test('so is work that does not fit where nothing is trained', async () => {
    const { code, out } = await startWith({ PULLBACK_MEMORY: '2' }, '--preset', 'nanogpt', '--text', text, '--steps', '0', '--length', '5')
    expect(out).toMatch(/^slow: \d+ calls of kernels/m)
    expect(code).toBe(0)
  })

  test('unknown kernels are one sentence and exit code 1', async () => {
    const { code, error } = await startWith({ PULLBACK_KERNELS: `\u001b[31m${'x'.repeat(10_000)}` }, '--steps', '0')
    expect(error).toMatch(/^error: PULLBACK_KERNELS: expected [^\n\u001b]{1,600}\n$/)
    expect(code).toBe(1)
  })

  test('what a model says cannot command the terminal', async () => {
    const { params, tokenizer } = tiny()
    const symbols = tokenizer.symbols.map((symbol, i) => (i === 0 ? '\u001b' : symbol))
    const path = join(folder, 'escapes')
    // Every logit is 0, so every symbol is drawn.
    await writeFile(path, encodeSafetensors({
      tensors: tree.flatten(params).map(([name, leaf]) => [name, tensor.zeros(leaf.shape)]),
      metadata: { pullback: JSON.stringify({ heads: 1, tokenizer: { kind: 'character', symbols } }) }
    }))
    const { code, out } = await start('--text', text, '--load', path, '--steps', '0', '--length', '500', '--temperature', '1', '--prompt', 's')
    expect(out).toContain('\\u001b')
    expect(out).not.toMatch(/(?!\n)\p{Cc}/u)
    expect(code).toBe(0)
  })

  const endless = ['--text', '$/text.txt', '--load', '$/tiny', '--steps', '10000000', '--length', '5']
  const args = (...more: readonly string[]): readonly string[] => [...endless, ...more].map(arg => arg.replace('$', folder))

  test.each([['SIGINT', 130, '1'], ['SIGTERM', 143, '1'], ['SIGINT', 130, '2']] as const)(
    '%s ends the training after a step, saves the model and gives %i (%s threads)', async (signal, expected, threads) => {
      const path = join(folder, `stopped-${signal}-${threads}`)
      const { code, out, error } = await interrupted('step 1/', [signal], ...args('--save', path, '--threads', threads))
      expect(error).toBe('')
      expect(out).toMatch(new RegExp(`\\n${signal}: stopping after this step to save the model; a second one ends at once\\n`))
      expect(out).toMatch(new RegExp(`trained for \\d+ steps in \\S+ s, stopped by ${signal} after step \\d+ of 10000000\\nsaved to .*${signal}-${threads}\\n$`))
      expect(code).toBe(expected)
      const [saved, before] = [await loadCheckpoint(path)(), tiny()]
      if (E.isLeft(saved)) throw new Error(saved.left)
      expect(tensor.Eq.equals(saved.right.params.wte.weight, before.params.wte.weight)).toBe(false)
      expect((await readdir(folder)).filter(name => name.endsWith('.part'))).toEqual([])
    })

  test('without --save it says that the model is gone', async () => {
    const { code, out } = await interrupted('step 1/', ['SIGINT'], ...args('--threads', '1'))
    expect(out).toMatch(/the model is not saved: there is no --save\n$/)
    expect(code).toBe(130)
  })

  test('a second signal ends at once', async () => {
    const path = join(folder, 'at-once')
    const { code, out } = await interrupted('step 1/', ['SIGINT', 'SIGTERM'], ...args('--save', path, '--threads', '1'))
    // Which of two that arrive together is the first is up to the system.
    const first = /(SIGINT|SIGTERM): stopping after this step to save the model; a second one ends at once\n$/.exec(out)?.[1]
    expect(first).toBeDefined()
    expect(code).toBe(first === 'SIGINT' ? 143 : 130)
    await expect(access(path)).rejects.toThrow('ENOENT')
  })

  test('a reader that goes away ends the training, and the model is saved', async () => {
    const path = join(folder, 'unheard')
    const code = await new Promise(resolve => {
      const child = spawn(process.execPath, [...PROGRAM, ...args('--save', path, '--threads', '1').map(arg => (arg === '10000000' ? '3000' : arg))], { cwd: root })
      child.stdout.once('data', () => child.stdout.destroy())
      child.on('close', resolve)
    })
    expect(code).toBe(129)
    expect(E.isRight(await loadCheckpoint(path)())).toBe(true)
  })
})
