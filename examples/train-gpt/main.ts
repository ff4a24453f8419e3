/**
 * Trains a small GPT and completes a sentence with it: `npm start`, or `npm start -- --help`.
 */
import './relaxed.js'

/** The library refuses to load where it is asked for kernels that there are not. */
const refusal = await import('pullback').then(() => undefined, (error: unknown) => error)
if (refusal === undefined) {
  const { run } = await import('./program.js')
  process.exitCode = await run(process.argv.slice(2))
} else {
  // The library's own ways to show foreign text are not there.
  const reason = refusal instanceof Error ? refusal.message : 'the library cannot be loaded'
  process.stderr.write(`error: ${reason.replace(/\p{C}/gu, '�').slice(0, 500)}\n`)
  process.exitCode = 1
}
