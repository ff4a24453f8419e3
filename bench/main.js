/**
 * Everybody side by side: `npm run bench` in the folder above. `npm run bench -- --only step,gpt2-prompt` measures these rows again and
 * leaves all others as they are.
 */
import { cpus, loadavg, platform, release } from 'node:os'
import { readFile, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { participants } from './participants.js'
import { sizes } from './sizes.js'
import { tasks } from './tasks.js'

const ROUNDS = 15
const MINIMUM = 200 // milliseconds of one round
const NOISY = 0.25
const RESULTS = new URL('./RESULTS.md', import.meta.url)

const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))]

/** A participant of a row that is ready to be timed; undefined, with the reason said, if there is none. */
const enter = async (key, { kind, size, title, minimum = MINIMUM, warm = 3 }) => {
  let entered
  try {
    entered = await participants[key].enter()
    const { able, work } = await entered.ask({ make: kind, size })
    if (!able) throw new Error('it has no such function')
    for (let i = 0; i < warm; i++) await entered.ask({ rounds: 1 })
    const repeats = minimum === 0 ? 1 : Math.max(1, Math.ceil(minimum / (await entered.ask({ rounds: 1 })).milliseconds))
    return { ...entered, work, repeats, times: [], peaks: [] }
  } catch (error) {
    entered?.leave()
    console.error(`not available: ${participants[key].name}, ${title}: ${error.message}`)
    return undefined
  }
}

const round = async ({ ask, repeats, times, peaks }) => {
  const { milliseconds, peak } = await ask({ rounds: repeats })
  times.push(milliseconds / repeats)
  peaks.push(peak)
}

/** Everybody is there, and rounds take turns: on a machine with other tenants a round is fast or slow for all. */
const inTurns = async (task, rounds) => {
  const entries = []
  for (const key of task.by) entries.push(await enter(key, task))
  const there = entries.filter(entry => entry !== undefined)
  for (let i = 0; i < rounds; i++) for (const entry of there) await round(entry)
  for (const { leave } of there) leave()
  return there
}

/** One after another, for work of which the memory has room for one at a time. */
const alone = async (task, rounds) => {
  const entries = []
  for (const key of task.by) {
    const entry = await enter(key, task)
    if (entry === undefined) continue
    for (let i = 0; i < rounds; i++) await round(entry)
    entry.leave()
    entries.push(entry)
  }
  return entries
}

/** Milliseconds of one run, in several rounds. */
const measure = async task => {
  const entries = await (task.alone ? alone : inTurns)(task, task.rounds ?? ROUNDS)
  return entries.map(({ name, work, times, peaks }) => {
    const ratio = median(times.map((time, i) => time / work / (entries[0].times[i] / entries[0].work)))
    const spread = (quantile(times, 0.75) - quantile(times, 0.25)) / median(times)
    const result = task.show({ milliseconds: median(times), work, peak: Math.max(...peaks) })
    return `| ${name} | ${result} | ${ratio.toFixed(2)} | ±${Math.round(50 * spread)} %${spread > NOISY ? ', too noisy to tell' : ''} |`
  })
}

const rows = [...tasks.map(task => ({ ...task, measure: () => measure(task) })), ...sizes]

const refuse = sentence => {
  console.error(`error: ${sentence}`)
  process.exit(1)
}

const optionsOf = () => {
  try {
    return parseArgs({ options: { only: { type: 'string' } } }).values
  } catch (error) {
    return refuse(error.message)
  }
}

const { only } = optionsOf()
const wanted = only === undefined ? rows.map(({ id }) => id) : only.split(',')
const unknown = wanted.filter(id => !rows.some(row => row.id === id))
if (unknown.length > 0) refuse(`--only: expected some of ${rows.map(({ id }) => id).join(', ')}, got ${unknown.join(', ')}`)

const version = name => JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version
const load = () => loadavg()[0].toFixed(1)

/** The sections of the results, by the title behind `## `; what stands before them is the first. */
const sectionsOf = text => text.split(/^(?=## )/m).map(section => section.trimEnd())
const idOf = section => /^## ([\w-]+):/.exec(section)?.[1]

/** The results with one section in the place of the one before, or behind those of the rows before it. */
const replaced = (sections, section) => {
  const at = sections.findIndex(other => idOf(other) === idOf(section))
  if (at >= 0) return sections.with(at, section)
  const order = id => rows.findIndex(row => row.id === id)
  const before = sections.findIndex((other, i) => i > 0 && (idOf(other) === undefined || order(idOf(other)) > order(idOf(section))))
  return before < 0 ? [...sections, section] : sections.toSpliced(before, 0, section)
}

for (const row of rows.filter(({ id }) => wanted.includes(id))) {
  const began = load(), lines = await row.measure()
  if (lines.length === 0) continue
  const section = [
    `## ${row.id}: ${row.title}`, '',
    `${new Date().toISOString().slice(0, 16).replace('T', ' ')}, ${cpus()[0].model.trim()}, ${cpus().length} cores, load before and after ${began} and ${load()}, ${platform()} ${release().split('-')[0]}, Node ${process.version}, TensorFlow.js ${version('@tensorflow/tfjs')}, jax-js ${version('@jax-js/jax')}`, '',
    '| | result | time relative to the first | spread |', '|---|---|---|---|', ...lines
  ].join('\n')
  console.log(`${section}\n`)
  // After every row, so that one that fails, or an impatient person, leaves what was measured.
  await writeFile(RESULTS, `${replaced(sectionsOf(await readFile(RESULTS, 'utf8')), section).join('\n\n')}\n`)
}
process.exit(0)
