/**
 * A participant in a page of headless Chromium, which is isolated from other origins, so that it may have threads.
 */
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

const codeOf = async (file, key) => {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { ${key} } from './participants/${file}.js'
        import { answering } from './requests.js'
        globalThis.participant = { name: ${key}.name, answer: answering(${key}, () => 0) }`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url))
    },
    bundle: true, format: 'esm', platform: 'browser', target: 'es2022', write: false, logLevel: 'error'
  })
  return outputFiles[0].text
}

/** Serves a page with one script. */
const serve = code => new Promise(resolve => {
  const server = createServer(({ url }, response) => {
    response.writeHead(200, { ...ISOLATED, 'Content-Type': url === '/code.js' ? 'text/javascript' : 'text/html' })
    response.end(url === '/code.js' ? code : '<!doctype html><title>bench</title><script type="module" src="/code.js"></script>')
  })
  server.listen(0, '127.0.0.1', () => { resolve(server) })
})

/** Starts a browser with the participant; `globals` are set before it is loaded. */
export const enterBrowser = async (file, key, globals) => {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}; CHROMIUM in the environment names another place`)
  const server = await serve(await codeOf(file, key)), browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
  const page = await (await browser.newContext()).newPage()
  await page.addInitScript(values => { Object.assign(globalThis, values) }, globals)
  await page.goto(`http://127.0.0.1:${server.address().port}/`)
  await page.waitForFunction(() => globalThis.participant !== undefined)
  const ask = async request => {
    const answer = await page.evaluate(asked => globalThis.participant.answer(asked), request)
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer
  }
  const leave = () => {
    void browser.close()
    server.closeAllConnections()
    server.close()
  }
  return { name: `${await page.evaluate(() => globalThis.participant.name)}, Chromium ${browser.version().split('.')[0]}`, ask, leave }
}
