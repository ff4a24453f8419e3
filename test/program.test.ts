import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Outcome {
  readonly code: number
  readonly out: string
  readonly error: string
}

/** `npm start -- …`, without npm. */
const start = (...args: readonly string[]): Promise<Outcome> => new Promise(resolve => {
  execFile(process.execPath, ['--import', 'tsx', 'examples/train-gpt/main.ts', ...args], { cwd: root }, (failure, out, error) => {
    resolve({ code: failure === null ? 0 : Number(failure.code), out, error })
  })
})

describe('npm start', () => {
  let folder = ''
  let text = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pullback-program-'))
    text = join(folder, 'text.txt')
    await writeFile(text, 'she sells sea shells by the sea shore. '.repeat(60))
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
    ['a top-k of zero', ['--top-k', '0'], /Expected a positive integer/],
    ['an unknown preset', ['--preset', 'huge'], /Allowed choices are small, nanogpt/],
    ['a missing text', ['--text', '/nowhere/at/all'], /cannot read \/nowhere\/at\/all: there is no such file or folder/],
    ['a folder for a text', ['--text', '.'], /it is a folder/],
    ['a text that is too short', ['--text', '$/short.txt'], /the text is too short: expected at least \d+ characters, got 5/],
    ['an empty text', ['--text', '$/empty.txt'], /no vocabulary/],
    ['an empty prompt', ['--text', '$/text.txt', '--prompt', ''], /the prompt cannot be used: expected a prompt with at least one symbol/],
    ['a prompt outside the vocabulary', ['--text', '$/text.txt', '--prompt', 'Ж'], /the prompt cannot be used: symbol "Ж" at position 0/],
    ['a file that is no model', ['--text', '$/text.txt', '--load', '$/broken.safetensors'], /broken\.safetensors: safetensors: /],
    ['a place that cannot be written', ['--text', '$/text.txt', '--steps', '1', '--save', '/nowhere/model'], /cannot write \/nowhere\/model/]
  ])('%s is one sentence and exit code 1', async (_, args, expected) => {
    const { code, error } = await start(...args.map(arg => arg.replace('$', folder)))
    expect(error).toMatch(expected)
    expect(error.trim().split('\n')).toHaveLength(1)
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
})
