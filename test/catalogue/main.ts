/**
 * Runs all laws and prints a table: `npm run laws`, or `npm run laws -- --help`.
 */
import { Presets, SingleBar } from 'cli-progress'
import { Command, InvalidArgumentError } from 'commander'
import fc from 'fast-check'
import type { Law } from 'pullback/laws'
import { catalogue } from './index.js'

interface Row {
  readonly chapter: string
  readonly subject: string
  readonly law: string
  readonly runs: number
  /** The largest error found, and the largest that the law allows. */
  readonly worst: number
  readonly tolerance: number
  readonly seconds: number
  /** Why the law failed; nothing where it holds. */
  readonly failure?: string
}

const natural = (least: number) => (text: string): number => {
  const value = Number(text)
  if (!(Number.isSafeInteger(value) && value >= least)) throw new InvalidArgumentError(`Expected an integer of at least ${least}.`)
  return value
}

const program = new Command('npm run laws --')
  .description('Runs all laws of the library and prints a table.')
  .option('--runs <n>', 'cases for each law', natural(1), 100)
  .option('--seed <n>', 'the same seed gives the same cases', natural(0), Math.floor(Math.random() * 2 ** 31))
  .option('--only <text>', 'laws whose subject or name contains the text', '')
  .option('--json', 'the table as JSON', false)
  .allowExcessArguments(false)
  .parse()
const { runs, seed, only, json } = program.opts<{ runs: number, seed: number, only: string, json: boolean }>()

const chosen = Object.entries(catalogue).flatMap(([chapter, subjects]) => subjects.flatMap(({ subject, laws }) =>
  laws.map(law => ({ chapter, subject, law })))).filter(({ subject, law }) => `${subject} ${law.name}`.includes(only))

if (chosen.length === 0) {
  process.stderr.write(`error: no law has "${only}" in its subject or name\n`)
  process.exit(1)
}

const failureOf = (property: Law['property']): string | undefined => {
  const details = fc.check(property, { numRuns: runs, seed })
  return details.failed ? fc.defaultReportMessage(details) : undefined
}

const run = ({ chapter, subject, law }: (typeof chosen)[number]): Row => {
  const began = Date.now()
  let worst = 0, cases = 0
  const failure = failureOf(law.observed(error => {
    cases++
    if (!(error <= worst)) worst = error
  }))
  const row = { chapter, subject, law: law.name, runs: cases, worst, tolerance: law.tolerance, seconds: (Date.now() - began) / 1000 }
  return failure === undefined ? row : { ...row, failure }
}

const bar = new SingleBar({ format: '{bar} {value}/{total} | {subject}', stream: process.stderr, barsize: 24, hideCursor: true }, Presets.shades_classic)
const shown = process.stderr.isTTY
if (shown) bar.start(chosen.length, 0, { subject: '' })
const rows = chosen.map(entry => {
  const row = run(entry)
  if (shown) bar.increment({ subject: `${entry.subject}: ${entry.law.name}` })
  return row
})
if (shown) bar.stop()

const failed = rows.filter(({ failure }) => failure !== undefined)
if (json) process.stdout.write(`${JSON.stringify({ seed, runs, rows }, null, 2)}\n`)
else {
  const number = (x: number): string => (x === 0 ? 'exact' : x.toExponential(1))
  const table = [['subject', 'law', 'runs', 'worst error', 'tolerance', 'seconds'], ...rows.map(row =>
    [row.subject, row.failure === undefined ? row.law : `${row.law} FAILS`, String(row.runs), number(row.worst), number(row.tolerance), row.seconds.toFixed(2)])]
  const widths = table[0].map((_, column) => Math.max(...table.map(line => line[column].length)))
  for (const line of table) process.stdout.write(`${line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')}\n`)
  for (const { subject, law, failure } of failed) process.stdout.write(`\n${subject}: ${law}\n${failure ?? ''}\n`)
  const seconds = rows.reduce((total, row) => total + row.seconds, 0), cases = rows.reduce((total, row) => total + row.runs, 0)
  process.stdout.write(`\n${rows.length} laws, ${cases} cases, ${seconds.toFixed(1)} s (${Math.round(cases / Math.max(seconds, 1e-3))} cases/s), seed ${seed}\n${rows.length - failed.length} passed, ${failed.length} failed\n`)
}
process.exitCode = failed.length === 0 ? 0 : 1
