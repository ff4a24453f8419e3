/**
 * A real browser on the built site.
 */
import type { AddressInfo } from 'node:net'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { serve } from '../serve.js'

/** Chromium, and the address of the site. */
export interface Site {
  readonly browser: Browser
  readonly url: string
  readonly close: () => Promise<void>
}

/** The site at a path, in a browser. */
export const openSite = async (path = '/'): Promise<Site> => {
  const server = await serve(0, path)
  const { port } = server.address() as AddressInfo // it listens on a port
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  })
  return {
    browser, url: `http://127.0.0.1:${port}${path.slice(0, -1)}`,
    close: async () => {
      await browser.close()
      server.closeAllConnections()
      server.close()
    }
  }
}

/** A page, and what went wrong in it. */
export interface Opened {
  readonly page: Page
  readonly problems: readonly string[]
}

/** A page with everything that went wrong in it: errors of the console, exceptions, failed requests, requests to anywhere else. */
export const openPage = async ({ browser, url }: Site, path: string, options: BrowserContextOptions = {}, before: (page: Page) => void = () => undefined): Promise<Opened> => {
  const context = await browser.newContext(options), page = await context.newPage(), problems: string[] = []
  page.on('console', message => { if (message.type() === 'error' || message.type() === 'warning') problems.push(`${message.type()}: ${message.text()}`) })
  page.on('pageerror', error => { problems.push(`exception: ${error.message}`) })
  page.on('response', response => { if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`) })
  page.on('requestfailed', request => { problems.push(`failed: ${request.url()}`) })
  page.on('request', request => { if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url)) problems.push(`elsewhere: ${request.url()}`) })
  before(page)
  await page.goto(url + path, { waitUntil: 'networkidle' })
  return { page, problems }
}

/** The addresses of all pages. */
export const addresses = (): readonly string[] => {
  const dist = fileURLToPath(new URL('../site/.vitepress/dist/', import.meta.url))
  return readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.html') && file !== '404.html').map(file => `/${file}`).sort()
}
