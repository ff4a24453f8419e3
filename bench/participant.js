/**
 * A participant in a process of its own, so that nobody's threads and memory disturb the others: reads one request for
 * each line and answers with one line. Started by `main.js`.
 */
import { createInterface } from 'node:readline'
import { answering } from './requests.js'

const [, , file, key] = process.argv
const participant = (await import(`./participants/${file}.js`))[key]
const say = value => { process.stdout.write(`${JSON.stringify(value)}\n`) }

const answer = answering(participant, () => process.resourceUsage().maxRSS / 1024)
say({ name: participant.name })
for await (const line of createInterface({ input: process.stdin })) say(await answer(JSON.parse(line)))
process.exit(0)
