/**
 * All interactions together: they have pages, keep their room, fit a phone, are accessible, and weigh little. What each shows is tried in `widgets/`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { slug } from '../pages.js'
import { chapters } from '../../laws/derivations/index.js'
import { roomOf, widgetOf } from '../site/.vitepress/theme/lib/widgets/index.js'
import { openPage, openSite, type Site } from './browser.js'

const axe = readFileSync(fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8')

interface Violation { readonly id: string, readonly nodes: readonly { readonly target: readonly string[] }[] }

let site: Site
beforeAll(async () => { site = await openSite() })
afterAll(() => site.close())

/** Scrolls through the gallery until everything is there. */
const seeAll = async (page: Page): Promise<readonly string[]> => {
  const ids = await page.locator('.vp-doc h2').evaluateAll(headings => headings.map(heading => heading.id))
  for (const id of ids) {
    await page.locator(`h2#${id}`).evaluate(heading => { heading.scrollIntoView() })
    await page.locator(`h2#${id} ~ div [data-widget]`).first().waitFor()
  }
  await expect.poll(() => page.locator('[data-widget]').count()).toBe(ids.length + 2) // two are in two parts
  return ids
}

test('belong to pages that there are, and have components', () => {
  const slugs = chapters.flatMap(({ pages }) => pages.map(({ derivation: { name } }) => slug(name)))
  const components = readdirSync(fileURLToPath(new URL('../site/.vitepress/theme/components/widgets/', import.meta.url)))
  for (const [page, component] of Object.entries(widgetOf)) {
    expect(slugs).toContain(page)
    expect(components).toContain(`${component}.vue`)
    expect(Object.keys(roomOf)).toContain(component)
  }
})

test.each(['light', 'dark'] as const)('fit a phone, are accessible and weigh little, %s', async colorScheme => {
  const scripts = new Map<string, number>()
  const { page, problems } = await openPage(site, '/widgets.html', { viewport: { width: 360, height: 740 }, colorScheme, hasTouch: true, bypassCSP: true }, opened => {
    opened.on('response', response => {
      if (/\.js$/.test(response.url())) void response.body().then(body => { scripts.set(response.url(), gzipSync(body).length) }, () => undefined)
    })
  })
  await seeAll(page)
  // What is cut off at the right would not widen the page, so every part is measured.
  const outside = await page.locator('[data-widget] *').evaluateAll(parts => parts
    .filter(part => part.getBoundingClientRect().right > innerWidth || part.getBoundingClientRect().left < 0).map(part => part.outerHTML.slice(0, 120)))
  expect(outside).toEqual([])
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
  await page.evaluate(axe)
  const violations = await page.evaluate(async () => (await (window as unknown as { axe: { run: (what: string) => Promise<{ violations: readonly Violation[] }> } }).axe.run('.vp-doc')).violations) // what the script defines
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)).toEqual([])
  expect(problems).toEqual([])
  // The library comes on top, once; `pages.test.ts` holds it and the page to what a page may load.
  const own = Array.from(scripts).filter(([url]) => /\/Widget[A-Z]/.test(url))
  expect(own.length).toBeGreaterThanOrEqual(new Set(Object.values(widgetOf)).size)
  expect(own.reduce((sum, [, bytes]) => sum + bytes, 0)).toBeLessThanOrEqual(60_000)
  await page.context().close()
})

test.each([[1280, 900], [360, 740]])('are loaded when they are nearly seen, and nothing jumps, %i × %i', async (width, height) => {
  const { page } = await openPage(site, '/widgets.html', { viewport: { width, height } })
  expect(await page.locator('[data-widget]').count()).toBeLessThan(4)
  const heightOf = () => page.evaluate(() => document.documentElement.scrollHeight)
  const before = await heightOf()
  await seeAll(page)
  const after = await heightOf()
  await page.context().close()
  expect(Math.abs(after - before)).toBeLessThan(0.02 * before)
})
