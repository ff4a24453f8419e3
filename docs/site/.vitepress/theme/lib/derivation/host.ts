/**
 * The worker of laws as the page uses it. One task at a time; a newer one takes the place of an older one. Code of a reader that
 * runs for too long is ended with its worker, and the next task finds another worker that is ready.
 */
import type { FromLaw, ToLaw } from './messages.js'

/** Milliseconds that the code of a reader may run without an end, and that a worker may be silent about a new task. */
export const LONGEST = 2000, SILENT = 400

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

/** With a spare, a second worker is kept ready for when the first must be ended. */
export const createHost = (withSpare: boolean): Host => {
  let working: Worked | undefined, spare: Worked | undefined, id = 0
  let busy: { readonly id: number, readonly end: () => void } | undefined
  const prepare = (): void => {
    working ??= spawn()
  }
  const replace = (): void => {
    working?.worker.terminate()
    working = spare ?? spawn()
    spare = undefined
  }
  const stop = (): void => {
    if (busy === undefined) return
    busy.end()
    replace()
  }
  const run = async (task: Task, hear: (message: FromLaw) => void): Promise<void> => {
    const mine = ++id, wasBusy = busy !== undefined
    busy?.end()
    prepare()
    await new Promise<void>(resolve => {
      let timer: ReturnType<typeof setTimeout> | undefined, mineWorker: Worked | undefined
      const end = (): void => {
        clearTimeout(timer)
        if (busy?.id === mine) busy = undefined
        mineWorker?.worker.removeEventListener('message', listen)
        resolve()
      }
      busy = { id: mine, end }
      const problem = (text: string): void => {
        hear({ kind: 'problem', id: mine, text })
        hear({ kind: 'done', id: mine })
        end()
      }
      const tooLong = (): void => {
        replace()
        problem('Stopped after 2 seconds. Is there a loop that never ends?')
      }
      const listen = ({ data }: MessageEvent<FromLaw>): void => {
        if (data.kind === 'ready' || data.id !== mine) return
        clearTimeout(timer)
        if (data.kind === 'at') {
          if (data.reader) timer = setTimeout(tooLong, LONGEST)
          return
        }
        hear(data)
        if (data.kind === 'done') end()
      }
      const begin = (worked: Worked, canBeReplaced: boolean): void => {
        mineWorker = worked
        worked.ready.then(() => {
          if (busy?.id !== mine) return
          worked.worker.addEventListener('message', listen)
          worked.worker.postMessage({ ...task, id: mine })
          if (withSpare) spare ??= spawn()
          // A worker that does not answer is in the code of an older task.
          if (canBeReplaced) timer = setTimeout(() => {
            worked.worker.removeEventListener('message', listen)
            replace()
            if (working !== undefined) begin(working, false)
          }, SILENT)
        }, (error: unknown) => { problem(error instanceof Error ? error.message : String(error)) })
      }
      if (working !== undefined) begin(working, wasBusy)
    })
  }
  return { prepare, run, stop }
}

/** Laws and planted mistakes, which end. */
export const laws = createHost(false)

/** Code of readers. */
export const trials = createHost(true)

export const freshSeed = (): number => Math.floor(Math.random() * 2 ** 31)
