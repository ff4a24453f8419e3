/** Timers that are counted, so that a program is over when none is left. */
export interface Timers {
  readonly setTimeout: (callback: (...values: readonly unknown[]) => void, delay?: number, ...values: readonly unknown[]) => number
  readonly setInterval: (callback: (...values: readonly unknown[]) => void, delay?: number, ...values: readonly unknown[]) => number
  readonly clearTimeout: (id?: number) => void
  readonly clearInterval: (id?: number) => void
  /** Resolves when no timer is left, and what they began has had its turn. */
  readonly over: () => Promise<void>
}

export const createTimers = (): Timers => {
  const left = new Map<number, ReturnType<typeof setTimeout>>()
  let id = 0, waiting: () => void = () => undefined
  const remove = (which: number | undefined): void => {
    if (which === undefined) return
    clearTimeout(left.get(which))
    left.delete(which)
    waiting()
  }
  const timer = (again: boolean): Timers['setTimeout'] => (callback, delay = 0, ...values) => {
    const mine = ++id
    const start = (): void => {
      left.set(mine, setTimeout(() => {
        try { callback(...values) } finally {
          if (!again) remove(mine)
          else if (left.has(mine)) start()
        }
      }, delay))
    }
    start()
    return mine
  }
  const turn = (): Promise<void> => new Promise(resolve => { setTimeout(resolve, 0) })
  const over = async (): Promise<void> => {
    await turn()
    while (left.size > 0) {
      await new Promise<void>(resolve => { waiting = resolve })
      await turn()
    }
  }
  return { setTimeout: timer(false), setInterval: timer(true), clearTimeout: remove, clearInterval: remove, over }
}
