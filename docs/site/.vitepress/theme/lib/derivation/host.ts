/**
 * The workers of laws as the page uses them. A host has one task at a time; a newer one takes the place of an older one. Code of a
 * reader that runs for too long is ended with its worker, and the next task finds another worker that is ready.
 */
import type { FromLaw, ToLaw } from './messages.js'

/**
 * Milliseconds that the code of a reader may run without an end, that a worker of such code may be quiet between its runs (the code may
 * have left something behind that never ends), and that a worker of laws may be silent about a new task.
 */
export const LONGEST = 2000, QUIET = 5000, SILENT = 400

/** More than any trial tells. */
const MOST_MESSAGES = 300_000

interface Worked {
  readonly worker: Worker
  readonly ready: Promise<void>
}

const spawn = (): Worked => {
  const worker = new Worker(new URL('../../workers/law.worker.ts', import.meta.url), { type: 'module' })
  return {
    worker,
    ready: new Promise((resolve, reject) => {
      worker.addEventListener('message', () => { resolve() }, { once: true })
      worker.addEventListener('error', event => { reject(new Error(event.message || 'The worker of laws could not be started.')) }, { once: true })
    })
  }
}

export type Task = ToLaw extends infer T ? (T extends ToLaw ? Omit<T, 'id'> : never) : never

export interface Host {
  /** Makes a worker ready. */
  readonly prepare: () => void
  /** Begins a task; the one before it is left. Resolves when it has ended, been left or been stopped. */
  readonly run: (task: Task, hear: (message: FromLaw) => void) => Promise<void>
  readonly stop: () => void
}

const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Laws and planted mistakes, which end. One worker stays; it is ended when it must be. */
const createLaws = (): Host => {
  let working: Worked | undefined, id = 0
  let busy: { readonly id: number, readonly end: () => void } | undefined
  const prepare = (): void => {
    working ??= spawn()
  }
  const replace = (): Worked => {
    working?.worker.terminate()
    return working = spawn()
  }
  const stop = (): void => {
    if (busy === undefined) return
    busy.end()
    replace()
  }
  const run = async (task: Task, hear: (message: FromLaw) => void): Promise<void> => {
    const mine = ++id
    busy?.end()
    await new Promise<void>(resolve => {
      let timer: ReturnType<typeof setTimeout> | undefined, mineWorker: Worked | undefined
      const end = (): void => {
        clearTimeout(timer)
        if (busy?.id === mine) busy = undefined
        mineWorker?.worker.removeEventListener('message', listen)
        resolve()
      }
      busy = { id: mine, end }
      const listen = ({ data }: MessageEvent<FromLaw>): void => {
        if (data.kind === 'ready' || data.id !== mine) return
        clearTimeout(timer)
        hear(data)
        if (data.kind === 'done') end()
      }
      const begin = (worked: Worked, canBeReplaced: boolean): void => {
        mineWorker = worked
        worked.ready.then(() => {
          if (busy?.id !== mine) return
          worked.worker.addEventListener('message', listen)
          worked.worker.postMessage({ ...task, id: mine })
          // A worker that does not answer is in an older task.
          if (canBeReplaced) timer = setTimeout(() => {
            worked.worker.removeEventListener('message', listen)
            begin(replace(), false)
          }, SILENT)
        }, (error: unknown) => {
          hear({ kind: 'problem', id: mine, text: sentenceOf(error) })
          hear({ kind: 'done', id: mine })
          end()
        })
      }
      begin(working ??= spawn(), true)
    })
  }
  return { prepare, run, stop }
}

/** Kept ready for the code of any step of the page. */
let spare: Worked | undefined

/**
 * Code of a reader, a host for each step. Every task has a worker of its own that is ended with it, since what the code changed or left
 * behind (a prototype, a timer) would reach the next one.
 */
export const createTrials = (): Host => {
  let id = 0, end: (() => void) | undefined
  const prepare = (): void => {
    spare ??= spawn()
  }
  const run = async (task: Task, hear: (message: FromLaw) => void): Promise<void> => {
    end?.()
    const mine = ++id, { worker, ready } = spare ?? spawn()
    spare = undefined
    await new Promise<void>(resolve => {
      let timer: ReturnType<typeof setTimeout> | undefined, open = true, messages = 0
      const finish = end = (): void => {
        open = false
        clearTimeout(timer)
        worker.terminate()
        if (end === finish) end = undefined
        resolve()
      }
      const problem = (text: string): void => {
        if (!open) return
        hear({ kind: 'problem', id: mine, text })
        finish()
      }
      /** The worker must speak again in time, whoever is at work in it. */
      const wait = (milliseconds: number): void => {
        clearTimeout(timer)
        timer = setTimeout(() => { problem(`Stopped after ${milliseconds / 1000} seconds. Is there a loop that never ends?`) }, milliseconds)
      }
      const listen = ({ data }: MessageEvent<FromLaw>): void => {
        if (!open || data.kind === 'ready' || data.id !== mine) return
        if (++messages > MOST_MESSAGES) {
          problem('Stopped: it speaks to the page without an end.')
          return
        }
        wait(data.kind === 'at' && data.reader ? LONGEST : QUIET)
        if (data.kind !== 'at') hear(data)
        if (data.kind === 'done') finish()
      }
      ready.then(() => {
        if (!open) return
        worker.addEventListener('message', listen)
        worker.postMessage({ ...task, id: mine })
        wait(QUIET)
        prepare()
      }, (error: unknown) => { problem(sentenceOf(error)) })
    })
  }
  return { prepare, run, stop: () => { end?.() } }
}

export const laws = createLaws()

export const freshSeed = (): number => Math.floor(Math.random() * 2 ** 31)
