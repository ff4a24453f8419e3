/**
 * Everybody side by side in one run: `npm run bench` in the folder above.
 */
import { cpus, platform, release } from 'node:os'
import { writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { gpt } from './shapes.js'

const ROUNDS = 7
const MINIMUM = 150 // milliseconds of one round
const NOISY = 0.25

const load = async (name, ...exports) => {
  try {
    const module = await import(`./participants/${name}.js`)
    return exports.map(key => module[key])
  } catch (error) {
    console.error(`${name} does not run here: ${error.message}`)
    return []
  }
}

const [pullback, twoWorkers, bareKernel, plain, withoutCache] = await load('pullback', 'pullback', 'twoWorkers', 'bareKernel', 'plain', 'withoutCache')
const peers = [...await load('tfjs', 'tfjs'), ...await load('jax', 'jax')]

const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))]

/** Milliseconds of one run, in several rounds that take turns with those of the others. */
const measure = async (participants, task) => {
  const entries = []
  for (const participant of participants) {
    if (participant?.[task.kind] === undefined) continue
    try {
      const made = participant[task.kind](task.size)
      const once = async rounds => {
        if (made.timed !== undefined) return made.timed(rounds)
        const began = performance.now()
        for (let i = 0; i < rounds; i++) await made.run()
        return performance.now() - began
      }
      for (let i = 0; i < 3; i++) await once(1)
      entries.push({ name: participant.name, made, once, repeats: Math.max(1, Math.ceil(MINIMUM / await once(1))), times: [] })
    } catch (error) {
      console.error(`${participant.name} cannot do ${task.title}: ${error.message}`)
    }
  }
  for (let round = 0; round < ROUNDS; round++)
    for (const entry of entries) entry.times.push(await entry.once(entry.repeats) / entry.repeats)
  for (const { made } of entries) await made.end?.()
  return entries.map(({ name, made, times }) => ({
    name, work: made.work ?? 1, milliseconds: median(times), spread: (quantile(times, 0.75) - quantile(times, 0.25)) / median(times)
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

print(`${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus()[0].model.trim()}, ${cpus().length} cores, ${platform()} ${release().split('-')[0]}`)
print(`TensorFlow.js ${version('@tensorflow/tfjs')}, jax-js ${version('@jax-js/jax')}; float32, median of ${ROUNDS} rounds that take turns`)
print('')
print('| | result | time relative to pullback | spread |')
print('|---|---|---|---|')
for (const task of tasks) {
  const results = await measure([pullback, twoWorkers, bareKernel, plain, withoutCache, ...peers], task)
  const ours = results.find(({ name }) => name === 'pullback')
  print(`| **${task.title}** | | | |`)
  for (const result of results)
    print(`| ${result.name} | ${task.show(result)} | ${(result.milliseconds / result.work / (ours.milliseconds / ours.work)).toFixed(2)} | ±${Math.round(50 * result.spread)} %${result.spread > NOISY ? ', too noisy to tell' : ''} |`)
}
await writeFile(new URL('./RESULTS.md', import.meta.url), `# Measurements\n\nWritten by \`npm run bench\`.\n\n${lines.join('\n')}\n`)
process.exit(0)
