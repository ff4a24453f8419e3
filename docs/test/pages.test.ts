import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addresses, openPage, openSite, type Site } from './browser.js'

let site: Site
beforeAll(async () => { site = await openSite() })
afterAll(() => site.close())

describe.each(addresses())('%s', address => {
  test('loads without a complaint, and fits a phone', async () => {
    const { page, problems } = await openPage(site, address, { viewport: { width: 360, height: 740 } })
    const { width, content } = await page.evaluate(() => ({ width: innerWidth, content: document.documentElement.scrollWidth }))
    await page.context().close()
    expect(problems).toEqual([])
    expect(content).toBeLessThanOrEqual(width)
  })
})
