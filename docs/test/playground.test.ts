/**
 * The playground in a browser: what a reader does and sees.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { encodeSafetensors, initGpt, random, tensor, tree } from 'pullback'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openPage, openSite, type Site } from './browser.js'

const GPT = '/playground/gpt.html', SMALL = `${GPT}?blocks=2&heads=2&width=32&context=32&batch=8&rate=0.01&seed=3&prompt=On+Monday&temperature=0.8&top=0`

let site: Site, folder: string, page: Page, problems: readonly string[]
beforeAll(async () => {
  site = await openSite()
  folder = await mkdtemp(join(tmpdir(), 'pullback-playground-'))
})
afterAll(async () => {
  await site.close()
  await rm(folder, { recursive: true })
})
afterEach(async () => { await page.context().close() })

const visit = async (address: string, width = 1280): Promise<void> => {
  ({ page, problems } = await openPage(site, address, { viewport: { width, height: 900 } }))
}
const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
const said = (what: string) => page.locator(`[data-what="${what}"]`).innerText()
const numberOf = async (what: string): Promise<number> => Number((await said(what)).replace(/[,%\s]/g, ''))
const exactLoss = () => page.locator('[data-what="loss"]').getAttribute('data-exact')
const until = (what: () => Promise<number>, least: number) => expect.poll(what, { timeout: 60_000, interval: 100 }).toBeGreaterThanOrEqual(least)
/** Single steps of the GPT, each done before the next. */
const steps = async (count: number): Promise<void> => {
  for (let i = 0, at = await numberOf('step'); i < count; i++, at++) {
    await press('Step')
    await until(() => numberOf('step'), at + 1)
  }
}
const pause = async (): Promise<void> => {
  await press('Pause')
  await page.getByRole('button', { name: 'Train', exact: true }).waitFor()
}
/** The logits of the likeliest symbols, of all their bits. */
const logits = () => page.locator('.next [data-symbol]').evaluateAll(items => Object.fromEntries(items.map(item => [item.getAttribute('data-symbol') ?? '', Number(item.getAttribute('data-logit'))])))
const saved = async (name: string): Promise<string> => {
  const waiting = page.waitForEvent('download')
  await press('Download the weights')
  const path = join(folder, name)
  await (await waiting).saveAs(path)
  return path
}
const scrollWidth = () => page.evaluate(() => document.documentElement.scrollWidth)

describe('the perceptron', () => {
  const address = '/playground/mlp.html?data=circles&noise=0.05&hidden=6-4&activation=tanh&rate=0.01&seed=1'
  const lossAfter = async (query: string): Promise<string> => {
    await page.goto(site.url + query)
    for (let step = 1; step <= 3; step++) {
      await press('Step')
      await until(() => numberOf('step'), step)
    }
    return said('loss')
  }

  test('learns circles, on a phone too, without a complaint', async () => {
    await visit(address, 360)
    expect(await numberOf('training')).toBeLessThan(80)
    await page.getByLabel('Pace').selectOption('fast')
    await press('Train')
    await until(() => numberOf('step'), 800)
    await press('Pause')
    expect(await numberOf('training')).toBeGreaterThanOrEqual(98)
    expect(await numberOf('held-out')).toBeGreaterThanOrEqual(95)
    expect(await scrollWidth()).toBeLessThanOrEqual(360)
    expect(await page.locator('.map .boundary').getAttribute('d')).toMatch(/^M[\d.]+ [\d.]+L/)
    expect(await page.locator('.neurons canvas').count()).toBe(10)
    expect(problems).toEqual([])
  })

  test('is repeated by its address, and another seed is another run', async () => {
    await visit(address)
    const first = await lossAfter(address)
    expect(await lossAfter(address)).toBe(first)
    expect(await lossAfter(address.replace('seed=1', 'seed=2'))).not.toBe(first)
  })

  test('puts what is chosen into the address', async () => {
    await visit('/playground/mlp.html?hidden=99')
    expect(await page.getByRole('alert').innerText()).toContain('The address says hidden=99')
    expect(page.url()).toContain('hidden=6-4&')
    await page.getByLabel('Seed').fill('-5')
    await page.getByLabel('Seed').blur()
    await expect.poll(() => page.getByRole('alert').innerText()).toContain('The seed is -5, where an integer from 0 to 999999 was expected; it stays 1.')
    await page.getByRole('radio', { name: 'Spirals' }).check()
    await press('one layer more')
    await page.getByLabel('Activation').selectOption('relu')
    await expect.poll(() => page.url()).toContain('data=spirals&noise=0.05&hidden=6-4-4&activation=relu&rate=0.01&seed=1')
  })
})

describe('the GPT', () => {
  test('learns: its loss falls, its samples change, and no head sees the future', async () => {
    await visit(SMALL, 360)
    await page.locator('[data-what="sample"]').waitFor()
    const untrained = await said('sample')
    expect(untrained).toContain('On Monday')
    expect(await said('threads')).toMatch(/^(\d+ threads, .*: the page is isolated|One thread, .*)/)
    await press('Train')
    await until(() => numberOf('step'), 200)
    await pause()
    expect(await numberOf('loss')).toBeLessThan(2)
    expect(await numberOf('held-out')).toBeLessThan(2.4)
    expect(await numberOf('speed')).toBeGreaterThan(0)
    expect(await said('sample')).not.toBe(untrained)
    expect(await page.locator('.earlier li').last().innerText()).toContain('untrained')

    await page.getByText('The weights as numbers').click()
    for (const name of ['block 1, head 1', 'block 1, head 2', 'block 2, head 1', 'block 2, head 2']) {
      await press(name)
      const rows = (await page.locator('.scroll tbody tr').evaluateAll(all => all.map(row => Array.from(row.querySelectorAll('td'), cell => cell.textContent ?? '')))) as readonly string[][]
      expect(rows).toHaveLength('On Monday'.length)
      rows.forEach((row, query) => {
        expect(row.slice(query + 1)).toEqual(row.slice(query + 1).map(() => '0'))
        expect(row.slice(0, query + 1).every(weight => Number(weight) > 0)).toBe(true)
        expect(row.reduce((sum, weight) => sum + Number(weight), 0)).toBeCloseTo(1, 1)
      })
    }
    expect(await said('future')).toContain('All 144 weights there are exactly 0.')
    expect(await scrollWidth()).toBeLessThanOrEqual(360)
    expect(problems).toEqual([])
  })

  test('stops when it is told to, goes on from there, and survives a reload', async () => {
    await visit(SMALL)
    await press('Train')
    await until(() => numberOf('step'), 10)
    await pause()
    const step = await numberOf('step'), loss = await exactLoss()
    await page.waitForTimeout(400)
    expect(await numberOf('step')).toBe(step)
    await page.reload({ waitUntil: 'networkidle' })
    await until(() => numberOf('step'), step)
    expect([await numberOf('step'), await exactLoss()]).toEqual([step, loss])
    expect(await page.locator('.notice').innerText()).toContain('kept')
    await press('Train')
    await until(() => numberOf('step'), step + 5)
    await pause()
    await page.goto(`${site.url}${SMALL.replace('seed=3', 'seed=4')}`, { waitUntil: 'networkidle' })
    await page.locator('[data-what="sample"]').waitFor()
    expect(await numberOf('step')).toBe(0)
    expect(problems).toEqual([])
  })

  test('is the same run to the bit, reloaded in the middle or not; its weights give the same logits in Node', async () => {
    await visit(SMALL)
    await steps(4)
    const whole = await exactLoss(), here = await logits(), file = await saved('whole.safetensors')
    await press('Reset')
    await expect.poll(() => numberOf('step')).toBe(0)
    await steps(2)
    // A step is kept when it has been shown; the store is asked until it has it.
    await expect.poll(async () => {
      await page.reload({ waitUntil: 'networkidle' })
      return numberOf('step')
    }).toBe(2)
    await steps(2)
    expect(await exactLoss()).toBe(whole)
    const again = await saved('again.safetensors')
    expect((await readFile(again)).equals(await readFile(file))).toBe(true)

    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('logits.ts', import.meta.url)), file, 'On Monday'])
    const { kernels, logits: there } = JSON.parse(stdout) as { readonly kernels: string, readonly logits: Readonly<Record<string, number>> }
    expect(kernels).toBe('fused')
    expect(Object.keys(here)).toHaveLength(8)
    expect(here).toEqual(Object.fromEntries(Object.keys(here).map(symbol => [symbol, there[symbol]])))

    await page.context().close()
    await visit(SMALL)
    await page.locator('[data-what="sample"]').waitFor()
    expect(await logits()).not.toEqual(here)
    await page.locator('input[type=file]').setInputFiles(file)
    await expect.poll(() => page.locator('.notice').innerText().catch(() => '')).toContain('The weights of the file are here')
    await expect.poll(logits).toEqual(here)
    expect(problems).toEqual([])
  })

  describe('given what is wrong', () => {
    beforeEach(() => visit(SMALL))
    const large = (): Uint8Array => encodeSafetensors({
      tensors: tree.flatten(initGpt({ vocabulary: 2, context: 300, width: 8, layers: 1 })(random.key(0))),
      metadata: { pullback: JSON.stringify({ heads: 1, tokenizer: { kind: 'character', symbols: ['a', 'b'] } }) }
    })
    test('files give a sentence each, and the run goes on', async () => {
      const files: readonly (readonly [name: string, bytes: Uint8Array, sentence: RegExp])[] = [
        ['notes.txt', new TextEncoder().encode('no weights at all, only words'), /^“notes.txt” was not loaded: safetensors: .+[^.]\.$/],
        ['empty.safetensors', new Uint8Array(), /^“empty.safetensors” was not loaded: safetensors: expected at least 8 bytes, got 0\.$/],
        ['bare.safetensors', encodeSafetensors({ tensors: [['x', tensor.of([1])]], metadata: {} }), /^“bare.safetensors” was not loaded: checkpoint: the file has no notes .+[^.]\.$/],
        ['large.safetensors', large(), /^“large.safetensors” was not loaded: its model has context 300, which is more or less than this page takes\.$/]
      ]
      for (const [name, bytes, sentence] of files) {
        const path = join(folder, name)
        await writeFile(path, bytes)
        await page.locator('input[type=file]').setInputFiles(path)
        await expect.poll(() => page.getByRole('alert').innerText().catch(() => '')).toMatch(sentence)
      }
      await steps(1)
      expect(problems).toEqual([])
    })

    test('a text or a prompt gives a sentence, and the run goes on', async () => {
      await page.getByLabel('Prompt').fill('€')
      await expect.poll(() => page.getByRole('alert').innerText().catch(() => '')).toMatch(/^The prompt cannot be read: symbol "€"/)
      await page.getByLabel('Prompt').fill('The ')
      await expect.poll(() => page.getByRole('alert').count()).toBe(0)
      const address = page.url()
      await page.locator('input[name=seed]').fill('-5')
      await page.locator('input[name=seed]').blur()
      await expect.poll(() => page.getByRole('alert').innerText().catch(() => '')).toContain('The seed is -5, where an integer from 0 to 999999 was expected; it stays 3.')
      await page.locator('input[name=seed]').fill('99')
      await page.locator('input[name=seed]').blur()
      await expect.poll(() => page.getByRole('alert').count()).toBe(0)
      await page.locator('textarea').fill('too short')
      await press('Start a new run')
      await expect.poll(() => page.getByRole('alert').innerText().catch(() => '')).toMatch(/^The text has 9 symbols; with a context of 32/)
      expect(page.url()).toBe(address)
      await steps(1)
    })
  })

  test('is repeated by its address: settings, view and the name of its text', async () => {
    await visit(GPT)
    await page.locator('select[name=width]').selectOption('32')
    await page.locator('select[name=blocks]').selectOption('1')
    await page.locator('input[name=seed]').fill('7')
    await page.locator('textarea').fill('one fish two fish red fish blue fish '.repeat(10))
    await press('Start a new run')
    await expect.poll(() => page.url()).toMatch(/blocks=1&heads=4&width=32&context=64&batch=16&rate=0.003&seed=7&.*temperature=0.8&top=0&text=\w+$/)
    await steps(1)
    const address = page.url(), parameters = await page.getByText(/parameters, \d+ symbols/).innerText()
    await page.reload({ waitUntil: 'networkidle' })
    await until(() => numberOf('step'), 1)
    expect(await page.locator('textarea').inputValue()).toContain('one fish two fish')
    expect(await page.getByText(/parameters, \d+ symbols/).innerText()).toBe(parameters)
    await page.context().close()
    await visit(address.slice(site.url.length))
    expect(await page.locator('.notice').innerText()).toContain('The address means a run on another text')
    expect(await page.locator('select[name=width]').inputValue()).toBe('32')
    expect(await page.locator('input[name=seed]').inputValue()).toBe('7')
    expect(problems).toEqual([])
  })

  test('opens an address whose values are wrong, and what it says of them stays', async () => {
    await visit(`${GPT}?width=10&heads=4&rate=NaN&seed=-1&blocks=1&temperature=-3`)
    await page.locator('[data-what="sample"]').waitFor()
    await steps(1)
    const alert = await page.getByRole('alert').innerText()
    for (const part of ['rate=NaN', 'seed=-1', 'temperature=-3', 'A width of 10 cannot be cut into 4 heads']) expect(alert).toContain(part)
    expect(page.url()).toContain('blocks=1&heads=4&width=64&context=64&batch=16&rate=0.003&seed=1&')
    expect(await page.locator('select[name=width]').inputValue()).toBe('64')
    expect(problems).toEqual([])
  })

  test('opens a run where the browser’s store never answers', async () => {
    ({ page, problems } = await openPage(site, SMALL, { viewport: { width: 1280, height: 900 } }, opening => {
      // The worker is a module of its own, so what it finds is put before it.
      void opening.route('**/*gpt*.js', async route => {
        const response = await route.fetch()
        await route.fulfill({ response, body: `if (typeof document === 'undefined') indexedDB.open = () => ({});\n${await response.text()}` })
      })
    }))
    await page.locator('[data-what="sample"]').waitFor()
    expect(await page.getByRole('alert').innerText()).toContain('its store did not answer in 2 seconds')
    await steps(1)
  })

  test('keeps what a reset or a file began, and says what a reset begins with', async () => {
    const notice = () => page.locator('.notice').innerText().catch(() => '')
    const reloaded = async (): Promise<void> => {
      // A run is kept when it has been shown; the store is given the time to take it.
      await page.waitForTimeout(1500)
      await page.reload({ waitUntil: 'networkidle' })
      await page.locator('[data-what="sample"]').waitFor()
    }
    await visit(SMALL)
    await steps(2)
    const file = await saved('kept.safetensors'), learned = await logits()
    await press('Reset')
    await expect.poll(() => numberOf('step')).toBe(0)
    const random = await logits()
    await reloaded()
    expect([await numberOf('step'), await logits()]).toEqual([0, random])

    await page.locator('input[type=file]').setInputFiles(file)
    await expect.poll(notice).toContain('Reset begins with random weights, not with these.')
    await reloaded()
    expect(await logits()).toEqual(learned)
    await page.locator('input[type=file]').setInputFiles(file)
    await expect.poll(notice).toContain('The weights of the file')
    await press('Reset')
    await expect.poll(notice).toBe('This run begins with random weights, not with those of the file.')
    await expect.poll(logits).toEqual(random)
    expect(problems).toEqual([])
  })

  test('says in a second tab that its run is not kept, until the first is closed', async () => {
    await visit(SMALL)
    await steps(2)
    const first = page, loss = await exactLoss(), keeping = () => page.locator('[data-what="keeping"]')
    await page.waitForTimeout(1000)
    page = await first.context().newPage()
    await page.goto(site.url + SMALL, { waitUntil: 'networkidle' })
    await until(() => numberOf('step'), 2)
    await steps(1)
    await keeping().waitFor()
    expect(await keeping().innerText()).toContain('the run of this one is not kept')
    await first.reload({ waitUntil: 'networkidle' })
    expect(await first.locator('[data-what="step"]').innerText()).toBe('2')
    expect(await first.locator('[data-what="loss"]').getAttribute('data-exact')).toBe(loss)
    await first.close()
    await steps(1)
    await expect.poll(() => keeping().count(), { timeout: 10_000 }).toBe(0)
    expect(problems).toEqual([])
  })

  test('answers at once while the default model trains', async () => {
    await visit(GPT)
    await press('Train')
    await until(() => numberOf('step'), 3)
    const times: number[] = []
    for (let i = 0; i < 9; i++) {
      times.push(await page.evaluate(index => new Promise<number>(resolve => {
        const begin = performance.now()
        document.querySelectorAll<HTMLButtonElement>('.heads button')[index % 8].click()
        requestAnimationFrame(() => { setTimeout(() => { resolve(performance.now() - begin) }) })
      }), i))
      await page.waitForTimeout(100)
    }
    expect(times.sort((a, b) => a - b)[4]).toBeLessThan(100)
  })
})
