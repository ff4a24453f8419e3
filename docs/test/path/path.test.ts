/**
 * The chapters in a browser: each loads, its figure says what the library computes, its programs print what is printed, and its question answers.
 */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CHAPTERS } from '../../site/.vitepress/pathSidebar.js'
import { valueAndSlope } from '../../site/.vitepress/theme/lib/path/activation.js'
import { RECEIVED, WEIGHTS } from '../../site/.vitepress/theme/lib/path/asking.js'
import { descend, lossAndSlope, START } from '../../site/.vitepress/theme/lib/path/descent.js'
import { drawn, probabilitiesFor, tally, WORDS } from '../../site/.vitepress/theme/lib/path/draws.js'
import { look } from '../../site/.vitepress/theme/lib/path/future.js'
import { passes } from '../../site/.vitepress/theme/lib/path/graph.js'
import { fit } from '../../site/.vitepress/theme/lib/path/loss.js'
import { FRUITS, rightOf, scoresOf } from '../../site/.vitepress/theme/lib/path/neuron.js'
import { percent, shown } from '../../site/.vitepress/theme/lib/path/plane.js'
import { productsWith } from '../../site/.vitepress/theme/lib/path/positions.js'
import { QUESTIONS, type ChapterName } from '../../site/.vitepress/theme/lib/path/questions.js'
import { begin, partsOf, PROMPTS } from '../../site/.vitepress/theme/lib/path/stream.js'
import { probabilitiesAt } from '../../site/.vitepress/theme/lib/path/temperature.js'
import { cosinesWith, trainVectors, WORDS as NAMES } from '../../site/.vitepress/theme/lib/path/vectors.js'
import { openPage, openSite, type Site } from '../browser.js'
import { programs } from './chapters.js'

let site: Site
beforeAll(async () => { site = await openSite() })
afterAll(() => site.close())

const says = (page: Page) => page.locator('.path-figure .pb-says')

/** Moves a slider of the figure. */
const slide = (page: Page, label: string, value: number) => page.locator('.path-figure').getByRole('slider', { name: label, exact: true }).fill(String(value))

const choose = (page: Page, text: string) => page.locator('.path-figure').getByRole('radio', { name: text, exact: true }).check()

/** What a reader does with a figure, and what it must say then. */
const FIGURES: Readonly<Record<ChapterName, (page: Page) => Promise<readonly string[]>>> = {
  'neuron': async page => {
    for (const [label, value] of [['w₁', -1], ['w₂', 1], ['b', 0]] as const) await slide(page, label, value)
    const scores = scoresOf(FRUITS.map(({ at }) => at), -1, 1, 0), right = rightOf(scores)
    return [`${right.filter(Boolean).length} of 10`, `= ${shown(scores[right.indexOf(false)])}.`]
  },
  'activation': async page => {
    await choose(page, 'GELU')
    await slide(page, 'x', -0.7)
    const [value, slope] = valueAndSlope('gelu', -0.7)
    return [`value is ${shown(value, 3)}`, `slope ${shown(slope, 3)}`]
  },
  'loss': async page => {
    await slide(page, 'slope w', 0.5)
    await slide(page, 'bias b', 1)
    return [`the loss, is ${shown(fit(0.5, 1).loss, 3)}`]
  },
  'gradient-descent': async page => {
    await slide(page, 'learning rate', 0.3)
    await page.getByRole('button', { name: 'One step' }).click()
    const [loss, slope] = lossAndSlope(descend(START, 0.3))
    return [`w = ${shown(descend(START, 0.3), 3)}`, `loss is ${shown(loss, 3)}`, `slope ${shown(slope, 3)}`]
  },
  'backpropagation': async page => {
    for (const [label, value] of [['x', -1.2], ['w', 0.7], ['b', 0.5]] as const) await slide(page, label, value)
    const { values, gradients } = passes({ x: -1.2, w: 0.7, b: 0.5 })
    return [`loss is ${shown(values.loss, 3)}`, `= ${shown(gradients.w, 3)}.`]
  },
  'softmax': async page => {
    await slide(page, 'temperature τ', -0.5)
    const [mat, sofa] = probabilitiesAt(10 ** -0.5)
    return [`mat ${percent(mat)}`, `sofa ${percent(sofa)}`]
  },
  'embeddings': async page => {
    await says(page).getByText('After 200 steps').waitFor()
    await choose(page, 'milk')
    const { vectors, step } = trainVectors(200, 200)[1], cosines = cosinesWith(NAMES.indexOf('milk'), { vectors, step })
    const [nearest] = NAMES.map((name, i) => [name, cosines[i]] as const).filter(([name]) => name !== 'milk').sort(([, a], [, b]) => b - a)
    return [`Most like milk: ${nearest[0]} (cosine ${shown(nearest[1])})`]
  },
  'positions': async page => {
    await slide(page, 'distance k', 7)
    await slide(page, 'position t', 31)
    const same = productsWith(3)[10]
    return [`Position 31 with position 38: dot product ${shown(same, 3)}`]
  },
  'query-key-value': async page => {
    await choose(page, 'thirsty')
    return [`“it” gets ${percent(WEIGHTS[7][5])}`, `lives ${shown(RECEIVED[7][0])}`]
  },
  'masking': async page => {
    await choose(page, 'old')
    await says(page).getByText('The outputs of the 3 positions before it did not move at all').waitFor()
    await page.locator('.path-figure').getByLabel('causal mask').uncheck()
    expect(look(false, 3).moved.every(distance => distance > 0)).toBe(true)
    return ['moved at every position', 'the past has seen the future']
  },
  'blocks': async page => {
    const untrained = partsOf(begin().params, PROMPTS[0])
    expect(await says(page).innerText()).toContain(`it says “${untrained[4].likeliest[0][0]}” (${percent(untrained[4].likeliest[0][1])})`)
    await page.getByRole('button', { name: /Train it/ }).click()
    await says(page).getByText('Trained for 200 steps').waitFor({ timeout: 60_000 })
    // Which operations are fused depends on the engine, and 200 steps make much of a last bit. So not the numbers are compared, but what was learned.
    for (const prompt of PROMPTS) {
      await choose(page, `${prompt} …`)
      const place = { cat: 'mat', dog: 'rug', frog: 'rock', bird: 'roof' }[prompt.split(' ')[1]] ?? ''
      await expect.poll(() => says(page).innerText()).toMatch(new RegExp(`it says “${place}” \\(([89]\\d|100) %\\)`))
    }
    return ['Trained for 200 steps']
  },
  'sampling': async page => {
    await slide(page, 'top-k', 3)
    await slide(page, 'key', 17)
    const choice = { temperature: 1, topK: 3 }
    return [`Key 17 draws “${WORDS[drawn(choice, 17)]}”`, `“mat” ${tally(choice, 200)[0]} times`, percent(probabilitiesFor(choice)[0])]
  }
}

/** A wrong and a right answer. */
const answer = async (page: Page, chapter: ChapterName): Promise<void> => {
  const question = QUESTIONS[chapter], form = page.locator('form.question'), check = form.getByRole('button', { name: 'Check' }), verdict = form.getByRole('status')
  if (question.kind === 'number') {
    const [value, hint] = question.mistakes[0], field = form.getByRole('textbox')
    await field.fill(String(value))
    await field.press('Enter')
    await verdict.getByText('Not yet.').waitFor()
    expect(await verdict.innerText()).toContain(hint)
    await field.fill(String(question.answer).replace('-', '−'))
    await check.click()
  } else if (question.kind === 'choice') {
    const right = question.choices.findIndex(choice => choice.right === true), wrong = right === 0 ? 1 : 0
    await form.getByRole('radio').nth(wrong).focus()
    await page.keyboard.press('Space')
    await check.press('Enter')
    await verdict.getByText('Not yet.').waitFor()
    expect(await verdict.innerText()).toContain(question.choices[wrong].says)
    await form.getByRole('radio').nth(right).check()
    await check.click()
  } else {
    await check.click()
    await verdict.getByText('Not yet.').waitFor()
    expect(await verdict.innerText()).toContain('w is still 0')
    await form.getByRole('button', { name: 'Write' }).click()
    const editor = form.getByRole('textbox')
    await editor.click()
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText(question.start.replace(/ {2}\/\/ Here.*/, '  w = w - 0.1 * slope(w)'))
    await check.click()
  }
  await verdict.getByText('Right.').waitFor()
  expect(await verdict.innerText()).toContain(question.kind === 'choice' ? question.choices.find(choice => choice.right === true)?.says : question.right)
}

const chapters = CHAPTERS.map(([chapter]) => chapter as ChapterName) // questions.test.ts holds the two lists equal

describe.each(chapters)('%s', chapter => {
  test('its figure, its programs and its question, on a phone', async () => {
    const { page, problems } = await openPage(site, `/path/${chapter}.html`, { viewport: { width: 360, height: 740 } })
    const figure = page.locator('.path-figure'), before = await says(page).innerText()
    const expected = await FIGURES[chapter](page)
    await expect.poll(() => says(page).innerText()).toContain(expected[0])
    const text = await says(page).innerText()
    for (const part of expected) expect(text).toContain(part)
    expect(text).not.toBe(before)
    // The picture is described by what is said.
    expect(await figure.getByRole('img').first().getAttribute('aria-label')).toContain(text)

    const own = programs.filter(program => program.chapter === chapter), runnable = page.locator('.runnable')
    expect(await runnable.count()).toBe(own.length)
    for (const [i, { promised }] of own.entries()) {
      await runnable.nth(i).getByRole('button', { name: 'Run' }).click()
      await expect.poll(async () => (await runnable.nth(i).locator('.output').innerText()).replaceAll('\n\n', '\n').trim().split('\n').map(line => line.trimEnd()), { timeout: 30_000 })
        .toEqual(promised.map(line => line.trimEnd()))
    }

    await answer(page, chapter)
    const { width, content } = await page.evaluate(() => ({ width: innerWidth, content: document.documentElement.scrollWidth }))
    expect(content).toBeLessThanOrEqual(width)
    expect(problems).toEqual([])

    // The next page remembers what was answered, and the reader can make it forget.
    if (chapter === chapters[0]) {
      await page.goto(`${site.url}/path/index.html`)
      await page.getByText('1 of 12 questions answered').waitFor()
      await page.getByText('✓ answered').waitFor()
      await page.getByRole('button', { name: 'Forget it' }).click()
      await page.getByText('1 of 12 questions answered').waitFor({ state: 'detached' })
      expect(await page.getByText('✓ answered').count()).toBe(0)
    }
    await page.context().close()
  })
})
