/**
 * How long importing the package takes, and how much a page loads that trains.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('..', import.meta.url))
const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

const importing = async node => {
  const code = `const began = performance.now(); await import(${JSON.stringify(`${root}dist/bundled/src/index.js`)}); process.stdout.write(String(performance.now() - began))`
  const times = []
  for (let i = 0; i < 15; i++) times.push(Number((await promisify(execFile)(node, ['--input-type=module', '--eval', code])).stdout))
  return `${median(times).toFixed(1)} ms, at least ${Math.min(...times).toFixed(1)}`
}

const PAGE = `import { adamW, crossEntropy, gpt, initGpt, initTraining, random, randomWindows, tensor, trainingRun } from 'pullback'
  globalThis.page = { adamW, crossEntropy, gpt, initGpt, initTraining, random, randomWindows, tensor, trainingRun }`

const page = async () => {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: root }, alias: { pullback: `${root}dist/src/index.js` }, bundle: true, minify: true, format: 'esm', platform: 'browser', write: false, logLevel: 'error'
  })
  return `${(gzipSync(outputFiles[0].contents, { level: 9 }).length / 1024).toFixed(1)} KB`
}

export const sizes = [
  { id: 'import', title: 'importing the package, kernels included', measure: async () => [`| Pullback, Node ${process.versions.node.split('.')[0]} | ${await importing(process.execPath)} | | |`] },
  { id: 'page', title: 'a page that trains a GPT, gzip', measure: async () => [`| Pullback | ${await page()} | | |`] }
]
