/**
 * How the tests of the interactions look at them.
 */
import { tensor, type Tensor } from 'pullback'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { openPage, openSite, type Site } from '../browser.js'

/** An interaction of the gallery, once it is there. */
const widgetIn = async (page: Page, id: string, name: string): Promise<Locator> => {
  await page.locator(`h2#${id}`).evaluate(heading => { heading.scrollIntoView() })
  const widget = page.locator(`[data-widget="${name}"]`)
  await widget.waitFor()
  return widget
}

/** Opens the gallery, does something with one interaction, and expects that nothing went wrong meanwhile. */
export type InGallery = (id: string, name: string, look: (widget: Locator, page: Page) => Promise<void>) => () => Promise<void>

/** The gallery for the tests of one file. */
export const openGallery = (): InGallery => {
  let site: Site
  beforeAll(async () => { site = await openSite() })
  afterAll(() => site.close())
  return (id, name, look) => async () => {
    const { page, problems } = await openPage(site, '/widgets.html')
    try {
      await look(await widgetIn(page, id, name), page)
      expect(problems).toEqual([])
    } finally {
      await page.context().close()
    }
  }
}

/** The numbers behind what is shown under a name, in their order. */
export const numbers = (widget: Locator, name: string): Promise<readonly number[]> =>
  widget.locator(`[data-name="${name}"]`).evaluateAll(elements => elements.flatMap(element =>
    (element.hasAttribute('data-value') ? [element] : Array.from(element.querySelectorAll('[data-value]'))).map(cell => Number(cell.getAttribute('data-value')))))

/** What a reader reads there. */
export const shown = (widget: Locator, name: string): Promise<readonly string[]> =>
  widget.locator(`[data-name="${name}"]`).evaluateAll(elements => elements.map(element => element.textContent.trim()))

export const points = (widget: Locator, name: string): Promise<readonly (readonly number[])[]> =>
  widget.locator(`[data-name="${name}"]`).evaluateAll(elements => elements.map(element => JSON.parse(element.getAttribute('data-value') ?? '') as number[]))

export const expectClose = (actual: readonly number[], expected: readonly number[]): void => {
  expect(actual.length).toBe(expected.length)
  // Chromium and Node compute the same in double precision, up to the last digits of `exp` and `tanh`.
  for (const [i, value] of expected.entries()) expect(Math.abs(actual[i] - value), `entry ${i}: ${actual[i]} and ${value}`).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)))
}

export const matrix = (flat: readonly number[], columns: number): Tensor => tensor.fromArray([flat.length / columns, columns], flat, 'float64')
export const row = (flat: readonly number[]): Tensor => tensor.of(flat, 'float64')
export const flat = (t: Tensor): readonly number[] => tensor.toArray(t)
export const readAs = (text: string): number => Number(text.replace('−', '-').replace(' %', ''))

/** Moves a slider by keys. */
export const press = async (control: Locator, key: string, times: number): Promise<void> => {
  await control.focus()
  for (let i = 0; i < times; i++) await control.press(key)
}
