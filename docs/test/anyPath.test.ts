import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPage, openSite, type Site } from './browser.js'

let site: Site
beforeAll(async () => { site = await openSite('/some/where/') })
afterAll(() => site.close())

test('the site works from a path of its own, and under its policy', async () => {
  const { page, problems } = await openPage(site, '/index.html')
  await page.getByRole('link', { name: 'Reference' }).first().click()
  await page.getByRole('link', { name: 'Layers' }).first().click()
  await page.waitForURL(/\/some\/where\/api\/layers\.html$/)
  await page.getByRole('link', { name: 'Map', exact: true }).first().click()
  await page.waitForURL(/\/some\/where\/map\.html$/)
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  // A script that somebody slips into the page does not run.
  await page.evaluate(() => {
    const script = document.createElement('script')
    script.textContent = 'document.title = "taken over"'
    document.head.append(script)
  })
  expect(await page.title()).not.toBe('taken over')
  expect(problems.filter(problem => !problem.includes('Content Security Policy'))).toEqual([])
  expect(problems.some(problem => problem.includes('Content Security Policy'))).toBe(true)
  await page.context().close()
})

test('search finds a function and a derivation', async () => {
  const { page, problems } = await openPage(site, '/index.html')
  await page.getByRole('button', { name: 'Search' }).first().click()
  await page.getByRole('searchbox').fill('softmaxWith')
  await page.getByRole('option').filter({ hasText: 'softmaxWith' }).first().waitFor()
  await page.getByRole('searchbox').fill('Jacobian symmetric')
  await page.getByRole('option').first().waitFor()
  expect(problems).toEqual([])
  await page.context().close()
})
