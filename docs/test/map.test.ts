import { afterAll, beforeAll, expect, test } from 'vitest'
import { derivations } from 'pullback/laws'
import { openPage, openSite, type Site } from './browser.js'

let site: Site
beforeAll(async () => { site = await openSite() })
afterAll(() => site.close())

test('the map shows every derivation, says what it rests on, and can be walked with the keyboard', async () => {
  const { page, problems } = await openPage(site, '/map.html')
  const nodes = page.locator('.map a')
  expect(await nodes.count()).toBe(derivations.length)
  const softmax = page.locator('.map a[data-slug="softmax-with-temperature"]')
  await softmax.focus()
  const says = page.locator('.map [aria-live]')
  expect(await says.textContent()).toMatch(/^Softmax with temperature rests on 1 derivation; \d+ derivations rest on it\.$/)
  await page.keyboard.press('ArrowRight')
  const next = await page.evaluate(() => document.activeElement?.getAttribute('data-slug'))
  expect(next).not.toBe('softmax-with-temperature')
  expect(await says.textContent()).not.toContain('Softmax with temperature rests')
  await page.keyboard.press('Enter')
  await page.waitForURL(new RegExp(`/derivations/${next ?? ''}\\.html$`))
  expect(problems).toEqual([])
  await page.context().close()
})
