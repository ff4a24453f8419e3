import { readFileSync, readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { Locator, Page } from 'playwright-core'
import { chapters } from 'pullback/laws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileStep, runStep } from '../site/.vitepress/theme/lib/derivation/reader.js'
import { tryStep } from '../site/.vitepress/theme/lib/derivation/trial.js'
import { addresses, openPage, openSite, type Site } from './browser.js'

let site: Site
beforeAll(async () => { site = await openSite() })
afterAll(() => site.close())

const pages = addresses().filter(address => /^\/derivations\/[^/]+\.html$/.test(address) && !address.endsWith('index.html'))

const stepOf = (page: Page, place: string): Locator => page.locator(`.step[data-place='${place.replace(/\\/g, '\\\\')}']`)

/** Opens the editor of a step and waits for its first answer. */
const opened = async (page: Page, place: string): Promise<Locator> => {
  const step = stepOf(page, place)
  await step.getByRole('button', { name: 'Change it' }).click()
  await step.locator('.pb-holds').getByText('It holds').waitFor()
  return step
}

const replace = async (page: Page, step: Locator, text: string): Promise<void> => {
  await step.getByRole('textbox').click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(text)
}

test('every page has its formulae, in HTML and in MathML, with their symbols marked', () => {
  expect(pages.length).toBeGreaterThan(40)
  for (const address of pages) {
    const html = readFileSync(new URL(`../site/.vitepress/dist${address}`, import.meta.url), 'utf8')
    const count = (pattern: RegExp): number => Array.from(html.matchAll(pattern)).length
    const formulas = count(/class="katex-display"/g)
    expect(formulas, address).toBeGreaterThan(0)
    expect(count(/class="[^"]*enclosing[^"]*"[^>]* data-l="/g), address).toBeGreaterThan(formulas)
    // Chips have names and no MathML of their own.
    expect(count(/<math /g), address).toBeGreaterThanOrEqual(formulas)
    expect(count(/katex-error/g), address).toBe(0)
  }
})

test('a page that is opened from another brings its formulae, without the marks between which VitePress leaves them out', () => {
  const assets = new URL('../site/.vitepress/dist/assets/', import.meta.url)
  const scripts = readdirSync(assets).filter(file => /^derivations_.*\.js$/.test(file)), whole = scripts.filter(file => !file.endsWith('.lean.js'))
  expect(whole.length).toBe(pages.length + 1)
  for (const file of scripts) expect(readFileSync(new URL(file, assets), 'utf8'), file).not.toContain('__VP_STATIC')
  for (const file of whole.filter(name => !name.startsWith('derivations_index'))) expect(readFileSync(new URL(file, assets), 'utf8'), file).toContain('katex-display')
})

describe.each([
  ['softmax-with-temperature', 'dx, step 3'], ['linear', 'dX, step 3'], ['layernorm', 'dx, step 2'], ['scaled-dot-product-attention', 'dZ, step 2'],
  ['andthen-the-chain-rule', 'dx, step 1'], ['gpt', 'dh, step 1']
])('%s', (name, place) => {
  test(`the code of ${place} holds, and broken by one click it shows where it fails`, async () => {
    const { page, problems } = await openPage(site, `/derivations/${name}.html`)
    const step = await opened(page, place)
    const mistakes = await step.locator('.mistake').all()
    for (const mistake of mistakes) {
      await mistake.click()
      await step.locator('.counterexample').getByText('It fails:').or(step.locator('.pb-fails').getByText(/It (gives|throws)/)).waitFor()
      await step.getByRole('button', { name: 'Put it back' }).click()
      await step.locator('.pb-holds').getByText('It holds: 100 cases').waitFor()
    }
    expect(problems).toEqual([])
    await page.context().close()
    expect(mistakes.length).toBeGreaterThan(name === 'gpt' ? -1 : 0)
  })
})

const numbers = async (place: Locator): Promise<readonly number[]> => (await place.locator('.entry').allInnerTexts()).map(text => Number(text.replace('−', '-')))

test('a counterexample states numbers that are true', async () => {
  const { page, problems } = await openPage(site, '/derivations/softmax-with-temperature.html')
  const step = await opened(page, 'dx, step 3')
  await replace(page, step, '({ y, dy, tau }) => y.map((p, i) => p / tau * dy[i])')
  const example = step.locator('.counterexample')
  await example.waitFor()
  const given = async (name: string): Promise<readonly number[]> => numbers(example.locator('.given > div', { has: page.locator(`dt:text-is("${name}")`) }))
  const [y, dy, [tau]] = [await given('y'), await given('dy'), await given('tau')]
  const mean = y.reduce((total, p, j) => total + p * dy[j], 0)
  const columns = await example.locator('.results > div').all()
  const [mine, formula, before] = await Promise.all(columns.map(numbers))
  y.forEach((p, i) => {
    expect(mine[i]).toBeCloseTo(p / tau * dy[i], 4)
    expect(formula[i]).toBeCloseTo(p / tau * (dy[i] - mean), 4)
    expect(before[i]).toBeCloseTo(p / tau * (dy[i] - mean), 4)
  })
  expect(mine.some((v, i) => Math.abs(v - formula[i]) > 1e-4)).toBe(true)
  expect(await example.locator('.mine .differs').count()).toBe(1)
  expect(problems).toEqual([])
  await page.context().close()
})

test('whatever is wrong with a program is one sentence, and the next edit works', async () => {
  const { page, problems } = await openPage(site, '/derivations/linear.html')
  const step = await opened(page, 'dX, step 3'), right = '({ W, dY }) => product(dY, transposed(W))'
  const says = (text: string | RegExp): Promise<void> => step.locator('.answer').getByText(text).waitFor()
  await replace(page, step, '() => { for (;;) {} }')
  await says('Stopped after 2 seconds. Is there a loop that never ends?')
  await replace(page, step, right)
  await says('It holds: 100 cases')
  // Before the loop is ended, the next edit has its answer.
  await replace(page, step, 'while (true) {}')
  await says('This is not a program yet.')
  await replace(page, step, '({ W, dY }) => { while (true) { W.length } }')
  await page.waitForTimeout(300)
  const start = Date.now()
  await replace(page, step, right)
  await says('It holds: 100 cases')
  expect(Date.now() - start).toBeLessThan(20_000)
  await replace(page, step, '({ W, dY }) =>')
  await says('This is not a program yet.')
  await replace(page, step, '({ W, dY }) => nothing(W)')
  await says('It throws. ReferenceError: nothing is not defined.')
  await replace(page, step, '({ W, dY }) => product')
  await says('It gives a function, where numbers or arrays of numbers are expected.')
  await replace(page, step, '({ W, dY }) => { product(dY, W) }')
  await says(/It throws|It gives nothing/)
  await replace(page, step, '({ W, dY }) => { dY[0][0] = 1; return product(dY, transposed(W)) }')
  await says('It changes what it was given, which cannot be changed.')
  await replace(page, step, '({ W, dY }) => transposed(product(dY, transposed(W))).concat([[1]])')
  await says(/where the shape .* is expected|rows of different lengths/)
  await replace(page, step, '({ W, dY }) => product(dY, transposed(W)).map(row => row.map(v => v / 0 * 0))')
  await says('is not a number (NaN)')
  await replace(page, step, '4')
  await says('A step is a function of the letters')
  await replace(page, step, right)
  await says('It holds: 100 cases')
  expect(problems).toEqual([])
  await page.context().close()
})

test('a planted mistake is caught before the eyes of the reader, and laws run on fresh cases', async () => {
  const { page, problems } = await openPage(site, '/derivations/relu-and-leakyrelu.html')
  await page.getByRole('button', { name: /^Run all \d+ laws/ }).click()
  await page.locator('.bar').getByText(/All \d+ laws hold: \d+ fresh cases/).waitFor()
  const step = stepOf(page, 'dx, step 1')
  await step.getByRole('button', { name: 'Run it now' }).click()
  await step.getByText(/hold: 100 fresh cases, .*, seed \d+/).waitFor()
  await page.getByRole('button', { name: 'Catch it: relu: the gradient of the identity' }).click()
  const mistake = page.locator('.mistake', { hasText: 'relu: the gradient of the identity' })
  await mistake.locator('.found').getByText(/analytic .*numeric /s).waitFor()
  expect(await mistake.locator('.case').innerText()).toContain('input: ')
  expect(problems).toEqual([])
  await page.context().close()
})

test('the lines of the library have their true numbers', async () => {
  const { page } = await openPage(site, '/derivations/index.html')
  let compared = 0
  for (const [name, file] of [['softmax-with-temperature', 'src/layers/softmax.ts'], ['linear', 'src/layers/linear.ts'], ['adam', 'src/optimizers/adam.ts']]) {
    await page.goto(`${site.url}/derivations/${name}.html`, { waitUntil: 'load' })
    const lines = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split('\n')
    const blocks = await page.locator('.line-numbers-mode').evaluateAll(list => list.map(block => ({
      numbers: Array.from(block.querySelectorAll('.line-number'), number => Number(number.textContent)), lines: Array.from(block.querySelectorAll('code .line'), line => line.textContent)
    })))
    expect(blocks.length, name).toBeGreaterThan(1)
    for (const block of blocks) block.lines.forEach((line, i) => {
      expect(line, `${file}:${block.numbers[i]}`).toBe(lines[block.numbers[i] - 1])
      compared++
    })
  }
  expect(compared).toBeGreaterThan(50)
  await page.context().close()
})

test('by keyboard alone: a symbol says what it is, a law runs, a step is changed and put back', async () => {
  const { page, problems } = await openPage(site, '/derivations/sigmoid.html')
  const active = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent.trim() ?? '')
  const tabTo = async (wanted: RegExp): Promise<void> => {
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press('Tab')
      if (wanted.test(await active())) return
    }
    throw new Error(`the Tab key does not reach ${String(wanted)}`)
  }
  await page.locator('.bar button').focus()
  await tabTo(/\[N\]$/)
  await page.getByRole('tooltip').waitFor()
  expect(await page.getByRole('tooltip').innerText()).toMatch(/\[N\]\s+\S/)
  expect(await page.locator('.enclosing.is-symbol').count()).toBeGreaterThan(0)
  await page.keyboard.press('Escape')
  await tabTo(/^Run it now$/)
  await page.keyboard.press('Enter')
  await page.locator('.laws .pb-says').getByText(/holds?: 100 fresh cases/).first().waitFor()
  await tabTo(/^Change it$/)
  await page.keyboard.press('Enter')
  await page.locator('.answer').getByText('It holds').waitFor()
  // The editor comes when its code has been loaded, and only then what is typed goes there.
  await page.locator('.cm-content:focus').waitFor()
  await page.keyboard.press('Control+End')
  await page.keyboard.type(' + ')
  await page.locator('.answer').getByText('This is not a program yet.').waitFor()
  await page.keyboard.press('Escape')
  await tabTo(/^Put it back$/)
  await page.keyboard.press('Enter')
  await page.locator('.answer').getByText('It holds').waitFor()
  await tabTo(/^Close$/)
  await page.keyboard.press('Enter')
  expect(await active()).toBe('Change it')
  expect(problems).toEqual([])
  await page.context().close()
})

test('a page needs at most 200 KB of JavaScript before an editor is opened', async () => {
  for (const name of ['transformer-block', 'scaled-dot-product-attention']) {
    const context = await site.browser.newContext(), page = await context.newPage()
    let bytes = 0
    const bodies: Promise<void>[] = []
    page.on('response', response => {
      if (response.url().endsWith('.js')) bodies.push(response.body().then(body => { bytes += gzipSync(body).length }))
    })
    await page.goto(`${site.url}/derivations/${name}.html`, { waitUntil: 'networkidle' })
    await Promise.all(bodies)
    await context.close()
    expect(bytes, name).toBeGreaterThan(20_000)
    expect(bytes, name).toBeLessThanOrEqual(200_000)
  }
})

test('a step may be written in any ordinary way', () => {
  const value = (code: string): unknown => compileStep(code, [], {})({ y: 3 }, {})
  for (const code of [
    '({ y }) => y', '({ y }) => y;', '({ y }) => y; // mine', '({ y }) => y // mine', '({ y }) => y /* mine */ ;\n', '// mine\nconst dx = ({ y }) => y',
    '/* a */ /* b */ export const dx = ({ y }) => y;', 'const dx: (letters: { y: number }) => number = ({ y }) => y; // mine', 'export default ({ y }) => y',
    'function dx({ y }) { return y }', '({ y }: { y: number }): number => y as number'
  ]) expect(value(code), code).toBe(3)
  for (const code of ['', ' \n', ';', '// only a comment', '/* only */ // comments\n', 'const dx = // nothing'])
    expect(() => value(code), code).toThrow('There is no code.')
  for (const code of ['({ y }) =>', '({ y }) => y +', 'while (true) {}']) expect(() => value(code), code).toThrow('This is not a program yet.')
})

const WRONG_ONCE = `(() => {
  let calls = 0
  return letters => (calls++ === 0 ? letters.dy.map(() => 7) : RIGHT(letters))
})()`

test('no counterexample is shown that is none when it runs again', async () => {
  const page = chapters.flatMap(chapter => chapter.pages).find(({ key }) => key === 'softmax')
  if (page === undefined) throw new Error('softmax has no page')
  const right = '(({ y, dy, tau }) => y.map((p, i) => p / tau * (dy[i] - y.reduce((total, q, j) => total + q * dy[j], 0))))'
  const answer = (code: string): ReturnType<typeof tryStep> => tryStep(page.derivation, 'dx, step 3', compileStep(code, [], {}), 1, {
    at: () => undefined, soFar: () => undefined, failing: () => undefined, stopped: () => false
  })
  expect(await answer(right)).toMatchObject({ kind: 'holds', cases: 100 })
  expect(await answer(right.replace('total + q', 'total - q'))).toMatchObject({ kind: 'fails' })
  expect(await answer(WRONG_ONCE.replace('RIGHT', right))).toMatchObject({ kind: 'problem', text: expect.stringContaining('a pure function of the letters') as unknown })
})

test('what an older trial left behind never answers for a newer one', async () => {
  const { page, problems } = await openPage(site, '/derivations/softmax-with-temperature.html')
  const step = await opened(page, 'dx, step 3')
  const right = 'y.map((p, i) => p / tau * (dy[i] - y.reduce((total, q, j) => total + q * dy[j], 0)))'
  const answer = step.locator('.answer'), says = (text: string | RegExp): Promise<void> => answer.getByText(text).waitFor()
  const holds = async (): Promise<void> => {
    await replace(page, step, `({ y, dy, tau }) => ${right} // ${Math.random()}`)
    await says('It holds: 100 cases')
  }
  // A loop that begins when the answer is there.
  await replace(page, step, `({ y, dy, tau }) => { setTimeout(() => { for (;;) {} }, 1500); return ${right} }`)
  await says('It holds: 100 cases')
  await page.waitForTimeout(2500)
  await replace(page, step, '({ y }) => y')
  expect(await answer.getByText('It holds').count()).toBe(0)
  await answer.locator('.counterexample').waitFor()
  await holds()
  // What belongs to every program.
  for (const poison of ['Array.prototype.map = function () { return [] }', 'Object.prototype.evil = 1', 'Math.exp = () => 1']) {
    await replace(page, step, `() => { ${poison}; return 7 }`)
    await answer.locator('.pb-fails').waitFor()
    await holds()
  }
  // A worker that says no more is no proof.
  for (const quiet of ['const f = () => Promise.resolve().then(f); f()', "new Function('close()')()"]) {
    await replace(page, step, `({ y, dy, tau }) => { ${quiet}; return ${right} }`)
    await says(/^✗ Stopped after \d seconds/)
    await holds()
  }
  expect(problems).toEqual([])
  await page.context().close()
})

test('steps of one page do not stop each other', async () => {
  const { page, problems } = await openPage(site, '/derivations/softmax-with-temperature.html')
  const first = await opened(page, 'dx, step 3')
  await replace(page, first, '({ y }) => { for (;;) {} }')
  await page.waitForTimeout(400)
  const second = await opened(page, 'dx, step 2')
  await second.getByRole('button', { name: 'Close' }).click()
  await first.locator('.answer').getByText('Stopped after 2 seconds').waitFor()
  expect(problems).toEqual([])
  await page.context().close()
})

test('a step that changes what its law is computed with is no proof', () => {
  const run = (code: string): unknown => runStep(compileStep(code, [], {}), {}, {}, () => undefined)
  const { map } = Array.prototype, { exp } = Math
  try {
    expect(() => run('() => { Math.exp = () => 1; return 7 }')).toThrow('It changes Math.exp, which belongs to every program.')
    Math.exp = exp
    expect(() => run('() => { Object.prototype.evil = 1; return 7 }')).toThrow('It changes Object.prototype.evil')
    Reflect.deleteProperty(Object.prototype, 'evil')
    expect(() => run('() => { Array.prototype.map = () => []; return 7 }')).toThrow('It changes Array.prototype.map')
  } finally {
    Math.exp = exp
    Reflect.deleteProperty(Object.prototype, 'evil')
    Array.prototype.map = map
  }
  expect(run('() => 7')).toBe(7)
})
