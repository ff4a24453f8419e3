import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addresses, openPage, openSite, type Site } from './browser.js'

const LARGEST = 200_000

const axe = readFileSync(fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8')

interface Violation { readonly id: string, readonly impact: string, readonly nodes: readonly { readonly target: readonly string[] }[] }

/** Serious faults, each with the first places where it is. */
const serious = (page: Page, rules?: readonly string[]): Promise<readonly string[]> => page.evaluate(async only => {
  const { axe } = window as unknown as { axe: { run: (options: object) => Promise<{ violations: readonly Violation[] }> } } // what the script defines
  const { violations } = await axe.run(only === undefined ? {} : { runOnly: only })
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).slice(0, 3).join(', ')}`)
}, rules)

let site: Site
beforeAll(async () => { site = await openSite() })
afterAll(() => site.close())

const pages = addresses().filter(address => !address.startsWith('/source/'))
const links = new Map<string, ReadonlySet<string>>()

test.concurrent.each(pages)('%s loads without a complaint, fits a phone, is light, and accessible in both modes', async address => {
  const scripts = new Map<string, number>()
  const { page, problems } = await openPage(site, address, { viewport: { width: 360, height: 740 }, colorScheme: 'light', bypassCSP: true }, page => {
    page.on('response', response => {
      if (/\.js$/.test(response.url())) void response.body().then(body => { scripts.set(response.url(), gzipSync(body).length) }, () => undefined)
    })
  })
  const { width, content } = await page.evaluate(() => ({ width: innerWidth, content: document.documentElement.scrollWidth }))
  await page.evaluate(axe)
  const light = await serious(page)
  await page.emulateMedia({ colorScheme: 'dark' })
  const dark = await serious(page, ['color-contrast']) // all else is the same
  links.set(address, new Set(await page.evaluate(() => Array.from(document.querySelectorAll('#app a[href]'), link => new URL(link.getAttribute('href') ?? '', location.href).href))))
  const weight = Array.from(scripts.values()).reduce((sum, bytes) => sum + bytes, 0)
  await page.context().close()
  expect(problems).toEqual([])
  expect(content).toBeLessThanOrEqual(width)
  expect(weight).toBeLessThanOrEqual(LARGEST)
  expect({ light, dark }).toEqual({ light: [], dark: [] })
})

test('links lead to a page and a place on it', () => {
  const dist = new URL('../site/.vitepress/dist', import.meta.url)
  const texts = new Map(addresses().map(address => [address, readFileSync(fileURLToPath(`${dist.href}${address}`), 'utf8')]))
  const broken = Array.from(links).flatMap(([from, targets]) => Array.from(targets).flatMap(target => {
    if (!target.startsWith(site.url)) return /^https:\/\//.test(target) ? [] : [`${from}: ${target}`]
    const { pathname, hash } = new URL(target), file = pathname.endsWith('/') ? `${pathname}index.html` : pathname
    const text = texts.get(file)
    if (text === undefined) return [`${from}: ${target}`]
    return hash === '' || text.includes(`id="${decodeURIComponent(hash.slice(1))}"`) ? [] : [`${from}: ${target}`]
  }))
  expect(links.size).toBe(pages.length)
  expect(broken).toEqual([])
})
