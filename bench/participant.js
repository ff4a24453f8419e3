/**
 * A participant in a process of its own, so that nobody's threads and memory disturb the others: reads one request for
 * each line and answers with one line. Started by `main.js`.
 */
import { createInterface } from 'node:readline'

const [, , file, key] = process.argv
const participant = (await import(`./participants/${file}.js`))[key]
const answer = value => { process.stdout.write(`${JSON.stringify(value)}\n`) }

let made

/** Milliseconds of so many runs, after one that does not count: while the others had their turn, caches went cold. */
const timed = async rounds => {
  if (made.timed !== undefined) return made.timed(rounds)
  await made.run()
  const began = performance.now()
  for (let i = 0; i < rounds; i++) await made.run()
  return performance.now() - began
}

answer({ name: participant.name })
for await (const line of createInterface({ input: process.stdin })) {
  const { make, size, rounds, end } = JSON.parse(line)
  try {
    if (make !== undefined) {
      made = participant[make]?.(size)
      answer({ able: made !== undefined, work: made?.work ?? 1 })
    } else if (rounds !== undefined) answer({ milliseconds: await timed(rounds), peak: process.resourceUsage().maxRSS / 1024 })
    else if (end) {
      await made?.end?.()
      made = undefined
      answer({})
    }
  } catch (error) {
    answer({ error: `${error.name}: ${error.message}` })
  }
}
process.exit(0)
