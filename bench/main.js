/**
 * Everybody side by side in one run: `npm run bench` in the folder above.
 */
import { cpus, platform, release } from 'node:os'
import { writeFile } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { gpt } from './shapes.js'

const ROUNDS = 15
const MINIMUM = 200 // milliseconds of one round
const NOISY = 0.25

/** Every participant may use relaxed SIMD, which later versions of Node have from the start. */
const NODE_FLAGS = process.versions.node.startsWith('20.') ? ['--experimental-wasm-relaxed-simd'] : []

/** Starts a participant; undefined where it does not run on this machine. */
const enter = async (command, ...args) => {
  const child = spawn(command, args, { cwd: fileURLToPath(new URL('.', import.meta.url)), stdio: ['pipe', 'pipe', 'ignore'] })
  child.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  // What is no answer, such as a message that a peer prints, is passed over.
  const next = async () => {
    for (let line = await lines.next(); !line.done; line = await lines.next())
      if (line.value.startsWith('{')) return JSON.parse(line.value)
    return undefined
  }
  const ask = async request => {
    child.stdin.write(`${JSON.stringify(request)}\n`)
    const answer = await next() ?? { error: 'it ended' }
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer
  }
  const first = await next()
  return first === undefined ? undefined : { name: first.name, ask, leave: () => child.kill() }
}

const script = (file, key) => enter(process.execPath, ...NODE_FLAGS, 'participant.js', file, key)
const ours = key => script('pullback', key)
const torch = await enter('python3', 'participants/pytorch.py') ?? await enter('/usr/bin/python3', 'participants/pytorch.py')
const participants = [
  await ours('pullback'), await ours('bareKernel'), await ours('plain'), await ours('withoutCache'),
  await script('tfjs', 'tfjs'), await script('jax', 'jax'), torch
].filter(participant => participant !== undefined)

const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))]

/** Milliseconds of one run, in several rounds that take turns with those of the others. */
const measure = async ({ kind, size, title }) => {
  const entries = []
  for (const { name, ask } of participants) {
    try {
      const { able, work } = await ask({ make: kind, size })
      if (!able) continue
      for (let i = 0; i < 3; i++) await ask({ rounds: 1 })
      const { milliseconds } = await ask({ rounds: 1 })
      entries.push({ name, ask, work, repeats: Math.max(1, Math.ceil(MINIMUM / milliseconds)), times: [] })
    } catch (error) {
      console.error(`${name} cannot do ${title}: ${error.message}`)
    }
  }
  for (let round = 0; round < ROUNDS; round++)
    for (const { ask, repeats, times } of entries) times.push((await ask({ rounds: repeats })).milliseconds / repeats)
  for (const { ask } of entries) await ask({ end: true })
  // On a machine with other tenants a round is fast or slow for everybody, so each is compared with ours of the same round.
  const ours = entries.find(({ name }) => name === 'pullback')
  return entries.map(({ name, work, times }) => ({
    name, work, milliseconds: median(times), ratio: median(times.map((time, round) => time / work / (ours.times[round] / ours.work))), spread: (quantile(times, 0.75) - quantile(times, 0.25)) / median(times)
  }))
}

const gflops = n => ({ milliseconds }) => `${(2 * n ** 3 / milliseconds / 1e6).toFixed(1)} GFLOP/s`
const perSecond = unit => ({ milliseconds, work }) => `${Math.round(work * 1000 / milliseconds)} ${unit}/s`
const milliseconds = ({ milliseconds: ms }) => `${ms.toFixed(1)} ms`

const tasks = [
  ...[256, 512, 1024].map(n => ({ kind: 'gemm', size: n, title: `matrix product ${n} × ${n} × ${n}`, show: gflops(n) })),
  { kind: 'step', title: `training step of a GPT (${gpt.layers} layers, width ${gpt.width}, context ${gpt.context}, batch ${gpt.batch}): forward, backward, AdamW`, show: milliseconds },
  { kind: 'generation', title: 'generation with that GPT, up to its context', show: perSecond('tokens') },
  { kind: 'mlp', title: 'training step of an MLP (784-128-64-10, batch 64), SGD', show: perSecond('steps') }
]

const lines = []
const print = line => { lines.push(line); console.log(line) }
const version = name => JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version

print(`${new Date().toISOString().slice(0, 10)}, Node ${[process.version, ...NODE_FLAGS].join(' ')}, ${cpus()[0].model.trim()}, ${cpus().length} cores, ${platform()} ${release().split('-')[0]}`)
print(`TensorFlow.js ${version('@tensorflow/tfjs')}, jax-js ${version('@jax-js/jax')}; float32, a process for each participant, medians of ${ROUNDS} rounds that take turns`)
print('')
print('| | result | time relative to pullback | spread |')
print('|---|---|---|---|')
for (const task of tasks) {
  const results = await measure(task)
  print(`| **${task.title}** | | | |`)
  for (const result of results)
    print(`| ${result.name} | ${task.show(result)} | ${result.ratio.toFixed(2)} | ±${Math.round(50 * result.spread)} %${result.spread > NOISY ? ', too noisy to tell' : ''} |`)
}
await writeFile(new URL('./RESULTS.md', import.meta.url), `# Measurements\n\nWritten by \`npm run bench\`.\n\n${lines.join('\n')}\n`)
for (const { leave } of participants) leave()
process.exit(0)
