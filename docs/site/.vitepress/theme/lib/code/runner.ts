/**
 * Programs of readers, each in a worker of its own that is ended when it takes too long. The next worker is made ready in advance,
 * so that a program starts at once.
 */
import type { ToProgram } from './messages.js'
import { NOTHING, received } from './printed.js'

/** How a program ended. */
export type Ending = { readonly kind: 'done' } | { readonly kind: 'failed' | 'stopped', readonly text: string }

export interface Running {
  readonly ended: Promise<Ending>
  /** Ends it now. */
  readonly stop: () => void
}

/** Seconds that a program may take. */
export const SECONDS = 20

const spawn = (): Worker => new Worker(new URL('../../workers/program.worker.ts', import.meta.url), { type: 'module' })

let waiting: Worker | undefined

/** Makes a worker ready. */
export const prepare = (): void => { waiting ??= spawn() }

/** Runs a program; `onLine` hears what it prints. */
export const runProgram = (code: string, onLine: (text: string) => void): Running => {
  prepare()
  const worker = waiting
  waiting = undefined
  if (worker === undefined) throw new Error('a worker was just prepared')
  let end: (ending: Ending) => void = () => undefined, printed = NOTHING, open = true
  const ended = new Promise<Ending>(resolve => { end = resolve })
  const finish = (ending: Ending): void => {
    open = false
    clearTimeout(timer)
    worker.terminate()
    end(ending)
  }
  const timer = setTimeout(() => {
    finish({ kind: 'stopped', text: `Stopped after ${SECONDS} seconds. Is there a loop that never ends?` })
  }, SECONDS * 1000)
  worker.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (!open) return
    const next = received(printed, data), { message } = next
    printed = next.printed
    if (message.kind === 'line') onLine(message.text)
    else if (message.kind !== 'ready') finish(message)
  }
  worker.onerror = event => {
    event.preventDefault()
    finish({ kind: 'failed', text: event.message || 'The worker could not be started.' })
  }
  worker.postMessage({ code } satisfies ToProgram)
  prepare()
  return { ended, stop: () => { finish({ kind: 'stopped', text: 'Stopped.' }) } }
}
