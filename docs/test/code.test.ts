import { afterAll, beforeAll, expect, test } from 'vitest'
import { messageOf } from '../site/.vitepress/theme/lib/code/errors.js'
import { MOST_CHARACTERS, MOST_LINES, NOTHING, received } from '../site/.vitepress/theme/lib/code/printed.js'
import { show } from '../site/.vitepress/theme/lib/code/show.js'
import { createTimers } from '../site/.vitepress/theme/lib/code/timers.js'
import { openPage, openSite, type Site } from './browser.js'

let site: Site
beforeAll(async () => { site = await openSite() })
afterAll(() => site.close())

test('a program runs as printed, can be changed, and cannot freeze the page', async () => {
  const { page, problems } = await openPage(site, '/path/activation.html')
  const program = page.locator('.runnable').first(), output = program.locator('.output')
  await program.getByRole('button', { name: 'Run' }).click()
  await output.getByText('[ 0, 1, 1, 0 ]').waitFor()

  await program.getByRole('button', { name: 'Change it' }).click()
  const editor = program.getByRole('textbox')
  const replace = async (text: string): Promise<void> => {
    await editor.click()
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText(text)
    await program.getByRole('button', { name: 'Run again' }).click()
  }
  await replace("console.log({ a: [1, 2], b: 'x' }, -0)")
  await output.getByText("{ a: [ 1, 2 ], b: 'x' } -0").waitFor()
  await replace("import fs from 'node:fs'\nconsole.log(fs)")
  await output.getByText('here a program can import').waitFor()
  await replace('const = 3')
  await output.getByText('SyntaxError').waitFor()
  await replace("setTimeout(() => console.log('later'), 300)\nconsole.log(await Promise.resolve('awaited'))\nPromise.resolve().then(() => console.log('then'))")
  await output.getByText('awaited\nthen\nlater').waitFor()
  await replace("setTimeout(() => { throw new RangeError('too late') }, 50)")
  await output.getByText('RangeError: too late').waitFor()
  await replace("const self = 'mine'\nconsole.log(self, typeof postMessage)")
  await output.getByText('mine undefined').waitFor()
  await replace("const post = new Function('m', 'postMessage(m)')\nwhile (1) post({ kind: 'line', text: 'x' })")
  await output.getByText(/Stopped: it printed more than/).waitFor()
  await replace("new Function('postMessage(null)')()\nawait new Promise(() => undefined)")
  await output.getByText('something that is no line').waitFor()
  await replace("console.log('x'.repeat(3e8))\nconsole.log(new Float64Array(3e7))")
  await output.getByText('… 29999976 more').waitFor()
  expect((await output.innerText()).length).toBeLessThan(12_000)
  await replace('throw { toString() { throw 7 } }')
  await output.getByText('Something that has no text').waitFor()
  await replace('for (;;) {}')
  await output.getByText('Running').waitFor()
  await program.getByRole('button', { name: 'Stop' }).click()
  await output.getByText('Stopped.').waitFor()
  await program.getByRole('button', { name: 'Put it back' }).click()
  await program.getByRole('button', { name: 'Run again' }).click()
  await output.getByText('[ 0, 1, 1, 0 ]').waitFor()
  expect(problems).toEqual([])
  await page.context().close()
})

test('a console line reads no more of a value than it shows', () => {
  let read = 0
  const list = new Proxy(new Array<number>(1e6).fill(0), { get: (target, key): unknown => {
    if (typeof key === 'string' && /^\d+$/.test(key)) read++
    return Reflect.get(target, key)
  } })
  expect(show([list])).toMatch(/^\[ 0, .* … 999976 more \]$/)
  expect(read).toBe(24)
  expect(show(['x'.repeat(1e6)]).length).toBeLessThan(10_100)
  expect(show([['x'.repeat(1e6)], 'y'.repeat(1e6)]).length).toBeLessThan(10_100)
  expect(show(['short', 1])).toBe('short 1')
})

test('what a program sends is counted in the page, whatever it is', () => {
  const line = { kind: 'line', text: 'x' }
  let printed = received(NOTHING, { kind: 'ready' }).printed
  for (let i = 0; i < MOST_LINES; i++) {
    const next = received(printed, line)
    expect(next.message).toEqual(line)
    printed = next.printed
  }
  expect(received(printed, { kind: 'done' }).message).toEqual({ kind: 'done' })
  expect(received(received(printed, line).printed, line).message).toMatchObject({ kind: 'failed', text: expect.stringContaining(`${MOST_LINES} lines`) as unknown })
  expect(received(NOTHING, { kind: 'line', text: 'x'.repeat(MOST_CHARACTERS) }).message.kind).toBe('line')
  expect(received(NOTHING, { kind: 'line', text: 'x'.repeat(MOST_CHARACTERS + 1) }).message.kind).toBe('failed')
  for (const nonsense of [null, undefined, 7, 'line', {}, { kind: 'line' }, { kind: 'line', text: 7 }, { kind: 'other', text: '' }])
    expect(received(NOTHING, nonsense).message.kind).toBe('failed')
})

test('whatever is thrown has a text', () => {
  expect(messageOf(new RangeError('no'))).toBe('RangeError: no')
  expect(messageOf('text')).toBe('text')
  for (const error of [{ toString: () => { throw new Error('again') } }, Object.create(null), Object.assign(new Error('x'), { name: Symbol('s') })])
    expect(messageOf(error)).toBe('Something that has no text')
})

test('timers are over when none is left', async () => {
  const { setTimeout: later, setInterval: every, clearTimeout: cancel, clearInterval: halt, over } = createTimers(), said: string[] = []
  later(text => {
    said.push(String(text))
    later(() => said.push('nested'), 20)
  }, 20, 'first')
  cancel(later(() => said.push('cancelled'), 10))
  let times = 0
  const id = every(() => {
    said.push('again')
    if (++times === 2) halt(id)
  }, 30)
  await over()
  expect([...said].sort()).toEqual(['again', 'again', 'first', 'nested'])
  later(() => said.push('alone'), 20)
  await over()
  expect(said.at(-1)).toBe('alone')
})
