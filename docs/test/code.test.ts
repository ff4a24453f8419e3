import { afterAll, beforeAll, expect, test } from 'vitest'
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
